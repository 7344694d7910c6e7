"""PDQ of a picture from a raster that was decoded at 1/2, 1/4 or 1/8 of its size.

The reference's windows are whole numbers of pixels and not centred, so hashing the small raster as
if it were the picture shifts and widens them, which costs bits. Here the windows are those of the
picture's own size: its two box filters and its 64 sampled places make, along each side, 64
weighted means of pixels, and each pixel of the raster stands for the pixels that it covers. What
remains is what scaled decoding itself loses (`bench/pdq_decode.py` measures both).

Importing this module compiles its kernels, or loads them from numba's cache (`NUMBA_CACHE_DIR`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from headwater.measures.compiled import kernel
from headwater.measures.pdq_hash import Bytes, Floats, dihedral_of_samples, luma

_SIDE = 64


def reduced_by(
    height_px: int, width_px: int, raster_height_px: int, raster_width_px: int
) -> int | None:
    """Return the whole number by which both sides were divided (rounding up), None for none."""
    factor = -(-height_px // max(1, raster_height_px))
    sides = (-(-height_px // max(1, factor)), -(-width_px // max(1, factor)))
    return factor if factor > 1 and sides == (raster_height_px, raster_width_px) else None


@kernel()
def _weights(length: int, factor: int) -> tuple[Any, Any]:
    """For each of the 64 places along a side: the first raster pixel, and weights from there on.

    `length` is the picture's. A weight is the mean, over the second filter's window, of the share
    that a pixel has in the first filter's; both windows are cut at the ends.
    """
    window = (length + 127) // 128
    after, before = window // 2, window - 1 - window // 2
    firsts = np.empty(_SIDE, np.int64)
    weights = np.zeros((_SIDE, 2 * window // factor + 2), np.float32)
    for part in range(_SIDE):
        place = (2 * part + 1) * length // (2 * _SIDE)
        start = max(0, place - 2 * before)
        firsts[part] = start // factor
        changes = np.zeros(2 * window + 1)
        low, high = max(0, place - before), min(length, place + after + 1)
        for middle in range(low, high):
            begin, end = max(0, middle - before), min(length, middle + after + 1)
            share = 1.0 / ((high - low) * (end - begin))
            changes[begin - start] += share
            changes[end - start] -= share
        share = 0.0
        for pixel in range(2 * window):
            share += changes[pixel]
            weights[part, (start + pixel) // factor - firsts[part]] += share
    return firsts, weights


@kernel(types.float32[:, ::1](types.float32[:, ::1], types.int64, types.int64, types.int64))
def _sample(plane: Floats, height: int, width: int, factor: int) -> Floats:
    """Return the 64 x 64 samples of a picture of `height` x `width` px, from its reduced luma."""
    rows, columns = plane.shape
    tops, down = _weights(height, factor)
    lefts, across = _weights(width, factor)
    samples = np.empty((_SIDE, _SIDE), np.float32)
    means = np.empty(columns, np.float32)
    for part in range(_SIDE):
        means[:] = 0
        for row in range(tops[part], min(rows, tops[part] + down.shape[1])):
            weight = down[part, row - tops[part]]
            for column in range(columns):
                means[column] += weight * plane[row, column]
        for place in range(_SIDE):
            total = np.float32(0)
            for column in range(lefts[place], min(columns, lefts[place] + across.shape[1])):
                total += across[place, column - lefts[place]] * means[column]
            samples[part, place] = total
    return samples


def dihedral_scaled(pixels: Bytes | Floats, height_px: int, width_px: int) -> tuple[Bytes, int]:
    """Return the eight hashes, uint8[8, 32], and the quality of the picture behind `pixels`.

    `pixels` as for `pdq_hash.luma`, reduced from a picture of `height_px` x `width_px`. Raises
    ValueError where `reduced_by` knows no factor. The order is `model.DIHEDRAL`.
    """
    factor = reduced_by(height_px, width_px, *pixels.shape[:2])
    if factor is None:
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise ValueError(f"{size} px is no reduction of {width_px} x {height_px} px")
    return dihedral_of_samples(_sample(luma(pixels), height_px, width_px, factor))


def compile_kernels() -> None:
    """Run the kernels once, so that nothing is left to compile or load."""
    dihedral_scaled(np.zeros((80, 100), np.uint8), 160, 200)
