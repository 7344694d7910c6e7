"""The header of a JPEG: frame, Adobe marker and EXIF orientation."""

from __future__ import annotations

from headwater.errors import Malformed
from headwater.evidence.content import Content
from headwater.media.pictures.header import PictureHeader
from headwater.media.pictures.jpeg import APP1, APP14, JpegLayout, walk_jpeg
from headwater.media.pictures.orientation import exif_orientation

_CODINGS = {
    0xC0: "baseline",
    0xC1: "extended sequential",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC5: "differential sequential",
    0xC6: "differential progressive",
    0xC7: "differential lossless",
    0xC9: "sequential, arithmetic",
    0xCA: "progressive, arithmetic",
    0xCB: "lossless, arithmetic",
    0xCD: "differential sequential, arithmetic",
    0xCE: "differential progressive, arithmetic",
    0xCF: "differential lossless, arithmetic",
}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_SUBSAMPLING = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
    (4, 2): "4:1:0",
    (1, 4): "4:4:1",
}


def read_jpeg_header(content: Content) -> PictureHeader:
    """Read the first frame header (T.81 B.2.2). Raises Malformed where there is none."""
    layout = walk_jpeg(content, find_end=False)
    frame = layout.frame
    if frame is None:
        raise Malformed("JPEG without a frame header")
    raw = content.read_at(frame.offset_bytes, min(frame.size_bytes, 6 + 3 * 255))
    if len(raw) < 6 or len(raw) < 6 + 3 * raw[5]:
        raise Malformed("JPEG frame header cut off")
    channels = raw[5]
    factors = [(raw[7 + 3 * i] >> 4, raw[7 + 3 * i] & 15) for i in range(channels)]
    identifiers = bytes(raw[6 + 3 * i] for i in range(channels))
    if layout.scan_offset_bytes is None:
        raise Malformed("JPEG without a scan")
    transform = _adobe_transform(content, layout)
    orientation = _orientation(content, layout)
    return PictureHeader(
        width_px=int.from_bytes(raw[3:5], "big"),
        height_px=int.from_bytes(raw[1:3], "big"),
        mode=_mode(channels, transform, identifiers),
        bit_depth=raw[0],
        channels=channels,
        coding=_CODINGS[frame.marker],
        progressive=frame.marker in _PROGRESSIVE,
        subsampling=_subsampling(factors),
        adobe_transform=transform,
        orientation=orientation or 1,
        orientation_source="exif" if orientation else None,
    )


def _adobe_transform(content: Content, layout: JpegLayout) -> int | None:
    segment = layout.first(APP14, b"Adobe", content)
    if segment is None or segment.size_bytes < 12:
        return None
    return content.read_at(segment.offset_bytes + 11, 1)[0]


def _mode(channels: int, transform: int | None, identifiers: bytes) -> str:
    """The colour space as libjpeg decides it (JFIF, Adobe technical note 5116)."""
    if channels == 1:
        return "grey"
    if channels == 3:
        told = transform == 0 or (transform is None and identifiers == b"RGB")
        return "rgb" if told else "ycbcr"
    if channels == 4:
        return "ycck" if transform == 2 else "cmyk"
    return f"{channels} components"


def _subsampling(factors: list[tuple[int, int]]) -> str | None:
    if len(factors) < 3:
        return None
    luma, others = factors[0], factors[1:3]
    if others[0] != others[1] or 0 in others[0] or luma[0] % others[0][0] or luma[1] % others[0][1]:
        return ",".join(f"{across}x{down}" for across, down in factors)
    ratio = (luma[0] // others[0][0], luma[1] // others[0][1])
    return _SUBSAMPLING.get(ratio) or ",".join(f"{across}x{down}" for across, down in factors)


def _orientation(content: Content, layout: JpegLayout) -> int | None:
    segment = layout.first(APP1, b"Exif\0", content)
    if segment is None:
        return None
    return exif_orientation(content, segment.offset_bytes + 6, segment.size_bytes - 6)
