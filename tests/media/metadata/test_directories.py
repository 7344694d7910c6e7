"""The directory reader on blocks that are built here by the letter of TIFF 6.0."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.evidence.content import Content
from headwater.media.metadata.directories import (
    FIELDS_MOST,
    SIZES,
    Budget,
    DirectoryReader,
    Layout,
    Problems,
    decode_text,
    read_header,
)

CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
BIG_CODES = CODES | {16: "Q", 17: "q", 18: "Q"}
INTEGERS = {"B": (0, 255), "H": (0, 65535), "I": (0, 2**32 - 1), "b": (-128, 127)}
INTEGERS |= {"h": (-(2**15), 2**15 - 1), "i": (-(2**31), 2**31 - 1), "Q": (0, 2**64 - 1)}
INTEGERS |= {"q": (-(2**63), 2**63 - 1)}


@st.composite
def values(draw: st.DrawFn, big: bool) -> tuple[int, Any]:
    """A TIFF type and values of it, as the reader is to give them back."""
    codes = BIG_CODES if big else CODES
    kind = draw(st.sampled_from([*codes, 2, 5, 7, 10, 129]))
    if kind in (2, 129):
        return kind, draw(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
        )
    if kind == 7:
        return kind, draw(st.binary(max_size=300))
    if kind in (5, 10):
        low, high = INTEGERS["I" if kind == 5 else "i"]
        pair = st.tuples(st.integers(low, high), st.integers(low, high))
        return kind, tuple(draw(st.lists(pair, max_size=9)))
    if codes[kind] in "fd":
        single = st.floats(width=32, allow_nan=False, allow_infinity=False)
        numbers = single if codes[kind] == "f" else st.floats(-1e300, 1e300)
        return kind, tuple(draw(st.lists(numbers, max_size=9)))
    low, high = INTEGERS[codes[kind]]
    return kind, tuple(draw(st.lists(st.integers(low, high), max_size=20)))


def pack(order: str, kind: int, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode() + b"\0"
    if isinstance(value, bytes):
        return value
    if kind in (5, 10):
        code = "I" if kind == 5 else "i"
        return b"".join(struct.pack(order + 2 * code, *pair) for pair in value)
    return b"".join(struct.pack(order + BIG_CODES[kind], number) for number in value)


def build(order: str, big: bool, fields: dict[int, tuple[int, Any]], following: int = 0) -> bytes:
    """A block with one directory, its values behind it in shuffled order."""
    word, entry, inline = ("Q", "HHQ", 8) if big else ("I", "HHI", 4)
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    table = len(head) + struct.calcsize(order + ("Q" if big else "H"))
    place = table + len(fields) * (struct.calcsize(order + entry) + inline) + inline
    entries, apart = bytearray(), bytearray()
    for tag, (kind, value) in fields.items():
        raw = pack(order, kind, value)
        count = len(raw) // SIZES[kind]
        entries += struct.pack(order + entry, tag, kind, count)
        if len(raw) <= inline:
            entries += raw.ljust(inline, b"\0")
        else:
            entries += struct.pack(order + word, place + len(apart))
            apart += raw
    number = struct.pack(order + ("Q" if big else "H"), len(fields))
    return head + number + bytes(entries) + struct.pack(order + word, following) + bytes(apart)


def read(block: bytes) -> tuple[dict[int, Any], Problems, int]:
    problems = Problems()
    content = Content.from_bytes(block)
    header = read_header(content)
    assert header is not None
    layout, first = header
    directory, following = DirectoryReader(content, problems).read(first, layout, "IFD0")
    return directory, problems, following


@given(st.data(), st.sampled_from("<>"), st.booleans())
def test_gives_back_what_was_written(data: st.DataObject, order: str, big: bool) -> None:
    fields = data.draw(st.dictionaries(st.integers(1, 65535), values(big), max_size=12))
    following = data.draw(st.integers(0, 2**32 - 1))
    directory, problems, then = read(build(order, big, fields, following))
    assert not problems.listed()
    assert then == following
    assert set(directory) == set(fields)
    for tag, (kind, value) in fields.items():
        assert directory[tag].kind == kind
        expected = value.rstrip("\0") if isinstance(value, str) else value
        assert directory[tag].value == expected, (tag, kind)


@given(st.data(), st.sampled_from("<>"))
def test_a_block_that_is_cut_off_gives_what_is_whole(data: st.DataObject, order: str) -> None:
    fields = data.draw(
        st.dictionaries(st.integers(1, 65535), values(False), min_size=1, max_size=9)
    )
    whole = build(order, False, fields)
    cut = whole[: data.draw(st.integers(8, len(whole)))]
    directory, problems, _ = read(cut)
    before, _, _ = read(whole)
    for tag, entry in directory.items():
        if entry.note != "cut off":
            assert entry.value == before[tag].value
    if len(directory) < len(fields) or any(e.note == "cut off" for e in directory.values()):
        assert problems.listed()


@given(st.binary(max_size=2000), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]))
def test_noise_never_raises(noise: bytes, head: bytes) -> None:
    content = Content.from_bytes(head + noise)
    header = read_header(content)
    if header is not None:
        problems = Problems()
        directory, _ = DirectoryReader(content, problems).read(header[1], header[0], "IFD0")
        assert len(directory) <= 4096
        assert len(problems.listed()) <= 33


@given(st.integers(-(2**31), 2**31 - 1), st.integers(1, 2**31 - 1))
def test_rationals_stay_exact(numerator: int, denominator: int) -> None:
    directory, _, _ = read(build(">", False, {7: (10, ((numerator, denominator),))}))
    pair = directory[7].value[0]
    assert pair == (numerator, denominator)
    assert Fraction(*pair) == Fraction(numerator, denominator)


def test_faults_are_named() -> None:
    block = build("<", False, {1: (3, (5,)), 2: (3, (6,))})
    doubled = block.replace(struct.pack("<H", 2) + struct.pack("<HI", 3, 1), b"\1\0\3\0\1\0\0\0")
    _, problems, _ = read(doubled)
    assert problems.listed() == ("IFD0 has tag 0x0001 more than once",)
    unknown = bytearray(block)
    unknown[12:14] = b"\x63\0"
    directory, problems, _ = read(bytes(unknown))
    assert list(directory) == [2]
    assert problems.listed() == ("IFD0 tag 0x0001 has unknown type 99",)
    dangling = build("<", False, {1: (7, b"x" * 100)})[:-1]
    directory, problems, _ = read(dangling)
    assert directory[1].note == "cut off"
    assert "run outside the block" in problems.listed()[0]


def test_huge_counts_are_not_read() -> None:
    block = bytearray(build("<", False, {1: (7, b"x" * 100)}))
    block[14:18] = b"\xff\xff\xff\xff"
    directory, problems, _ = read(bytes(block))
    assert directory[1].size_bytes == 2**32 - 1
    assert len(directory[1].value) < 200
    assert problems.listed()


def test_the_budget_holds_over_directories() -> None:
    fields = dict.fromkeys(range(1, 2001), (7, b"y" * 3000))
    content = Content.from_bytes(build("<", False, fields))
    problems, budget = Problems(), Budget()
    reader = DirectoryReader(content, problems, budget)
    total = 0
    for _ in range(4):
        directory, _ = reader.read(8, Layout("<"), "IFD0")
        total += sum(len(entry.value) for entry in directory.values())
    assert budget.fields == 0
    assert total < 2 << 20
    assert f"more than {FIELDS_MOST} fields" in " ".join(problems.listed())


@pytest.mark.parametrize(
    ("raw", "text", "latin"),
    [
        (b"plain", "plain", False),
        ("Zürich".encode(), "Zürich", False),
        ("Zürich".encode("latin-1"), "Zürich", True),
        ("aé".encode()[:-1], "a", False),
    ],
)
def test_text_is_utf8_or_latin1(raw: bytes, text: str, latin: bool) -> None:
    assert decode_text(raw) == (text, latin)
