"""Damage is as described, and a bomb is a valid picture."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from headwater.demo import broken


@settings(max_examples=25, deadline=None)
@given(st.one_of(st.integers(1, 300), st.integers(2800, 4200)))
def test_a_bomb_is_a_valid_black_picture_of_any_size(side_px: int) -> None:
    with Image.open(io.BytesIO(broken.png_bomb(side_px))) as picture:
        picture.load()
        assert picture.size == (side_px, side_px)
        assert picture.getextrema() == (0, 0)


def test_a_bomb_is_small_for_what_it_claims() -> None:
    assert len(broken.png_bomb()) < 60_000 * 60_000 / 8 / 900


def test_one_bit_is_flipped_and_the_picture_does_not_load() -> None:
    whole = broken.small_png(Image.linear_gradient("L").convert("RGB"))
    flipped = broken.bit_flipped(whole)
    assert sum((a ^ b).bit_count() for a, b in zip(whole, flipped, strict=True)) == 1
    Image.open(io.BytesIO(whole)).load()
    with pytest.raises((OSError, SyntaxError)):
        Image.open(io.BytesIO(flipped)).load()
