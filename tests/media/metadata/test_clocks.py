"""Clock readings: what is written comes back as an instant, and nonsense as a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.media.metadata.clocks import exif_clock, iso_clock

MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30)).map(
    lambda moment: moment.replace(microsecond=0)
)
ZONES = st.integers(-12 * 4, 14 * 4).map(lambda quarter: timedelta(minutes=15 * quarter))


def _offset(zone: timedelta) -> str:
    minutes = int(zone.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


@given(MOMENTS, st.none() | ZONES, st.integers(0, 999))
def test_exif_times_are_instants(moment: datetime, zone: timedelta | None, thousandth: int) -> None:
    offset = None if zone is None else _offset(zone)
    text = f"{moment.year:04d}:{moment:%m:%d %H:%M:%S}"
    clock = exif_clock("exif:original", text, f"{thousandth:03d}", offset)
    assert clock.problem is None
    assert clock.at is not None
    assert clock.utc_offset == offset
    read = datetime.fromisoformat(clock.at)
    expected = moment.replace(microsecond=1000 * thousandth)
    if zone is None:
        assert read == expected
    else:
        assert read == expected.replace(tzinfo=timezone(zone)).astimezone(UTC)
        assert clock.at.endswith("Z")


@given(MOMENTS, st.none() | ZONES)
def test_iso_times_are_instants(moment: datetime, zone: timedelta | None) -> None:
    aware = moment if zone is None else moment.replace(tzinfo=timezone(zone))
    clock = iso_clock("xmp:create", aware.isoformat())
    assert clock.at is not None
    assert datetime.fromisoformat(clock.at) == aware


@pytest.mark.parametrize("text", ["2019", "2019-05", "2019-05-17"])
def test_iso_dates_keep_their_precision(text: str) -> None:
    assert iso_clock("xmp:create", text).at == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0000:00:00 00:00:00", "never set"),
        ("    :  :     :  :  ", "never set"),
        ("                   ", "blank"),
        ("", "blank"),
        ("2021:02:29 10:00:00", "no such time"),
        ("2021:13:01 10:00:00", "no such time"),
        ("2021:01:01 24:00:00", "no such time"),
        ("2021:01:01 23:59:60", "no such time"),
        ("yesterday", "not written as a time"),
    ],
)
def test_nonsense_is_said_to_be(text: str, reason: str) -> None:
    clock = exif_clock("exif:original", text, None, None)
    assert clock.at is None
    assert clock.problem is not None
    assert reason in clock.problem


def test_odd_companions_do_not_spoil_a_time() -> None:
    clock = exif_clock("exif:original", "2021:03:04 05:06:07", "ab", "+99:99")
    assert clock.at == "2021-03-04T05:06:07"
    assert clock.problem is not None


@given(st.text(max_size=60), st.none() | st.text(max_size=20), st.none() | st.text(max_size=20))
def test_any_text_gives_a_clock(text: str, subseconds: str | None, offset: str | None) -> None:
    for clock in (exif_clock("a", text, subseconds, offset), iso_clock("a", text)):
        assert len(clock.raw) <= 64
        assert (clock.at is None) <= (clock.problem is not None)
