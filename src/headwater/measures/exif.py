"""EXIF of a picture: every directory, the maker note, and what they say in units."""

from __future__ import annotations

from math import isfinite

from headwater.measures.contract import CannotMeasure, Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.metadata import exif_facts
from headwater.media.metadata.clocks import Clock
from headwater.media.metadata.directories import (
    BYTE,
    TYPE_NAMES,
    Directory,
    Field,
)
from headwater.media.metadata.exif_facts import Exposure, Serial
from headwater.media.metadata.exif_tree import ExifTree, exif_tree_of, is_maker_group
from headwater.media.metadata.maker_notes import GROUP
from headwater.media.metadata.names import tag_names
from headwater.media.metadata.place import Place, read_place
from headwater.media.metadata.segments import segments_of
from headwater.model import Record

NUMBERS_MOST = 32
"""Numbers of one field that are recorded."""
BYTES_MOST = 64
"""Bytes of one field that are recorded, as hexadecimal digits."""
TEXT_MOST = 1024
"""Characters of one field that are recorded."""
_BINARY_FROM = 16
"""A row of more bytes than this is shown as hexadecimal digits."""
_VERSIONS = frozenset({0x9000, 0xA000, 0x0002})
_CODED_TEXTS = frozenset({("Exif", 0x9286), ("GPS", 0x001B), ("GPS", 0x001C)})
_WIDE_TEXTS = frozenset(range(0x9C9B, 0x9CA0))

Number = int | float | list[int] | str


class Tag(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One field. Exactly one of `text`, `numbers` and `hex` is set, but for an empty field."""

    type: str
    """Its TIFF type: `SHORT`, `RATIONAL`, ..."""
    text: str | None = None
    numbers: list[Number] | None = None
    """At most 32; a rational is [numerator, denominator]; floats that are no number are words."""
    hex: str | None = None
    """At most the first 64 bytes."""
    count: int | None = None
    """How many values (or bytes, or characters) are stored, where not all are given here."""
    means: str | None = None
    """The number in words, by the maker note tables of exifread."""
    note: str | None = None
    """`latin-1`, `cut off`, ...: how the value departs from the rules."""


class MakerNoteFacts(Record, frozen=True, kw_only=True):
    """Where the maker note lies and how far it was read."""

    maker: str | None
    """Whose layout it has; None where its beginning is not known and it was left alone."""
    offset_bytes: int | None
    """In the item; None where the block was unpacked from compressed bytes."""
    size_bytes: int
    derived: dict[str, str | int]
    """Numbers that lie inside arrays (Canon), by the names of exifread's tables."""


class ExifRecord(Record, frozen=True, kw_only=True):
    """Everything EXIF says. Nothing in it is proven by being there."""

    carriers: tuple[str, ...]
    """Where each block stands in the file."""
    offsets_bytes: tuple[int | None, ...]
    """Offset of each block's TIFF header in the item; None where it was unpacked."""
    byte_orders: tuple[str, ...]
    """`little` (II) or `big` (MM), of each block."""
    make: str | None
    model: str | None
    lens: str | None
    body_serial: str | None
    """The first of `serials` that names the body."""
    lens_serial: str | None
    serials: tuple[Serial, ...]
    software: str | None
    firmware: str | None
    image_unique_id: str | None
    orientation: int | None
    """1..8; None where it is absent or invalid."""
    people: dict[str, str]
    """`artist`, `copyright`, `host_computer`, `owner`: names that were typed in by somebody."""
    times: tuple[Clock, ...]
    place: Place | None
    exposure: Exposure
    maker_note: MakerNoteFacts | None
    tags: dict[str, dict[str, Tag]]
    """By group, then by name: both sorted. Unknown tags are named `0x` and four digits."""
    problems: tuple[str, ...]
    """Dangling offsets, loops, unknown types and the like."""


class Exif(Measure):
    """Reads EXIF from wherever the format keeps it."""

    NAME = "exif"
    VERSION = 2
    KINDS = frozenset({"picture"})
    RECORD = ExifRecord
    LIBRARIES = ("exifread", "pillow", "brotli")
    COST = "0.4 ms for a JPEG with a maker note, 0.2 ms without one, 20 µs without EXIF"
    DOC = Doc(
        requirement=(
            "Give every EXIF field with its type and exact value, and the camera, clocks, place "
            "and exposure in units, from the formats that carry EXIF, whatever the file claims."
        ),
        shows=(
            "What the device or a later program wrote: make, model, serial numbers, clocks with "
            "their bases, position, settings, and maker note fields. The same body serial number "
            "in two files is a lead that both name one camera. Faults of structure, and offsets "
            "of a maker note that was moved, are traces of later software."
        ),
        cannot_show=(
            "Anyone can write, copy, change or remove any of it with common tools, and most "
            "platforms remove it; nothing here shows that a field is true or that absence means "
            "anything. Camera clocks are set by people, often lack a zone and drift. A position "
            "may be old, rounded or set by hand. Maker notes that are encrypted, that are no "
            "directories, or that no table names are left by number or left out; their meanings "
            "come from what others found out. Long values are recorded in part."
        ),
        method=(
            "CIPA DC-008-2023 (EXIF 3.0) sections 4.5 and 4.6; TIFF 6.0; DNG 1.7. Maker notes "
            "with the tag tables of exifread. Own reader with bounds."
        ),
        validated_on=(
            "161 camera, phone and edited files (JPEG, HEIF), 87 of them with EXIF, against "
            "ExifTool 12.57: make, model, serial numbers, times, position, orientation and "
            "exposure agree in all, and every standard tag it lists is there. Made blocks of all "
            "types come back exactly. No camera raw file was at hand: these are not validated."
        ),
        techniques=(),
        tests=(
            "tests/measures/test_metadata_against_exiftool.py::test_exif_agrees_with_exiftool",
            "tests/media/metadata/test_directories.py::test_gives_back_what_was_written",
        ),
    )

    def measure(self, media: Media) -> Measured | CannotMeasure:
        tree = exif_tree_of(media)
        if not any(tree.groups.values()):
            reasons = [*segments_of(media).problems, *tree.problems.listed()]
            return CannotMeasure(reason="; ".join(["no EXIF", *reasons[:3]]))
        return Measured(_record(tree, tuple(segments_of(media).problems)))


def _record(tree: ExifTree, segment_problems: tuple[str, ...]) -> ExifRecord:
    serials = exif_facts.serials(tree)
    orientation = exif_facts.orientation(tree)
    tags = {group: _tags(tree, group) for group in sorted(tree.groups)}
    return ExifRecord(
        carriers=tuple(block.carrier for block in tree.blocks),
        offsets_bytes=tuple(block.offset_bytes for block in tree.blocks),
        byte_orders=tuple("little" if order == "<" else "big" for order in tree.orders),
        make=exif_facts.camera_make(tree),
        model=exif_facts.camera_model(tree),
        lens=exif_facts.lens(tree),
        body_serial=next((entry.value for entry in serials if entry.names == "body"), None),
        lens_serial=next((entry.value for entry in serials if entry.names == "lens"), None),
        serials=serials,
        software=exif_facts.software(tree),
        firmware=exif_facts.firmware(tree),
        image_unique_id=exif_facts.image_unique_id(tree),
        orientation=orientation,
        people=exif_facts.people(tree),
        times=exif_facts.clocks(tree),
        place=read_place(tree),
        exposure=exif_facts.exposure(tree),
        maker_note=_maker_note(tree),
        tags=tags,
        problems=(*segment_problems, *tree.problems.listed()),
    )


def _maker_note(tree: ExifTree) -> MakerNoteFacts | None:
    place, note = tree.maker_place, tree.maker
    if place is None:
        return None
    return MakerNoteFacts(
        maker=note.maker if note is not None else None,
        offset_bytes=place.offset_bytes,
        size_bytes=place.size_bytes,
        derived=dict(sorted(note.derived.items())) if note is not None else {},
    )


def _tags(tree: ExifTree, group: str) -> dict[str, Tag]:
    directory: Directory = tree.groups[group]
    note = tree.maker if is_maker_group(group) else None
    names = note.names.get(group, {}) if note is not None else tag_names(group)
    last = group.rpartition("/")[2].rpartition(":")[2]
    tags: dict[str, Tag] = {}
    for number, entry in directory.items():
        name = names.get(number) or f"0x{number:04x}"
        if name in tags:
            name = f"{name} (0x{number:04x})"
        means = note.meanings.get((GROUP, number)) if note is not None and group == GROUP else None
        tags[name] = _tag(entry, last, means)
    return dict(sorted(tags.items()))


def _tag(entry: Field, group: str, means: str | None) -> Tag:
    kind = TYPE_NAMES[entry.kind]
    value = _coded_text(entry, group) or entry.value
    if isinstance(value, str):
        cut = len(value) > TEXT_MOST or (entry.note or "").startswith("first ")
        count = entry.size_bytes if cut else None
        return Tag(type=kind, text=value[:TEXT_MOST], count=count, means=means, note=entry.note)
    if not isinstance(value, bytes) and entry.kind in (1, 6) and len(value) > _BINARY_FROM:
        value = bytes(number & 255 for number in entry.integers[:BYTES_MOST])
    if isinstance(value, bytes):
        count = entry.size_bytes if entry.size_bytes > BYTES_MOST else None
        shown = value[:BYTES_MOST].hex()
        return Tag(type=kind, hex=shown, count=count, means=means, note=entry.note)
    count = entry.count if entry.count > NUMBERS_MOST else None
    numbers = [_number(number) for number in value[:NUMBERS_MOST]]
    return Tag(type=kind, numbers=numbers, count=count, means=means, note=entry.note)


def _number(value: float | tuple[int, int]) -> Number:
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, int) or isfinite(value) else str(value)


def _coded_text(entry: Field, group: str) -> str | None:
    """Text that EXIF stores as bytes: versions, comments with a code in front, Windows' XP tags."""
    raw = entry.value
    if entry.kind == BYTE:
        raw = bytes(entry.integers)
    if not isinstance(raw, bytes):
        return None
    if entry.tag in _VERSIONS and len(raw) == 4:
        return raw.decode("latin-1").rstrip("\0")
    if group == "IFD0" and entry.tag in _WIDE_TEXTS:
        return raw.decode("utf-16-le", "replace").rstrip("\0")
    return _commented(raw) if (group, entry.tag) in _CODED_TEXTS else None


def _commented(value: bytes) -> str | None:
    """Text after an eight-byte code of its character set (EXIF 3.0, UserComment)."""
    code, text = value[:8].rstrip(b"\0 "), value[8:].rstrip(b"\0 ")
    if code == b"ASCII" and text.isascii():
        return text.decode("ascii")
    if code == b"UNICODE":
        raw = value[8:]
        wide = "utf-16-be" if raw[:1] == b"\0" else "utf-16-le"
        return raw.decode(wide, "replace").rstrip("\0 ")
    return None
