"""Metadata extensions of a GIF (GIF89a; XMP part 3, 1.1.2)."""

from __future__ import annotations

from headwater.evidence.content import Content
from headwater.media.metadata.segments import TEXT_BYTES_MOST, Gathering
from headwater.model import Identity

_STEPS_MOST = 2_000_000
_WINDOW = 1 << 18
_XMP_TRAILER = 257
"""0x01, then 0xff down to 0x00: whatever byte a reader lands on leads to the terminator."""
_XMP, _ICC = b"XMP DataXMP", b"ICCRGBG1012"


def find_in_gif(gathering: Gathering, _identity: Identity) -> None:
    """Gather comments and the XMP and ICC application extensions, in at most 2 million steps."""
    _Walk(gathering).run()


class _Walk:
    def __init__(self, gathering: Gathering) -> None:
        self.gathering = gathering
        self.content: Content = gathering.content
        self.steps = 0
        self._window = b""
        self._window_start = 0

    def run(self) -> None:
        screen = self.content.read_at(0, 13)
        if len(screen) < 13:
            return
        position: int | None = 13 + _table_bytes(screen[10])
        while position is not None and self.steps < _STEPS_MOST:
            introducer = self._byte(position)
            if introducer == 0x2C:
                position = self._after_image(position)
            elif introducer == 0x21:
                position = self._extension(position + 1)
            else:
                return

    def _byte(self, position: int) -> int:
        """The byte at `position`, -1 at the end."""
        self.steps += 1
        at = position - self._window_start
        if not 0 <= at < len(self._window):
            self._window, self._window_start = self.content.read_at(position, _WINDOW), position
            at = 0
        return self._window[at] if self._window else -1

    def _after_image(self, position: int) -> int | None:
        flags = self._byte(position + 9)
        return self._skip(position + 11 + _table_bytes(flags)) if flags >= 0 else None

    def _skip(self, position: int) -> int | None:
        """Return the offset after the data sub-blocks at `position`."""
        while self.steps < _STEPS_MOST:
            size = self._byte(position)
            if size < 0:
                return None
            position += 1 + size
            if size == 0:
                return position
        return None

    def _extension(self, position: int) -> int | None:
        label = self._byte(position)
        start = position + 1
        end = self._skip(start)
        if end is None:
            return None
        if label == 0xFE:
            kept = self.content.read_at(start, min(end - start, TEXT_BYTES_MOST))
            text = _joined(kept)
            self.gathering.add_text(text, "gif comment", size=_joined_bytes(start, end))
        elif label == 0xFF and self._byte(start) == 11:
            self._application(self.content.read_at(start + 1, 11), start + 12, end)
        return end

    def _application(self, name: bytes, start: int, end: int) -> None:
        if name == _XMP:
            # The packet is not cut into sub-blocks; its own bytes are walked as their lengths.
            data = self.gathering.take(start, max(0, end - 1 - _XMP_TRAILER - start), "GIF XMP")
            self.gathering.add_raw("xmp", data, start, "gif application")
        elif name == _ICC:
            stored = self.gathering.take(start, end - start, "GIF ICC profile")
            self.gathering.add_raw("icc", _joined(stored or b""), None, "gif application")


def _joined(stored: bytes) -> bytes:
    """The contents of sub-blocks, without their lengths."""
    parts = []
    position = 0
    while position < len(stored) and stored[position]:
        parts.append(stored[position + 1 : position + 1 + stored[position]])
        position += 1 + stored[position]
    return b"".join(parts)


def _table_bytes(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _joined_bytes(start: int, end: int) -> int:
    """Bytes of data in sub-blocks, if all but the last are full."""
    stored = end - start - 1
    return stored - (stored + 255) // 256
