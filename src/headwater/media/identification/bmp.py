"""Windows bitmaps (BITMAPFILEHEADER and the BITMAPINFOHEADER family)."""

from __future__ import annotations

import struct

from headwater.evidence.content import Content
from headwater.media.identification.layout import Layout


def layout_bmp(content: Content) -> Layout:
    """Set the size in the file header beside that of the pixel rows."""
    head = content.read_at(0, 54).ljust(54, b"\0")
    declared, pixels = struct.unpack_from("<I4xI", head, 2)
    notes: list[str] = []
    end = _pixel_end(head, pixels)
    if declared != content.size_bytes:
        notes.append(f"file header says {declared} bytes, there are {content.size_bytes}")
    if end is None:
        end = declared if pixels < declared <= content.size_bytes else None
    elif end > content.size_bytes:
        notes.append("pixel rows run past the end: cut off")
        end = None
    elif end < declared <= content.size_bytes:
        end = declared
    return Layout("bmp", end, notes=tuple(notes))


def _pixel_end(head: bytes, pixels: int) -> int | None:
    """Where the rows end in an uncompressed bitmap; None where compression hides it."""
    header_size = struct.unpack_from("<I", head, 14)[0]
    if header_size == 12:
        width, height, _planes, bits = struct.unpack_from("<HHHH", head, 18)
        compression = 0
    else:
        width, height, _planes, bits, compression = struct.unpack_from("<iiHHI", head, 18)
    if compression not in (0, 3, 6) or width <= 0 or not bits:
        return None
    return int(pixels + (width * bits + 31) // 32 * 4 * abs(height))
