"""Maker notes: the directories that camera makers write into EXIF tag 37500, each in its own way.

Their layouts are known from the public work of many (ExifTool's tag tables are the fullest
record). Names and meanings of values come from the tables of the exifread library, and a few of
serial numbers and identifiers from here; the bytes are read by our own bounded reader, as
exifread's follows offsets of hostile files without limits. Unknown tags are kept by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.media.metadata.directories import (
    IFD,
    SIZES,
    UNDEFINED,
    Directory,
    DirectoryReader,
    Layout,
    Value,
)

GROUP = "MakerNote"
_ENTRIES_MOST = 1024
_INNER_MOST = 16

Names = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a maker note lies in its block, and what the block says of the camera."""

    offset_bytes: int
    size_bytes: int
    order: str
    """Byte order of the block around it."""
    make: str
    model: str


@dataclass(slots=True)
class MakerNote:
    """A maker note that was read: fields by group, and what they mean where that is known."""

    maker: str
    """Whose layout it has: `canon`, `nikon`, ..., or `unknown`."""
    layout: Layout
    groups: dict[str, Directory] = field(default_factory=dict)
    names: dict[str, Names] = field(default_factory=dict)
    meanings: dict[tuple[str, int], str] = field(default_factory=dict)
    derived: dict[str, str | int] = field(default_factory=dict)
    """Values that a table finds inside an array, by name."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One known beginning: `directory_at` and `base` count from the start of the note."""

    start: bytes
    maker: str
    directory_at: int
    base: int | None = None
    """None: offsets count from the block's start."""
    order: str | int | None = None
    """`<`, `>`, the place of a byte order mark in the note, or None: as the block."""


_FORMS = (
    _Form(b"Nikon\0\x02", "nikon", 18, 10, 10),
    _Form(b"Nikon\0\x01", "nikon old", 8),
    _Form(b"OLYMPUS\0", "olympus", 12, 0, 8),
    _Form(b"OM SYSTEM\0", "olympus", 16, 0, 12),
    _Form(b"OLYMP\0", "olympus", 8),
    _Form(b"EPSON\0", "olympus", 8),
    _Form(b"MINOL\0", "olympus", 8),
    _Form(b"CAMER\0", "olympus", 8),
    _Form(b"SANYO\0", "sanyo", 8),
    _Form(b"FUJIFILM", "fujifilm", 12, 0, "<"),
    _Form(b"GENERALE", "fujifilm", 12, 0, "<"),
    _Form(b"Apple iOS\0", "apple", 14, 0, 12),
    _Form(b"Panasonic\0", "panasonic", 12),
    _Form(b"LEICA\0\0\0", "panasonic", 8, 0),
    _Form(b"PENTAX \0", "pentax", 10, 0, 8),
    _Form(b"SAMSUNG\0", "pentax", 10, 0, 8),
    _Form(b"AOC\0", "pentax", 6, None, 4),
    _Form(b"QVC\0", "casio 2", 6),
    _Form(b"DCI\0", "casio 2", 6),
    _Form(b"SONY DSC ", "sony", 12),
    _Form(b"SONY CAM ", "sony", 12),
    _Form(b"SONY MOBILE", "sony", 12),
    _Form(b"SIGMA\0\0\0", "sigma", 10),
    _Form(b"FOVEON\0\0", "sigma", 10),
    _Form(b"Ricoh", "ricoh", 8),
    _Form(b"RICOH", "ricoh", 8),
    _Form(b"KYOCERA", "kyocera", 22, 0),
    _Form(b"", "", 0),
)
_MAKERS = (
    ("canon", "canon"),
    ("nikon", "nikon"),
    ("olympus", "olympus"),
    ("om digital", "olympus"),
    ("casio", "casio"),
    ("fujifilm", "fujifilm"),
    ("apple", "apple"),
    ("dji", "dji"),
    ("sony", "sony"),
    ("panasonic", "panasonic"),
    ("pentax", "pentax"),
    ("asahi", "pentax"),
    ("samsung", "samsung"),
    ("minolta", "minolta"),
    ("sigma", "sigma"),
    ("ricoh", "ricoh"),
)
_OLYMPUS_INNER = {
    0x2010: "Equipment",
    0x2020: "CameraSettings",
    0x2030: "RawDevelopment",
    0x2031: "RawDevelopment2",
    0x2040: "ImageProcessing",
    0x2050: "FocusInfo",
}
_INNER = {"olympus": _OLYMPUS_INNER, "nikon": {0x0011: "Preview"}}

NAMES_OF_OURS: dict[str, Names] = {
    "canon": {
        0x0028: "ImageUniqueID",
        0x0095: "LensModel",
        0x0096: "InternalSerialNumber",
        0x00B4: "ColorSpace",
        0x4019: "LensInfo",
    },
    "nikon": {0x001D: "SerialNumber", 0x00A0: "SerialNumberText", 0x00A7: "ShutterCount"},
    "olympus": {0x0404: "SerialNumber", **_OLYMPUS_INNER},
    "Equipment": {
        0x0100: "CameraType",
        0x0101: "SerialNumber",
        0x0102: "InternalSerialNumber",
        0x0104: "BodyFirmwareVersion",
        0x0201: "LensType",
        0x0202: "LensSerialNumber",
        0x0203: "LensModel",
        0x0204: "LensFirmwareVersion",
    },
    "CameraSettings": {
        0x0100: "PreviewImageValid",
        0x0101: "PreviewImageStart",
        0x0102: "PreviewImageLength",
    },
    "Preview": {0x0201: "PreviewImageStart", 0x0202: "PreviewImageLength"},
    "panasonic": {
        0x0002: "FirmwareVersion",
        0x0025: "InternalSerialNumber",
        0x0051: "LensType",
        0x0052: "LensSerialNumber",
        0x0054: "AccessorySerialNumber",
    },
    "pentax": {0x0005: "PentaxModelID", 0x0006: "Date", 0x0007: "Time", 0x0229: "SerialNumber"},
    "fujifilm": {0x0010: "InternalSerialNumber"},
    "sigma": {0x0002: "SerialNumber", 0x0017: "FirmwareVersion"},
    "apple": {
        0x0003: "RunTime",
        0x0008: "AccelerationVector",
        0x000B: "BurstUUID",
        0x0011: "ContentIdentifier",
        0x0015: "ImageUniqueID",
        0x0020: "ImageCaptureRequestID",
        0x002B: "PhotoIdentifier",
    },
    "sony": {0x2031: "SerialNumber", 0xB027: "LensID", 0xB001: "SonyModelID"},
    "samsung": {0x0003: "SamsungModelID", 0x0043: "CameraTemperature", 0xA001: "FirmwareName"},
}


def read_maker_note(reader: DirectoryReader, place: Place) -> MakerNote | None:
    """Read a maker note; None where it does not begin with a directory in any known way.

    Where most values would lie outside the note by the offsets' declared start, the other known
    starts are tried, and the reader notes which one was taken.
    """
    head = reader.block.read_at(place.offset_bytes, 64)
    form = next(form for form in _FORMS if head.startswith(form.start))
    maker = form.maker or next(
        (maker for word, maker in _MAKERS if word in place.make.lower()), "unknown"
    )
    start = place.offset_bytes + form.directory_at
    if form.maker == "fujifilm":
        start = place.offset_bytes + int.from_bytes(head[8:12], "little")
    elif form.maker == "nikon":
        step = int.from_bytes(head[14:18], "little" if head[10:12] == b"II" else "big")
        start = place.offset_bytes + 10 + step
    orders = _orders(form, head, place.order)
    layout = _plausible(reader, place, start, orders, form.base)
    if layout is None:
        return None
    note = MakerNote(maker, layout)
    if not reader.visit(start, GROUP):
        return None
    directory, _ = reader.read(start, layout, GROUP)
    note.groups[GROUP] = directory
    _read_inner(reader, note, directory, place)
    if note.groups[GROUP]:
        _explain(note, place)
    return note


def _orders(form: _Form, head: bytes, outer: str) -> tuple[str, ...]:
    if isinstance(form.order, int):
        marked = {b"II": "<", b"MM": ">"}.get(head[form.order : form.order + 2])
        if marked:
            return (marked,)
    elif form.order:
        return (form.order,)
    return (outer, "<" if outer == ">" else ">")


def _plausible(
    reader: DirectoryReader, place: Place, start: int, orders: tuple[str, ...], base: int | None
) -> Layout | None:
    """Return the layout under which a directory stands at `start`, if there is one."""
    for order in orders:
        entries = _outline(reader, start, order)
        if entries is None:
            continue
        declared = place.offset_bytes + base if base is not None else 0
        return Layout(order, base=_base(reader, place, start, entries, declared))
    return None


def _outline(reader: DirectoryReader, start: int, order: str) -> list[tuple[int, int]] | None:
    """Return (offset, size) of the values that stand apart, None where this is no directory."""
    if start < 0:
        return None
    word = "little" if order == "<" else "big"
    count = int.from_bytes(reader.block.read_at(start, 2), word)  # type: ignore[arg-type]
    table = reader.block.read_at(start + 2, 12 * min(count, _ENTRIES_MOST))
    if not 1 <= count <= _ENTRIES_MOST or len(table) < 12:
        return None
    apart, odd = [], 0
    for at in range(0, len(table) - 11, 12):
        kind = int.from_bytes(table[at + 2 : at + 4], word)  # type: ignore[arg-type]
        size = SIZES.get(kind, 0) * int.from_bytes(table[at + 4 : at + 8], word)  # type: ignore[arg-type]
        if size == 0:
            odd += 1
        elif size > 4:
            apart.append((int.from_bytes(table[at + 8 : at + 12], word), size))  # type: ignore[arg-type]
    return apart if odd * 4 <= len(table) // 12 else None


def _base(
    reader: DirectoryReader,
    place: Place,
    start: int,
    apart: list[tuple[int, int]],
    declared: int,
) -> int:
    """Choose what stored offsets count from.

    That is the declared start, unless it puts most values outside the note or some of them over
    the directory itself, and another start puts more of them where they can be.
    """
    table_end = start + 2 + 12 * _count(reader, start, apart)
    end = place.offset_bytes + place.size_bytes

    def fitting(base: int) -> int:
        return sum(
            table_end <= base + offset and base + offset + size <= end for offset, size in apart
        )

    overlapping = any(start < declared + offset < table_end for offset, _ in apart)
    moved = _moved_by(reader, place)
    told = moved is not None and fitting(moved) >= fitting(declared)
    if not apart or not (told or overlapping or 2 * fitting(declared) < len(apart)):
        return declared
    first = min(offset for offset, _ in apart)
    known = [declared, table_end + 4 - first, table_end - first, 0, place.offset_bytes]
    best = moved if told and moved is not None else max(known, key=fitting)
    if best == declared or 2 * fitting(best) < len(apart):
        return declared
    reader.problems.add(
        f"{GROUP}: offsets are off by {best - declared} bytes; the note was moved, or is written so"
    )
    return best


def _count(reader: DirectoryReader, start: int, apart: list[tuple[int, int]]) -> int:
    raw = reader.block.read_at(start, 2)
    numbers = (int.from_bytes(raw, "little"), int.from_bytes(raw, "big"))
    return min(number for number in numbers if number >= len(apart))


def _moved_by(reader: DirectoryReader, place: Place) -> int | None:
    """Canon ends its note with a TIFF header and the offset at which the note was written."""
    tail_at = place.offset_bytes + place.size_bytes - 8
    tail = reader.block.read_at(tail_at, 8) if tail_at >= place.offset_bytes else b""
    if tail[:4] not in (b"II*\0", b"MM\0*"):
        return None
    written = int.from_bytes(tail[4:], "little" if tail[:2] == b"II" else "big")
    return place.offset_bytes - written


def _read_inner(
    reader: DirectoryReader, note: MakerNote, directory: Directory, place: Place
) -> None:
    """Read directories that fields of the note point to, one level down."""
    known = _INNER.get(note.maker, {})
    inner = [tag for tag, entry in directory.items() if tag in known or entry.kind == IFD]
    for tag in sorted(inner)[:_INNER_MOST]:
        entry = directory[tag]
        name = f"{GROUP}/{known.get(tag, f'0x{tag:04x}')}"
        if entry.kind == UNDEFINED or entry.size_bytes > 8:
            start = entry.offset_bytes
        elif entry.integers and entry.integers[0]:
            start = note.layout.base + entry.integers[0]
        else:
            continue
        if _outline(reader, start, note.layout.order) is None:
            reader.problems.add(f"{name}: no directory at {start}")
        elif reader.visit(start, name):
            note.groups[name] = reader.read(start, note.layout, name)[0]


# What the fields are called, and what their values mean.


def _explain(note: MakerNote, place: Place) -> None:
    table = _exifread_table(note.maker)
    ours = NAMES_OF_OURS.get(note.maker, {})
    note.names[GROUP] = {tag: entry[0] for tag, entry in table.items()} | dict(ours)
    for group in note.groups:
        note.names.setdefault(group, NAMES_OF_OURS.get(group.rpartition("/")[2], {}))
    for tag, entry in note.groups[GROUP].items():
        meaning = table.get(tag, ("", None))[1]
        if meaning is not None:
            text = _meaning(meaning, entry.value)
            if text is not None:
                note.meanings[(GROUP, tag)] = text
    if note.maker == "canon":
        _explain_canon(note, place)


def load_tables() -> None:
    """Load exifread's tables, so that a worker in its cage need not."""
    _exifread_table("")


def _exifread_table(maker: str) -> Mapping[int, tuple[str, Any]]:
    from exifread.tags.makernote import (  # noqa: PLC0415
        apple,
        canon,
        casio,
        dji,
        fujifilm,
        nikon,
        olympus,
        sony,
    )

    tables: dict[str, Mapping[int, tuple[str, Any]]] = {
        "apple": apple.TAGS,
        "canon": canon.TAGS,
        "casio": casio.TAGS,
        "dji": dji.TAGS,
        "fujifilm": fujifilm.TAGS,
        "nikon": nikon.TAGS_NEW,
        "nikon old": nikon.TAGS_OLD,
        "olympus": olympus.TAGS,
        "sony": sony.TAGS,
    }
    return tables.get(maker, {})


def _meaning(meaning: Mapping[int, str] | Callable[[Any], str], value: Value) -> str | None:
    """Apply a table (of single numbers) or a function of exifread to a value."""
    if isinstance(meaning, Mapping):
        if isinstance(value, bytes):
            value = tuple(value)
        if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], int):
            return meaning.get(value[0])
        return None
    if not callable(meaning) or isinstance(value, str):
        return None
    numbers = list(value[:256])
    if not all(isinstance(number, int) for number in numbers):
        return None
    try:
        return str(meaning(numbers)).strip() or None
    except (IndexError, TypeError, ValueError, ZeroDivisionError):
        return None


def _explain_canon(note: MakerNote, place: Place) -> None:
    """Name the numbers of Canon's arrays (CameraSettings, ShotInfo, ...) by exifread's tables."""
    from exifread.tags.makernote import canon  # noqa: PLC0415

    for tag, table in sorted(canon.OFFSET_TAGS.items()):
        entry = note.groups[GROUP].get(tag)
        if entry is None:
            continue
        numbers = entry.integers
        for index, (name, meaning) in sorted(table.items()):
            if not 0 < index < len(numbers):
                continue
            value: str | int = numbers[index]
            if isinstance(meaning, Mapping):
                value = meaning.get(value, value)
            elif callable(meaning):
                value = meaning(value)
            note.derived.setdefault(name, value)
