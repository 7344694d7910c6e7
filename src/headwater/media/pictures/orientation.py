"""The EXIF orientation, read by a bounded reader of our own (TIFF 6.0 tag 274)."""

from __future__ import annotations

from headwater.errors import Malformed
from headwater.evidence.content import Content
from headwater.media.pictures.tiff import Tiff

_ORIENTATION = 274


def exif_orientation(content: Content, offset: int, size: int) -> int | None:
    """Return 1..8 from the TIFF structure at `offset`, or None where it names no valid one.

    An `Exif\\0\\0` prefix before the structure is skipped, as some writers repeat it.
    """
    if content.read_at(offset, 6) == b"Exif\0\0":
        offset, size = offset + 6, size - 6
    try:
        tiff = Tiff(content.part(offset, size))
        directory, _ = tiff.directory(tiff.first_directory)
    except Malformed:
        return None
    value = tiff.integer(directory, _ORIENTATION)
    return value if value is not None and 1 <= value <= 8 else None
