"""JPEG to pixels through libjpeg-turbo, at the scale the question needs."""

from __future__ import annotations

import numpy as np

from headwater.errors import LimitExceeded, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.header import PictureHeader
from headwater.media.pictures.progressive import leave_out_scans
from headwater.media.pictures.scale import reduction
from headwater.media.raster import Decode, Pixels, Raster

_DECODER = "libjpeg-turbo (simplejpeg)"
_FALLBACK = "libjpeg-turbo (Pillow)"
_NO_DATA = 128
_DCT_SCALES = (1, 2, 4, 8)
_REFUSED_CODINGS = ("lossless", "differential")


def decode_jpeg(content: Content, header: PictureHeader, limits: Limits, full: bool) -> Raster:
    """Decode with the inverse DCT scaled by a power of two, so that both sides keep 512 px.

    Colour comes out as RGB (CMYK and YCCK by the Adobe convention, inverted inks), grey stays
    grey. Scaled down, a progressive picture is decoded without the scans of fine detail, and
    `Decode.scale` says so. A damaged picture is decoded as far as it goes, and `Decode.decoder`
    says so, but for damage in scans that were left out.
    """
    _refuse_what_cannot_be_decoded(header)
    scale = 1 if full else reduction(header.width_px, header.height_px, _DCT_SCALES)
    if scale > 1 and header.coding == "progressive":
        lean = _decode_lean(content, header, limits, scale)
        if lean is not None:
            return lean
    pixels, decoder = _decode(content, header, limits, scale)
    return _raster(pixels, header, decoder, "full" if scale == 1 else f"dct 1/{scale}")


def _raster(pixels: Pixels, header: PictureHeader, decoder: str, scale: str) -> Raster:
    return Raster(
        pixels=pixels,
        orientation=header.orientation,
        decode=Decode(
            decoder=decoder,
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
            scale=scale,
        ),
    )


def _decode_lean(
    content: Content, header: PictureHeader, limits: Limits, scale: int
) -> Raster | None:
    """Decode without the scans of fine detail; None where none can be left out, or for damage."""
    lean = leave_out_scans(content.whole(limits.picture_bytes), scale)
    if lean is None or lean.size_px != (header.width_px, header.height_px):
        return None
    try:
        pixels = _undamaged(lean.data, header, scale)
    except (ValueError, KeyError):
        # The whole stream tells what the damage is, and may give more of the picture.
        return None
    except MemoryError as error:
        raise LimitExceeded("worker_memory_bytes", "JPEG decoding", reproducible=False) from error
    how = f"dct 1/{scale}, {lean.kept} of {lean.scans} scans"
    return _raster(pixels, header, _DECODER, how)


def _refuse_what_cannot_be_decoded(header: PictureHeader) -> None:
    coding = header.coding or ""
    if header.bit_depth != 8:
        raise Refused(f"JPEG with {header.bit_depth}-bit samples: no decoder here reads it")
    if coding.startswith(_REFUSED_CODINGS):
        raise Refused(f"{coding} JPEG: no decoder here reads it")
    if header.channels not in (1, 3, 4):
        raise Refused(f"JPEG with {header.channels} components: no colour space is defined for it")


def _decode(
    content: Content, header: PictureHeader, limits: Limits, scale: int
) -> tuple[Pixels, str]:
    """Return the pixels and who decoded them, with what it complained of and went on."""
    data = content.whole(limits.picture_bytes)
    try:
        return _with_simplejpeg(data, header, limits, scale)
    except ValueError as error:
        complaint = str(error)[:80]
    except KeyError:
        complaint = "a chroma subsampling without a name"
    except MemoryError as error:
        raise LimitExceeded("worker_memory_bytes", "JPEG decoding", reproducible=False) from error
    # Its header reader is strict; Pillow's way into the same library is not.
    pixels, damage = _with_pillow(content, header, limits, scale)
    return pixels, f"{_FALLBACK}, past damage: {damage or complaint}"


def _with_simplejpeg(
    data: bytes, header: PictureHeader, limits: Limits, scale: int
) -> tuple[Pixels, str]:
    import simplejpeg  # noqa: PLC0415

    height, width, *_ = simplejpeg.decode_jpeg_header(data, strict=False)
    if (width, height) != (header.width_px, header.height_px):
        raise ValueError(f"decoder finds {width} x {height} px")
    try:
        return _undamaged(data, header, scale), _DECODER
    except ValueError as error:
        complaint = str(error)[:80]
    # Rows that the decoder does not reach keep this grey, so that damage decodes the same always.
    space, smallest = _asked(header, scale)
    size = smallest["min_height"] * smallest["min_width"] * (header.channels or 3)
    grey = np.full(size, _NO_DATA, np.uint8)
    pixels = simplejpeg.decode_jpeg(data, space, **smallest, strict=False, buffer=grey)
    return _as_raster(pixels), f"{_DECODER}, past damage: {complaint}"


def _undamaged(data: bytes, header: PictureHeader, scale: int) -> Pixels:
    import simplejpeg  # noqa: PLC0415

    space, smallest = _asked(header, scale)
    return _as_raster(simplejpeg.decode_jpeg(data, space, **smallest))


def _asked(header: PictureHeader, scale: int) -> tuple[str, dict[str, int]]:
    """Return the colour space and the size that the decoder is asked for."""
    space = {1: "GRAY", 3: "RGB", 4: "CMYK"}[header.channels or 3]
    smallest = {
        "min_height": -(-header.height_px // scale),
        "min_width": -(-header.width_px // scale),
    }
    return space, smallest


def _with_pillow(
    content: Content, header: PictureHeader, limits: Limits, scale: int
) -> tuple[Pixels, str | None]:
    from headwater.media.pictures.pillow_decode import load_with_pillow  # noqa: PLC0415

    size = max(1, header.width_px // scale), max(1, header.height_px // scale)
    image, damage = load_with_pillow(content, "jpeg", limits, draft=size)
    return np.asarray(image), damage


def _as_raster(pixels: Pixels) -> Pixels:
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    return _from_inverted_inks(pixels) if pixels.shape[2] == 4 else pixels


def _from_inverted_inks(inks: Pixels) -> Pixels:
    """RGB of CMYK as Adobe stores it (255 is no ink): each colour is ink x black / 255."""
    product = inks[:, :, :3].astype(np.uint16) * inks[:, :, 3:]
    return ((product + 127) // 255).astype(np.uint8)
