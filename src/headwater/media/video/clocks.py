"""Clock readings in films: when a file says that it was recorded, made or changed.

A file can carry many clocks, and they may contradict each other. Each is listed as it stands.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Literal

from headwater.model import Record

Zone = Literal["utc", "offset", "none"]
State = Literal["read", "unset", "unreadable"]

RAW_MOST = 128
_UTC = datetime.UTC
QUICKTIME_EPOCH = datetime.datetime(1904, 1, 1, tzinfo=_UTC)
WINDOWS_EPOCH = datetime.datetime(1601, 1, 1, tzinfo=_UTC)
UNIX_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=_UTC)

_EPOCHS = frozenset({(1904, 1, 1), (1970, 1, 1), (1601, 1, 1)})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_DATE_AND_TIME = re.compile(
    r"(\d{4})[-:/.](\d{1,2})[-:/.](\d{1,2})(?:[T _]+(\d{1,2}):(\d{2})(?::(\d{2})([.,]\d{1,9})?)?)?"
    r" ?(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})([.,]\d{1,9})?(Z|[+-]\d{4})?")
_WITH_WEEKDAY = re.compile(
    r"[A-Za-z]{3},? +([A-Za-z]{3}) +(\d{1,2}) +(\d{1,2}):(\d{2}):(\d{2}) +(\d{4})"
)


class Clock(Record, frozen=True, kw_only=True):
    """One clock reading."""

    basis: str
    """Which clock: `mvhd:created`, `trak 1 mdhd:modified`, `tag:com.apple.quicktime.creationdate`,
    `stream 0 tag:creation_time`, `file properties:created`, ..."""
    raw: str
    """As stored: a number of units since the basis' epoch, or text."""
    state: State
    """`unset` is zero, or the first day of an epoch (1904, 1970, 1601)."""
    at: str | None
    """RFC 3339; without an offset where `zone` is `none`, a date alone where no more is said."""
    zone: Zone | None
    """How the offset is known: `utc` by the format's rule, `offset` written beside the time."""
    note: str | None = None


def read_since(
    basis: str, count: int, epoch: datetime.datetime, units_per_second: int = 1
) -> Clock:
    """Return the reading of a counter since an epoch in UTC; zero is `unset`."""
    raw = str(count)
    if count == 0:
        return Clock(basis=basis, raw=raw, state="unset", at=None, zone=None)
    try:
        moment = epoch + datetime.timedelta(microseconds=count * 1_000_000 // units_per_second)
    except OverflowError:
        return Clock(basis=basis, raw=raw, state="unreadable", at=None, zone=None)
    return _reading(basis, raw, moment, "utc")


def read_text(basis: str, text: str) -> Clock:
    """Return the reading of a date written as text, in any of the ways that devices write them."""
    raw = text[:RAW_MOST]
    found = _match(text.strip())
    if found is None:
        return Clock(basis=basis, raw=raw, state="unreadable", at=None, zone=None)
    date, time, fraction, offset = found
    if not any(date):
        return Clock(basis=basis, raw=raw, state="unset", at=None, zone=None)
    try:
        if time is None:
            return _date_alone(basis, raw, datetime.date(*date))
        moment = datetime.datetime(*date, *time, microsecond=fraction, tzinfo=_zone(offset))
    except (ValueError, OverflowError):
        return Clock(basis=basis, raw=raw, state="unreadable", at=None, zone=None)
    zone: Zone = "none" if not offset else "utc" if offset in ("Z", "UTC") else "offset"
    return _reading(basis, raw, moment, zone)


_Parts = tuple[tuple[int, int, int], tuple[int, int, int] | None, int, str]


def _match(text: str) -> _Parts | None:
    """Return date, time of day, microseconds and offset as they are written."""
    found = _DATE_AND_TIME.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is not None:
        year, month, day, hour, minute, second, fraction, offset = found.groups()
        time = None if hour is None else (int(hour), int(minute), int(second or 0))
        micro = int((fraction or ".0")[1:7].ljust(6, "0"))
        return (int(year), int(month), int(day)), time, micro, offset or ""
    found = _WITH_WEEKDAY.fullmatch(text)
    if found is None or found[1].lower() not in _MONTHS:
        return None
    date = int(found[6]), _MONTHS.index(found[1].lower()) + 1, int(found[2])
    return date, (int(found[3]), int(found[4]), int(found[5])), 0, ""


def _zone(offset: str) -> datetime.timezone | None:
    if not offset:
        return None
    if offset in ("Z", "UTC"):
        return _UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:]) if len(offset) > 3 else 0
    shift = datetime.timedelta(hours=hours, minutes=minutes)
    return datetime.timezone(-shift if offset[0] == "-" else shift)


def _date_alone(basis: str, raw: str, date: datetime.date) -> Clock:
    if (date.year, date.month, date.day) in _EPOCHS:
        return Clock(basis=basis, raw=raw, state="unset", at=None, zone=None)
    return Clock(basis=basis, raw=raw, state="read", at=date.isoformat(), zone="none")


def _reading(basis: str, raw: str, moment: datetime.datetime, zone: Zone) -> Clock:
    if (moment.year, moment.month, moment.day) in _EPOCHS:
        # Whole seconds into the epoch's first day are a clock that started at nothing.
        return Clock(basis=basis, raw=raw, state="unset", at=None, zone=None)
    text = moment.isoformat()
    at = text.replace("+00:00", "Z") if zone == "utc" else text
    return Clock(basis=basis, raw=raw, state="read", at=at, zone=zone)


_DATE_TAGS = frozenset(
    {"creation_time", "modification_time", "creationdate", "idit", "icrd", "datetimeoriginal"}
    | {"date", "date_recorded", "date_digitized", "date_encoded", "date_tagged", "date_written"}
    | {"date_released", "recorded_date", "encoding_time", "wm/encodingtime"}
    | {"com.apple.quicktime.creationdate", "com.apple.quicktime.contentcreatedate"}
)
_LANGUAGE = re.compile(r"-[a-z]{3}$")


def is_date_tag(name: str) -> bool:
    """Whether a tag of that name holds a date; FFmpeg adds languages, as in `date-eng`."""
    plain = name.lower()
    return plain in _DATE_TAGS or _LANGUAGE.sub("", plain) in _DATE_TAGS


def tag_clocks(tags: Iterable[tuple[str, str]], prefix: str = "") -> list[Clock]:
    """Return the readings of all tags that hold dates, in their order.

    FFmpeg repeats a tag that has a language, as in `date-eng`: the same text is listed once.
    """
    clocks: dict[tuple[str, str], Clock] = {}
    for name, value in tags:
        if is_date_tag(name):
            key = _LANGUAGE.sub("", name.lower()), value
            clocks.setdefault(key, read_text(f"{prefix}tag:{name}", value))
    return list(clocks.values())
