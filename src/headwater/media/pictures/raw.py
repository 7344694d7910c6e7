"""Camera raw through LibRaw (rawpy): header, embedded preview, or a plain development."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.arrays import as_raster_pixels
from headwater.media.pictures.header import PictureHeader
from headwater.media.pictures.scale import ENOUGH_PX
from headwater.media.raster import Decode, Raster

if TYPE_CHECKING:
    from rawpy import RawPy

_EMPTY_SHARE = 8
"""One row in so many without any signal is damage: sensors give some even in the dark."""
_TURNS = {0: 1, 3: 3, 5: 8, 6: 6}
"""EXIF orientation for LibRaw's `flip`: 3 upside down, 5 anticlockwise, 6 clockwise."""


@contextmanager
def _opened(content: Content, limits: Limits) -> Iterator[RawPy]:
    """Open with LibRaw and turn its errors into ours."""
    import rawpy  # noqa: PLC0415

    data = content.whole(limits.picture_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rawpy.imread(io.BytesIO(data)) as raw:
                yield raw
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError) as error:
        raise Refused(f"LibRaw does not know this camera raw file: {error}") from error
    except (rawpy.LibRawTooBigError, rawpy.LibRawUnsufficientMemoryError, MemoryError) as error:
        raise LimitExceeded("worker_memory_bytes", "camera raw", reproducible=False) from error
    except (rawpy.LibRawError, ValueError, OSError) as error:
        raise Malformed(f"LibRaw: {str(error)[:120]}") from error


def read_raw_header(content: Content, limits: Limits) -> PictureHeader:
    """Read what LibRaw tells before it unpacks sensor data; the size is that of the image area."""
    with _opened(content, limits) as raw:
        sizes = raw.sizes
        flip = int(sizes.flip)
        return PictureHeader(
            width_px=int(sizes.width),
            height_px=int(sizes.height),
            mode="cfa",
            channels=int(raw.num_colors),
            coding="camera raw",
            orientation=_TURNS.get(flip, 1),
            orientation_source="raw" if flip in _TURNS and flip else None,
        )


def decode_raw(content: Content, header: PictureHeader, limits: Limits, full: bool) -> Raster:
    """Take the largest embedded preview, or develop the sensor data.

    The preview is what the camera made of the picture; it is taken where both its sides have at
    least 512 px. `full` always develops, at full size; without it, one px stands for each 2 x 2
    cell where that leaves 512 px. Development is fixed: camera white balance, sRGB, no automatic
    brightness, AHD. LibRaw fills rows whose data is missing with zeros and goes on: where they are
    many `Decode.decoder` says so, and Malformed is raised where no row holds any.
    """
    with _opened(content, limits) as raw:
        if not full:
            preview = _preview(raw, header, limits)
            if preview is not None:
                return preview
        damage = _missing_rows(raw)
        half = not full and min(header.width_px, header.height_px) >= 2 * ENOUGH_PX
        samples = raw.postprocess(
            half_size=half,
            use_camera_wb=True,
            no_auto_bright=True,
            user_flip=0,
            output_bps=8,
        )
    pixels, scale = as_raster_pixels(samples, full=full)
    told = "developed at half size" if half else "developed"
    return Raster(
        pixels=pixels,
        orientation=header.orientation,
        decode=Decode(
            decoder="LibRaw (rawpy)" + (f", past damage: {damage}" if damage else ""),
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
            scale=told if scale == "full" else f"{told}, {scale}",
        ),
    )


def _missing_rows(raw: RawPy) -> str | None:
    """Say how many rows of the image area hold no sensor data, None where these are few."""
    samples = raw.raw_image_visible
    signal = samples.reshape(samples.shape[0], -1).any(axis=1)
    empty = signal.size - int(signal.sum())
    if empty == signal.size:
        raise Malformed("LibRaw: the file holds no sensor data")
    if empty * _EMPTY_SHARE < signal.size:
        return None
    return f"{empty} of {signal.size} rows hold no sensor data"


def _preview(raw: RawPy, header: PictureHeader, limits: Limits) -> Raster | None:
    import rawpy  # noqa: PLC0415

    try:
        thumbnail = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if thumbnail.format != rawpy.ThumbFormat.JPEG:
        return None
    return _decode_preview(bytes(thumbnail.data), header, limits)


def _decode_preview(data: bytes, header: PictureHeader, limits: Limits) -> Raster | None:
    from headwater.media.pictures.jpeg_decode import decode_jpeg  # noqa: PLC0415
    from headwater.media.pictures.jpeg_header import read_jpeg_header  # noqa: PLC0415

    content = Content.from_bytes(data)
    try:
        found = read_jpeg_header(content)
        size = found.width_px, found.height_px
        if min(size) < ENOUGH_PX or size[0] * size[1] > limits.picture_pixels:
            return None
        raster = decode_jpeg(content, found, limits, full=False)
    except (Malformed, Refused):
        return None
    return Raster(
        pixels=raster.pixels,
        orientation=_preview_orientation(found, header),
        decode=Decode(
            decoder=raster.decode.decoder,
            width_px=raster.decode.width_px,
            height_px=raster.decode.height_px,
            scale=f"embedded preview, {raster.decode.scale}",
        ),
    )


def _preview_orientation(preview: PictureHeader, header: PictureHeader) -> int:
    """The raw file's orientation, unless the preview was stored turned already."""
    lies = preview.width_px >= preview.height_px
    turned = header.orientation >= 5 and lies != (header.width_px >= header.height_px)
    return 1 if turned else header.orientation
