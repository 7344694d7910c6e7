"""The basics of a picture are those of what was encoded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.picture import Picture, PictureBasics, luma_statistics
from headwater.media.identify import identify
from headwater.media.media import Media
from tests.media.pictures import makers
from tests.pictures import texture


def media(data: bytes) -> Media:
    content = Content.from_bytes(data)
    return Media(content, identify(content), Limits(), content.digests())


def basics(data: bytes) -> PictureBasics:
    record = Picture().measure(media(data)).record
    assert isinstance(record, PictureBasics)
    return record


def test_header_and_luma_are_what_was_encoded() -> None:
    image = texture(5, 90, 60)
    exif = Image.Exif()
    exif[274] = 6
    found = basics(makers.encoded(image, "PNG", exif=exif))
    assert (found.header.width_px, found.header.height_px) == (90, 60)
    assert (found.upright_width_px, found.upright_height_px) == (60, 90)
    luma = np.asarray(image) @ np.array([0.299, 0.587, 0.114])
    assert found.mean_luma == pytest.approx(luma.mean(), abs=0.6)
    assert found.luma_deviation == pytest.approx(luma.std(), abs=0.6)
    assert not found.is_uniform


@pytest.mark.parametrize("level", [0, 17, 255])
def test_an_even_picture_is_uniform(level: int) -> None:
    found = basics(makers.encoded(Image.new("RGB", (64, 64), (level,) * 3), "JPEG"))
    assert found.is_uniform
    assert found.mean_luma == pytest.approx(level, abs=1)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
@settings(max_examples=100, deadline=None)
def test_statistics_of_grey_are_exact(
    pixels: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
) -> None:
    mean, deviation = luma_statistics(pixels)
    assert mean == pytest.approx(float(pixels.mean()), abs=1e-9)
    assert deviation == pytest.approx(float(pixels.std()), abs=1e-6)
