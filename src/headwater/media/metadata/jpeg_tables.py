"""The quantisation tables of a JPEG (T.81 B.2.4.1) as one digest."""

from __future__ import annotations

from hashlib import sha256

from headwater.evidence.content import Content
from headwater.media.pictures.jpeg import JpegLayout

_DQT = 0xDB
_SEGMENTS_MOST = 64


def quantisation_sha256(content: Content, layout: JpegLayout) -> str | None:
    """Return SHA-256 over all tables, None where there is no whole table before the first scan.

    Digested are, in order of the tables' numbers, the number (one byte) and the 64 values in
    stored (zigzag) order as 16-bit big-endian numbers, whatever precision they are stored in. A
    table that is defined again replaces the one before.
    """
    tables: dict[int, bytes] = {}
    segments = [segment for segment in layout.segments if segment.marker == _DQT]
    for segment in segments[:_SEGMENTS_MOST]:
        data = content.read_at(segment.offset_bytes, segment.size_bytes)
        position = 0
        while position < len(data):
            wide, number = data[position] >> 4, data[position] & 15
            size = 128 if wide else 64
            values = data[position + 1 : position + 1 + size]
            position += 1 + size
            if len(values) == size and number < 4:
                tables[number] = values if wide else b"".join(b"\0%c" % value for value in values)
    if not tables:
        return None
    return sha256(
        b"".join(bytes([number]) + tables[number] for number in sorted(tables))
    ).hexdigest()
