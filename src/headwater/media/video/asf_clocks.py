"""The clock in the header of ASF files (ASF specification 01.20.05, 3.2: file properties)."""

from __future__ import annotations

from headwater.evidence.content import Content
from headwater.media.video.clocks import WINDOWS_EPOCH, Clock, read_since

_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_OBJECTS_MOST = 512
_CREATED_AT = 24 + 16 + 8
"""Object header, file id, file size."""


def asf_clocks(content: Content) -> list[Clock]:
    """Return when the file says it was made: units of 100 ns since 1601 in UTC."""
    if content.read_at(0, 16) != _HEADER:
        return []
    position = 30
    for _ in range(_OBJECTS_MOST):
        head = content.read_at(position, _CREATED_AT + 8)
        size = int.from_bytes(head[16:24], "little")
        if len(head) < _CREATED_AT + 8 or size < 24:
            break
        if head[:16] == _FILE_PROPERTIES:
            count = int.from_bytes(head[_CREATED_AT:], "little")
            return [read_since("file properties:created", count, WINDOWS_EPOCH, 10_000_000)]
        position += size
    return []
