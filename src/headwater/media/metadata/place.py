"""Where a picture says it was taken: the GPS directory of EXIF (EXIF 3.0, 4.6.6)."""

from __future__ import annotations

from math import isfinite

from headwater.media.metadata.clocks import Clock, clock_of
from headwater.media.metadata.directories import Field
from headwater.media.metadata.exif_tree import ExifTree
from headwater.model import Record

_LATITUDE, _LONGITUDE = 0x0002, 0x0004
_ALTITUDE_REF, _ALTITUDE, _TIME, _STATUS, _MODE, _DOP = (
    0x0005,
    0x0006,
    0x0007,
    0x0009,
    0x000A,
    0x000B,
)
_SPEED_REF, _SPEED, _DIRECTION_REF, _DIRECTION, _DATUM = 0x000C, 0x000D, 0x0010, 0x0011, 0x0012
_METHOD, _DATE, _ERROR = 0x001B, 0x001D, 0x001F
_SPEEDS = {"K": 1 / 3.6, "M": 0.44704, "N": 1852 / 3600}


class Place(Record, frozen=True, kw_only=True):
    """A position as written, in the datum named (WGS 84 where none is). Raw values stay in `tags`.

    A value that cannot be is None, and `problems` says why.
    """

    latitude_degrees: float | None = None
    """North is positive; rounded to 1e-7 (about 1 cm)."""
    longitude_degrees: float | None = None
    """East is positive; rounded to 1e-7."""
    altitude_metres: float | None = None
    """Above the reference level (sea level, or the ellipsoid: see `altitude_ref`)."""
    altitude_ref: int | None = None
    """As written: 0 above sea level, 1 below it, 2 above the ellipsoid, 3 below it."""
    img_direction_degrees: float | None = None
    """Where the camera looked, clockwise from north, 0..360."""
    img_direction_ref: str | None = None
    """`T` true north, `M` magnetic north."""
    speed_metres_per_second: float | None = None
    dop: float | None = None
    """Dilution of precision, as written."""
    horizontal_error_metres: float | None = None
    datum: str | None = None
    status: str | None = None
    """`A` measurement in progress, `V` interrupted: an old fix may be repeated."""
    mode: str | None = None
    """`2` or `3` dimensions."""
    processing_method: str | None = None
    """`GPS`, `CELLID`, `WLAN`, `MANUAL`, ..."""
    problems: tuple[str, ...] = ()


def read_place(tree: ExifTree, group: str = "GPS") -> Place | None:
    """Read the GPS directory; None where there is none or it holds its version alone."""
    directory = tree.groups.get(group)
    if not directory or set(directory) <= {0}:
        return None
    problems: list[str] = []
    latitude = _angle(tree, group, _LATITUDE, "NS", 90.0, "latitude", problems)
    longitude = _angle(tree, group, _LONGITUDE, "EW", 180.0, "longitude", problems)
    if latitude == 0 and longitude == 0:
        problems.append("0, 0 is what many devices write without a fix")
    altitude, reference = _altitude(tree, group, problems)
    direction = _ratio(tree.get(group, _DIRECTION), "image direction", problems)
    if direction is not None and not 0 <= direction <= 360:
        problems.append(f"image direction {direction:g} degrees is out of range")
        direction = None
    return Place(
        latitude_degrees=latitude,
        longitude_degrees=longitude,
        altitude_metres=altitude,
        altitude_ref=reference,
        img_direction_degrees=_rounded(direction, 3),
        img_direction_ref=tree.text(group, _DIRECTION_REF),
        speed_metres_per_second=_speed(tree, group, problems),
        dop=_rounded(_ratio(tree.get(group, _DOP), "dilution of precision", problems), 3),
        horizontal_error_metres=_rounded(
            _ratio(tree.get(group, _ERROR), "horizontal error", problems), 3
        ),
        datum=tree.text(group, _DATUM),
        status=tree.text(group, _STATUS),
        mode=tree.text(group, _MODE),
        processing_method=_method(tree.get(group, _METHOD)),
        problems=tuple(problems),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0


def _ratios(entry: Field) -> list[tuple[int, int]]:
    """The first four numbers of a field as (numerator, denominator)."""
    pairs: list[tuple[int, int]] = []
    for value in entry.value[:4] if isinstance(entry.value, tuple) else ():
        if isinstance(value, tuple):
            pairs.append(value)
        elif isfinite(value):
            pairs.append(value.as_integer_ratio())
    return pairs


def _ratio(entry: Field | None, what: str, problems: list[str]) -> float | None:
    if entry is None:
        return None
    numbers = _ratios(entry)
    if not numbers:
        problems.append(f"{what} is no number")
        return None
    if numbers[0][1] == 0:
        problems.append(f"{what} {numbers[0][0]}/0 has a zero denominator")
        return None
    return numbers[0][0] / numbers[0][1]


def _angle(
    tree: ExifTree, group: str, tag: int, letters: str, most: float, what: str, problems: list[str]
) -> float | None:
    """Signed degrees from degrees, minutes, seconds and the letter of the tag before."""
    entry = tree.get(group, tag)
    letter = (tree.text(group, tag - 1) or "")[:1].upper()
    if entry is None:
        if letter:
            problems.append(f"{what} has a letter but no value")
        return None
    numbers = _ratios(entry)
    if not numbers or len(numbers) > 3:
        problems.append(f"{what} has {entry.count} values, not degrees, minutes and seconds")
        return None
    if any(denominator == 0 for _, denominator in numbers):
        problems.append(f"{what} has a zero denominator")
        return None
    if letter not in tuple(letters):
        problems.append(f"{what} without a letter {letters[0]} or {letters[1]}: sign unknown")
        return None
    parts = [numerator / denominator for numerator, denominator in numbers]
    degrees = sum(part / 60**power for power, part in enumerate(parts))
    if not -most <= degrees <= most:
        problems.append(f"{what} {degrees:g} degrees is out of range")
        return None
    if degrees < 0 or any(part >= 60 for part in parts[1:]):
        problems.append(f"{what} is written with parts outside their range")
    return _rounded(-degrees if letter == letters[1] else degrees, 7)


def _altitude(tree: ExifTree, group: str, problems: list[str]) -> tuple[float | None, int | None]:
    metres = _ratio(tree.get(group, _ALTITUDE), "altitude", problems)
    entry = tree.get(group, _ALTITUDE_REF)
    reference = entry.integers[0] if entry is not None and entry.integers else None
    if reference is None and entry is not None and isinstance(entry.value, bytes | str):
        reference = int(entry.value[:1] in (b"\1", b"1", "1", "\1"))
    if reference is not None and reference not in (0, 1, 2, 3):
        problems.append(f"altitude reference {reference} is not defined")
    if metres is not None and reference in (1, 3):
        metres = -metres
    return _rounded(metres, 3), reference


def _speed(tree: ExifTree, group: str, problems: list[str]) -> float | None:
    speed = _ratio(tree.get(group, _SPEED), "speed", problems)
    if speed is None:
        return None
    factor = _SPEEDS.get((tree.text(group, _SPEED_REF) or "K")[:1].upper())
    if factor is None:
        problems.append("speed in an unknown unit")
        return None
    return _rounded(speed * factor, 3)


def _method(entry: Field | None) -> str | None:
    if entry is None:
        return None
    value = entry.value
    if isinstance(value, bytes):
        value = value[8:].decode("latin-1") if len(value) > 8 else ""
    return value.strip(" \0")[:64] or None if isinstance(value, str) else None


def gps_clock(tree: ExifTree, group: str = "GPS") -> Clock | None:
    """The satellites' time (UTC), from the date and time fields; None where neither is there."""
    date, time = tree.text(group, _DATE), tree.get(group, _TIME)
    if date is None and time is None:
        return None
    numbers = _ratios(time) if time is not None else []
    raw = f"{date or ''} {' '.join(f'{n}/{d}' for n, d in numbers)}".strip()

    def broken(reason: str) -> Clock:
        return Clock(basis="exif:gps", at=None, raw=raw[:64], problem=reason)

    if date is None or time is None:
        return broken("a date without a time" if time is None else "a time without a date")
    day = [
        int(part) for part in date.replace("-", ":").split(":") if part.isascii() and part.isdigit()
    ]
    if len(day) != 3 or len(numbers) != 3:
        return broken("date or time has other than three parts")
    if any(denominator == 0 for _, denominator in numbers):
        return broken("time has a zero denominator")
    if any(n * d < 0 for n, d in numbers) or any(n % d for n, d in numbers[:2]):
        return broken("hours and minutes are not whole")
    hour, minute = (n // d for n, d in numbers[:2])
    second, rest = divmod(numbers[2][0] * 1000 // numbers[2][1], 1000)
    digits = f"{rest:03d}" if rest else ""
    return clock_of("exif:gps", raw, [*day, hour, minute, second], digits, "Z")
