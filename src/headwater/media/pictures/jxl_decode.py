"""JPEG XL to pixels through libjxl (imagecodecs)."""

from __future__ import annotations

from headwater.errors import LimitExceeded, Malformed
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.arrays import as_raster_pixels
from headwater.media.pictures.header import PictureHeader
from headwater.media.raster import Decode, Raster


def decode_jxl(content: Content, header: PictureHeader, limits: Limits, full: bool) -> Raster:
    """Decode the first frame, turned upright by the decoder."""
    from imagecodecs import jpegxl_decode  # noqa: PLC0415

    data = content.whole(limits.picture_bytes)
    try:
        samples = jpegxl_decode(data, index=0, keeporientation=False, numthreads=1)
    except (ValueError, RuntimeError, OSError, IndexError) as error:
        raise Malformed(f"libjxl: {str(error)[:120]}") from error
    except MemoryError as error:
        raise LimitExceeded("worker_memory_bytes", "JPEG XL", reproducible=False) from error
    if samples.ndim not in (2, 3) or samples.shape[0] * samples.shape[1] > limits.picture_pixels:
        raise Malformed(f"libjxl: pictures of shape {samples.shape}")
    pixels, scale = as_raster_pixels(samples, full=full)
    return Raster(
        pixels=pixels,
        orientation=1,
        decode=Decode(
            decoder="libjxl (imagecodecs)",
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
            scale=scale,
        ),
    )
