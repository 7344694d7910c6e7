"""Decoded pixels, with the story of how they were decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.model import Record

Pixels = npt.NDArray[np.uint8]


class Decode(Record, frozen=True, kw_only=True):
    """How a raster came about; part of the provenance of what is measured on it."""

    decoder: str
    """Library that decoded, such as `libjpeg-turbo (simplejpeg)`; versions are the method's."""
    width_px: int
    height_px: int
    """Size of the raster, before orientation."""
    scale: str
    """`full`, `dct 1/4`, `reduce 1/2`, `embedded preview`, ..."""


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels as stored, before the EXIF orientation is applied.

    `pixels` has shape (height, width, 3), dtype uint8, RGB, or (height, width) for grey. Alpha
    was laid over white; 16-bit samples were scaled to 8; the first frame stands for an animation.
    `orientation` is 1..8 as in EXIF (TIFF 6.0 tag 274): what a viewer has to do to see it upright.
    It is 1 where the decoder has turned the picture already (HEIF, AVIF, JPEG XL).
    """

    pixels: Pixels
    orientation: int
    decode: Decode
