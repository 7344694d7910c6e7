"""Luma and small pictures of frames, against plain twins."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.measures import frame_pixels
from headwater.measures.pdq_hash import hash_luma
from headwater.media.raster import Pixels
from headwater.media.video.display_matrix import UPRIGHT
from headwater.media.video.picture import Picture, read_picture
from tests.pictures import texture


def picture(**changes: Any) -> Picture:
    """A grey picture of limited range, but for what is given."""
    plain: dict[str, Any] = {
        "width_px": 64,
        "height_px": 48,
        "pixel_format": "gray",
        "full_range": False,
        "matrix_name": None,
        "sample_aspect": Fraction(1),
        "matrix": UPRIGHT,
        "encoder_text": None,
        "damaged": False,
        "luma": None,
        "chroma": None,
        "rgb": None,
    }
    return Picture(**{**plain, **changes})


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_box_means_are_means_of_boxes(height: int, width: int, factor: int, seed: int) -> None:
    plane = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    means = frame_pixels.box_means(plane, factor)
    assert means.shape == (-(-height // factor), -(-width // factor))
    for row in range(means.shape[0]):
        for column in range(means.shape[1]):
            down = np.minimum(np.arange(row * factor, (row + 1) * factor), height - 1)
            across = np.minimum(np.arange(column * factor, (column + 1) * factor), width - 1)
            assert means[row, column] == np.float32(plane[down][:, across].mean())


@pytest.mark.parametrize(
    ("width", "height", "factor"),
    [(1920, 1080, 2), (3840, 2160, 4), (1280, 720, 1), (1024, 1023, 1), (1024, 1024, 2), (5, 9, 1)],
)
def test_both_sides_keep_512(width: int, height: int, factor: int) -> None:
    assert frame_pixels.factor_of(width, height) == factor


def test_limited_range_is_stretched_and_full_range_is_not() -> None:
    plane = np.arange(256, dtype=np.uint8).reshape(16, 16)
    limited = frame_pixels.full_range_luma(picture(luma=plane, width_px=16, height_px=16))
    expected = np.clip((plane.astype(float) - 16) * 255 / 219, 0, 255)
    assert np.abs(limited - expected).max() < 1e-4
    assert limited[0, 0] == limited[1, 0] == 0.0
    assert limited[-1, -1] == 255.0
    full = picture(luma=plane, width_px=16, height_px=16, full_range=True)
    assert np.array_equal(frame_pixels.full_range_luma(full), plane.astype(np.float32))


def test_the_hash_of_a_reduced_frame_is_near_that_of_all_its_pixels() -> None:
    for seed in range(6):
        pixels = np.asarray(texture(seed, 1920, 1082).convert("L"))
        frame = picture(luma=pixels, width_px=1920, height_px=1082, full_range=True)
        plane = frame_pixels.full_range_luma(frame)
        assert plane.shape == (541, 960)
        found, quality = frame_pixels.pdq_of(plane, 1920, 1082)
        bits, of_all = hash_luma(np.ascontiguousarray(pixels))
        assert distance(found, bits.tobytes().hex()) <= 4
        assert abs(quality - of_all) <= 2


_MATRICES = [("bt709", "ITU709"), ("smpte170m", "ITU601"), ("bt470bg", "ITU601")]


@pytest.mark.parametrize(("name", "colours"), _MATRICES)
@pytest.mark.parametrize("layout", ["yuv420p", "yuv444p", "yuvj420p", "yuv422p10le", "nv12"])
def test_small_pictures_have_the_colours_of_the_source(
    name: str, colours: str, layout: str
) -> None:
    source = np.zeros((96, 128, 3), np.uint8)
    patches = [(200, 40, 40), (40, 200, 60), (50, 60, 210), (128, 128, 128)]
    for place, patch in enumerate(patches):
        source[:, place * 32 : (place + 1) * 32] = patch
    numbers = {"ITU709": 1, "ITU601": 5}
    full = layout.startswith("yuvj")
    frame = av.VideoFrame.from_ndarray(source, format="rgb24").reformat(
        format=layout, dst_colorspace=colours, dst_color_range="JPEG" if full else "MPEG"
    )
    frame.colorspace, frame.color_range = numbers[colours], 2 if full else 1
    seen = read_picture(frame, None)
    assert seen.full_range == full
    plane = frame_pixels.full_range_luma(seen)
    small = frame_pixels.small_picture(seen, frame_pixels.in_bytes(plane), 64)
    assert small.shape == (48, 64, 3)
    for place, patch in enumerate(patches):
        middle = small[24, place * 16 + 8].astype(int)
        assert np.abs(middle - patch).max() <= 6


@pytest.mark.parametrize("layout", ["rgb24", "bgr0", "gbrp", "rgba", "argb"])
def test_frames_of_red_green_and_blue(layout: str) -> None:
    source = np.asarray(texture(3, 64, 48))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(source), format="rgb24")
    seen = read_picture(frame.reformat(format=layout), None)
    assert seen.rgb is not None
    assert seen.full_range
    assert np.array_equal(seen.rgb, source)
    plane = frame_pixels.full_range_luma(seen)
    expected = seen.rgb.astype(float) @ (0.299, 0.587, 0.114)
    assert np.abs(plane - expected).max() < 1e-3
    small = frame_pixels.small_picture(seen, frame_pixels.in_bytes(plane), 32)
    assert small.shape == (24, 32, 3)


@pytest.mark.parametrize("layout", ["gray", "gray10le", "gray16le", "ya8", "yuv410p", "yuyv422"])
def test_frames_of_other_layouts(layout: str) -> None:
    source = np.asarray(texture(5, 64, 48).convert("L"))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(source), format="gray")
    seen = read_picture(frame.reformat(format=layout, dst_color_range="JPEG"), None)
    assert seen.luma is not None
    assert seen.luma.shape == (48, 64)
    assert np.corrcoef(seen.luma.ravel(), source.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("bits", [9, 10, 12, 16])
def test_deep_samples_are_rounded_to_eight_bits(bits: int) -> None:
    random = np.random.default_rng(bits)
    samples = random.integers(0, 1 << bits, (32, 64), dtype=np.uint16)
    name = "gray16le" if bits == 16 else f"gray{bits}le"
    frame = av.VideoFrame(64, 32, name)
    rows = np.frombuffer(frame.planes[0], np.uint16).reshape(32, -1)
    rows[:, :64] = samples
    seen = read_picture(frame, None)
    expected = np.minimum(np.floor(samples / (1 << (bits - 8)) + 0.5), 255)
    assert seen.luma is not None
    assert np.array_equal(seen.luma, expected.astype(np.uint8))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.fractions(Fraction(1, 10), Fraction(10)),
    st.integers(1, 320),
)
def test_small_sizes_fit_and_never_enlarge(
    width: int, height: int, aspect: Fraction, most: int
) -> None:
    rows, columns = frame_pixels.small_size(width, height, aspect, most)
    assert 1 <= rows <= min(height, most)
    assert 1 <= columns <= min(width, most)


def test_samples_that_are_not_square_are_shown_in_shape() -> None:
    assert frame_pixels.small_size(720, 576, Fraction(64, 45), 240) == (135, 240)
    assert frame_pixels.small_size(720, 576, Fraction(16, 15), 240) == (180, 240)
    assert frame_pixels.small_size(720, 576, Fraction(1000), 240) == (192, 240)


def test_grey_frames_stay_grey() -> None:
    plane: Pixels = np.asarray(texture(1, 64, 48).convert("L"))
    seen = picture(luma=plane, full_range=True)
    assert frame_pixels.small_picture(seen, plane, 32).shape == (24, 32)
