"""The header of JPEG 2000 (ITU-T T.800): the SIZ and COD markers, in a file or bare."""

from __future__ import annotations

import struct

from headwater.errors import Malformed, Refused
from headwater.evidence.content import Content
from headwater.media.identification.boxes import walk_boxes
from headwater.media.pictures.header import PictureHeader

_MODES = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgb+alpha"}


def codestream_offset(content: Content) -> int:
    """Where the codestream begins: 0, or inside the first `jp2c` box (T.800 I.5.4)."""
    if content.read_at(0, 4) == b"\xff\x4f\xff\x51":
        return 0
    walk = walk_boxes(content, 0, content.size_bytes, most=4096)
    box = walk.first(b"jp2c")
    if box is None and walk.cut is not None and walk.cut.kind == b"jp2c":
        box = walk.cut
    if box is None:
        raise Malformed("JPEG 2000 file without a codestream")
    return box.payload_bytes


def read_jp2_header(content: Content) -> PictureHeader:
    """Read the SIZ marker segment (T.800 A.5.1)."""
    start = codestream_offset(content)
    raw = content.read_at(start, 4 + 38 + 3)
    if len(raw) < 45 or raw[:4] != b"\xff\x4f\xff\x51":
        raise Malformed("JPEG 2000 codestream without a size marker")
    _, _, right, bottom, left, top, *_ = struct.unpack_from(">HHIIIIIIII", raw, 4)
    channels = struct.unpack_from(">H", raw, 40)[0]
    if channels > 4:
        raise Refused(f"JPEG 2000 with {channels} components: no colour space is known for it")
    if right <= left or bottom <= top:
        raise Malformed("JPEG 2000 size is empty")
    return PictureHeader(
        width_px=right - left,
        height_px=bottom - top,
        mode=_MODES.get(channels, f"{channels} components"),
        bit_depth=(raw[42] & 0x7F) + 1,
        channels=channels,
        coding="wavelet",
    )


def resolution_levels(content: Content) -> int:
    """Wavelet decompositions that the main header's COD marker names (A.6.1); 0 if not found."""
    position = codestream_offset(content) + 2
    for _ in range(256):
        head = content.read_at(position, 4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0x90, 0x93, 0xD9):
            return 0
        if head[1] == 0x52:
            return int.from_bytes(content.read_at(position + 9, 1), "big")
        position += 2 + max(2, int.from_bytes(head[2:4], "big"))
    return 0
