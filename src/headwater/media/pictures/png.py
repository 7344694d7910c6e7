"""The chunks of a PNG (PNG specification, third edition, section 5), walked without decoding."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from headwater.evidence.content import Content

_CHUNKS_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk; the offset is that of its data."""

    kind: bytes
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PngLayout:
    """Chunks in order (neighbouring IDAT and fdAT chunks as one entry each run), and the end."""

    chunks: tuple[Chunk, ...]
    end_bytes: int | None
    notes: tuple[str, ...]

    def first(self, kind: bytes) -> Chunk | None:
        """Return the first chunk of that kind."""
        return next((chunk for chunk in self.chunks if chunk.kind == kind), None)

    @property
    def animated(self) -> bool:
        """Whether an animation control chunk stands before the first image data."""
        for chunk in self.chunks:
            if chunk.kind in (b"acTL", b"IDAT"):
                return chunk.kind == b"acTL"
        return False


def walk_png(content: Content) -> PngLayout:
    """Follow the chunks from offset 8 to IEND, at most 200,000 of them."""
    chunks: list[Chunk] = []
    notes: list[str] = []
    position, end = 8, None
    for _ in range(_CHUNKS_MOST):
        head = content.read_at(position, 8)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if len(head) < 8 or not kind.isalpha():
            notes.append(f"no chunk at offset {position}: cut off or damaged")
            break
        if position + 12 + size > content.size_bytes:
            notes.append(f"chunk {kind.decode('ascii')} at offset {position} runs past the end")
            break
        if not chunks and kind != b"IHDR":
            notes.append(f"first chunk is {kind.decode('ascii')}, not IHDR")
        if not (chunks and chunks[-1].kind == kind and kind in (b"IDAT", b"fdAT")):
            chunks.append(Chunk(kind, position + 8, size))
        position += 12 + size
        if kind == b"IEND":
            end = position
            break
    else:
        notes.append(f"more than {_CHUNKS_MOST} chunks")
    if chunks and chunks[0].kind == b"IHDR" and not _checksum_holds(content, chunks[0]):
        notes.append("checksum of IHDR does not hold")
    return PngLayout(tuple(chunks), end, tuple(notes))


def _checksum_holds(content: Content, chunk: Chunk) -> bool:
    raw = content.read_at(chunk.offset_bytes - 4, min(chunk.size_bytes, 64) + 4)
    stored = content.read_at(chunk.offset_bytes + chunk.size_bytes, 4)
    return zlib.crc32(raw) == int.from_bytes(stored, "big")
