"""The blocks of a GIF (GIF89a specification), walked without decoding."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.evidence.content import Content

_STEPS_MOST = 1_000_000
_COMMENT_BYTES_MOST = 4096
_WINDOW = 1 << 18


@dataclass(frozen=True, slots=True)
class GifLayout:
    """Size of the logical screen, frames, and where the trailer ends."""

    width_px: int
    height_px: int
    colours: int
    """Entries of the global colour table, 0 where there is none."""
    frames: int
    seconds: float
    """Sum of the frames' delays, as stored."""
    end_bytes: int | None
    comments: tuple[tuple[int, bytes], ...]
    notes: tuple[str, ...]


class _Walk:
    """A cursor with a window, so that one-byte steps do not each read."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.position = 0
        self.steps = 0
        self._window = b""
        self._window_start = 0

    def take(self, size: int) -> bytes:
        start = self.position - self._window_start
        if not 0 <= start <= len(self._window) - size:
            self._window = self.content.read_at(self.position, max(size, _WINDOW))
            self._window_start, start = self.position, 0
        data = self._window[start : start + size]
        self.position += len(data)
        self.steps += 1
        return data

    def sub_blocks(self, keep: int = 0) -> bytes | None:
        """Skip data sub-blocks up to the terminator; None where they run past the end."""
        kept = b""
        while self.steps < _STEPS_MOST:
            size = self.take(1)
            if not size:
                return None
            if not size[0]:
                return kept
            if len(kept) < keep:
                kept += self.take(size[0])
            else:
                self.position += size[0]
        return None


def walk_gif(content: Content) -> GifLayout:
    """Follow the blocks to the trailer, in at most one million steps."""
    walk = _Walk(content)
    screen = walk.take(13).ljust(13, b"\0")
    colours = 2 << (screen[10] & 7) if screen[10] & 0x80 else 0
    walk.position = 13 + 3 * colours
    frames, centiseconds = 0, 0
    comments: list[tuple[int, bytes]] = []
    notes: list[str] = []
    end: int | None = None
    while True:
        start, introducer = walk.position, walk.take(1)
        if introducer == b"\x3b":
            end = walk.position
            break
        if introducer == b"\x2c":
            frames += 1
            ended = _skip_image(walk)
        elif introducer == b"\x21":
            label = walk.take(1)
            data = walk.sub_blocks(keep=_COMMENT_BYTES_MOST if label in (b"\xfe", b"\xf9") else 0)
            ended = data is not None
            if data and label == b"\xf9":
                centiseconds += int.from_bytes(data[1:3], "little")
            elif data and label == b"\xfe" and len(comments) < 8:
                comments.append((start, data))
        else:
            ended = False
        if not ended:
            notes.append(f"blocks cannot be followed beyond offset {start}: cut off or damaged")
            break
    return GifLayout(
        width_px=int.from_bytes(screen[6:8], "little"),
        height_px=int.from_bytes(screen[8:10], "little"),
        colours=colours,
        frames=frames,
        seconds=centiseconds / 100,
        end_bytes=end,
        comments=tuple(comments),
        notes=tuple(notes),
    )


def _skip_image(walk: _Walk) -> bool:
    descriptor = walk.take(9)
    if len(descriptor) < 9:
        return False
    if descriptor[8] & 0x80:
        walk.position += 3 * (2 << (descriptor[8] & 7))
    walk.take(1)
    return walk.sub_blocks() is not None
