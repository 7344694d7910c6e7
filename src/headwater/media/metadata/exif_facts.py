"""What an EXIF tree says of the camera, the clocks and the exposure, in units."""

from __future__ import annotations

from math import isfinite

from headwater.media.metadata.clocks import Clock, exif_clock
from headwater.media.metadata.directories import Field, Rational
from headwater.media.metadata.exif_tree import MAKE, MODEL, ExifTree
from headwater.media.metadata.maker_notes import GROUP
from headwater.media.metadata.place import gps_clock
from headwater.model import Record

_ORIENTATION, _SOFTWARE, _DATE_TIME, _ARTIST, _HOST, _COPYRIGHT = (
    0x0112,
    0x0131,
    0x0132,
    0x013B,
    0x013C,
    0x8298,
)
_OWNER, _BODY_SERIAL, _LENS_RANGE, _LENS_MAKE, _LENS, _LENS_SERIAL = (
    0xA430,
    0xA431,
    0xA432,
    0xA433,
    0xA434,
    0xA435,
)
_DNG_SERIAL, _DNG_LENS, _FIRMWARE, _UNIQUE_ID = 0xC62F, 0xC630, 0xA439, 0xA420
_EXPOSURE, _F_NUMBER, _ISO, _FOCAL, _FOCAL_35, _SPEED_VALUE, _APERTURE_VALUE = (
    0x829A,
    0x829D,
    0x8827,
    0x920A,
    0xA405,
    0x9201,
    0x9202,
)
_ISO_OTHERS = (0x8832, 0x8833, 0x8831)
_CLOCKS = (
    ("exif:original", "Exif", 0x9003, 0x9291, 0x9011),
    ("exif:digitized", "Exif", 0x9004, 0x9292, 0x9012),
    ("exif:modified", "IFD0", _DATE_TIME, 0x9290, 0x9010),
)
TEXT_MOST = 256


class Serial(Record, frozen=True, kw_only=True):
    """One number that a camera or lens writes to name itself."""

    names: str
    """What it names: `body`, `lens`, `internal` (a number that is not the one on the outside)."""
    value: str
    tag: str
    """Where it was read: `Exif:BodySerialNumber`, `MakerNote:SerialNumber`, ..."""


class Exposure(Record, frozen=True, kw_only=True):
    """How the picture was taken, as written; the exact fractions stay in `tags`."""

    exposure_seconds: float | None = None
    """Rounded to six significant digits."""
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None
    focal_length_35mm_mm: int | None = None
    """The focal length that gives the same view on 36 x 24 mm."""


def read_text(tree: ExifTree, *places: tuple[str, int]) -> str | None:
    """Return the first text found, at most 256 characters."""
    for group, tag in places:
        text = tree.text(group, tag)
        if text:
            return text[:TEXT_MOST]
    return None


def camera_make(tree: ExifTree) -> str | None:
    """The maker, by IFD0 or the thumbnail's directory."""
    return read_text(tree, ("IFD0", MAKE), ("IFD1", MAKE))


def camera_model(tree: ExifTree) -> str | None:
    """The model, by IFD0 or the thumbnail's directory."""
    return read_text(tree, ("IFD0", MODEL), ("IFD1", MODEL))


def software(tree: ExifTree) -> str | None:
    """The program that last wrote the file, as it says."""
    return read_text(tree, ("IFD0", _SOFTWARE), ("IFD1", _SOFTWARE))


def firmware(tree: ExifTree) -> str | None:
    """The camera's firmware, by EXIF 3.0 or the maker note."""
    text = read_text(tree, ("Exif", _FIRMWARE))
    if text is None and tree.maker is not None and tree.maker.maker == "canon":
        text = read_text(tree, (GROUP, 0x0007))
    return text


def people(tree: ExifTree) -> dict[str, str]:
    """Names that were set in the camera or by software: artist, owner, copyright, host computer."""
    canon = tree.maker is not None and tree.maker.maker == "canon"
    found = {
        "artist": read_text(tree, ("IFD0", _ARTIST)),
        "copyright": read_text(tree, ("IFD0", _COPYRIGHT)),
        "host_computer": read_text(tree, ("IFD0", _HOST)),
        "owner": read_text(tree, ("Exif", _OWNER), *(((GROUP, 0x0009),) if canon else ())),
    }
    return {name: text for name, text in found.items() if text}


def image_unique_id(tree: ExifTree) -> str | None:
    """The picture's own id (EXIF 3.0, ImageUniqueID), or the maker's where that is absent."""
    text = read_text(tree, ("Exif", _UNIQUE_ID), ("IFD0", _UNIQUE_ID))
    if text is None and tree.maker is not None and tree.maker.maker == "apple":
        text = read_text(tree, (GROUP, 0x0015))
    if text is None and tree.maker is not None and tree.maker.maker == "canon":
        entry = tree.get(GROUP, 0x0028)
        raw = bytes(number & 255 for number in entry.integers[:16]) if entry is not None else b""
        text = raw.hex() if any(raw) else None
    return text


def orientation(tree: ExifTree) -> int | None:
    """1..8 of IFD0; None where it is absent or none of these."""
    value = tree.integer("IFD0", _ORIENTATION)
    if value is not None and not 1 <= value <= 8:
        tree.problems.add(f"IFD0 orientation {value} is not 1..8")
        return None
    return value


def lens(tree: ExifTree) -> str | None:
    """The lens by name, or by its focal lengths and apertures where only these stand there."""
    text = read_text(tree, ("Exif", _LENS), ("IFD0", _DNG_LENS))
    maker = tree.maker.maker if tree.maker is not None else ""
    if text is None and maker == "canon":
        text = read_text(tree, (GROUP, 0x0095))
    if text is None and maker == "olympus":
        text = read_text(tree, (f"{GROUP}/Equipment", 0x0203))
    if text is None and maker == "panasonic":
        text = read_text(tree, (GROUP, 0x0051))
    if text is None:
        ranges = tree.get("Exif", _LENS_RANGE)
        if ranges is None and maker == "nikon":
            ranges = tree.get(GROUP, 0x0084)
        text = _lens_range(ranges)
    return text


def _lens_range(entry: Field | None) -> str | None:
    """Four numbers (shortest, longest, and the widest apertures there) in a lens's usual words."""
    if entry is None or len(entry.value) != 4:
        return None
    numbers = [_quotient(value) for value in entry.value if isinstance(value, tuple)]
    if len(numbers) != 4 or numbers[0] is None or numbers[1] is None or not numbers[0] > 0:
        return None

    def span(low: float | None, high: float | None) -> str:
        if low is None or low == 0:
            return "?"
        return f"{low:g}" if high is None or high in (0, low) else f"{low:g}-{high:g}"

    return f"{span(numbers[0], numbers[1])}mm f/{span(numbers[2], numbers[3])}"


# (maker, group, tag, what it names)
_MAKER_SERIALS = (
    ("canon", GROUP, 0x000C, "body"),
    ("canon", GROUP, 0x0096, "internal"),
    ("canon", GROUP, 0x4019, "lens"),
    ("nikon", GROUP, 0x001D, "body"),
    ("nikon", GROUP, 0x00A0, "body"),
    ("olympus", f"{GROUP}/Equipment", 0x0101, "body"),
    ("olympus", GROUP, 0x0404, "body"),
    ("olympus", f"{GROUP}/Equipment", 0x0102, "internal"),
    ("olympus", f"{GROUP}/Equipment", 0x0202, "lens"),
    ("panasonic", GROUP, 0x0025, "internal"),
    ("panasonic", GROUP, 0x0052, "lens"),
    ("pentax", GROUP, 0x0229, "body"),
    ("fujifilm", GROUP, 0x0010, "internal"),
    ("sigma", GROUP, 0x0002, "body"),
    ("sony", GROUP, 0x2031, "body"),
)


def serials(tree: ExifTree) -> tuple[Serial, ...]:
    """Every serial number found, the standard tags first."""
    found = []
    for group, tag, names, name in (
        ("Exif", _BODY_SERIAL, "body", "BodySerialNumber"),
        ("IFD0", _BODY_SERIAL, "body", "BodySerialNumber"),
        ("IFD0", _DNG_SERIAL, "body", "CameraSerialNumber"),
        ("Exif", _LENS_SERIAL, "lens", "LensSerialNumber"),
        ("IFD0", _LENS_SERIAL, "lens", "LensSerialNumber"),
    ):
        text = read_text(tree, (group, tag))
        if text:
            found.append(Serial(names=names, value=text, tag=f"{group}:{name}"))
    for maker, group, tag, names in _MAKER_SERIALS:
        entry = tree.get(group, tag)
        if tree.maker is None or tree.maker.maker != maker or entry is None:
            continue
        value = _serial_text(tree, maker, tag, entry)
        if value and value.strip(" 0\0"):
            name = tree.maker.names.get(group, {}).get(tag, f"0x{tag:04x}")
            found.append(Serial(names=names, value=value[:TEXT_MOST], tag=f"{group}:{name}"))
    return tuple(found)


def _serial_text(tree: ExifTree, maker: str, tag: int, entry: Field) -> str | None:
    if maker == "canon" and tag == 0x000C:
        return _canon_serial(tree, entry)
    if maker == "canon" and tag == 0x4019:
        raw = entry.value[:5] if isinstance(entry.value, bytes) else bytes(entry.integers[:5])
        return raw.hex() if any(raw) else None
    if isinstance(entry.value, str):
        text = entry.value.partition("\0")[0].strip()
        return text.removeprefix("NO=").strip() if maker == "nikon" else text
    if isinstance(entry.value, bytes):
        return entry.value.partition(b"\0")[0].decode("latin-1").strip()
    return str(entry.integers[0]) if len(entry.integers) == 1 else None


def _canon_serial(tree: ExifTree, entry: Field) -> str | None:
    """The number as Canon's own software shows it: ten digits, or parted for the EOS D30."""
    if len(entry.integers) != 1 or not entry.integers[0]:
        return None
    number = entry.integers[0]
    if "EOS D30" in (camera_model(tree) or ""):
        return f"{number >> 16:04x}{number & 0xFFFF:05d}"
    return f"{number:010d}"


def clocks(tree: ExifTree) -> tuple[Clock, ...]:
    """Every clock of the first block, in a fixed order."""
    found = []
    for basis, group, tag, subseconds, offset in _CLOCKS:
        entry = tree.get(group, tag) or tree.get("Exif" if group == "IFD0" else "IFD0", tag)
        if entry is None:
            continue
        text = entry.value if isinstance(entry.value, str) else ""
        if isinstance(entry.value, bytes):
            text = entry.value.decode("latin-1")
        parts = [tree.text("Exif", number) for number in (subseconds, offset)]
        found.append(exif_clock(basis, text.partition("\0")[0], parts[0], parts[1]))
    satellite = gps_clock(tree)
    if satellite is not None:
        found.append(satellite)
    return tuple(found)


def exposure(tree: ExifTree) -> Exposure:
    """The basics of the exposure; a value with a zero denominator is left out."""
    iso = tree.integer("Exif", _ISO)
    if iso in (None, 65535):
        others = (tree.integer("Exif", tag) for tag in _ISO_OTHERS)
        iso = next((value for value in others if value), iso)
    return Exposure(
        exposure_seconds=_number(tree.get("Exif", _EXPOSURE)),
        f_number=_number(tree.get("Exif", _F_NUMBER)),
        iso=iso,
        focal_length_mm=_number(tree.get("Exif", _FOCAL)),
        focal_length_35mm_mm=tree.integer("Exif", _FOCAL_35) or None,
    )


def _quotient(value: Rational) -> float | None:
    return value[0] / value[1] if value[1] else None


def _number(entry: Field | None) -> float | None:
    """The first number of a field to six significant digits."""
    if entry is None or not isinstance(entry.value, tuple) or not entry.value:
        return None
    first = entry.value[0]
    number = _quotient(first) if isinstance(first, tuple) else float(first)
    return float(f"{number:.6g}") if number is not None and isfinite(number) else None
