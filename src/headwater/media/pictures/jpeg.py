"""The marker structure of a JPEG (ITU-T T.81, annex B), walked without decoding."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.evidence.content import Content

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers: all of 0xC0..0xCF but DHT, JPG and DAC."""

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SEGMENTS_MOST = 20_000
_NOTES_MOST = 16
_CHUNK = 1 << 16
_SEARCH_BYTES_MOST = 2 << 30


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment; the offset is that of its payload, after marker and length."""

    marker: int
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class JpegLayout:
    """Segments up to the first scan, and where the picture ends."""

    segments: tuple[Segment, ...]
    scan_offset_bytes: int | None
    """First byte of entropy-coded data; None where there is no scan."""
    end_bytes: int | None
    """One past the end-of-image marker that closes this picture; None where there is none."""
    notes: tuple[str, ...]

    def first(self, marker: int, prefix: bytes, content: Content) -> Segment | None:
        """Return the first segment of that marker whose payload begins with `prefix`."""
        for segment in self.segments:
            if segment.marker == marker and segment.size_bytes >= len(prefix):
                found = content.read_at(segment.offset_bytes, len(prefix))
                if found == prefix:
                    return segment
        return None

    @property
    def frame(self) -> Segment | None:
        """The first start-of-frame segment."""
        return next((s for s in self.segments if s.marker in FRAMES), None)


def walk_jpeg(content: Content, *, find_end: bool = True) -> JpegLayout:
    """Follow the markers of a JPEG that starts at offset 0.

    At most 20,000 markers are followed. With `find_end` the entropy-coded data is searched for
    the end-of-image marker too, up to 2 GiB.
    """
    segments: list[Segment] = []
    notes: list[str] = []
    scan: int | None = None
    end: int | None = None
    position = 2
    for _ in range(_SEGMENTS_MOST):
        marker, position, skipped = _next_marker(content, position)
        if skipped and len(notes) < _NOTES_MOST:
            notes.append(f"{skipped} stray bytes between segments before offset {position}")
        if marker is None:
            notes.append("no scan: the segments run past the end")
            break
        if marker == EOI:
            end = position
            notes.append("end of image before any scan")
            break
        if marker in _STANDALONE:
            continue
        size = int.from_bytes(content.read_at(position, 2), "big")
        if size < 2 or position + size > content.size_bytes:
            notes.append(f"segment 0xff{marker:02x} at {position - 2} has an impossible length")
            break
        segments.append(Segment(marker, position + 2, size - 2))
        position += size
        if marker == SOS:
            scan = position
            break
    else:
        notes.append(f"more than {_SEGMENTS_MOST} markers before the first scan")
    if scan is not None and find_end:
        end = _find_end(content, scan)
        if end is None:
            notes.append("no end-of-image marker: cut off or damaged")
    return JpegLayout(tuple(segments), scan, end, tuple(notes))


def _next_marker(content: Content, position: int) -> tuple[int | None, int, int]:
    """Return (marker, offset after it, bytes skipped that belong to nothing)."""
    pair = content.read_at(position, 2)
    if len(pair) == 2 and pair[0] == 0xFF and pair[1] not in (0x00, 0xFF):
        return pair[1], position + 2, 0
    window = content.read_at(position, 1 << 16)
    match = re.search(rb"\xff[\x01-\xfe]", window)
    if match is None:
        return None, content.size_bytes, 0
    skipped = len(window[: match.start()].rstrip(b"\xff")) if match.start() else 0
    return window[match.start() + 1], position + match.end(), skipped


def _find_end(content: Content, scan: int) -> int | None:
    candidate = _find_pair(content, scan)
    if candidate is None or candidate + 2 == content.size_bytes:
        return None if candidate is None else candidate + 2
    # Bytes follow: only a walk over the scans can tell a true end from one inside a segment.
    return _walk_scans(content, scan)


def _find_pair(content: Content, start: int) -> int | None:
    """Offset of the first 0xFF 0xD9 at or after `start`; 16-bit compares are the fastest way."""
    import numpy as np  # noqa: PLC0415

    stop = min(content.size_bytes, start + _SEARCH_BYTES_MOST)
    wanted = np.array([0xD9FF], np.dtype("<u2"))
    while start < stop:
        chunk = content.read_at(start, _CHUNK + 1)
        hits = []
        for shift in (0, 1):
            pairs = np.frombuffer(chunk, "<u2", max(0, len(chunk) - shift) // 2, shift)
            equal = pairs == wanted
            first = int(equal.argmax()) if equal.size else 0
            if equal.size and equal[first]:
                hits.append(start + 2 * first + shift)
        if hits:
            return min(hits)
        start += _CHUNK
    return None


def _walk_scans(content: Content, position: int) -> int | None:
    stop = min(content.size_bytes, position + _SEARCH_BYTES_MOST)
    for _ in range(_SEGMENTS_MOST):
        found = _search_marker(content, position, stop)
        if found is None:
            return None
        marker, position = found
        if marker == EOI:
            return position
        if marker in _STANDALONE:
            continue
        size = int.from_bytes(content.read_at(position, 2), "big")
        if size >= 2 and position + size <= content.size_bytes:
            position += size
    return None


def _search_marker(content: Content, position: int, stop: int) -> tuple[int, int] | None:
    while position < stop:
        chunk = content.read_at(position, _CHUNK + 1)
        match = _MARKER.search(chunk)
        if match:
            return chunk[match.start() + 1], position + match.end()
        position += _CHUNK
    return None
