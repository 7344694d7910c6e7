"""Groups of directories: names, loops, maker notes in their makers' layouts."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.evidence.content import BytesSource, Content
from headwater.media.metadata.exif_tree import ExifTree, read_exif
from headwater.media.metadata.segments import ExifBlock
from headwater.media.pictures.tiff import Tiff

SHORT, LONG, ASCII, UNDEFINED = 3, 4, 2, 7


def directory(fields: list[tuple[int, int, int, bytes]], following: int = 0) -> bytes:
    """Fields as (tag, type, count, four bytes), little-endian."""
    body = b"".join(struct.pack("<HHI", t, k, n) + v.ljust(4, b"\0") for t, k, n, v in fields)
    return struct.pack("<H", len(fields)) + body + struct.pack("<I", following)


def number(value: int) -> bytes:
    return struct.pack("<I", value)


def tree_of(block: bytes) -> ExifTree:
    return read_exif([ExifBlock(Content.from_bytes(block), 0, "test")])


HEAD = b"II*\0\x08\0\0\0"


def test_groups_get_their_names() -> None:
    """IFD0 with Exif (with Interop), GPS and two sub-directories, then IFD1."""
    width = [(0x0100, SHORT, 1, number(7))]
    at = {name: 200 + 100 * index for index, name in enumerate(("exif", "gps", "sub", "one"))}
    pointers = [
        (0x014A, LONG, 1, number(at["sub"])),
        (0x8769, LONG, 1, number(at["exif"])),
        (0x8825, LONG, 1, number(at["gps"])),
    ]
    block = bytearray((HEAD + directory(pointers, at["one"])).ljust(1000, b"\0"))
    for name, fields in (
        ("exif", [(0xA005, LONG, 1, number(700))]),
        ("gps", [(0x0000, 1, 4, b"\x02\x03\0\0")]),
        ("sub", width),
        ("one", width),
    ):
        raw = directory(fields)
        block[at[name] : at[name] + len(raw)] = raw
    raw = directory([(0x0001, ASCII, 4, b"R98\0")])
    block[700 : 700 + len(raw)] = raw
    tree = tree_of(bytes(block))
    assert set(tree.groups) == {"IFD0", "IFD1", "SubIFD0", "Exif", "GPS", "Interop"}
    assert tree.text("Interop", 1) == "R98"
    assert tree.integer("SubIFD0", 0x0100) == 7
    assert tree.problems.listed() == ()


def test_loops_end_and_are_told() -> None:
    tree = tree_of(HEAD + directory([(0x8769, LONG, 1, number(8))], 8))
    assert set(tree.groups) == {"IFD0"}
    told = " ".join(tree.problems.listed())
    assert "IFD1 points at the directory already read as IFD0" in told
    assert "Exif points at the directory already read as IFD0" in told


@given(st.lists(st.integers(0, 600), min_size=40, max_size=40), st.binary(max_size=400))
def test_any_web_of_pointers_ends(targets: list[int], noise: bytes) -> None:
    tags = (0x8769, 0x8825, 0xA005, 0x014A)
    parts = [HEAD]
    for first in range(0, 40, 5):
        fields = [(tags[i % 4], LONG, 1, number(targets[first + i])) for i in range(4)]
        parts.append(directory(fields, targets[first + 4]))
    tree = tree_of(b"".join(parts) + noise)
    assert len(tree.groups) <= 100
    assert len(tree.problems.listed()) <= 33


SLONG = 9


@pytest.mark.parametrize("tag", [0x8769, 0x8825, 0x014A])
def test_nothing_before_the_block_is_read(tag: int) -> None:
    """A pointer of signed numbers must not lead into the bytes of the item that lies before."""
    before = directory([(0x010F, ASCII, 4, b"No!\0")])
    block = HEAD + directory([(tag, SLONG, 1, struct.pack("<i", -len(before)))])
    window = Content(BytesSource(before + block), len(before), len(block))
    tree = read_exif([ExifBlock(window, 0, "test")])
    assert set(tree.groups) == {"IFD0"}
    assert any("outside the block" in reason for reason in tree.problems.listed())
    tiff = Tiff(window)
    assert list(tiff.children(tiff.directory(8)[0])) == []


def with_note(make: bytes, note: bytes, *, moved: int = 0) -> bytes:
    """A block whose Exif directory holds a maker note at offset 200 + `moved`."""
    exif_at, note_at = 100, 200 + moved
    first = [(0x010F, ASCII, len(make), number(70)), (0x8769, LONG, 1, number(exif_at))]
    block = bytearray((HEAD + directory(first)).ljust(note_at, b"\0"))
    block[70 : 70 + len(make)] = make
    raw = directory([(0x927C, UNDEFINED, len(note), number(note_at))])
    block[exif_at : exif_at + len(raw)] = raw
    return bytes(block) + note


TEXT = b"EF-X 23mm serial 0042\0"


def note_fields(tag: int, base: int, directory_at: int, order: str = "<") -> bytes:
    """A directory of one text field whose text follows it; offsets count from `base`."""
    entry = struct.pack(order + "HHHII", 1, tag, ASCII, len(TEXT), directory_at + 18 - base)
    return entry + struct.pack(order + "I", 0) + TEXT


@pytest.mark.parametrize(
    ("make", "head", "base", "order", "tag", "name"),
    [
        (b"Canon\0", b"", 0, "<", 0x0007, "FirmwareVersion"),
        (
            b"NIKON CORPORATION\0",
            b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0",
            210,
            "<",
            0x001D,
            "SerialNumber",
        ),
        (
            b"NIKON CORPORATION\0",
            b"Nikon\0\x02\x10\0\0MM\0*\0\0\0\x08",
            210,
            ">",
            0x001D,
            "SerialNumber",
        ),
        (b"FUJIFILM\0", b"FUJIFILM\x0c\0\0\0", 200, "<", 0x0010, "InternalSerialNumber"),
        (b"Apple\0", b"Apple iOS\0\0\x01MM", 200, ">", 0x0015, "ImageUniqueID"),
        (b"OLYMPUS\0", b"OLYMP\0\x01\0", 0, "<", 0x0404, "SerialNumber"),
        (b"OM Digital Solutions\0", b"OLYMPUS\0II\x03\0", 200, "<", 0x0404, "SerialNumber"),
        (b"Panasonic\0", b"Panasonic\0\0\0", 0, "<", 0x0025, "InternalSerialNumber"),
        (b"SONY\0", b"SONY DSC \0\0\0", 0, "<", 0x2031, "SerialNumber"),
        (b"PENTAX\0", b"AOC\0II", 0, "<", 0x0229, "SerialNumber"),
    ],
)
def test_maker_notes_are_read_in_their_layouts(
    make: bytes, head: bytes, base: int, order: str, tag: int, name: str
) -> None:
    note = head + note_fields(tag, base, 200 + len(head), order)
    tree = tree_of(with_note(make, note))
    assert tree.maker is not None
    assert tree.text("MakerNote", tag) == TEXT.rstrip(b"\0").decode()
    assert tree.maker.names["MakerNote"][tag] == name
    assert tree.problems.listed() == ()
    assert tree.maker_place is not None
    assert (tree.maker_place.offset_bytes, tree.maker_place.size_bytes) == (200, len(note))


@pytest.mark.parametrize("moved", [-30, 12, 400])
def test_a_moved_canon_note_is_told_and_read(moved: int) -> None:
    """Its end says where it was written: at 200, while it lies `moved` bytes further on."""
    note = note_fields(0x0007, 0, 200) + b"II*\0" + number(200)
    tree = tree_of(with_note(b"Canon\0", note, moved=moved))
    assert tree.text("MakerNote", 0x0007) == TEXT.rstrip(b"\0").decode()
    assert f"offsets are off by {moved} bytes" in " ".join(tree.problems.listed())


def test_unknown_notes_are_left_alone() -> None:
    tree = tree_of(with_note(b"Nobody\0", b"\x99 no directory at all, but text" * 3))
    assert tree.maker is None
    assert tree.maker_place is not None
    assert "MakerNote" not in tree.groups


def test_canon_arrays_are_named() -> None:
    numbers = struct.pack("<46H", *range(46))
    entry = struct.pack("<HHHII", 1, 0x0001, SHORT, 46, 200 + 18) + number(0)
    tree = tree_of(with_note(b"Canon\0", entry + numbers))
    assert tree.maker is not None
    assert tree.maker.derived["Macromode"] in ("Macro", 1)
    assert tree.maker.derived["SelfTimer"] == 2


@given(
    st.binary(max_size=300), st.sampled_from([b"Canon\0", b"NIKON\0", b"OLYMPUS\0", b"FUJIFILM\0"])
)
def test_noise_as_a_maker_note_never_raises(noise: bytes, make: bytes) -> None:
    heads = (
        b"",
        b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0",
        b"OLYMPUS\0II\x03\0",
        b"FUJIFILM\x0c\0\0\0",
    )
    for head in heads:
        tree_of(with_note(make, head + noise))
