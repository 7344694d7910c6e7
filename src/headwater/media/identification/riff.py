"""RIFF files: WebP (RFC 9649) and AVI (with the OpenDML extension)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.evidence.content import Content
from headwater.media.identification.layout import Layout

_CHUNKS_MOST = 100_000
_PARTS_MOST = 10_000
_AVI_HEAD = 1 << 16
_VIDEO_STREAM = re.compile(rb"strh.{4}vids", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RiffChunk:
    """One chunk; the offset is that of its data."""

    kind: bytes
    offset_bytes: int
    size_bytes: int


def riff_chunks(content: Content, start: int = 12, end: int | None = None) -> Iterator[RiffChunk]:
    """Yield chunks from `start`, at most 100,000, until one runs past the end."""
    stop = content.size_bytes if end is None else min(end, content.size_bytes)
    for _ in range(_CHUNKS_MOST):
        head = content.read_at(start, 8)
        size = int.from_bytes(head[4:8], "little")
        if len(head) < 8 or start + 8 + size > stop:
            return
        yield RiffChunk(head[:4], start + 8, size)
        start += 8 + size + (size & 1)


def layout_riff(content: Content, name: str) -> Layout:
    """Set the length in the RIFF header beside the bytes that are there."""
    size = int.from_bytes(content.read_at(4, 4), "little")
    end: int | None = 8 + size + (size & 1)
    notes: list[str] = []
    if 8 + size > content.size_bytes:
        notes.append(f"RIFF length {size} runs past the end: cut off, or the length is wrong")
        end = None
    elif size < 4:
        notes.append(f"RIFF length {size} is impossible")
        end = None
    elif end is not None and name == "avi":
        end = _further_parts(content, end)
    if end is not None:
        end = min(end, content.size_bytes)
    if name == "avi" and not _VIDEO_STREAM.search(content.read_at(0, _AVI_HEAD)):
        notes.append("no video stream header")
    return Layout(name, end, notes=tuple(notes))


def _further_parts(content: Content, end: int) -> int:
    for _ in range(_PARTS_MOST):
        head = content.read_at(end, 12)
        if head[:4] != b"RIFF" or head[8:12] != b"AVIX":
            break
        size = int.from_bytes(head[4:8], "little")
        end += 8 + size + (size & 1)
    return end
