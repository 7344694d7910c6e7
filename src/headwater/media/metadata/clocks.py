"""Clock readings in metadata, as RFC 3339 text beside what was written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from headwater.model import Record

RAW_MOST = 64


class Clock(Record, frozen=True, kw_only=True):
    """One reading of one clock. A camera's clock is right only if somebody set it right."""

    basis: str
    """Which clock: `exif:original`, `exif:digitized`, `exif:modified`, `exif:gps`, `xmp:create`,
    ..."""
    at: str | None
    """RFC 3339: in UTC with `Z` where the zone is known, without an offset where it is not; None
    where what was written is no time. A reading to the day, month or year is as short as that."""
    utc_offset: str | None = None
    """The zone that was written, `+02:00`; None where none was."""
    raw: str
    """What was written, at most 64 characters."""
    problem: str | None = None
    """Why there is no `at`, or what is odd about it."""


_EXIF_TIME = re.compile(
    r"(\d{4})[:\-/.](\d{1,2})[:\-/.](\d{1,2})[ T]+(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d+))?\s*"
    r"(Z|[+-]\d{2}:?\d{2})?"
)
_OFFSET = re.compile(r"(Z)|([+-])(\d{1,2}):?(\d{2})")
_ISO_TIME = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?)?)?)?"
)
_UNSET = frozenset("0: -/.TZ")


def exif_clock(basis: str, text: str, subseconds: str | None, offset: str | None) -> Clock:
    """Read an EXIF time (EXIF 3.0, 4.6.5.4), its sub-second and its offset fields."""
    written = " ".join(part for part in (text, subseconds, offset) if part)[:RAW_MOST]
    match = _EXIF_TIME.fullmatch(text.strip())
    if match is None or not text.strip(" 0:\0"):
        return Clock(basis=basis, at=None, raw=written, problem=_why_not(text))
    numbers = [int(group) for group in match.groups()[:6]]
    digits = (subseconds or "").strip()
    problem = None
    if digits and not (digits.isascii() and digits.isdigit()):
        digits, problem = "", f"sub-seconds {digits[:16]!r} are no number"
    zone = (offset or "").strip() or match.group(8) or ""
    clock = _clock(basis, written, numbers, digits or match.group(7) or "", zone)
    if problem and clock.problem is None:
        return Clock(
            basis=basis, at=clock.at, utc_offset=clock.utc_offset, raw=written, problem=problem
        )
    return clock


def iso_clock(basis: str, text: str) -> Clock:
    """Read an ISO 8601 time of the profile that XMP uses (XMP part 1, 8.2.1.1)."""
    written = text.strip()[:RAW_MOST]
    match = _ISO_TIME.fullmatch(text.strip())
    if match is None:
        return Clock(basis=basis, at=None, raw=written, problem=_why_not(text))
    year, month, day, hour, minute, second, digits, zone = match.groups()
    numbers = [int(part) for part in (year, month or 1, day or 1, hour or 0, minute or 0)]
    whole = _clock(basis, written, [*numbers, int(second or 0)], digits or "", zone or "")
    if hour is not None or whole.at is None:
        return whole
    precise = whole.at[: 10 if day else 7 if month else 4]
    return Clock(basis=basis, at=precise, raw=written)


def clock_of(basis: str, raw: str, numbers: list[int], digits: str = "", zone: str = "") -> Clock:
    """A clock from year, month, day, hour, minute and second, digits of a fraction, and a zone."""
    return _clock(basis, raw[:RAW_MOST], numbers, digits, zone)


def _why_not(text: str) -> str:
    if not text.strip(" \0"):
        return "blank"
    if set(text) <= _UNSET:
        return "never set: zeros"
    return "not written as a time"


def _clock(basis: str, raw: str, numbers: list[int], digits: str, zone: str) -> Clock:
    try:
        local = datetime(*numbers)  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        reason = f"no such time: {error}" if any(numbers) else "never set: zeros"
        return Clock(basis=basis, at=None, raw=raw, problem=reason)
    fraction = f".{digits[:9]}" if digits else ""
    match = _OFFSET.fullmatch(zone)
    if match is None:
        problem = f"offset {zone[:16]!r} is no offset" if zone and zone.strip(" :\0") else None
        return Clock(basis=basis, at=f"{local.isoformat()}{fraction}", raw=raw, problem=problem)
    minutes = 0 if match.group(1) else int(match.group(3)) * 60 + int(match.group(4))
    if minutes > 14 * 60 + 59:
        problem = f"offset {zone[:16]!r} is no offset"
        return Clock(basis=basis, at=f"{local.isoformat()}{fraction}", raw=raw, problem=problem)
    shift = timedelta(minutes=-minutes if match.group(2) == "-" else minutes)
    try:
        moment = local.replace(tzinfo=timezone(shift)).astimezone(UTC)
    except OverflowError:
        return Clock(basis=basis, at=None, raw=raw, problem="no such time: outside the calendar")
    written = "Z" if match.group(1) else f"{match.group(2)}{match.group(3):>02}:{match.group(4)}"
    at = f"{moment.replace(tzinfo=None).isoformat()}{fraction}Z"
    return Clock(basis=basis, at=at, utc_offset=written, raw=raw)
