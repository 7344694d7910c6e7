"""Headers of PNG, GIF, BMP, WebP and TIFF, each by its specification."""

from __future__ import annotations

import struct

from headwater.errors import Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.identification.riff import RiffChunk, riff_chunks
from headwater.media.pictures.gif import walk_gif
from headwater.media.pictures.header import PictureHeader
from headwater.media.pictures.orientation import exif_orientation
from headwater.media.pictures.png import Chunk, PngLayout, walk_png
from headwater.media.pictures.tiff import Directory, Tiff

_PNG_MODES = {
    0: ("grey", 1),
    2: ("rgb", 3),
    3: ("palette", 1),
    4: ("grey+alpha", 2),
    6: ("rgb+alpha", 4),
}


def read_png_header(content: Content, limits: Limits) -> PictureHeader:
    """PNG, third edition: IHDR (11.2.1), acTL and fcTL (11.3.6), eXIf (11.3.4)."""
    layout = walk_png(content)
    first = layout.first(b"IHDR")
    if first is None or first.size_bytes < 13:
        raise Malformed("PNG without a header chunk")
    width, height, depth, colour, _, _, interlace = struct.unpack(
        ">IIBBBBB", content.read_at(first.offset_bytes, 13)
    )
    if colour not in _PNG_MODES:
        raise Malformed(f"PNG colour type {colour} does not exist")
    frames, seconds = _png_animation(content, layout, limits)
    exif = layout.first(b"eXIf")
    orientation = None
    if exif is not None:
        orientation = exif_orientation(content, exif.offset_bytes, exif.size_bytes)
    mode, channels = _PNG_MODES[colour]
    return PictureHeader(
        width_px=width,
        height_px=height,
        mode=mode,
        bit_depth=depth,
        channels=channels,
        coding="lossless",
        progressive=interlace == 1,
        frames=frames,
        animation_seconds=seconds,
        orientation=orientation or 1,
        orientation_source="exif" if orientation else None,
    )


def _png_animation(content: Content, layout: PngLayout, limits: Limits) -> tuple[int, float | None]:
    if not layout.animated:
        return 1, None
    controls = [chunk for chunk in layout.chunks if chunk.kind == b"fcTL"]
    seconds = sum(_png_delay(content, chunk) for chunk in controls[: limits.picture_frames])
    return max(1, min(len(controls), limits.picture_frames)), round(seconds, 3)


def _png_delay(content: Content, chunk: Chunk) -> float:
    raw = content.read_at(chunk.offset_bytes + 20, 4)
    if chunk.size_bytes < 26 or len(raw) < 4:
        return 0.0
    numerator, denominator = struct.unpack(">HH", raw)
    return float(numerator / (denominator or 100))


def read_gif_header(content: Content, limits: Limits) -> PictureHeader:
    """GIF89a: the logical screen, and as many frames as image descriptors were found."""
    layout = walk_gif(content)
    if not layout.frames:
        raise Malformed("GIF without an image")
    return PictureHeader(
        width_px=layout.width_px,
        height_px=layout.height_px,
        mode="palette",
        bit_depth=8,
        channels=1,
        coding="lossless",
        frames=min(layout.frames, limits.picture_frames),
        animation_seconds=layout.seconds if layout.frames > 1 else None,
    )


def read_bmp_header(content: Content) -> PictureHeader:
    """The BITMAPCOREHEADER (12 bytes) or one of the BITMAPINFOHEADER family."""
    raw = content.read_at(14, 24)
    if len(raw) < 12:
        raise Malformed("BMP header cut off")
    if struct.unpack_from("<I", raw)[0] == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", raw, 4)
    elif len(raw) >= 16:
        width, height, _, bits = struct.unpack_from("<iiHH", raw, 4)
    else:
        raise Malformed("BMP header cut off")
    return PictureHeader(
        width_px=width,
        height_px=abs(height),
        mode="palette" if bits <= 8 else "rgb+alpha" if bits == 32 else "rgb",
        bit_depth=bits if bits <= 8 else 8,
        channels=1 if bits <= 8 else 4 if bits == 32 else 3,
        coding="lossless",
    )


def read_webp_header(content: Content, limits: Limits) -> PictureHeader:
    """RFC 9649: the extended header where there is one, else that of the bitstream."""
    chunks = list(riff_chunks(content))
    main = next((c for c in chunks if c.kind in (b"VP8X", b"VP8 ", b"VP8L")), None)
    if main is None:
        raise Malformed("WebP without a picture chunk")
    width, height, alpha = _webp_size(content, main)
    frames = [c for c in chunks if c.kind == b"ANMF"][: limits.picture_frames]
    delays = (content.read_at(c.offset_bytes + 12, 3) for c in frames)
    exif = next((c for c in chunks if c.kind == b"EXIF"), None)
    orientation = None
    if exif is not None:
        orientation = exif_orientation(content, exif.offset_bytes, exif.size_bytes)
    kinds = {chunk.kind for chunk in chunks}
    return PictureHeader(
        width_px=width,
        height_px=height,
        mode="rgb+alpha" if alpha else "rgb",
        bit_depth=8,
        channels=4 if alpha else 3,
        coding="lossless" if b"VP8L" in kinds else "lossy",
        frames=max(1, len(frames)),
        animation_seconds=(
            sum(int.from_bytes(delay, "little") for delay in delays) / 1000 if frames else None
        ),
        orientation=orientation or 1,
        orientation_source="exif" if orientation else None,
    )


def _webp_size(content: Content, chunk: RiffChunk) -> tuple[int, int, bool]:
    raw = content.read_at(chunk.offset_bytes, 10).ljust(10, b"\0")
    if chunk.kind == b"VP8X":
        width, height = int.from_bytes(raw[4:7], "little"), int.from_bytes(raw[7:10], "little")
        return width + 1, height + 1, bool(raw[0] & 0x10)
    if chunk.kind == b"VP8L":
        bits = int.from_bytes(raw[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    width, height = struct.unpack_from("<HH", raw, 6)
    return width & 0x3FFF, height & 0x3FFF, False


_TIFF_MODES = {
    0: "grey",
    1: "grey",
    2: "rgb",
    3: "palette",
    4: "grey",
    5: "cmyk",
    6: "ycbcr",
    8: "lab",
    9: "lab",
    32803: "cfa",
    34892: "linear raw",
}
_TIFF_CODINGS = {
    1: "uncompressed",
    2: "ccitt",
    3: "ccitt",
    4: "ccitt",
    5: "lzw",
    6: "jpeg (old style)",
    7: "jpeg",
    8: "deflate",
    32773: "packbits",
    32946: "deflate",
    34925: "lzma",
    50000: "zstd",
    50001: "webp",
}


def read_tiff_header(content: Content) -> PictureHeader:
    """TIFF 6.0, section 8: the first directory; further ones count as auxiliary pictures."""
    tiff = Tiff(content)
    directories = tiff.chain()
    first = next(directories, None)
    if first is None:
        raise Malformed("TIFF without a directory")
    width, height = tiff.integer(first, 256), tiff.integer(first, 257)
    if width is None or height is None:
        raise Malformed("first TIFF directory names no size")
    return _tiff_fields(tiff, first, width, height, sum(1 for _ in directories))


def _tiff_fields(
    tiff: Tiff, first: Directory, width: int, height: int, further: int
) -> PictureHeader:
    photometric = tiff.integer(first, 262)
    if photometric in (32803, 34892):
        raise Refused("TIFF with sensor data of a maker that is not on the list")
    compression = tiff.integer(first, 259)
    channels = tiff.integer(first, 277) or 1
    mode = _TIFF_MODES.get(1 if photometric is None else photometric, f"photometric {photometric}")
    if tiff.integer(first, 338) is not None and mode in ("grey", "rgb"):
        mode += "+alpha"
    orientation = tiff.integer(first, 274)
    valid = orientation is not None and 1 <= orientation <= 8
    return PictureHeader(
        width_px=width,
        height_px=height,
        mode=mode,
        bit_depth=tiff.integer(first, 258) or 1,
        channels=channels,
        coding=_TIFF_CODINGS.get(
            1 if compression is None else compression, f"compression {compression}"
        ),
        orientation=orientation if orientation is not None and valid else 1,
        orientation_source="tiff" if valid else None,
        auxiliary_pictures=further,
    )
