"""Positions from GPS directories: signs, ranges and refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.media.metadata.directories import Field, Value
from headwater.media.metadata.exif_tree import ExifTree
from headwater.media.metadata.place import Place, gps_clock, read_place

RATIONAL, ASCII, BYTE = 5, 2, 1
Fields = dict[int, tuple[int, Value]]


def place_of(fields: Fields) -> Place:
    place = read_place(tree_of(fields))
    assert place is not None
    return place


def tree_of(fields: Fields) -> ExifTree:
    directory = {
        tag: Field(tag, kind, len(value), 0, 8 * len(value), value)
        for tag, (kind, value) in fields.items()
    }
    return ExifTree(groups={"GPS": directory})


@given(
    st.integers(0, 89),
    st.integers(0, 59),
    st.integers(0, 59_999),
    st.sampled_from("NS"),
    st.integers(0, 179),
    st.sampled_from("EW"),
)
def test_degrees_minutes_and_seconds(
    north: int, minutes: int, thousandths: int, ns: str, east: int, ew: str
) -> None:
    rest = (minutes, 1), (thousandths, 1000)
    place = place_of(
        {
            1: (ASCII, ns),
            2: (RATIONAL, ((north, 1), *rest)),
            3: (ASCII, ew),
            4: (RATIONAL, ((east * 7, 7), *rest)),
        }
    )
    part = minutes / 60 + thousandths / 3_600_000
    assert place.latitude_degrees == pytest.approx(
        (north + part) * (-1 if ns == "S" else 1), abs=1e-7
    )
    assert place.longitude_degrees == pytest.approx(
        (east + part) * (-1 if ew == "W" else 1), abs=1e-7
    )


def test_decimal_degrees_and_minutes() -> None:
    place = place_of({1: (ASCII, "N"), 2: (RATIONAL, ((475, 10), (0, 1), (0, 1)))})
    assert place.latitude_degrees == 47.5
    place = place_of({1: (ASCII, "N"), 2: (RATIONAL, ((47, 1), (315, 10)))})
    assert place.latitude_degrees == 47.525


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({1: (ASCII, "N"), 2: (RATIONAL, ((1, 0), (2, 1), (3, 1)))}, "zero denominator"),
        ({1: (ASCII, "N"), 2: (RATIONAL, ((91, 1), (0, 1), (0, 1)))}, "out of range"),
        ({2: (RATIONAL, ((10, 1), (0, 1), (0, 1)))}, "sign unknown"),
        ({1: (ASCII, "X"), 2: (RATIONAL, ((10, 1), (0, 1), (0, 1)))}, "sign unknown"),
        ({1: (ASCII, "N"), 2: (ASCII, "10")}, "not degrees, minutes and seconds"),
        ({1: (ASCII, "N"), 2: (RATIONAL, ((1, 1),) * 4)}, "not degrees, minutes and seconds"),
        ({1: (ASCII, "N")}, "letter but no value"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(fields: Fields, reason: str) -> None:
    place = place_of(fields)
    assert place.latitude_degrees is None
    assert any(reason in problem for problem in place.problems)


@pytest.mark.parametrize(
    ("reference", "metres"), [(0, 123.45), (1, -123.45), (2, 123.45), (3, -123.45)]
)
def test_altitude_has_a_sign(reference: int, metres: float) -> None:
    place = place_of({5: (BYTE, (reference,)), 6: (RATIONAL, ((12345, 100),))})
    assert place.altitude_metres == metres
    assert place.altitude_ref == reference


def test_no_fix_is_pointed_out() -> None:
    zero = (RATIONAL, ((0, 1), (0, 1), (0, 1)))
    place = place_of({1: (ASCII, "N"), 2: zero, 3: (ASCII, "E"), 4: zero})
    assert (place.latitude_degrees, place.longitude_degrees) == (0.0, 0.0)
    assert any("without a fix" in problem for problem in place.problems)


def test_a_version_alone_is_no_place() -> None:
    assert read_place(tree_of({0: (BYTE, (2, 3, 0, 0))})) is None


def test_the_satellites_clock() -> None:
    time = (RATIONAL, ((14, 1), (5, 1), (7250, 1000)))
    clock = gps_clock(tree_of({29: (ASCII, "2019:05:17"), 7: time}))
    assert clock is not None
    assert clock.at == "2019-05-17T14:05:07.250Z"


@pytest.mark.parametrize(
    "fields",
    [
        {29: (ASCII, "2019:05:17")},
        {7: (RATIONAL, ((1, 1), (2, 1), (3, 1)))},
        {29: (ASCII, "2019:05:17"), 7: (RATIONAL, ((1, 1), (2, 0), (3, 1)))},
        {29: (ASCII, "2019:05:17"), 7: (RATIONAL, ((25, 1), (2, 1), (3, 1)))},
        {29: (ASCII, "2019:02:30"), 7: (RATIONAL, ((1, 1), (2, 1), (3, 1)))},
        {29: (ASCII, "9" * 4000), 7: (RATIONAL, ((1, 1), (2, 1), (3, 1)))},
        {29: (ASCII, f"{'9' * 1000}:1:1"), 7: (RATIONAL, ((1, 1), (2, 1), (3, 1)))},
    ],
)
def test_broken_satellite_times_say_why(fields: Fields) -> None:
    clock = gps_clock(tree_of(fields))
    assert clock is not None
    assert clock.at is None
    assert clock.problem
