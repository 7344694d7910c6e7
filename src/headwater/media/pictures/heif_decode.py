"""HEIC to pixels through libheif and libde265 (pi-heif)."""

from __future__ import annotations

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.arrays import as_raster_pixels
from headwater.media.pictures.header import PictureHeader
from headwater.media.raster import Decode, Raster


def decode_heif(content: Content, header: PictureHeader, limits: Limits, full: bool) -> Raster:
    """Decode the primary picture; grids are put together, crop, turn and mirror are applied."""
    if header.coding not in ("hevc", "sequence"):
        raise Refused(f"HEIF with {header.coding} pictures: no decoder here reads it")
    import numpy as np  # noqa: PLC0415
    import pi_heif  # noqa: PLC0415

    pi_heif.options.DECODE_THREADS = 1
    # What is not needed is not parsed.
    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.AUX_IMAGES = False
    data = content.whole(limits.picture_bytes)
    try:
        file = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
        picture = file[file.primary_index]
        width, height = picture.size
        if width * height > limits.picture_pixels:
            raise LimitExceeded("picture_pixels", f"{width} x {height} px")
        # A copy: libheif frees its pixels with `picture`, and a view does not keep that alive.
        samples = np.array(np.asarray(picture)[:, :width])
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError, IndexError) as error:
        raise Malformed(f"libheif: {str(error)[:120]}") from error
    except MemoryError as error:
        raise LimitExceeded("worker_memory_bytes", "HEIF", reproducible=False) from error
    pixels, scale = as_raster_pixels(samples, full=full, premultiplied=picture.mode.endswith("a"))
    return Raster(
        pixels=pixels,
        orientation=1,
        decode=Decode(
            decoder="libheif, libde265 (pi-heif)",
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
            scale=scale,
        ),
    )
