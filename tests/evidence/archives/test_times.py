"""Clocks of archives, against the standard library's own arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from hypothesis import given
from hypothesis import strategies as st

from headwater.evidence.archives.times import decimal_unix_time, dos_time, file_time, unix_time

YEARS = st.datetimes(
    min_value=datetime(1601, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)
)


@given(YEARS)
def test_every_clock_gives_back_the_moment(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    seconds = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    ticks = (moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    for reading, expected in (
        (unix_time(seconds, "x", moment.microsecond * 1000), moment),
        (file_time(ticks, "x"), moment),
        (decimal_unix_time(str(seconds).encode(), "x"), whole),
    ):
        assert reading is not None
        assert reading.at.endswith("Z")
        assert datetime.fromisoformat(reading.at) == expected


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=11))
def test_decimal_seconds_are_cut_at_the_nanosecond_towards_the_past(value: Decimal) -> None:
    reading = decimal_unix_time(f"{value:f}".encode(), "x")
    assert reading is not None
    total = int((value * 10**9).to_integral_value(ROUND_FLOOR))
    seconds, nanoseconds = divmod(total, 10**9)
    whole, _, fraction = reading.at.removesuffix("Z").partition(".")
    assert datetime.fromisoformat(whole + "Z") == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=seconds
    )
    assert int(fraction.ljust(9, "0") or "0") == nanoseconds


@given(st.binary(max_size=40))
def test_text_that_is_no_number_is_no_time(text: bytes) -> None:
    reading = decimal_unix_time(text, "x")
    assert reading is None or text.strip(b"-0123456789.") == b""


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_dos_times_have_no_offset_and_even_seconds(date: int, time: int) -> None:
    reading = dos_time(date, time, "zip:dos")
    if reading is None:
        day, month, seconds = date & 31, date >> 5 & 15, time & 31
        assert (
            day == 0
            or not 1 <= month <= 12
            or day > 28
            or time >> 11 > 23
            or (time >> 5 & 63) > 59
            or seconds > 29
        )
        return
    moment = datetime.fromisoformat(reading.at)
    assert moment.tzinfo is None
    assert (moment.year - 1980) << 9 | moment.month << 5 | moment.day == date
    assert moment.hour << 11 | moment.minute << 5 | moment.second // 2 == time


def test_moments_outside_the_calendar_are_none() -> None:
    assert unix_time(1 << 60, "x") is None
    assert unix_time(-(1 << 60), "x") is None
    assert file_time((1 << 64) - 1, "x") is None
    assert decimal_unix_time(b"9" * 18, "x") is None
    assert decimal_unix_time(b"1e999999999", "x") is None
