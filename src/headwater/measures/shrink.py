"""Making a raster smaller by area: each new pixel is the mean of the area it covers, compiled.

Every float operation is written out and none is fused or reordered, so the result is the same on
every machine. Importing this module
compiles its kernel, or loads it from numba's cache (`NUMBA_CACHE_DIR`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from headwater.measures.compiled import kernel

Pixels = npt.NDArray[np.uint8]

_STORED = types.Array(types.uint8, 3, "C", readonly=True)
_SHRUNK = types.uint8[:, :, ::1]


@kernel()
def _borders(length: int, parts: int) -> tuple[Any, Any]:
    """Cut a side into equal parts: where each begins, as a place and the share that lies before.

    Shares are whole numbers: `parts` of them make one place.
    """
    places, shares = np.empty(parts + 1, np.int64), np.empty(parts + 1, np.int64)
    for part in range(parts + 1):
        places[part], shares[part] = part * length // parts, part * length % parts
    return places, shares


@kernel()
def _add(sums: Any, weight: int, row: Any) -> None:
    """Add a row of pixels with a weight. Sums are whole, and exact below 2**24: 65,793 rows."""
    for place in range(row.size):
        sums[place] += np.float32(weight) * np.float32(row[place])


@kernel(_SHRUNK(_STORED, types.int64, types.int64))
def _mean_areas(pixels: Any, rows: int, columns: int) -> Any:
    """Sum whole rows and their shares at both ends, then the same along the row of sums."""
    height, width, channels = pixels.shape
    lines = pixels.reshape(height, width * channels)
    result = np.empty((rows, columns, channels), np.uint8)
    tops, above = _borders(height, rows)
    lefts, before = _borders(width, columns)
    share = 1.0 / (np.float64(height) * np.float64(width))
    sums = np.zeros((width + 1) * channels, np.float32)
    for row in range(rows):
        sums[:] = 0
        for line in range(tops[row], tops[row + 1]):
            _add(sums, rows, lines[line])
        _add(sums, -above[row], lines[tops[row]])
        if above[row + 1] > 0:
            _add(sums, above[row + 1], lines[tops[row + 1]])
        for column in range(columns):
            left, right = lefts[column], lefts[column + 1]
            for channel in range(channels):
                total = np.float64(0)
                for place in range(left, right):
                    total += sums[place * channels + channel]
                total *= columns
                total += before[column + 1] * sums[right * channels + channel]
                total -= before[column] * sums[left * channels + channel]
                result[row, column, channel] = np.uint8(min(total * share + 0.5, 255.0))
    return result


def mean_areas(pixels: Pixels, height_px: int, width_px: int) -> Pixels:
    """Return `pixels` at a smaller size: each new pixel is the rounded mean of what it covers.

    `pixels` is uint8 (height, width, 3) or (height, width); the result has as many dimensions.
    Raises ValueError where a new side is not between 1 and the old one.
    """
    old_height, old_width = pixels.shape[:2]
    if not (1 <= height_px <= old_height and 1 <= width_px <= old_width):
        raise ValueError(
            f"{old_width} x {old_height} px cannot be shrunk to {width_px} x {height_px}"
        )
    stored = np.ascontiguousarray(pixels).reshape(old_height, old_width, -1)
    stored.flags.writeable = False
    shrunk: Pixels = _mean_areas(stored, height_px, width_px)
    return shrunk.reshape(height_px, width_px, *pixels.shape[2:])


def compile_kernels() -> None:
    """Run the kernel once, so that nothing is left to compile or load."""
    mean_areas(np.zeros((8, 8, 3), np.uint8), 4, 4)
