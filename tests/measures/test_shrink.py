"""Area means against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.measures.shrink import mean_areas
from headwater.media.raster import Pixels


def _shares(length: int, parts: int) -> list[list[Fraction]]:
    """How much of each of `length` places lies in each of `parts` equal parts."""
    part = Fraction(length, parts)
    return [
        [
            max(Fraction(0), min((p + 1) * part, Fraction(n + 1)) - max(p * part, Fraction(n)))
            for n in range(length)
        ]
        for p in range(parts)
    ]


def _exact(plane: Pixels, rows: int, columns: int) -> list[list[Fraction]]:
    height, width = plane.shape
    down, across = _shares(height, rows), _shares(width, columns)
    area = Fraction(height * width, rows * columns)
    return [
        [
            sum(
                (
                    down[r][y] * across[c][x] * int(plane[y, x])
                    for y in range(height)
                    for x in range(width)
                    if down[r][y] and across[c][x]
                ),
                Fraction(0),
            )
            / area
            for c in range(columns)
        ]
        for r in range(rows)
    ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_is_the_exact_mean_of_the_area(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 14)), data.draw(st.integers(1, 14))
    rows, columns = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    channels = data.draw(st.sampled_from((1, 3)))
    seed = data.draw(st.integers(0, 10**6))
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    small = mean_areas(pixels, rows, columns)
    assert small.shape == (rows, columns, channels)
    for channel in range(channels):
        for row, means in enumerate(_exact(pixels[:, :, channel], rows, columns)):
            for column, mean in enumerate(means):
                value = int(small[row, column, channel])
                # Exactly halfway, the float product may fall on either side.
                halfway = mean + Fraction(1, 2) == floor(mean + Fraction(1, 2))
                assert value == floor(mean + Fraction(1, 2)) or (halfway and value == floor(mean))


def test_same_size_is_the_same_picture_and_grey_stays_grey() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (40, 57), dtype=np.uint8)
    assert np.array_equal(mean_areas(pixels, 40, 57), pixels)
    assert mean_areas(pixels, 20, 20).shape == (20, 20)


@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_a_flat_picture_stays_as_it_is(value: int) -> None:
    pixels = np.full((751, 333, 3), value, np.uint8)
    assert np.all(mean_areas(pixels, 320, 141) == value)


def test_very_long_sides_keep_their_brightness() -> None:
    tall = np.tile(np.array([[10, 20, 30]], np.uint8), (400_003, 1)).reshape(400_003, 1, 3)
    assert np.all(mean_areas(tall, 3, 1) == [10, 20, 30])
    wide = tall.reshape(1, 400_003, 3)
    assert np.all(mean_areas(wide, 1, 3) == [10, 20, 30])


def test_read_only_and_reversed_pixels_are_taken_and_left_alone() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    expected = mean_areas(pixels, 30, 25)
    assert pixels.flags.writeable
    assert np.array_equal(mean_areas(pixels[::-1].copy()[::-1], 30, 25), expected)
    pixels.flags.writeable = False
    assert np.array_equal(mean_areas(pixels, 30, 25), expected)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (11, 5), (5, 11)])
def test_other_sizes_are_turned_away(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be shrunk"):
        mean_areas(np.zeros((10, 10, 3), np.uint8), *size)
