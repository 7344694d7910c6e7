"""Every form of date seen in VICS files, in one spelling.

Seen are RFC 3339 with any number of digits, offsets written `+0:00Z`, `/Date(1234)/` (milliseconds
since 1970 in UTC, as .NET wrote them) and US text (`9/9/2024 9:09:09 PM (UTC-5)`). Slashes without
AM or PM may mean the day first or the month, and are not guessed.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_LONGEST = 64
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,18}))?)?"
    r" ?([Zz]|[+-]\d{1,2}:?\d\d[Zz]?)?)?",
    re.ASCII,
)
_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}0*Z", re.ASCII)
"""What nearly every date looks like."""
_US = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}) +(\d{1,2}):(\d\d)(?::(\d\d))? *(AM|PM)"
    r"(?: *\(UTC([+-]\d{1,2})?(?::(\d\d))?\))?",
    re.ASCII | re.IGNORECASE,
)
_EPOCH = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d\d)([Zz]?)", re.ASCII)
_NO_DAY = "a day or an hour that no calendar has"
_NO_DATE = "0001-01-01T00:00:00.000"


def one_spelling(text: str) -> str:
    """Return a date as `2023-06-07T02:31:49.830Z`: RFC 3339 in UTC, milliseconds or finer.

    Digits beyond the milliseconds stay where they are not zero. A date whose time zone is not
    told comes without `Z`. Raises ValueError, without the text, where it cannot be read.
    """
    if len(text) > _LONGEST:
        raise ValueError("longer than any date")
    if _PLAIN.fullmatch(text):
        try:
            datetime.fromisoformat(text[:19])
        except ValueError:
            raise ValueError(_NO_DAY) from None
        return text[:23] + "Z"
    stripped = text.strip()
    if found := _ISO.fullmatch(stripped):
        return _from_iso(found)
    if found := _US.fullmatch(stripped):
        return _from_us(found)
    if found := _EPOCH.fullmatch(stripped):
        return _from_epoch(int(found[1]))
    raise ValueError("not a form of date that is known")


def zone_told(spelling: str) -> bool:
    """Whether a date in the one spelling is one moment everywhere."""
    return spelling.endswith("Z")


def means_none(spelling: str) -> bool:
    """Whether a date in the one spelling is the zero date, which stands for no date."""
    return spelling.startswith(_NO_DATE)


def _from_iso(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    when = _moment(year, month, day, hour or 0, minute or 0, second or 0)
    if zone is None:
        return _spelled(when, fraction, zone=False)
    return _spelled(_less(when, _offset_minutes(zone)), fraction, zone=True)


def _offset_minutes(zone: str) -> int:
    if zone in ("Z", "z"):
        return 0
    found = _OFFSET.fullmatch(zone)
    assert found is not None
    minutes = int(found[2]) * 60 + int(found[3])
    if found[4] and minutes:
        raise ValueError("an offset and UTC at once")
    if minutes > 18 * 60 or int(found[3]) > 59:
        raise ValueError("an offset that no place has")
    return -minutes if found[1] == "-" else minutes


def _from_us(found: re.Match[str]) -> str:
    month, day, year, hour, minute, second, half, zone_hours, zone_minutes = found.groups()
    if not 1 <= int(hour) <= 12:
        raise ValueError("an hour that no half of a day has")
    hours = int(hour) % 12 + (12 if half.upper() == "PM" else 0)
    when = _moment(year, month, day, hours, minute, second or 0)
    if "(" not in found[0]:
        return _spelled(when, None, zone=False)
    sign_and_hours = zone_hours or "+0"
    return _spelled(
        _less(when, _offset_minutes(f"{sign_and_hours}:{zone_minutes or '00'}")), None, zone=True
    )


def _from_epoch(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    when = _less(datetime(1970, 1, 1), -timedelta(seconds=seconds))
    return _spelled(when, f"{rest:03d}", zone=True)


def _moment(*parts: str | int) -> datetime:
    try:
        return datetime(*(int(part) for part in parts))  # type: ignore[arg-type]
    except ValueError:
        raise ValueError(_NO_DAY) from None


def _less(when: datetime, offset: int | timedelta) -> datetime:
    step = offset if isinstance(offset, timedelta) else timedelta(minutes=offset)
    try:
        return when - step
    except OverflowError:
        raise ValueError("a year that no calendar has") from None


def _spelled(when: datetime, fraction: str | None, *, zone: bool) -> str:
    digits = (fraction or "").rstrip("0").ljust(3, "0")
    return f"{when.isoformat()}.{digits}{'Z' if zone else ''}"
