"""Dates of VICS files, against Python's own arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lists.vics import dates


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("2023-06-07T02:31:49.8300Z", "2023-06-07T02:31:49.830Z"),
        ("2023-06-07T02:31:49Z", "2023-06-07T02:31:49.000Z"),
        ("2023-06-07T02:31:49.8301234Z", "2023-06-07T02:31:49.8301234Z"),
        ("2023-06-07T02:31:49.8-05:00", "2023-06-07T07:31:49.800Z"),
        ("2023-06-07T02:31:49+0:00Z", "2023-06-07T02:31:49.000Z"),
        ("2023-06-07 02:31:49 +0530", "2023-06-06T21:01:49.000Z"),
        ("2023-12-31t23:59:59.999z", "2023-12-31T23:59:59.999Z"),
        ("/Date(1234)/", "1970-01-01T00:00:01.234Z"),
        ("/Date(-1)/", "1969-12-31T23:59:59.999Z"),
        ("/Date(1700000000000+0200)/", "2023-11-14T22:13:20.000Z"),
        ("9/9/2024 9:09:09 PM (UTC-5)", "2024-09-10T02:09:09.000Z"),
        ("9/9/2024 12:00:00 AM (UTC)", "2024-09-09T00:00:00.000Z"),
        ("12/31/2024 12:30 PM (UTC+5:30)", "2024-12-31T07:00:00.000Z"),
        ("9/9/2024 9:09:09 PM", "2024-09-09T21:09:09.000"),
        ("2023-06-07T02:31:49", "2023-06-07T02:31:49.000"),
        ("2023-06-07", "2023-06-07T00:00:00.000"),
        ("  2023-06-07  ", "2023-06-07T00:00:00.000"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00.000"),
    ],
)
def test_seen_forms(text: str, spelled: str) -> None:
    assert dates.one_spelling(text) == spelled
    assert dates.zone_told(spelled) == spelled.endswith("Z")
    assert dates.one_spelling(spelled) == spelled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2023-02-30T00:00:00Z",
        "2023-02-30T00:00:00.000Z",
        "2023-06-07T24:00:00.000Z",
        "2023-06-07T02:31:60Z",
        "2023-13-01",
        "25/12/2024 13:00:00",
        "6/7/2024",
        "13/7/2024 1:00:00 AM",
        "1/1/2024 13:00:00 AM",
        "1/1/2024 0:30:00 AM",
        "2023-06-07T02:31:49+5:00Z",
        "2023-06-07T02:31:49+19:00",
        "2023-06-07T02:31:49+05:75",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "/Date(999999999999999)/",
        "/Date(abc)/",
        "٢٠٢٣-06-07",
        "2023-06-07T02:31:49.Z",
        "2" * 100,
    ],
)
def test_what_cannot_be_read_is_said_without_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-zA-Z ,]+$") as raised:
        dates.one_spelling(text)
    assert not text or text not in str(raised.value)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.integers(-18 * 60, 18 * 60),
    st.sampled_from(["T", " "]),
)
def test_any_moment_in_any_zone(when: datetime, minutes: int, between: str) -> None:
    zoned = when.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    spelled = dates.one_spelling(zoned.isoformat(sep=between))
    assert datetime.fromisoformat(spelled) == zoned
    assert spelled.endswith("Z")
    assert len(spelled) >= len("2023-06-07T02:31:49.830Z")
    assert dates.one_spelling(spelled) == spelled


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_since_1970(milliseconds: int) -> None:
    spelled = dates.one_spelling(f"/Date({milliseconds})/")
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert datetime.fromisoformat(spelled) == expected
