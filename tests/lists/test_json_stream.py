"""Elements of a document in chunks, against `json.loads` of the whole."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists import json_stream
from headwater.lists.contract import ListFault
from headwater.lists.json_stream import Beside, Elements, JsonStream, Place
from tests.lists.streams import Endless, ListBytes

PATHS = ("value[].Media[]", "value[]")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-16-be-marked")


class Pairs(list[tuple[str, Any]]):
    """The members of an object, duplicates included."""


def stored(text: str, encoding: str) -> bytes:
    if encoding == "utf-16-be-marked":
        return b"\xfe\xff" + text.encode("utf-16-be")
    return text.encode(encoding)


# What is read, flat: elements with path, numbers and value, and members beside them.
Found = list[tuple[str, tuple[int, ...], Any]]


def found_in(event: Elements | Beside) -> Found:
    if isinstance(event, Elements):
        return [
            (
                event.path,
                (*event.numbers[:-1], event.numbers[-1] + number),
                json.loads(event.text[start:stop], object_pairs_hook=Pairs),
            )
            for number, (start, stop) in enumerate(zip(event.starts, event.stops, strict=True))
        ]
    members = json.loads(event.text, object_pairs_hook=Pairs)
    return [(f"beside {event.path}", event.numbers, member) for member in members]


def read(
    data: bytes,
    *,
    paths: tuple[str, ...] = PATHS,
    chunk_bytes: int = 1 << 20,
    at_once: int | None = None,
    place: Place | None = None,
    pipe: bool = False,
) -> Found:
    stream = ListBytes(data, at_once=at_once, pipe=pipe)
    return [
        each
        for event in JsonStream(stream, paths, place, chunk_bytes=chunk_bytes)
        for each in found_in(event)
    ]


def until_fault(data: bytes, chunk_bytes: int) -> tuple[Found, ListFault]:
    """What is given before the fault, and the fault."""
    found: Found = []
    try:
        for event in JsonStream(ListBytes(data), PATHS, chunk_bytes=chunk_bytes):
            found += found_in(event)
    except ListFault as fault:
        return found, fault
    pytest.fail("nothing is wrong")


def twin(document: Any) -> Found:
    """What ("value[].Media[]", "value[]") name in a document, by walking all of it."""
    found: Found = []
    for key, value in document:
        if key.lower() != "value" or not isinstance(value, list) or isinstance(value, Pairs):
            found.append(("beside ", (0,), (key, value)))
            continue
        for number, element in enumerate(value):
            inner = [
                isinstance(media, list) and not isinstance(media, Pairs) and name.lower() == "media"
                for name, media in (element if isinstance(element, Pairs) else [])
            ]
            if not any(inner):
                found.append(("value[]", (0, number), element))
                continue
            for (name, media), is_array in zip(element, inner, strict=True):
                if not is_array:
                    found.append(("beside value[]", (0, number), (name, media)))
                else:
                    found += [
                        ("value[].Media[]", (0, number, place), entry)
                        for place, entry in enumerate(media)
                    ]
    return found


KEYS = st.sampled_from(["value", "Value", "Media", "MEDIA", "a", "", "mEdi", '"', "\\", "ü"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "}", '"', "\\", "],[", "ü𝄞"])
)


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(KEYS, values), max_size=4).map(Pairs)


ANY: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | objects(inner), max_leaves=8
)
CASES = objects(ANY | st.lists(ANY, max_size=3))
DOCUMENTS = st.tuples(objects(ANY), st.lists(ANY | CASES, max_size=4), objects(ANY)).map(
    lambda parts: Pairs([*parts[0], ("value", parts[1]), *parts[2]])
)


def dumped(value: Any, space: str, escaped: bool) -> str:
    """JSON of a value with its duplicate keys, spaced, with keys escaped throughout or not."""
    if isinstance(value, Pairs):
        members = (
            f"{space}{_key(key, escaped)}{space}:{space}{dumped(inner, space, escaped)}{space}"
            for key, inner in value
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        inner = ",".join(f"{space}{dumped(each, space, escaped)}{space}" for each in value)
        return f"[{inner}]"
    return json.dumps(value, ensure_ascii=escaped)


def _key(key: str, escaped: bool) -> str:
    if escaped:
        return '"' + "".join(f"\\u{ord(character):04X}" for character in key) + '"'
    return json.dumps(key, ensure_ascii=False)


@settings(max_examples=150, deadline=None)
@given(
    DOCUMENTS,
    st.sampled_from(["", " ", "\r\n\t "]),
    st.booleans(),
    st.sampled_from(ENCODINGS),
    st.integers(1, 64),
    st.integers(1, 64),
)
def test_finds_what_a_parser_finds_whatever_the_chunks(
    document: Pairs, space: str, escaped: bool, encoding: str, chunk_bytes: int, at_once: int
) -> None:
    data = stored(dumped(document, space, escaped) + space, encoding)
    expected = twin(document)
    assert read(data) == expected
    assert read(data, chunk_bytes=chunk_bytes, at_once=at_once, pipe=True) == expected


SMALL = (
    '{"@odata.context":"x","value":[{"CaseID":"1","Media":[{"MD5":"a"},{"MD5":"\\"}]","x":[{}]}],'
    '"after":[1]}, {"MD5":"c𝄞ü"}\n, null,-1.5e3 ,"s",[[]],{"media":[],"Media":[7,{}],"M":1}], '
    '"tail":true} \n'
)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_chunk_size_gives_the_same(encoding: str) -> None:
    data = stored(SMALL, encoding)
    expected = twin(json.loads(SMALL, object_pairs_hook=Pairs))
    for chunk_bytes in range(1, len(data) + 2):
        assert read(data, chunk_bytes=chunk_bytes) == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("pipe", [False, True])
def test_goes_on_at_every_place(encoding: str, pipe: bool) -> None:
    data = stored(SMALL, encoding)
    expected = twin(json.loads(SMALL, object_pairs_hook=Pairs))
    places = 0
    for chunk_bytes in (1, 7, 1000):
        before: Found = []
        split = JsonStream(ListBytes(data), PATHS, chunk_bytes=chunk_bytes)
        for event in split:
            before += found_in(event)
            after = read(data, place=split.place(), chunk_bytes=13, pipe=pipe)
            assert before + after == expected
            places += 1
    assert places > 20


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.sampled_from(ENCODINGS), st.integers(1, 40))
def test_goes_on_at_every_place_of_any_document(
    document: Pairs, encoding: str, chunk_bytes: int
) -> None:
    data = stored(dumped(document, " ", escaped=False), encoding)
    expected = twin(document)
    before: Found = []
    split = JsonStream(ListBytes(data), PATHS, chunk_bytes=chunk_bytes)
    for event in split:
        before += found_in(event)
        assert before + read(data, place=split.place()) == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_offsets_are_those_of_the_file(encoding: str) -> None:
    data = stored(SMALL, encoding)
    codec = (
        "utf-8"
        if encoding.startswith("utf-8")
        else "utf-16-" + ("be" if "be" in encoding else "le")
    )
    checked = 0
    for chunk_bytes in (1, 11, 1000):
        for event in JsonStream(ListBytes(data), PATHS, chunk_bytes=chunk_bytes):
            if isinstance(event, Elements):
                for start, stop, offset in zip(
                    event.starts, event.stops, event.offsets_bytes, strict=True
                ):
                    wanted = event.text[start:stop].decode().encode(codec)
                    assert data[offset : offset + len(wanted)] == wanted
                    checked += 1
            elif len(event.text) > 2:
                wanted = event.text[1:-1].decode().encode(codec)
                offset = event.offset_bytes
                assert data[offset : offset + len(wanted)] == wanted
                checked += 1
    assert checked > 20


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_cut_off_at_every_byte_gives_what_came_before_and_says_where(encoding: str) -> None:
    data = stored(SMALL.rstrip(), encoding)
    expected = twin(json.loads(SMALL, object_pairs_hook=Pairs))
    for size in range(len(data)):
        for chunk_bytes in (5, 1000):
            found, fault = until_fault(data[:size], chunk_bytes)
            assert found == expected[: len(found)]
            assert fault.spot is not None
            if size > 4:
                assert fault.spot.offset_bytes == size
                assert "truncated" in str(fault)


@pytest.mark.parametrize(
    ("data", "offset", "words"),
    [
        (b"", 0, "empty"),
        (b"   ", 3, "truncated"),
        (b"<html>", 0, "unexpected"),
        (b'{"value":[]}}', 12, "behind the end"),
        (b'{"value":[]} {}', 13, "behind the end"),
        (b'{"value":[{}]\x00}', 13, "unexpected"),
        (b'{"value":[{} {}]}', 13, "unexpected"),
        (b'{"value":[{},]}', 13, "unexpected"),
        (b'{"value":[,]}', 10, "unexpected"),
        (b'{"value":[{}}', 12, "unexpected"),
        (b'{"value":[{"a":]}]}', 15, "unexpected"),
        (b'{"value":[{}],,"a":1}', 14, "unexpected"),
        (b'{"value":[{}] "a":1}', 14, "unexpected"),
        (b'{"value":[{}],}', 14, "unexpected"),
        (b'{"a":nul,"value":[{}]}', 5, "unexpected"),
        (b'{"a":1 "value":[{}]}', 7, "unexpected"),
        (b'{"a":1,"value" [{}]}', 20, None),
        (b'{,"value":[{}]}', 1, "unexpected"),
        (b'{"value":[nul"]}', 13, "unexpected"),
        (b'{"value":{"Media":[]}}', None, "no array"),
        (b'{"value":null}', None, "no array"),
        (b"[]", None, "no array"),
        (b"12", None, "no array"),
        (b"\xff\xfe\x00\x00{\x00\x00\x00", 0, "UTF-32"),
        (b"{\x00\x00\x00", 0, "UTF-32"),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 3, 1000])
def test_what_is_wrong_is_told_with_its_place(
    data: bytes, offset: int | None, words: str | None, chunk_bytes: int
) -> None:
    with pytest.raises(ListFault) as raised:
        read(data, chunk_bytes=chunk_bytes)
    if words is not None:
        assert words in str(raised.value)
        assert (raised.value.spot.offset_bytes if raised.value.spot else None) == offset


def test_brackets_that_do_not_match_are_found_inside_elements() -> None:
    with pytest.raises(ListFault) as raised:
        read(b'{"value":[{"a":[1}, {}]}')
    assert raised.value.spot is not None
    assert raised.value.spot.offset_bytes == 17


def test_levels_have_a_ceiling() -> None:
    outer, levels = b'{"value":[', json_stream.DEEPEST - 2
    fits = outer + b"[" * levels + b"]" * levels + b"]}"
    assert len(read(fits)) == 1
    with pytest.raises(ListFault, match="inside each other") as raised:
        read(outer + b"[" * (levels + 1))
    assert raised.value.spot is not None
    assert raised.value.spot.offset_bytes == len(outer) + levels


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b'{"value":[{"a":"', b"a"),
        (b'{"value":[{"a":"', b"\\\\"),
        (b'{"value":[[', b"[],"),
        (b'{"value":[', b"1"),
        (b'{"', b"a"),
        (b'{"a":[', b"1,"),
        (b'{"value":[{}],"a":', b" "),
        (b"\xff\xfe{\0", b"a\0"),
    ],
)
def test_one_endless_line_ends_at_a_ceiling(begin: bytes, piece: bytes) -> None:
    stream = Endless(begin, piece, 5 * json_stream.ELEMENT_BYTES)
    with pytest.raises(ListFault, match="exceeds 16 MiB"):
        deque(JsonStream(stream, PATHS), maxlen=0)


def test_space_and_small_elements_without_end_take_no_memory() -> None:
    for piece in (b" " * 4096, b'{"a":[1,2,3,4,5,6,7,8,9]},'):
        stream = Endless(b'{"value":[', piece, 1 << 40)
        tracemalloc.start()
        try:
            with pytest.raises(OverflowError):
                deque(JsonStream(_Ending(stream, 24 << 20), PATHS), maxlen=0)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()


class _Ending:
    """A pipe that fails after so many bytes."""

    size_bytes: int | None = None
    seekable = False

    def __init__(self, stream: Endless, most_bytes: int) -> None:
        self._stream = stream
        self._most_bytes = most_bytes

    def read(self, size_bytes: int) -> bytes:
        if self._stream.given_bytes > self._most_bytes:
            raise OverflowError
        return self._stream.read(size_bytes)

    def seek(self, offset_bytes: int) -> None:
        self._stream.seek(offset_bytes)

    def tell(self) -> int:
        return self._stream.tell()


def test_a_large_element_fits_and_a_larger_one_does_not() -> None:
    fits = b'"' + b"a" * (json_stream.ELEMENT_BYTES - 2) + b'"'
    for chunk_bytes in (1 << 16, 64 << 20):
        assert len(read(b'{"value":[1,' + fits + b",2]}", chunk_bytes=chunk_bytes)) == 3
        found, fault = until_fault(b'{"value":[1,"' + fits[1:-1] + b'a",2]}', chunk_bytes)
        assert "exceeds" in str(fault)
        assert fault.spot is not None
        assert fault.spot.offset_bytes == 12
        assert [value for _, _, value in found] == [1]


@pytest.mark.parametrize(
    ("paths", "document", "expected"),
    [
        (("data[]",), {"data": [1, {"id": 2}], "paging": {"next": 3}}, [1, {"id": 2}]),
        (("hashRecords[]",), {"nextPageToken": "t", "hashRecords": [{}]}, [{}]),
        (("[]",), [{"a": []}, 2], [{"a": []}, 2]),
        (("[].b[]",), [{"a": 1, "b": [5]}, {"c": 1}, {"b": [6]}], [5, 6]),
        (("a[]", "b[]"), {"b": [1], "a": [2]}, [1, 2]),
    ],
)
def test_other_paths(paths: tuple[str, ...], document: Any, expected: list[Any]) -> None:
    data = json.dumps(document).encode()
    for chunk_bytes in (1, 1000):
        events = JsonStream(ListBytes(data), paths, chunk_bytes=chunk_bytes)
        found = [
            json.loads(event.text[start:stop])
            for event in events
            if isinstance(event, Elements)
            for start, stop in zip(event.starts, event.stops, strict=True)
        ]
        assert found == expected


@pytest.mark.parametrize("path", ["value", "a.b[]", "a[].[]", "ü[]"])
def test_a_path_must_be_one_of_arrays(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|array"):
        JsonStream(ListBytes(b"{}"), [path])


@pytest.mark.parametrize(
    "place",
    [
        Place(3, "utf-8", "other[]", (0, 1)),
        Place(3, "utf-8", "value[]", (0,)),
        Place(3, "utf-8", "value[]", (0, -1)),
    ],
)
def test_a_place_of_another_list_is_refused(place: Place) -> None:
    with pytest.raises(ListFault, match="place"):
        read(b'{"value":[1]}', place=place)


def test_a_place_behind_the_end_is_a_fault() -> None:
    for pipe in (False, True):
        with pytest.raises(ListFault):
            read(b'{"value":[1]}', place=Place(99, "utf-8", "value[]", (0, 1)), pipe=pipe)


def test_errors_name_no_value() -> None:
    secret = "5EC4E7"
    for text in (f'{{"value":[{{"{secret}":[}}]}}', f'{{"{secret}":}}', f'{{"a":"{secret}'):
        with pytest.raises(ListFault) as raised:
            read(text.encode())
        assert secret not in str(raised.value)


def test_importing_loads_no_array_library() -> None:
    script = (
        "import sys, headwater.lists.json_stream, headwater.lists.vics.repair\n"
        "print({'numpy', 'numba'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
