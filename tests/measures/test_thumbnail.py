"""Thumbnails: upright, small, made of pixels alone."""

from __future__ import annotations

import hashlib
import io
import struct

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from headwater.errors import UsageError
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.thumbnail import Thumbnail, ThumbnailOptions, ThumbnailRecord
from headwater.media.media import Media
from headwater.media.raster import Decode, Pixels, Raster
from headwater.model import Identity


class Decoded(Media):
    """An item whose shared decode is given."""

    def __init__(self, raster: Raster) -> None:
        content = Content.from_bytes(b"")
        identity = Identity(kind="picture", format="png", media_type="image/png")
        super().__init__(content, identity, Limits(), content.digests())
        self._raster = raster

    @property
    def raster(self) -> Raster:
        return self._raster


def thumbnail(
    pixels: Pixels, orientation: int = 1, options: ThumbnailOptions | None = None
) -> tuple[ThumbnailRecord, bytes]:
    height, width = pixels.shape[:2]
    decode = Decode(decoder="made", width_px=width, height_px=height, scale="full")
    item = Decoded(Raster(pixels=pixels, orientation=orientation, decode=decode))
    measured = Thumbnail(options).measure(item)
    assert isinstance(measured.record, ThumbnailRecord)
    (blob,) = measured.blobs
    return measured.record, blob


def decoded(blob: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(blob)))


def patches(height: int, width: int) -> Pixels:
    """A smooth picture that no turn or mirroring maps to itself."""
    corners = np.array([[[250, 10, 10], [10, 240, 20]], [[20, 20, 230], [240, 240, 240]]], np.uint8)
    picture = Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def segments(blob: bytes) -> list[tuple[int, bytes]]:
    """Markers with their payloads up to the scan, by ITU-T T.81 annex B."""
    assert blob[:2] == b"\xff\xd8"
    assert blob[-2:] == b"\xff\xd9"
    found, place = [], 2
    while True:
        mark, marker, length = struct.unpack_from(">BBH", blob, place)
        assert mark == 0xFF
        found.append((marker, blob[place + 4 : place + 2 + length]))
        if marker == 0xDA:
            return found
        place += 2 + length


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("grey", [False, True])
def test_is_upright(orientation: int, grey: bool) -> None:
    pixels = patches(600, 450)
    if grey:
        pixels = np.ascontiguousarray(pixels[:, :, 1])
    stored = Image.fromarray(pixels)
    stored.getexif()[274] = orientation
    seen = ImageOps.exif_transpose(stored)
    assert seen is not None
    record, blob = thumbnail(pixels, orientation)
    expected = seen.resize((record.width_px, record.height_px), Image.Resampling.BOX)
    difference = decoded(blob).astype(int) - np.asarray(expected)
    assert (record.width_px > record.height_px) == (orientation >= 5)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("shape", [(700, 900, 3), (700, 900), (5, 9, 3), (1, 1, 3), (1, 1)])
def test_holds_pixels_alone(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    _, blob = thumbnail(pixels)
    found = segments(blob)
    markers = [marker for marker, _ in found]
    assert set(markers) == {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
    assert found[0] == (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    assert markers.count(0xE0) == 1
    image = Image.open(io.BytesIO(blob))
    assert image.mode == ("L" if len(shape) == 2 else "RGB")


@settings(max_examples=60, deadline=None)
@given(
    height=st.one_of(st.integers(1, 700), st.integers(1, 40_000)),
    width=st.integers(1, 700),
    orientation=st.integers(1, 8),
    max_side_px=st.integers(16, 400),
    swap=st.booleans(),
)
def test_shrinks_to_the_longest_side(
    height: int, width: int, orientation: int, max_side_px: int, swap: bool
) -> None:
    if swap:
        height, width = width, height
    pixels = np.full((height, width, 3), (40, 90, 160), np.uint8)
    options = ThumbnailOptions(max_side_px=max_side_px)
    record, blob = thumbnail(pixels, orientation, options)
    if orientation >= 5:
        height, width = width, height
    longest = max(height, width)
    assert max(record.width_px, record.height_px) == min(longest, max_side_px)
    scale = min(1.0, max_side_px / longest)
    assert abs(record.width_px - max(1.0, width * scale)) <= 0.5
    assert abs(record.height_px - max(1.0, height * scale)) <= 0.5
    shown = decoded(blob)
    assert shown.shape == (record.height_px, record.width_px, 3)
    assert np.abs(shown.astype(int) - (40, 90, 160)).max() <= 4


def test_record_names_the_blob() -> None:
    record, blob = thumbnail(patches(500, 400))
    assert record.sha256 == hashlib.sha256(blob).hexdigest()
    assert record.size_bytes == len(blob)
    assert (record.width_px, record.height_px) == (256, 320)


def test_same_raster_gives_the_same_bytes_however_it_lies_in_memory() -> None:
    pixels = patches(500, 400)
    expected = thumbnail(pixels, 6)
    assert thumbnail(pixels.copy(), 6) == expected
    assert thumbnail(pixels[::-1].copy()[::-1], 6) == expected


def test_quality_is_used() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    low, high = (thumbnail(pixels, 1, ThumbnailOptions(quality=q))[0] for q in (20, 95))
    assert low.size_bytes < high.size_bytes / 2


@pytest.mark.parametrize(
    "values", [{"max_side_px": 15}, {"max_side_px": 4097}, {"quality": 0}, {"quality": 101}]
)
def test_options_out_of_range_are_turned_away(values: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        ThumbnailOptions(**values)
