"""From bytes to pixels: one decoder for each format on the allow-list, never a guess."""

from __future__ import annotations

from headwater.errors import Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.header import RAW_FORMATS, PictureHeader
from headwater.media.raster import Raster
from headwater.model import Identity


def decode_picture(
    content: Content,
    identity: Identity,
    header: PictureHeader,
    limits: Limits,
    full: bool = False,
) -> Raster:
    """Decode the main picture (the first frame of an animation).

    Without `full` the raster may be smaller than the picture: both sides keep at least 512 px
    where the picture has them. `header` is `read_header`'s answer for the same content, which
    has checked the size. Raises Malformed, Refused or LimitExceeded.
    """
    name = identity.format
    if name == "jpeg":
        from headwater.media.pictures.jpeg_decode import decode_jpeg  # noqa: PLC0415

        return decode_jpeg(content, header, limits, full)
    if name == "heif":
        from headwater.media.pictures.heif_decode import decode_heif  # noqa: PLC0415

        return decode_heif(content, header, limits, full)
    if name == "jxl":
        from headwater.media.pictures.jxl_decode import decode_jxl  # noqa: PLC0415

        return decode_jxl(content, header, limits, full)
    if name in RAW_FORMATS:
        from headwater.media.pictures.raw import decode_raw  # noqa: PLC0415

        return decode_raw(content, header, limits, full)
    from headwater.media.pictures.pillow_decode import (  # noqa: PLC0415
        CLASSES,
        decode_with_pillow,
    )

    if name in CLASSES:
        return decode_with_pillow(content, name, header, limits, full)
    raise Refused(f"{name} pictures are not opened")


def warm_decoders() -> None:
    """Load and touch every decoder once; see `warm`. Called before the cage closes."""
    from headwater.media.pictures.warm import warm_decoders as warm  # noqa: PLC0415

    warm()
