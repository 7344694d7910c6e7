"""Advanced Systems Format (ASF specification 1.20.05, sections 2 and 3)."""

from __future__ import annotations

from headwater.evidence.content import Content
from headwater.media.identification.layout import Layout

_VIDEO_MEDIA = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
_AUDIO_MEDIA = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")
_HEADER_BYTES_MOST = 1 << 20
_OBJECTS_MOST = 64


def layout_asf(content: Content) -> Layout:
    """Tell video from audio alone by the stream types, and follow the top-level objects."""
    notes: list[str] = []
    header_size = int.from_bytes(content.read_at(16, 8), "little")
    header = content.read_at(0, min(header_size, _HEADER_BYTES_MOST))
    name = "asf"
    if _VIDEO_MEDIA not in header:
        if _AUDIO_MEDIA in header:
            name = "wma"
        else:
            notes.append("no video stream in the header object")
    position, end = 0, None
    for _ in range(_OBJECTS_MOST):
        raw = content.read_at(position, 24)
        size = int.from_bytes(raw[16:24], "little")
        if len(raw) < 24 or size < 24:
            break
        if position + size > content.size_bytes:
            notes.append("an object runs past the end: cut off")
            return Layout(name, None, notes=tuple(notes))
        position += size
        end = position
    return Layout(name, end, notes=tuple(notes))
