"""The bytes of one item: read-only, random access, nothing parsed."""

from __future__ import annotations

import hashlib
import io
import os
from typing import BinaryIO, Protocol

from headwater.errors import LimitExceeded
from headwater.model import Digests

_CHUNK = 1 << 20


class Source(Protocol):
    """Positioned reads from wherever the bytes lie."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; fewer only at the end."""
        ...


class DescriptorSource:
    """Positioned reads from a file descriptor, which the caller keeps open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read_at(self, offset: int, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            part = os.pread(self._descriptor, size, offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class BytesSource:
    """Positioned reads from bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]


class Content:
    """A window `[start, start + size)` of a source, as one item's bytes.

    Small items are read once and kept; large ones are read where they are asked for. Nothing is
    ever written, and no path is known here.
    """

    KEEP_BYTES = 64 << 20
    """Items up to this size are held in memory while they are measured."""

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self.size_bytes = size
        self._kept: bytes | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> Content:
        """Content over bytes already in memory."""
        content = cls(BytesSource(data), 0, len(data))
        content._kept = data
        return content

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` (fewer at the end, none beyond it)."""
        size = min(size, self.size_bytes - offset)
        if size <= 0:
            return b""
        if self._kept is not None:
            return self._kept[offset : offset + size]
        return self._source.read_at(self._start + offset, size)

    def whole(self, ceiling_bytes: int) -> bytes:
        """Return all bytes.

        Raises LimitExceeded (`picture_bytes`) where there are more than `ceiling_bytes`.
        """
        if self._kept is None:
            if self.size_bytes > ceiling_bytes:
                raise LimitExceeded("picture_bytes", f"{self.size_bytes} bytes")
            self._kept = self._source.read_at(self._start, self.size_bytes)
        return self._kept

    def open(self) -> BinaryIO:
        """Return a new read-only, seekable file over these bytes."""
        if self._kept is not None:
            return io.BytesIO(self._kept)
        return io.BufferedReader(_ContentIO(self), 1 << 18)

    def part(self, offset: int, size: int) -> Content:
        """Return a window of this one."""
        size = max(0, min(size, self.size_bytes - offset))
        if self._kept is not None:
            return Content.from_bytes(self._kept[offset : offset + size])
        return Content(self._source, self._start + offset, size)

    def digests(self) -> Digests:
        """Read everything once and return its digests; small items are kept from that read."""
        sha256, sha1 = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
        md5 = hashlib.md5(usedforsecurity=False)
        seen = 0
        if self._kept is None and self.size_bytes <= self.KEEP_BYTES:
            self._kept = self._source.read_at(self._start, self.size_bytes)
        kept = memoryview(self._kept) if self._kept is not None else None
        while True:
            chunk = self.read_at(seen, _CHUNK) if kept is None else kept[seen : seen + _CHUNK]
            if not chunk:
                break
            for digest in (sha256, sha1, md5):
                digest.update(chunk)
            seen += len(chunk)
        return Digests(
            sha256=sha256.digest(), sha1=sha1.digest(), md5=md5.digest(), size_bytes=seen
        )


class _ContentIO(io.RawIOBase):
    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._position, self._content.size_bytes)[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._content.read_at(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
