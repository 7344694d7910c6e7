"""Points in ISO 6709 text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.media.video.places import read_place, tag_places


@given(
    st.floats(-90, 90, allow_nan=False),
    st.floats(-180, 180, allow_nan=False),
    st.none() | st.floats(-500, 9000, allow_nan=False),
)
def test_any_point_in_degrees(latitude: float, longitude: float, altitude: float | None) -> None:
    text = f"{latitude:+010.6f}{longitude:+011.6f}"
    if altitude is not None:
        text += f"{altitude:+08.3f}"
    place = read_place("tag:location", text + "/")
    assert place.latitude_degrees == pytest.approx(latitude, abs=1e-6)
    assert place.longitude_degrees == pytest.approx(longitude, abs=1e-6)
    if altitude is None:
        assert place.altitude_metres is None
    else:
        assert place.altitude_metres == pytest.approx(altitude, abs=1e-3)
    assert place.raw == text + "/"


@given(st.integers(0, 89), st.integers(0, 59), st.integers(0, 59), st.sampled_from("+-"))
def test_minutes_and_seconds(degrees: int, minutes: int, seconds: int, sign: str) -> None:
    expected = (degrees + minutes / 60 + seconds / 3600) * (-1 if sign == "-" else 1)
    whole = f"{sign}{degrees:02}{minutes:02}{seconds:02}.5+{degrees:03}{minutes:02}{seconds:02}.5/"
    place = read_place("tag", whole)
    half = (-1 if sign == "-" else 1) * 0.5 / 3600
    assert place.latitude_degrees == pytest.approx(expected + half, abs=1e-6)
    assert place.longitude_degrees == pytest.approx(abs(expected) + abs(half), abs=1e-6)
    place = read_place("tag", f"{sign}{degrees:02}{minutes:02}.25+{degrees:03}{minutes:02}.25/")
    expected = (degrees + (minutes + 0.25) / 60) * (-1 if sign == "-" else 1)
    assert place.latitude_degrees == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "latitude", "longitude", "altitude"),
    [
        ("+48.8577+002.295/", 48.8577, 2.295, None),
        ("-33.8568+151.2153+015.300/", -33.8568, 151.2153, 15.3),
        ("+27.5916+086.5640+8850CRSWGS_84/", 27.5916, 86.564, 8850.0),
        ("+40.6800-074.5000", 40.68, -74.5, None),
    ],
)
def test_points_as_devices_write_them(
    text: str, latitude: float, longitude: float, altitude: float | None
) -> None:
    place = read_place("tag", text)
    assert (place.latitude_degrees, place.longitude_degrees) == (latitude, longitude)
    assert place.altitude_metres == altitude


@pytest.mark.parametrize(
    "text", ["", "Paris", "+91.0000+000.0000/", "+10.0000+181.0000/", "+1+2", "+4875.0+00200.0/"]
)
def test_what_is_no_point_keeps_its_text(text: str) -> None:
    place = read_place("tag", text)
    assert place.latitude_degrees is None
    assert place.longitude_degrees is None
    assert place.note
    assert place.raw == text


def test_zero_is_noted() -> None:
    place = read_place("tag", "+00.0000+000.0000/")
    assert (place.latitude_degrees, place.longitude_degrees) == (0.0, 0.0)
    assert place.note is not None


@given(st.text(alphabet="+-.0123456789/CRS ", max_size=200))
def test_any_text_gives_a_point_in_range_or_none(text: str) -> None:
    place = read_place("tag", text)
    assert (place.latitude_degrees is None) == (place.longitude_degrees is None)
    if place.latitude_degrees is not None and place.longitude_degrees is not None:
        assert -90 <= place.latitude_degrees <= 90
        assert -180 <= place.longitude_degrees <= 180


def test_only_place_tags_and_each_text_once() -> None:
    tags = [
        ("com.apple.quicktime.location.ISO6709", "+01.0000+002.0000/"),
        ("location", "+48.8577+002.2950/"),
        ("location-eng", "+48.8577+002.2950/"),
        ("title", "+03.0000+004.0000/"),
    ]
    assert [place.basis for place in tag_places(tags)] == [
        "tag:com.apple.quicktime.location.ISO6709",
        "tag:location",
    ]
