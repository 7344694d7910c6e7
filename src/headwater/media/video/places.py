"""Places in films: points written as ISO 6709 text, annex H."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from headwater.model import Record

RAW_MOST = 256
_POINT = re.compile(
    r"([+-]\d{2,6}(?:\.\d{1,12})?)([+-]\d{3,7}(?:\.\d{1,12})?)([+-]\d{1,9}(?:\.\d{1,12})?)?"
    r"(?:CRS[\w:./-]{1,64})?/?.{0,128}"
)
_NAMES = frozenset(
    {"location", "xyz", "\N{COPYRIGHT SIGN}xyz", "loci", "recording_location"}
    | {"com.apple.quicktime.location.iso6709", "com.android.location"}
)
_LANGUAGE = re.compile(r"-[a-z]{3}$")


class Place(Record, frozen=True, kw_only=True):
    """One point that a file names. Degrees are of WGS 84 unless the text says otherwise."""

    basis: str
    """Which tag: `tag:com.apple.quicktime.location.ISO6709`, `stream 0 tag:location`, ..."""
    raw: str
    latitude_degrees: float | None
    longitude_degrees: float | None
    """North and east are positive; both None where the text cannot be read."""
    altitude_metres: float | None
    note: str | None = None


def read_place(basis: str, text: str) -> Place:
    """Return the point that ISO 6709 text names, in degrees, minutes or seconds."""
    raw = text[:RAW_MOST]
    found = _POINT.fullmatch(text.strip()[:RAW_MOST])
    latitude = _degrees(found[1], 2) if found else None
    longitude = _degrees(found[2], 3) if found else None
    if found is None or latitude is None or longitude is None:
        return _unreadable(basis, raw, "not a point as ISO 6709 writes it")
    if abs(latitude) > 90 or abs(longitude) > 180:
        return _unreadable(basis, raw, "out of range")
    is_zero = latitude == 0 and longitude == 0
    return Place(
        basis=basis,
        raw=raw,
        latitude_degrees=latitude,
        longitude_degrees=longitude,
        altitude_metres=float(found[3]) if found[3] else None,
        note="zero is often written where no place was known" if is_zero else None,
    )


def _unreadable(basis: str, raw: str, note: str) -> Place:
    return Place(
        basis=basis,
        raw=raw,
        latitude_degrees=None,
        longitude_degrees=None,
        altitude_metres=None,
        note=note,
    )


def _degrees(text: str, whole_digits: int) -> float | None:
    """Read `DD`, `DDMM` or `DDMMSS`, each with or without decimals, rounded to 1e-7 degrees."""
    sign = -1.0 if text[0] == "-" else 1.0
    whole, _, decimals = text[1:].partition(".")
    parts = [whole[:whole_digits]]
    rest = whole[whole_digits:]
    if len(rest) not in (0, 2, 4):
        return None
    parts += [rest[start : start + 2] for start in range(0, len(rest), 2)]
    parts[-1] += "." + (decimals or "0")
    values = [float(part) for part in parts]
    if any(value >= 60 for value in values[1:]):
        return None
    degrees = math.fsum(value / 60.0**place for place, value in enumerate(values))
    return round(sign * degrees, 7) + 0.0


def tag_places(tags: Iterable[tuple[str, str]], prefix: str = "") -> list[Place]:
    """Return the points of all tags that hold one, in their order.

    FFmpeg repeats a tag that has a language, as in `location-eng`; the same text is listed once.
    """
    places: dict[str, Place] = {}
    for name, value in tags:
        plain = name.lower()
        if plain in _NAMES or _LANGUAGE.sub("", plain) in _NAMES:
            places.setdefault(value, read_place(f"{prefix}tag:{name}", value))
    return list(places.values())
