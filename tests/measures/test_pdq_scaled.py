"""PDQ of a picture from its reduced raster, against the reference of what the raster stands for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.measures import pdq_hash, pdq_scaled
from headwater.media.raster import Pixels


def enlarged(raster: Pixels, height: int, width: int, factor: int) -> Pixels:
    """The picture that a raster stands for, each of its pixels a block."""
    return raster.repeat(factor, axis=0).repeat(factor, axis=1)[:height, :width]


def waves(height: int, width: int, seed: int) -> Pixels:
    """Forty random plane waves and some noise, uint8 (height, width)."""
    random = np.random.default_rng(seed)
    down, across = random.uniform(-60, 60, (2, 40)) / max(height, width)
    strengths = random.uniform(5, 22, 40) * np.exp(1j * random.uniform(0, 7, 40))
    vertical = np.exp(1j * np.outer(np.arange(height), down)) * strengths
    total = (vertical @ np.exp(1j * np.outer(across, np.arange(width)))).real
    noisy = 127 + total + random.normal(0, 6, total.shape)
    pixels: Pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    return pixels


def distance(one: Pixels, other: Pixels) -> int:
    return int(np.bitwise_count(one ^ other).sum())


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(9, 900),
    width=st.integers(9, 900),
    factor=st.sampled_from((2, 3, 4, 8)),
    seed=st.integers(0, 10**6),
)
def test_samples_are_those_of_the_enlarged_raster(
    height: int, width: int, factor: int, seed: int
) -> None:
    rows, columns = -(-height // factor), -(-width // factor)
    raster = np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)
    luma = pdq_hash.luma(raster)
    expected = pdq_hash._downsample(pdq_hash.luma(enlarged(raster, height, width, factor)))
    assert np.abs(pdq_scaled._sample(luma, height, width, factor) - expected).max() < 0.01


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("size", [(2048, 2048), (1530, 2721), (2099, 1203)])
def test_a_reduced_picture_keeps_its_hashes(factor: int, size: tuple[int, int]) -> None:
    height, width = size
    picture = waves(height, width, factor)
    padded = np.pad(picture, ((0, -height % factor), (0, -width % factor)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // factor, factor, -1, factor)
    reduced = np.round(blocks.mean(axis=(1, 3))).astype(np.uint8)
    expected, expected_quality = pdq_hash.dihedral(picture)
    found, quality = pdq_scaled.dihedral_scaled(reduced, height, width)
    assert expected_quality >= 50
    assert abs(quality - expected_quality) <= 3
    for one, other in zip(found, expected, strict=True):
        assert distance(one, other) <= 4


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from((2, 4, 8)))
def test_the_factor_of_a_large_enough_raster_is_found(height: int, width: int, factor: int) -> None:
    rows, columns = -(-height // factor), -(-width // factor)
    found = pdq_scaled.reduced_by(height, width, rows, columns)
    if rows >= 64 and columns >= 64:
        assert found == factor
    assert found is None or (-(-height // found), -(-width // found)) == (rows, columns)


@pytest.mark.parametrize(
    ("picture", "raster"),
    [
        ((600, 800), (600, 800)),
        ((600, 800), (800, 600)),
        ((600, 800), (300, 401)),
        ((600, 800), (1200, 1600)),
        ((601, 801), (300, 400)),
        ((0, 0), (0, 0)),
    ],
)
def test_other_sizes_are_no_reduction(picture: tuple[int, int], raster: tuple[int, int]) -> None:
    assert pdq_scaled.reduced_by(*picture, *raster) is None
    with pytest.raises(ValueError, match="no reduction"):
        pdq_scaled.dihedral_scaled(np.zeros((*raster, 3), np.uint8), *picture)


@pytest.mark.data
def test_scaled_decodes_of_camera_originals_keep_their_hash(data_folder: Path) -> None:
    import simplejpeg

    distances = []
    for path in sorted((data_folder / "cameras").glob("*/original/*")):
        data = path.read_bytes()
        picture = simplejpeg.decode_jpeg(data, "RGB")
        height, width = picture.shape[:2]
        factor = 4 if min(height, width) >= 2048 else 2
        smaller = {"min_height": -(-height // factor), "min_width": -(-width // factor)}
        raster = simplejpeg.decode_jpeg(data, "RGB", **smaller)
        found, _ = pdq_scaled.dihedral_scaled(raster, height, width)
        expected, quality = pdq_hash.dihedral(picture)
        if quality >= 50:
            distances.append(distance(found[0], expected[0]))
    assert len(distances) >= 5
    assert np.median(distances) <= 4
    assert max(distances) <= 16
