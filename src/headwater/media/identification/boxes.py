"""A bounded walk over ISO base media boxes (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.evidence.content import Content


@dataclass(frozen=True, slots=True)
class Box:
    """One box: offsets are from the start of the content, sizes in bytes."""

    kind: bytes
    offset_bytes: int
    payload_bytes: int
    """Offset of the payload."""
    end_bytes: int
    """One past its last byte, as its length field says: it may lie beyond the content."""


@dataclass(frozen=True, slots=True)
class BoxWalk:
    """Boxes that lie whole in the window, and why the walk stopped where it did."""

    boxes: tuple[Box, ...]
    stopped_bytes: int
    """Where the last whole box ends."""
    cut: Box | None
    """A box that begins there and runs past the window."""

    def first(self, kind: bytes) -> Box | None:
        """Return the first box of that kind."""
        return next((box for box in self.boxes if box.kind == kind), None)


def walk_boxes(content: Content, start: int, end: int, *, most: int = 4096) -> BoxWalk:
    """Read box headers from `start` up to `end`, at most `most` of them."""
    found: list[Box] = []
    position = start
    while position + 8 <= end and len(found) < most:
        box = _read_box(content, position, end)
        if box is None:
            break
        if box.end_bytes > end:
            return BoxWalk(tuple(found), position, box)
        found.append(box)
        position = box.end_bytes
    return BoxWalk(tuple(found), position, None)


def _read_box(content: Content, position: int, end: int) -> Box | None:
    head = content.read_at(position, 16)
    size, kind, payload = int.from_bytes(head[:4], "big"), head[4:8], position + 8
    if any(not (32 <= byte < 127 or byte == 0xA9) for byte in kind):
        return None
    if size == 1 and len(head) == 16:
        size, payload = int.from_bytes(head[8:16], "big"), position + 16
    elif size == 0:
        size = end - position
    if size < payload - position:
        return None
    return Box(kind, position, payload, position + size)


def descend(content: Content, box: Box, *path: bytes) -> Box | None:
    """Return the first box down a path of kinds, or None."""
    current: Box | None = box
    for kind in path:
        if current is None:
            return None
        current = walk_boxes(content, current.payload_bytes, current.end_bytes, most=512).first(
            kind
        )
    return current


def track_handlers(content: Content, moov: Box) -> tuple[bytes, ...]:
    """Return the handler type (`vide`, `soun`, `pict`, ...) of each of the first 64 tracks."""
    tracks = walk_boxes(content, moov.payload_bytes, moov.end_bytes, most=512).boxes
    handlers = []
    for track in [box for box in tracks if box.kind == b"trak"][:64]:
        handler = descend(content, track, b"mdia", b"hdlr")
        if handler is not None:
            handlers.append(content.read_at(handler.payload_bytes + 8, 4))
    return tuple(handlers)
