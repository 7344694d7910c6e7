"""Dates as devices write them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.media.video.clocks import (
    QUICKTIME_EPOCH,
    UNIX_EPOCH,
    WINDOWS_EPOCH,
    is_date_tag,
    read_since,
    read_text,
    tag_clocks,
)

_MOMENTS = st.datetimes(datetime.datetime(1972, 1, 1), datetime.datetime(2200, 1, 1))
_OFFSETS = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)


@given(_MOMENTS, _OFFSETS)
def test_any_moment_with_an_offset_is_read_as_it_is(
    moment: datetime.datetime, offset: datetime.timezone
) -> None:
    aware = moment.replace(tzinfo=offset)
    for text in (aware.isoformat(), aware.strftime("%Y-%m-%dT%H:%M:%S.%f%z")):
        clock = read_text("tag", text)
        assert clock.zone == "offset"
        assert clock.at is not None
        read = datetime.datetime.fromisoformat(clock.at)
        assert read == aware
        assert read.utcoffset() == aware.utcoffset()


@given(_MOMENTS)
def test_a_moment_without_an_offset_gets_none(moment: datetime.datetime) -> None:
    whole = moment.replace(microsecond=0)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y:%m:%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%dT%H%M%S"):
        clock = read_text("tag", whole.strftime(form))
        assert (clock.at, clock.zone) == (whole.isoformat(), "none")
    clock = read_text("tag", whole.strftime("%a %b %d %H:%M:%S %Y"))
    assert (clock.at, clock.zone) == (whole.isoformat(), "none")


@given(st.integers(1, 2**33), st.sampled_from([QUICKTIME_EPOCH, WINDOWS_EPOCH, UNIX_EPOCH]))
def test_a_counter_is_read_from_its_epoch(count: int, epoch: datetime.datetime) -> None:
    clock = read_since("header", count, epoch)
    if clock.state == "unset":
        first_days = {QUICKTIME_EPOCH, WINDOWS_EPOCH, UNIX_EPOCH}
        moment = epoch + datetime.timedelta(seconds=count)
        assert any(day <= moment < day + datetime.timedelta(days=1) for day in first_days)
        return
    assert clock.at is not None
    assert clock.at.endswith("Z")
    read = datetime.datetime.fromisoformat(clock.at)
    assert (read - epoch).total_seconds() == count


@pytest.mark.parametrize(
    ("text", "at", "zone"),
    [
        ("2019-05-02T10:11:12+0200", "2019-05-02T10:11:12+02:00", "offset"),
        ("2019-05-02T10:11:12-03", "2019-05-02T10:11:12-03:00", "offset"),
        ("2021-01-02T03:04:05.678900Z", "2021-01-02T03:04:05.678900Z", "utc"),
        ("UTC 2019-05-02 10:11:12", None, None),
        ("2019-05-02 10:11:12 UTC", "2019-05-02T10:11:12Z", "utc"),
        ("2020-08-10", "2020-08-10", "none"),
        ("2020:08:10 09:08", "2020-08-10T09:08:00", "none"),
        ("2020", None, None),
        ("2020-13-10", None, None),
        ("2020-02-30T10:00:00Z", None, None),
        ("2020-02-03T25:00:00Z", None, None),
        ("2020-02-03T05:00:00+99:99", None, None),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "utc"),
        ("tomorrow", None, None),
        ("", None, None),
        ("1" * 100_000, None, None),
    ],
)
def test_texts(text: str, at: str | None, zone: str | None) -> None:
    clock = read_text("tag", text)
    assert (clock.at, clock.zone) == (at, zone)
    assert clock.state == ("unreadable" if at is None else "read")
    assert len(clock.raw) <= 128


@pytest.mark.parametrize(
    "text",
    [
        "1904-01-01T00:00:00Z",
        "1970-01-01T00:00:00.000000Z",
        "1970-01-01 00:00:00",
        "1970-01-01",
        "0000-00-00 00:00:00",
        "0000:00:00 00:00:00",
    ],
)
def test_epochs_are_not_set(text: str) -> None:
    clock = read_text("tag", text)
    assert (clock.state, clock.at) == ("unset", None)
    assert clock.raw == text


def test_zero_is_not_set() -> None:
    for epoch in (QUICKTIME_EPOCH, WINDOWS_EPOCH, UNIX_EPOCH):
        assert read_since("header", 0, epoch).state == "unset"


def test_a_counter_beyond_all_years_is_unreadable() -> None:
    assert read_since("header", 2**63, QUICKTIME_EPOCH).state == "unreadable"


@given(st.text(max_size=60))
def test_any_text_is_read_or_not(text: str) -> None:
    clock = read_text("tag", text)
    assert (clock.state == "read") == (clock.at is not None)


def test_a_tag_repeated_for_its_language_is_listed_once() -> None:
    tags = [("date", "2020-01-02"), ("date-eng", "2020-01-02"), ("date-deu", "2021-01-02")]
    assert [clock.basis for clock in tag_clocks(tags)] == ["tag:date", "tag:date-deu"]
    assert not is_date_tag("title")
