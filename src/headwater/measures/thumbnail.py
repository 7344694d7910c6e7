"""A small picture to look at: encoded anew, so that no byte of the evidence is in it."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from headwater.errors import UsageError
from headwater.measures.contract import Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.raster import Pixels
from headwater.model import Record

SMALLEST_PX = 16
LARGEST_PX = 4096


class ThumbnailOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How thumbnails are made. Raises UsageError for values out of range."""

    max_side_px: int = 320
    """Longest side, 16..4096; a smaller picture keeps its size."""
    quality: int = 80
    """JPEG quality as libjpeg counts it, 1..100."""

    def __post_init__(self) -> None:
        if not SMALLEST_PX <= self.max_side_px <= LARGEST_PX:
            raise UsageError(
                f"max_side_px is {self.max_side_px}; give {SMALLEST_PX} to {LARGEST_PX}"
            )
        if not 1 <= self.quality <= 100:
            raise UsageError(f"quality is {self.quality}; give 1 to 100")


class ThumbnailRecord(Record, frozen=True, kw_only=True):
    """The thumbnail's JPEG, which is the blob of this digest, and its size as seen upright."""

    sha256: str
    width_px: int
    height_px: int
    size_bytes: int


class Thumbnail(Measure):
    """A JPEG of the shared raster, turned upright, without metadata."""

    NAME = "thumbnail"
    VERSION = 2
    KINDS = frozenset({"picture"})
    RECORD = ThumbnailRecord
    LIBRARIES = ("numba", "numpy", "simplejpeg", "pillow", "pi-heif", "rawpy", "imagecodecs")
    COST = "1.0 ms at 1000 x 750, 0.8 ms at 512 x 384, beyond the shared decode"
    DOC = Doc(
        requirement=(
            "Give a small upright JPEG of the decoded pixels that holds no metadata and no byte "
            "copied from the file."
        ),
        shows="What a viewer shows of the picture, small enough to look through many.",
        cannot_show=(
            "Fine detail, transparency (laid over white), later frames of an animation, other "
            "pictures in the file, and colours outside sRGB as they are meant: stored values are "
            "shown as if they were sRGB. It is made anew and is no evidence of the file's own "
            "embedded thumbnail."
        ),
        method=(
            "Mean of the covered area, then baseline JPEG (ITU-T T.81) with 4:2:0 subsampling, or "
            "one component for grey; orientation as TIFF 6.0 tag 274 says."
        ),
        validated_on="Made rasters of every orientation, shape and size (tests).",
        techniques=("DFT-1081",),
        tests=(
            "tests/measures/test_thumbnail.py::test_is_upright",
            "tests/measures/test_thumbnail.py::test_holds_pixels_alone",
            "tests/measures/test_thumbnail.py::test_shrinks_to_the_longest_side",
        ),
    )

    options: ThumbnailOptions

    def __init__(self, options: ThumbnailOptions | None = None) -> None:
        super().__init__(options or ThumbnailOptions())

    def measure(self, media: Media) -> Measured:
        raster = media.raster
        small = upright(shrink(raster.pixels, self.options.max_side_px), raster.orientation)
        blob = encode(small, self.options.quality)
        height, width = small.shape[:2]
        record = ThumbnailRecord(
            sha256=hashlib.sha256(blob).hexdigest(),
            width_px=width,
            height_px=height,
            size_bytes=len(blob),
        )
        return Measured(record, (blob,))


def shrink(pixels: Pixels, max_side_px: int) -> Pixels:
    """Return `pixels` with its longest side at most `max_side_px`, never enlarged."""
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest <= max_side_px:
        return pixels
    from headwater.measures.shrink import mean_areas  # noqa: PLC0415 - compiles or loads a kernel

    scaled = (
        max(1, (2 * side * max_side_px + longest) // (2 * longest)) for side in (height, width)
    )
    return mean_areas(pixels, *scaled)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return `pixels` as a viewer shows them for an EXIF orientation of 1..8."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def encode(pixels: Pixels, quality: int) -> bytes:
    """Return uint8 RGB (height, width, 3) or grey (height, width) as a baseline JPEG.

    The accurate integer DCT is asked for, which libjpeg-turbo computes alike on every machine.
    """
    import simplejpeg  # noqa: PLC0415 - a codec is loaded where it is used

    grey = pixels.ndim == 2
    blob: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels[:, :, np.newaxis] if grey else pixels),
        quality=quality,
        colorspace="GRAY" if grey else "RGB",
        colorsubsampling="Gray" if grey else "420",
        fastdct=False,
    )
    return blob
