"""The clocks that archives keep, as `model.Time`. A reading outside the years 1..9999 is None."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from headwater.model import Time

_UNIX_EPOCH = datetime(1970, 1, 1)
_FILETIME_EPOCH = datetime(1601, 1, 1)
_NANOSECONDS = 1_000_000_000
_DECIMAL = re.compile(rb"(-)?([0-9]{1,18})(?:\.([0-9]{0,40}))?")


def unix_time(seconds: int, basis: str, nanoseconds: int = 0) -> Time | None:
    """Return a reading in seconds since 1970 UTC."""
    return _utc(_UNIX_EPOCH, seconds, nanoseconds, 9, basis)


def decimal_unix_time(text: bytes, basis: str) -> Time | None:
    """Return a reading in decimal seconds since 1970 UTC, as pax records hold it.

    Digits finer than a nanosecond are cut off, towards the past.
    """
    found = _DECIMAL.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction = found.groups(b"")
    total = int(whole) * _NANOSECONDS + int(fraction[:9].ljust(9, b"0"))
    if sign:
        total = -total - (1 if fraction[9:].strip(b"0") else 0)
    seconds, nanoseconds = divmod(total, _NANOSECONDS)
    return _utc(_UNIX_EPOCH, seconds, nanoseconds, 9, basis)


def file_time(ticks: int, basis: str) -> Time | None:
    """Return a Windows FILETIME: units of 100 ns since 1601 UTC."""
    seconds, rest = divmod(ticks, 10_000_000)
    return _utc(_FILETIME_EPOCH, seconds, rest, 7, basis)


def dos_time(date: int, time: int, basis: str) -> Time | None:
    """Return an MS-DOS date and time: local, in steps of two seconds, without an offset."""
    try:
        moment = datetime(
            1980 + (date >> 9),
            date >> 5 & 15,
            date & 31,
            time >> 11,
            time >> 5 & 63,
            (time & 31) * 2,
        )
    except ValueError:
        return None
    return Time(at=moment.isoformat(), basis=basis)


def _utc(epoch: datetime, seconds: int, fraction: int, digits: int, basis: str) -> Time | None:
    try:
        moment = epoch + timedelta(seconds=seconds)
    except OverflowError:
        return None
    shown = f".{fraction:0{digits}d}".rstrip("0") if fraction else ""
    return Time(at=f"{moment.isoformat()}{shown}Z", basis=basis)
