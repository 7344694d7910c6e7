"""Display matrices against a brute-force twin that moves every pixel."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.measures.thumbnail import upright
from headwater.media.video.display_matrix import read_matrix

_ONE = 1 << 16


def packed(a: float, b: float, c: float, d: float) -> bytes:
    values = [round(value * _ONE) for value in (a, b, c, d)]
    return struct.pack("=9i", values[0], values[1], 0, values[2], values[3], 0, 5, 7, 1 << 30)


def moved(pixels: np.ndarray, a: int, b: int, c: int, d: int) -> np.ndarray:
    """Put the pixel at (x, y) to (a x + c y, b x + d y), then shift everything into view."""
    height, width = pixels.shape[:2]
    places = {
        (a * x + c * y, b * x + d * y): pixels[y, x] for y in range(height) for x in range(width)
    }
    left, top = min(x for x, _ in places), min(y for _, y in places)
    right, bottom = max(x for x, _ in places), max(y for _, y in places)
    shown = np.zeros((bottom - top + 1, right - left + 1), pixels.dtype)
    for (x, y), value in places.items():
        shown[y - top, x - left] = value
    return shown


_QUARTER_TURNS = [
    (a, b, c, d)
    for a in (-1, 0, 1)
    for b in (-1, 0, 1)
    for c in (-1, 0, 1)
    for d in (-1, 0, 1)
    if abs(a * d - b * c) == 1 and a * b == a * c == b * d == c * d == 0
]


@pytest.mark.parametrize("turn", _QUARTER_TURNS)
def test_the_orientation_shows_what_the_matrix_shows(turn: tuple[int, int, int, int]) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    matrix = read_matrix(packed(*turn))
    assert matrix.is_plain
    assert np.array_equal(upright(pixels, matrix.orientation), moved(pixels, *turn))


def test_all_eight_turns_are_tried() -> None:
    assert len({read_matrix(packed(*turn)).orientation for turn in _QUARTER_TURNS}) == 8


@given(st.floats(0, 359.9), st.booleans(), st.floats(0.3, 3))
def test_any_turn_gives_its_angle(degrees: float, mirrored: bool, scale: float) -> None:
    cos, sin = (scale * part(math.radians(degrees)) for part in (math.cos, math.sin))
    a, b, c, d = (-cos, -sin, -sin, cos) if mirrored else (cos, sin, -sin, cos)
    matrix = read_matrix(packed(a, b, c, d))
    assert matrix.mirrored == mirrored
    apart = abs(matrix.rotation_degrees - degrees) % 360
    assert min(apart, 360 - apart) <= 0.51
    assert matrix.orientation in range(1, 9)


@given(st.binary(max_size=80))
def test_any_bytes_give_an_orientation(data: bytes) -> None:
    assert read_matrix(data).orientation in range(1, 9)


def test_a_flattening_matrix_is_not_plain() -> None:
    assert not read_matrix(packed(1, 1, 1, 1)).is_plain
    assert not read_matrix(b"").is_plain
