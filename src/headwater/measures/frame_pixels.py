"""From a decoded frame to the luma that is hashed and the small picture that is shown.

Importing this module compiles kernels, or loads them from numba's cache (`NUMBA_CACHE_DIR`).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from headwater.measures.pdq_hash import hash_luma, luma
from headwater.measures.pdq_scaled import dihedral_scaled
from headwater.measures.shrink import mean_areas
from headwater.media.pictures.scale import ENOUGH_PX
from headwater.media.raster import Pixels
from headwater.media.video.picture import Picture

Floats = npt.NDArray[np.float32]

_BLACK, _WHITE = 16.0, 235.0
_CHROMA_SPAN = 224.0
_WIDEST_ASPECT = 4

_KR_KB = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
    "bt2020c": (0.2627, 0.0593),
}
"""Weights of red and blue in luma (ITU-T H.273, table 4)."""


def factor_of(width_px: int, height_px: int) -> int:
    """Return by how much a frame is reduced: both sides keep at least 512 px, where they have."""
    return max(1, min(width_px, height_px) // ENOUGH_PX)


def box_means(plane: Pixels, factor: int) -> Floats:
    """Return the means of `factor` x `factor` boxes; the last row and column repeat to fill one.

    `plane` is uint8 (height, width); the result float32, each side divided and rounded up. Sums
    are whole numbers, so the result does not depend on their order.
    """
    if factor == 1:
        return plane.astype(np.float32)
    height, width = plane.shape
    if height % factor or width % factor:
        plane = np.pad(plane, ((0, -height % factor), (0, -width % factor)), mode="edge")
    rows = plane[::factor].astype(np.uint16)
    for first in range(1, factor):
        rows += plane[first::factor]
    sums = rows[:, ::factor].astype(np.float32)
    for first in range(1, factor):
        sums += rows[:, first::factor]
    means: Floats = sums / np.float32(factor * factor)
    return means


def full_range_luma(picture: Picture) -> Floats:
    """Return the luma of a frame, reduced by `factor_of` its size, as float32 0..255.

    The luma plane is taken as stored and stretched where it is of limited range; red, green and
    blue are weighted as ITU-R BT.601 says, as PDQ does.
    """
    factor = factor_of(picture.width_px, picture.height_px)
    if picture.rgb is not None:
        channels = [
            box_means(np.ascontiguousarray(picture.rgb[:, :, place]), factor) for place in range(3)
        ]
        return luma(np.rint(np.stack(channels, axis=-1)).astype(np.uint8))
    assert picture.luma is not None
    plane = box_means(picture.luma, factor)
    if not picture.full_range:
        plane = (plane - np.float32(_BLACK)) * np.float32(255.0 / (_WHITE - _BLACK))
        np.clip(plane, 0.0, 255.0, out=plane)
    return plane


def in_bytes(plane: Floats) -> Pixels:
    """Return luma 0..255 rounded to uint8."""
    return np.rint(plane).astype(np.uint8)


def pdq_of(plane: Floats, width_px: int, height_px: int) -> tuple[str, int]:
    """Return the PDQ of a picture, in hex, and its quality, from its (reduced) luma."""
    if factor_of(width_px, height_px) == 1:
        bits, quality = hash_luma(plane)
    else:
        variants, quality = dihedral_scaled(plane, height_px, width_px)
        bits = variants[0]
    return bits.tobytes().hex(), quality


def small_size(
    width_px: int, height_px: int, sample_aspect: Fraction, most: int
) -> tuple[int, int]:
    """Return height and width, the longer at most `most`, of the shape that a player shows.

    Samples that are not square make one side smaller; shapes beyond 4 to 1 are not believed.
    """
    wide, high = Fraction(width_px), Fraction(height_px)
    if Fraction(1, _WIDEST_ASPECT) <= sample_aspect <= _WIDEST_ASPECT:
        wide, high = min(wide, wide * sample_aspect), min(high, high / sample_aspect)
    scale = min(Fraction(1), most / max(wide, high))
    return max(1, round(high * scale)), max(1, round(wide * scale))


def small_picture(picture: Picture, grey: Pixels, most: int) -> Pixels:
    """Return a frame as uint8 RGB or grey, its longest side at most `most`, before it is turned.

    `grey` is its `full_range_luma`, in bytes.
    """
    size = small_size(picture.width_px, picture.height_px, picture.sample_aspect, most)
    if picture.rgb is not None:
        return mean_areas(picture.rgb, *size)
    small = mean_areas(grey, *size)
    if picture.chroma is None:
        return small
    span = np.float32(1.0 if picture.full_range else 255.0 / _CHROMA_SPAN)
    blue, red = (
        (_fit(chroma, *size).astype(np.float32) - np.float32(128)) * span
        for chroma in picture.chroma
    )
    return _to_rgb(small.astype(np.float32), blue, red, _weights(picture))


def _weights(picture: Picture) -> tuple[float, float]:
    """Weights of red and blue; where the film states none, those that players then take."""
    usual = "bt709" if picture.height_px >= 720 else "smpte170m"
    return _KR_KB.get(picture.matrix_name or usual, _KR_KB[usual])


def _fit(plane: Pixels, height: int, width: int) -> Pixels:
    """Shrink by area; a plane that is smaller already repeats its samples."""
    rows, columns = plane.shape
    if rows >= height and columns >= width:
        return mean_areas(plane, height, width)
    down = np.arange(height) * rows // height
    across = np.arange(width) * columns // width
    fitted: Pixels = plane[down[:, np.newaxis], across]
    return fitted


def _to_rgb(grey: Floats, blue: Floats, red: Floats, weights: tuple[float, float]) -> Pixels:
    of_red, of_blue = weights
    reds = grey + np.float32(2 - 2 * of_red) * red
    blues = grey + np.float32(2 - 2 * of_blue) * blue
    greens = (grey - np.float32(of_red) * reds - np.float32(of_blue) * blues) / np.float32(
        1 - of_red - of_blue
    )
    colours = np.stack((reds, greens, blues), axis=-1)
    pixels: Pixels = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    return pixels
