"""From decoded sample arrays to raster pixels: depth, alpha and an integer box reduction."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.errors import Malformed
from headwater.media.pictures.scale import reduction
from headwater.media.raster import Pixels

_FACTORS = tuple(range(1, 65))


def as_raster_pixels(
    samples: npt.NDArray[Any], *, full: bool, premultiplied: bool = False
) -> tuple[Pixels, str]:
    """Return (height, width, 3) or (height, width) uint8 pixels, and the scale in words.

    `samples` has shape (height, width) or (height, width, 1..4), the last of an even number of
    channels being alpha; dtype uint8, uint16 or float in 0..1.
    """
    eight = _eight_bits(samples)
    if eight.ndim == 3 and eight.shape[2] == 1:
        eight = eight[:, :, 0]
    if eight.ndim == 3 and eight.shape[2] in (2, 4):
        eight = _over_white(eight, premultiplied)
    if not (eight.ndim == 2 or (eight.ndim == 3 and eight.shape[2] == 3)):
        raise Malformed(f"decoded samples of shape {samples.shape} are no picture")
    factor = 1 if full else reduction(eight.shape[1], eight.shape[0], _FACTORS)
    if factor == 1:
        return np.ascontiguousarray(eight), "full"
    return reduce_box(eight, factor), f"reduce 1/{factor}"


def reduce_box(pixels: Pixels, factor: int) -> Pixels:
    """Mean over boxes of `factor` px, partial boxes at the right and bottom included."""
    from PIL import Image  # noqa: PLC0415

    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(factor))


def _eight_bits(samples: npt.NDArray[Any]) -> Pixels:
    if samples.dtype == np.uint8:
        return np.asarray(samples, np.uint8)
    if samples.dtype == np.uint16:
        return np.asarray(samples >> 8, np.uint8)
    if samples.dtype.kind == "f":
        known = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(np.clip(known, 0.0, 1.0) * 255).astype(np.uint8)
    raise Malformed(f"decoded samples of type {samples.dtype} are no picture")


def _over_white(pixels: Pixels, premultiplied: bool) -> Pixels:
    alpha = pixels[:, :, -1:].astype(np.uint16)
    colour = pixels[:, :, :-1].astype(np.uint16)
    if premultiplied:
        deep = colour + (255 - alpha)
    else:
        deep = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    laid: Pixels = np.minimum(deep, 255).astype(np.uint8)
    return laid[:, :, 0] if laid.shape[2] == 1 else laid
