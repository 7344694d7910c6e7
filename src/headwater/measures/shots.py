"""Where a film cuts, told from decoded frames that may lie seconds apart.

Two frames are compared by the histogram of their luma, which survives motion inside a shot, and
by the correlation of their blocks' luma, which survives fades and changes of light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

BLOCKS = 24
"""Blocks along each side."""
BINS = 32
UNLIKE = ((0.2, 0.5), (0.45, 0.25))
"""A cut is where both distances, of histograms and of blocks, reach one of these pairs. A fade
changes the first alone, a movement mostly the second. Of pairs of frames from different films 97
in 100 reach them, of pairs inside a shot 1 in 100 half a second apart, 7 in 100 two seconds, 12 in
100 four seconds and 15 in 100 five seconds apart (sixteen clips; quick zooms and crowds make most
of these)."""
_FLAT = 2.0
"""Standard deviation of blocks below which a frame has no structure to correlate."""


@dataclass(frozen=True, slots=True)
class Look:
    """What of one frame is compared: 32 shares that sum to 1, and 24 x 24 means, float64."""

    histogram: Floats
    blocks: Floats


def look(luma: Plane) -> Look:
    """Return the look of full-range luma, uint8 (height, width), of any size.

    The histogram counts every second pixel of every second row.
    """
    from headwater.measures.shrink import mean_areas  # noqa: PLC0415 - compiles or loads a kernel

    seen = luma[::2, ::2].reshape(-1)
    counts = np.bincount(seen >> 3, minlength=BINS)
    height, width = luma.shape
    blocks = mean_areas(luma, min(BLOCKS, height), min(BLOCKS, width))
    return Look(counts / seen.size, blocks.astype(np.float64))


def histogram_distance(one: Look, other: Look) -> float:
    """Share of pixels, 0..1, that changed their bin, after smoothing over three bins.

    Smoothed, a slight change of light, which moves many pixels over one border, counts little.
    """
    smooth = np.array([0.25, 0.5, 0.25])
    difference = np.convolve(one.histogram - other.histogram, smooth)
    return round(float(np.abs(difference).sum() / 2), 6)


def block_distance(one: Look, other: Look) -> float:
    """One less the correlation of blocks, 0..2; 0 where both are flat, 1 where one is."""
    if one.blocks.shape != other.blocks.shape:
        return 1.0
    left, right = one.blocks - one.blocks.mean(), other.blocks - other.blocks.mean()
    spread = float(left.std()), float(right.std())
    if max(spread) < _FLAT:
        return 0.0
    if min(spread) < _FLAT:
        return 1.0
    return round(1.0 - float((left * right).mean()) / (spread[0] * spread[1]), 6)


def is_cut(one: Look, other: Look) -> bool:
    """Whether two frames, one after the other, belong to different shots."""
    histogram = histogram_distance(one, other)
    if histogram < min(least for least, _ in UNLIKE):
        return False
    blocks = block_distance(one, other)
    return any(histogram >= first and blocks >= second for first, second in UNLIKE)
