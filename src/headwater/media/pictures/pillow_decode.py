"""PNG, GIF, WebP, TIFF, BMP, AVIF and JPEG 2000 to pixels through Pillow.

The plugin's own class is called, so that Pillow never guesses a format, never loads its other
plugins (some of which start programs), and applies no ceiling but Headwater's.
"""

from __future__ import annotations

import importlib
import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

from headwater.errors import LimitExceeded, Malformed
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.header import PictureHeader
from headwater.media.pictures.samples import flatten
from headwater.media.pictures.scale import reduction
from headwater.media.raster import Decode, Raster

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

CLASSES: dict[str, tuple[str, str]] = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "apng": ("PIL.PngImagePlugin", "PngImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "jp2": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "j2k": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
}
_FACTORS = tuple(range(1, 65))
_PARTLY_DECODED = frozenset({"jpeg", "png", "apng", "gif", "tiff", "bmp"})
"""Formats of which the rows before the damage are worth having."""
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    NotImplementedError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
)
"""What Pillow's plugins have been seen to raise for bytes that break their format's rules."""


def decode_with_pillow(
    content: Content, name: str, header: PictureHeader, limits: Limits, full: bool
) -> Raster:
    """Decode the first frame, lay alpha over white, and reduce it by an integer box.

    JPEG 2000 is reduced by leaving out its finest wavelet levels instead.
    """
    import numpy as np  # noqa: PLC0415

    levels = 0 if full or name not in ("jp2", "j2k") else _levels_left_out(content, header)
    try:
        image, damage = load_with_pillow(content, name, limits, levels=levels)
    except Malformed:
        if not levels:
            raise
        # Some tilings that decode whole cannot be decoded at a lower resolution.
        levels = 0
        image, damage = load_with_pillow(content, name, limits)
    factor = 1 if full else reduction(image.width, image.height, _FACTORS)
    if factor > 1:
        image = image.reduce(factor)
    parts = [f"wavelet 1/{1 << levels}"] if levels else []
    parts += [f"reduce 1/{factor}"] if factor > 1 else []
    return Raster(
        pixels=np.asarray(image),
        # Pillow turns a TIFF while it loads it, and nothing else.
        orientation=1 if name == "tiff" else header.orientation,
        decode=Decode(
            decoder=f"Pillow ({name})" + (f", past damage: {damage}" if damage else ""),
            width_px=image.width,
            height_px=image.height,
            scale=", ".join(parts) or "full",
        ),
    )


def _levels_left_out(content: Content, header: PictureHeader) -> int:
    from headwater.media.pictures.jp2 import resolution_levels  # noqa: PLC0415

    powers = tuple(1 << level for level in range(resolution_levels(content) + 1))
    return reduction(header.width_px, header.height_px, powers[:16]).bit_length() - 1


def load_with_pillow(
    content: Content,
    name: str,
    limits: Limits,
    *,
    draft: tuple[int, int] | None = None,
    levels: int = 0,
) -> tuple[Image, str | None]:
    """Return an image of mode `RGB` or `L`, and Pillow's complaint where it is not complete.

    `draft` is the size in px that a JPEG is scaled down towards while it is decoded, `levels`
    the number of wavelet levels of a JPEG 2000 to leave out. Raises Malformed or LimitExceeded.
    """
    from PIL.Image import DecompressionBombError  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = _open(content, name, limits)
            if draft is not None:
                picture.draft(None, draft)
            if levels:
                picture.reduce = levels  # type: ignore[method-assign, assignment]
            damage = _load(picture, name)
            return flatten(picture), damage
        except DecompressionBombError as error:
            raise LimitExceeded("picture_pixels", _short(error)) from error
        except _DECODER_ERRORS as error:
            if "MAX_TEXT" in str(error):
                raise LimitExceeded("metadata_bytes", _short(error)) from error
            raise Malformed(f"Pillow ({name}): {_short(error)}") from error
        except MemoryError as error:
            raise LimitExceeded("worker_memory_bytes", name, reproducible=False) from error


def _open(content: Content, name: str, limits: Limits) -> ImageFile:
    """Open without decoding. Raises LimitExceeded where Pillow finds it larger than may be."""
    module, plugin = CLASSES[name]
    opener = getattr(importlib.import_module(module), plugin)
    if name == "avif":
        # One thread: the cage gives a worker one core, and counts its threads.
        importlib.import_module(module).DEFAULT_MAX_THREADS = 1  # type: ignore[attr-defined]
    picture: ImageFile = opener(io.BytesIO(content.whole(limits.picture_bytes)))
    if picture.width * picture.height > limits.picture_pixels:
        raise LimitExceeded("picture_pixels", f"{picture.width} x {picture.height} px")
    return picture


def _load(picture: ImageFile, name: str) -> str | None:
    """Decode; return the complaint where only the first part of the rows came out."""
    try:
        picture.load()
    except (OSError, SyntaxError) as error:
        # Rows that were decoded before the damage stay in the image; the others are zero.
        if name not in _PARTLY_DECODED or picture._im is None:
            raise
        picture.tile = []
        return _short(error)
    return None


def _short(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text)[:120]
