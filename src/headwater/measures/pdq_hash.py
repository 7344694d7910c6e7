"""PDQ, the 256-bit perceptual hash, compiled.

Source: "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" (Meta, 2019,
`hashing.pdf`), chapter on PDQ. Steps: luma; a tent filter made of two box filters along rows and
two along columns (Jarosz, "Fast image convolutions", SIGGRAPH 2001); 64 x 64 samples of it; a
quality from their gradients; the 16 x 16 lowest frequencies of their DCT without the constant
one; one bit for each frequency above the median. Nothing else is scaled down before, so a hash
depends on the raster that it is given: its size belongs beside the hash.

Every bit and the quality equal those of the C++ reference (as Python's `pdqhash` 0.2.8 calls it),
because each float32 sum is made of the same terms in the same order. What is free is the order
between sums: rows are walked side by side, columns in vectors, and only the samples that the next
step reads are made.

Importing this module compiles its kernels, or loads them from numba's cache (`NUMBA_CACHE_DIR`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from headwater.measures.compiled import kernel
from headwater.model import DIHEDRAL

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SHORTEST_SIDE_PX = 5
"""The reference gives pictures with a shorter side the zero hash with quality 0."""

_SIDE = 64
_KEPT = 16
_STRIP_ROWS = 8
_WIDE_PX = 1 << 20
"""Wider pictures are walked row by row, so that their strips do not fill the memory."""


def _dct_rows() -> Floats:
    """Rows 1..16 of the 64-point DCT-II as float32, shape (16, 64), rounded as the reference."""
    scale = float(np.float32(math.sqrt(2.0 / _SIDE)))
    step = math.pi / 2.0 / _SIDE
    rows = [
        [scale * math.cos(step * (frequency + 1) * (2 * place + 1)) for place in range(_SIDE)]
        for frequency in range(_KEPT)
    ]
    return np.array(rows, dtype=np.float32)


_DCT = _dct_rows()
_DCT_COLUMNS = _DCT.T.copy()
_UNSWAPPED = (0, 5, 4, 2)
"""Places in `model.DIHEDRAL` of: as it is, mirrored, upside down, both."""
_SWAPPED = (6, 1, 3, 7)
"""The same for the variants whose rows and columns are then swapped."""

_GREY = types.Array(types.uint8, 2, "C", readonly=True)
_RGB = types.Array(types.uint8, 3, "C", readonly=True)
_LUMA = types.Array(types.float32, 2, "C", readonly=True)
_PLANE = types.float32[:, ::1]


@kernel()
def _fill_luma(pixels: Any, first_row: int, left: int, strip: Floats, samples: Floats) -> None:
    """Write the luma of the rows from `first_row` on into `strip`, `left` columns in.

    299 R + 587 G + 114 B is a whole number below 2**24, thus exact in float32, and its division
    rounds to what the reference's float64 sum rounds to. `samples` is room for one row's samples:
    two plain loops become vectors where one over interleaved bytes does not.
    """
    width = pixels.shape[1]
    for row in range(min(strip.shape[0], pixels.shape[0] - first_row)):
        target = strip[row, left : left + width]
        source = pixels[first_row + row].reshape(-1)
        if pixels.ndim == 2:
            for column in range(width):
                target[column] = source[column]
            continue
        for place in range(3 * width):
            samples[place] = source[place]
        for column in range(width):
            target[column] = (
                samples[3 * column] * np.float32(299)
                + samples[3 * column + 1] * np.float32(587)
                + samples[3 * column + 2] * np.float32(114)
            ) / np.float32(1000)


@kernel()
def _row_sums(strip: Floats, window: int, sums: Floats) -> None:
    """Slide a window along each row: sums[r, n] is that of strip[r, n + 1 : n + 1 + window].

    `strip` has `window` zeros before its values and `window // 2` after them. Adding zero changes
    no float, so the short windows at both ends need no code of their own. Each sum waits for the
    one before it in its row; walking eight rows abreast fills the wait.
    """
    steps = sums.shape[1]
    grouped = strip.shape[0] - strip.shape[0] % 8
    for first in range(0, grouped, 8):
        group, out = strip[first : first + 8], sums[first : first + 8]
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0)
        for n in range(steps):
            s0 = (s0 + group[0, n + window]) - group[0, n]
            s1 = (s1 + group[1, n + window]) - group[1, n]
            s2 = (s2 + group[2, n + window]) - group[2, n]
            s3 = (s3 + group[3, n + window]) - group[3, n]
            s4 = (s4 + group[4, n + window]) - group[4, n]
            s5 = (s5 + group[5, n + window]) - group[5, n]
            s6 = (s6 + group[6, n + window]) - group[6, n]
            s7 = (s7 + group[7, n + window]) - group[7, n]
            out[0, n], out[1, n], out[2, n], out[3, n] = s0, s1, s2, s3
            out[4, n], out[5, n], out[6, n], out[7, n] = s4, s5, s6, s7
    for row in range(grouped, strip.shape[0]):
        total = np.float32(0)
        for n in range(steps):
            total = (total + strip[row, n + window]) - strip[row, n]
            sums[row, n] = total


@kernel()
def _count(step: int, length: int, window: int) -> int:
    """How many of `length` values lie in a window whose last value is number `step`."""
    return min(step + 1, length) - max(step + 1 - window, 0)


@kernel()
def _slide(sums: Floats, ring: Floats, step: int, extent: tuple[int, int], out: Floats) -> None:
    """Move the window along columns on to row `step`, and write the columns' averages to `out`.

    Row r lies in `ring` at r modulo its length less one; the last row of `ring` stays zero.
    `extent` is how many rows there are, and how many are in the window.
    """
    height, window = extent
    zero = ring.shape[0] - 1
    entering = ring[step % zero if step < height else zero]
    leaving = ring[(step - window) % zero if step >= window else zero]
    count = np.float32(_count(step, height, window))
    for column in range(sums.size):
        sums[column] = (sums[column] + entering[column]) - leaving[column]
        out[column] = sums[column] / count


@kernel()
def _kept_places(length: int) -> Any:
    """The 64 places along a side of `length` pixels that are kept: centres of equal parts."""
    places = np.empty(_SIDE, np.int64)
    for part in range(_SIDE):
        places[part] = (2 * part + 1) * length // (2 * _SIDE)
    return places


@kernel()
def _divide(sums: Floats, counts: Floats, averages: Floats) -> None:
    """Divide one row of sums by its counts."""
    for place in range(averages.size):
        averages[place] = sums[place] / counts[place]


@kernel(_PLANE(_RGB), _PLANE(_GREY), _PLANE(_LUMA))
def _downsample(pixels: Any) -> Floats:
    """Return the 64 x 64 samples of the tent-filtered luma of `pixels` (both sides >= 1), float32.

    Rows stream through. A strip of luma is averaged along rows and joins a ring of rows; the ring
    is averaged along columns into a second strip; that is averaged along rows at the 64 columns
    that are kept, and joins a narrow ring; this is averaged along columns at the 64 rows kept.
    """
    height, width = pixels.shape[0], pixels.shape[1]
    window_x, window_y = (width + 127) // 128, (height + 127) // 128
    lead_x, lead_y = window_x // 2, window_y // 2
    strip_rows = _STRIP_ROWS if width <= _WIDE_PX else 1
    ring_rows = window_y + strip_rows + 1

    samples = np.empty(3 * width, np.float32)
    strip = np.zeros((strip_rows, window_x + width + lead_x), np.float32)
    blurred = np.zeros_like(strip)
    sums = np.empty((strip_rows, lead_x + width), np.float32)
    counts = np.empty(lead_x + width, np.float32)
    for step in range(counts.size):
        counts[step] = _count(step, width, window_x)
    ring, column_sums = np.zeros((ring_rows, width), np.float32), np.zeros(width, np.float32)
    narrow, narrow_sums = np.zeros((ring_rows, _SIDE), np.float32), np.zeros(_SIDE, np.float32)
    kept_columns, kept_rows = lead_x + _kept_places(width), _kept_places(height)
    row_averages = np.empty(_SIDE, np.float32)
    result = np.empty((_SIDE, _SIDE), np.float32)

    narrow_step = 0
    for step in range(height + lead_y):
        if step < height and step % strip_rows == 0:
            _fill_luma(pixels, step, window_x, strip, samples)
            _row_sums(strip, window_x, sums)
            for row in range(min(strip_rows, height - step)):
                joining = ring[(step + row) % (ring_rows - 1)]
                _divide(sums[row, lead_x:], counts[lead_x:], joining)
        made = step - lead_y
        out = blurred[max(made, 0) % strip_rows, window_x : window_x + width]
        _slide(column_sums, ring, step, (height, window_y), out)
        last = made + 1 == height
        if made < 0 or ((made + 1) % strip_rows != 0 and not last):
            continue
        _row_sums(blurred, window_x, sums)
        for row in range(made % strip_rows + 1):
            joining = narrow[(made - made % strip_rows + row) % (ring_rows - 1)]
            _divide(sums[row][kept_columns], counts[kept_columns], joining)
        while narrow_step <= (made + lead_y if last else made):
            _slide(narrow_sums, narrow, narrow_step, (height, window_y), row_averages)
            for part in range(_SIDE):
                if kept_rows[part] == narrow_step - lead_y:
                    result[part] = row_averages
            narrow_step += 1
    return result


@kernel()
def _percents(difference: float) -> int:
    """A difference of luma in hundredths of its range, cut to a whole number, without its sign."""
    return abs(int(difference * np.float32(100) / np.float32(255)))


@kernel(types.int64(_PLANE))
def _quality(plane: Floats) -> int:
    """Return how much gradient a 64 x 64 plane has, 0..100."""
    total = 0
    for row in range(_SIDE):
        for column in range(_SIDE):
            if row + 1 < _SIDE:
                total += _percents(plane[row, column] - plane[row + 1, column])
            if column + 1 < _SIDE:
                total += _percents(plane[row, column] - plane[row, column + 1])
    return min(total // 90, 100)


@kernel(_PLANE(_PLANE))
def _frequencies(plane: Floats) -> Floats:
    """Return rows and columns 1..16 of the DCT of a 64 x 64 plane, float32 of shape (16, 16).

    Each entry is summed from the first product to the last; neighbours are summed in one vector.
    """
    halfway = np.zeros((_KEPT, _SIDE), np.float32)
    result = np.zeros((_KEPT, _KEPT), np.float32)
    for row in range(_KEPT):
        for place in range(_SIDE):
            for column in range(_SIDE):
                halfway[row, column] += _DCT[row, place] * plane[place, column]
        for place in range(_SIDE):
            for column in range(_KEPT):
                result[row, column] += halfway[row, place] * _DCT_COLUMNS[place, column]
    return result


@kernel(types.uint8[::1](_PLANE))
def _pack(frequencies: Floats) -> Bytes:
    """Return the 256 bits of 16 x 16 frequencies, packed in the order of the hex form.

    Bit 16 r + c tells that frequency (r, c) is above the median; bit 255 is written first. The
    median of the 256 is the lower one of the middle two.
    """
    values = frequencies.copy().reshape(-1)
    median = np.partition(values, 127)[127]
    packed = np.zeros(32, np.uint8)
    for bit in range(256):
        if values[bit] > median:
            packed[31 - bit // 8] |= np.uint8(1 << (bit % 8))
    return packed


@kernel(types.uint8[:, ::1](_PLANE))
def _pack_dihedral(frequencies: Floats) -> Bytes:
    """Return the packed bits of all eight variants, shape (8, 32), in the order of `DIHEDRAL`.

    Mirroring a picture negates every other frequency of that direction, beginning with the first;
    swapping its axes swaps theirs.
    """
    packed = np.empty((8, 32), np.uint8)
    variant = np.empty((_KEPT, _KEPT), np.float32)
    for flips in range(4):
        upside_down, mirrored = flips // 2 == 1, flips % 2 == 1
        for row in range(_KEPT):
            for column in range(_KEPT):
                negate = (upside_down and row % 2 == 0) != (mirrored and column % 2 == 0)
                value = frequencies[row, column]
                variant[row, column] = -value if negate else value
        packed[_UNSWAPPED[flips]] = _pack(variant)
        packed[_SWAPPED[flips]] = _pack(variant.T.copy())
    return packed


@kernel(_PLANE(_RGB), _PLANE(_GREY), _PLANE(_LUMA))
def _luma(pixels: Any) -> Floats:
    plane = np.empty(pixels.shape[:2], np.float32)
    _fill_luma(pixels, 0, 0, plane, np.empty(3 * plane.shape[1], np.float32))
    return plane


def _readable(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return `pixels` as the kernels take them: contiguous, and marked as read-only."""
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        raise ValueError(f"pixels have {pixels.shape[2]} channels; give RGB or grey")
    view = np.ascontiguousarray(pixels).view()
    view.flags.writeable = False
    return view


def _too_small(pixels: Bytes | Floats) -> bool:
    return bool(min(pixels.shape[:2]) < SHORTEST_SIDE_PX)


def unfiltered(pixels: Bytes | Floats) -> bool:
    """Whether `hash_luma` takes these pixels as samples, as the reference does at 64 x 64."""
    return bool(pixels.shape[:2] == (_SIDE, _SIDE))


def luma(pixels: Bytes | Floats) -> Floats:
    """Return the luma as float32 (height, width), 0..255, rounded as the reference rounds it.

    `pixels` is uint8 RGB (height, width, 3), uint8 grey (height, width), or luma already. RGB
    gives 0.299 R + 0.587 G + 0.114 B, rounded once; grey is its own luma. Nothing is scaled.
    Raises TypeError for other dtypes and dimensions, ValueError for other numbers of channels.
    """
    return _luma(_readable(pixels))


def hash_luma(plane: Bytes | Floats) -> tuple[Bytes, int]:
    """Return the hash, uint8[32] in the order of its hex form, and the quality 0..100.

    `plane` is luma as float32 (height, width), or anything `luma` takes: then luma is made on the
    way, which is faster and gives the same. A plane of exactly 64 x 64 is not filtered.
    """
    if _too_small(plane):
        return np.zeros(32, np.uint8), 0
    samples = luma(plane) if unfiltered(plane) else _downsample(_readable(plane))
    return _pack(_frequencies(samples)), _quality(samples)


def dihedral(plane: Bytes | Floats) -> tuple[Bytes, int]:
    """Return the hashes of the eight variants, uint8[8, 32] by `DIHEDRAL`, and the quality 0..100.

    `plane` as for `hash_luma`. One filter and one DCT serve all eight. The reference filters a
    plane of exactly 64 x 64 here, so there (alone) the first hash may not be that of `hash_luma`.
    """
    if _too_small(plane):
        return np.zeros((len(DIHEDRAL), 32), np.uint8), 0
    return dihedral_of_samples(_downsample(_readable(plane)))


def dihedral_of_samples(samples: Floats) -> tuple[Bytes, int]:
    """Return what `dihedral` returns, from the 64 x 64 samples of a filtered plane."""
    return _pack_dihedral(_frequencies(samples)), _quality(samples)


def compile_kernels() -> None:
    """Run every kernel once for each kind of pixels, so that nothing is left to compile or load."""
    for shape, dtype in (((70, 90, 3), np.uint8), ((70, 90), np.uint8), ((70, 90), np.float32)):
        pixels = np.zeros(shape, dtype)
        luma(pixels)
        hash_luma(pixels)
        dihedral(pixels)
