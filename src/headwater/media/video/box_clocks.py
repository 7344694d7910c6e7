"""The clocks in the headers of MP4 and QuickTime files (ISO/IEC 14496-12, 8.2.2, 8.3.2, 8.4.2).

Each header holds when its part was made and when it was changed, in seconds since the beginning
of 1904 in UTC. FFmpeg hands on the first of them alone, and leaves out zeros.
"""

from __future__ import annotations

import msgspec

from headwater.evidence.content import Content
from headwater.media.identification.boxes import Box, descend, walk_boxes
from headwater.media.video.clocks import QUICKTIME_EPOCH, UNIX_EPOCH, Clock, read_since

_TOP_MOST = 200_000
_TRACKS_MOST = 64
_INSIDE_MOST = 512
_UNIX_COUNT = int((UNIX_EPOCH - QUICKTIME_EPOCH).total_seconds())


def box_clocks(content: Content) -> list[Clock]:
    """Return the clocks of the film and of its first 64 tracks, in the order of the file."""
    moov = walk_boxes(content, 0, content.size_bytes, most=_TOP_MOST).first(b"moov")
    if moov is None:
        return []
    clocks = []
    number = 0
    for box in walk_boxes(content, moov.payload_bytes, moov.end_bytes, most=_INSIDE_MOST).boxes:
        if box.kind == b"mvhd":
            clocks += _header_clocks(content, box, "mvhd")
        elif box.kind == b"trak" and number < _TRACKS_MOST:
            number += 1
            for path in ((b"tkhd",), (b"mdia", b"mdhd")):
                header = descend(content, box, *path)
                name = path[-1].decode("ascii")
                if header is not None:
                    clocks += _header_clocks(content, header, f"trak {number} {name}")
    return clocks


def _header_clocks(content: Content, header: Box, basis: str) -> list[Clock]:
    size = min(20, header.end_bytes - header.payload_bytes)
    data = content.read_at(header.payload_bytes, size)
    width = 8 if data[:1] == b"\x01" else 4
    if len(data) < 4 + 2 * width:
        return []
    created = int.from_bytes(data[4 : 4 + width], "big")
    changed = int.from_bytes(data[4 + width : 4 + 2 * width], "big")
    return [_read(f"{basis}:created", created), _read(f"{basis}:modified", changed)]


def _read(basis: str, count: int) -> Clock:
    clock = read_since(basis, count, QUICKTIME_EPOCH)
    if clock.state != "read" or count >= _UNIX_COUNT:
        return clock
    other = read_since(basis, count, UNIX_EPOCH)
    if other.at is None:
        return other
    note = f"before 1970: were it counted from 1970, as some devices do, it would be {other.at}"
    return msgspec.structs.replace(clock, note=note)
