"""Lines of text in all encodings, with their exact places."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists.contract import ListFault
from headwater.lists.lines import BLOCK_BYTES, LINE_BYTES, LineBlock, LinePlace, Lines
from headwater.lists.text_encoding import encoding_of
from tests.lists.reading import BytesStream, EndlessStream

ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
}


def stored(text: str, encoding: str) -> bytes:
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    return ENCODINGS[encoding] + text.encode(plain)


def blocks(data: bytes, piece_bytes: int | None = None) -> list[LineBlock]:
    return list(Lines(BytesStream(data, piece_bytes=piece_bytes)).blocks())


line_texts = st.lists(
    st.text(st.characters(exclude_characters="\n\r\ufeff\0", exclude_categories=["Cs"]), max_size=9)
)


@settings(deadline=None)
@given(line_texts, st.sampled_from(list(ENCODINGS)), st.sampled_from(("\n", "\r\n")), st.booleans())
def test_every_line_is_given_with_its_place(
    lines: list[str], encoding: str, end: str, ended: bool
) -> None:
    text = end.join(lines) + (end if ended else "")
    data = stored(text, encoding)
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    wanted = [line.removesuffix("\r") for line in text.split("\n")]
    if not wanted[-1]:
        wanted.pop()
    if not text:
        with pytest.raises(ListFault, match="empty at byte 0"):
            blocks(data, 7)
        return
    found: list[str] = []
    for block in blocks(data, 7):
        for index, (line, offset) in enumerate(zip(block.texts, block.offsets, strict=True)):
            assert block.first_line + index == len(found) + 1
            spelled = line.encode(plain)
            assert data[offset : offset + len(spelled)] == spelled
            found.append(line)
    assert found == wanted


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_reading_goes_on_at_any_block_with_the_same_blocks(encoding: str) -> None:
    text = "".join(f"{'ä' * (number % 90)}{number}\r\n" for number in range(20_000))
    whole = blocks(stored(text, encoding))
    assert len(whole) > 5
    for index, block in enumerate(whole[:-1]):
        rest = list(Lines(BytesStream(stored(text, encoding)), block.after).blocks())
        assert rest == whole[index + 1 :]
    piped = blocks(stored(text, encoding), 1000)
    assert piped == whole


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("ab\r\n".encode("utf-16-le"), ("utf-16-le", 0)),
        ("ab\r\n".encode("utf-16-be"), ("utf-16-be", 0)),
        (b"ab", ("utf-8", 0)),
        (b"", ("utf-8", 0)),
    ],
)
def test_utf_16_without_a_mark_is_known_by_its_zero_bytes(
    head: bytes, found: tuple[str, int]
) -> None:
    assert encoding_of(head) == found


@pytest.mark.parametrize(
    "head",
    [
        b"abcd\0fgh",
        b"\0\0\0a",
        b"a\0\0\0b\0\0\0",
        "ab".encode("utf-32"),
        "é".encode("utf-16-le") + b"x\0",
        b"SQLite format 3\0",
    ],
)
def test_what_is_not_surely_text_is_refused(head: bytes) -> None:
    with pytest.raises(ListFault, match="UTF-8"):
        encoding_of(head)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_the_longest_line_is_read_and_a_longer_one_is_a_fault(encoding: str) -> None:
    width = 1 if encoding == "utf-8" else 2
    mark = len(ENCODINGS[encoding])
    longest = "x" * (LINE_BYTES // width)
    for end in ("", "\n", "\nz"):
        data = stored("first\n" + longest + end, encoding)
        assert [len(line) for block in blocks(data) for line in block.texts][1] == len(longest)
        with pytest.raises(ListFault, match="a line is longer than 1 MiB at line 2") as caught:
            blocks(stored("first\n" + longest + "x" + end, encoding))
        assert caught.value.spot is not None
        assert caught.value.spot.offset_bytes == mark + 6 * width


def test_a_line_of_four_gigabytes_from_a_pipe_costs_bounded_memory() -> None:
    stream = EndlessStream(b"a", 4 << 30, first=b"one\ntwo\n")
    tracemalloc.start()
    given_texts: list[str] = []
    found = Lines(stream).blocks()
    with pytest.raises(ListFault, match="longer than 1 MiB at line 3") as caught:
        given_texts.extend(text for block in found for text in block.texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.spot is not None
    assert caught.value.spot.offset_bytes == 8
    assert given_texts == ["one", "two"]
    assert stream.taken <= LINE_BYTES + 2 * BLOCK_BYTES
    assert peak < 16 << 20


def test_bytes_that_are_no_utf_8_are_a_fault_after_the_lines_before() -> None:
    lines = Lines(BytesStream(b"one\ntwo\nth\xff\nfour\n")).blocks()
    assert next(lines).texts == ["one", "two"]
    with pytest.raises(ListFault, match=r"not UTF-8 throughout.* at line 3") as caught:
        next(lines)
    assert caught.value.spot is not None
    assert caught.value.spot.offset_bytes == 10


def test_a_file_that_ends_in_a_character_is_truncated() -> None:
    for data in (
        b"a\nb\xc3",
        "ab\ncd".encode("utf-16-le")[:-1],
        "\ufeffa😀".encode("utf-16-le")[:-2],
    ):
        with pytest.raises(ListFault, match="inside a character and is truncated"):
            blocks(data)


def test_lenient_reading_keeps_places_where_names_are_in_any_encoding() -> None:
    data = b"\xe9t\xe9\nnext\n"
    (block,) = Lines(BytesStream(data), lenient=True).blocks()
    assert block.texts[1] == "next"
    assert block.offsets == [0, 4]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64), st.sampled_from(list(ENCODINGS.values())))
def test_any_bytes_are_lines_or_a_fault(data: bytes, mark: bytes) -> None:
    try:
        found = blocks(mark + data)
    except ListFault as fault:
        assert fault.spot is not None
        return
    assert sum(len(block.texts) for block in found) <= len(data)


def test_a_place_behind_the_file_is_a_fault() -> None:
    place = LinePlace(100, 7, "utf-8")
    with pytest.raises(ListFault, match="ends before the place"):
        list(Lines(BytesStream(b"abc", piece_bytes=2), place).blocks())
