from __future__ import annotations

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headwater.case.facts import fact_columns
from headwater.case.records import Facts
from tests.case import building


def facts(**measurements: bytes) -> Facts | None:
    columns = fact_columns(measurements)
    if columns is None:
        return None
    return msgspec.convert(dict(zip(Facts.__struct_fields__, columns, strict=True)), Facts)


def test_columns_of_a_picture() -> None:
    assert facts(exif=building.EXIF, picture=building.PICTURE, pdq=building.PDQ) == Facts(
        width_px=4000,
        height_px=3000,
        pdq=bytes.fromhex("0f" * 32),
        pdq_quality=87,
        taken_at="2024-05-06T07:08:09",
        taken_basis="exif:original",
        latitude_degrees=48.5,
        longitude_degrees=-0.25,
        make="Maker",
        model="Model 1",
    )


def test_the_best_clock_is_taken_and_a_clock_of_changes_never() -> None:
    changed = b'{"basis":"exif:modified","at":"2020-01-01"}'
    digitized = b'{"basis":"exif:digitized","at":"2021-01-01"}'
    unread = b'{"basis":"exif:original","at":null}'
    xmp = b'{"times":[{"basis":"xmp:create","at":"2022-01-01"}]}'

    def taken(*clocks: bytes, **others: bytes) -> tuple[str | None, str | None]:
        found = facts(exif=b'{"times":[' + b",".join(clocks) + b'],"make":"M"}', **others)
        assert found is not None
        return found.taken_basis, found.taken_at

    assert taken(changed) == (None, None)
    assert taken(changed, digitized, unread) == ("exif:digitized", "2021-01-01")
    assert taken(changed, digitized, xmp=xmp) == ("xmp:create", "2022-01-01")


def test_nothing_to_say_gives_no_row() -> None:
    assert facts() is None
    assert facts(structure=b"{}") is None
    assert facts(exif=b"{}") is None


def as_json(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (TypeError, UnicodeEncodeError, OverflowError):
        return b"{}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["make", "header", "width_px", "pdq", "quality", "times", "place", "at"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["exif", "picture", "pdq", "video", "xmp"]),
        st.binary(max_size=20) | VALUES.map(as_json),
    )
)
def test_any_bytes_give_columns_that_can_be_stored_or_none(measurements: dict[str, bytes]) -> None:
    columns = fact_columns(measurements)
    assert columns is None or len(columns) == len(Facts.__struct_fields__)
    for column in columns or ():
        assert column is None or isinstance(column, int | float | str | bytes)
        assert not isinstance(column, int) or column < 1 << 63
        assert not isinstance(column, float) or math.isfinite(column)


def test_columns_of_a_film() -> None:
    film = {
        "clocks": [
            {
                "basis": "mvhd:modified",
                "state": "read",
                "at": "2024-01-01T00:00:09Z",
                "zone": "utc",
            },
            {"basis": "mvhd:created", "state": "read", "at": "2024-01-01T00:00:00Z", "zone": "utc"},
            {
                "basis": "tag:date",
                "state": "read",
                "at": "2024-01-01T01:00:00+01:00",
                "zone": "offset",
            },
        ],
        "places": [{"latitude_degrees": None}, {"latitude_degrees": 1.5, "longitude_degrees": 2.5}],
        "devices": [{"role": "make", "value": "Maker"}, {"role": "model", "value": "Model"}],
        "container": {"duration_seconds": 7.0},
        "streams": [{"index": 0}, {"index": 1, "video": {"width_px": 640, "height_px": 360}}],
        "main_stream": 1,
    }
    assert facts(video=msgspec.json.encode(film)) == Facts(
        width_px=640,
        height_px=360,
        duration_seconds=7.0,
        taken_at="2024-01-01T01:00:00+01:00",
        taken_basis="video:tag:date",
        latitude_degrees=1.5,
        longitude_degrees=2.5,
        make="Maker",
        model="Model",
    )
