"""Counting what is really unpacked, whatever the container claims."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

from headwater.errors import ContentError, LimitExceeded, Malformed
from headwater.limits import Limits

Pull = Callable[[int], bytes]
"""Returns up to so many bytes, going forward, and none at the end."""

CHUNK = 1 << 16


def decoder_memory_bytes(limits: Limits) -> int:
    """Return what one decoder's dictionary may take: a quarter of a worker's memory, in bytes."""
    return limits.worker_memory_bytes // 4


class Meter:
    """Counts one container's members and unpacked bytes against the `archive_*` limits.

    Once the count of members, the total or the ratio is exceeded, every later call raises the same
    LimitExceeded again, so a reader cannot go on by mistake.
    """

    def __init__(self, limits: Limits, packed_bytes: int) -> None:
        self._limits = limits
        self._members = 0
        self._unpacked = 0
        by_ratio = max(limits.archive_ratio * packed_bytes, limits.archive_ratio_floor_bytes)
        self._ceiling = min(by_ratio, limits.archive_total_bytes)
        self._packed = packed_bytes
        self._tripped: LimitExceeded | None = None

    def check(self) -> None:
        """Raise LimitExceeded where a limit of the whole container was reached before."""
        if self._tripped is not None:
            raise LimitExceeded(self._tripped.limit, self._tripped.detail)

    def member(self) -> None:
        """Count one more member. Raises LimitExceeded (`archive_members`)."""
        self.check()
        self._members += 1
        if self._members > self._limits.archive_members:
            self._trip("archive_members", f"more than {self._limits.archive_members} members")

    def unpacked(self, size: int) -> None:
        """Count unpacked bytes.

        Raises LimitExceeded (`archive_total_bytes` or `archive_ratio`).
        """
        self.check()
        self._unpacked += size
        if self._unpacked <= self._ceiling:
            return
        if self._unpacked > self._limits.archive_total_bytes:
            self._trip("archive_total_bytes", f"{self._unpacked} bytes unpacked")
        self._trip("archive_ratio", f"{self._unpacked} bytes from {self._packed}")

    def member_bytes(self, size: int) -> None:
        """Check one member's unpacked size so far.

        Raises LimitExceeded (`archive_member_bytes`), which ends that member only.
        """
        if size > self._limits.archive_member_bytes:
            raise LimitExceeded("archive_member_bytes", f"{size} bytes unpacked")

    def _trip(self, limit: str, detail: str) -> None:
        self._tripped = LimitExceeded(limit, detail)
        raise self._tripped


def counted(pull: Pull, meter: Meter) -> Pull:
    """Return `pull` with every byte counted as unpacked."""

    def count(size: int) -> bytes:
        data = pull(size)
        meter.unpacked(len(data))
        return data

    return count


def bytes_of_nothing(size: int) -> bytes:
    """A pull that is at its end."""
    return b""


class MemberStream(io.BufferedIOBase):
    """One member's unpacked bytes, forward only.

    Bytes that came before an error are given first; the error is raised by the read after them,
    and by each later one.
    """

    def __init__(self, pull: Pull, meter: Meter) -> None:
        super().__init__()
        self._pull = pull
        self._meter = meter
        self._given = 0
        self._error: ContentError | None = None
        self._ended = False

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._given

    def close(self) -> None:
        """Let go of the decoder, which may hold much memory."""
        self._pull = bytes_of_nothing
        super().close()

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end or before an error.

        Raises Refused, Malformed or LimitExceeded; ValueError once the next member was taken.
        """
        if self.closed:
            raise ValueError("the next member was taken, or the stream was closed")
        parts: list[bytes] = []
        missing = size if size is not None and size >= 0 else None
        while missing is None or missing > 0:
            part = self._next(CHUNK if missing is None else min(missing, 1 << 20))
            if not part:
                break
            parts.append(part)
            if missing is not None:
                missing -= len(part)
        if not parts and self._error is not None and missing != 0:
            raise self._error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """Return some bytes with one step of unpacking; none at the end."""
        return self.read(CHUNK if size < 0 else min(size, CHUNK))

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        if self._ended or self._error is not None:
            return b""
        try:
            data = self._pull(size)
            self._meter.member_bytes(self._given + len(data))
        except ContentError as error:
            self._error = error
            return b""
        self._ended = not data
        self._given += len(data)
        return data


def exactly(pull: Pull, size: int, what: str) -> Pull:
    """Return a pull that ends after `size` bytes. It raises Malformed where there are fewer."""
    left = size

    def take(wanted: int) -> bytes:
        nonlocal left
        data = pull(min(wanted, left)) if left and wanted else b""
        if left and wanted and not data:
            raise Malformed(f"{what} ends {left} bytes early")
        left -= len(data)
        return data

    return take


def verified(pull: Pull, crc32: int | None, unpacked_bytes: int) -> Pull:
    """Return `pull` with a check at its end.

    It raises Malformed where the size is not what the archive states, or the CRC-32 where it
    states one.
    """
    seen = 0
    actual = 0

    def check(size: int) -> bytes:
        nonlocal seen, actual
        data = pull(size)
        seen += len(data)
        actual = zlib.crc32(data, actual)
        if seen > unpacked_bytes or (not data and size and seen < unpacked_bytes):
            more = "more than" if seen > unpacked_bytes else "only"
            stated = f"{unpacked_bytes} bytes are stated"
            raise Malformed(f"{stated}, {more} {min(seen, unpacked_bytes)} were unpacked")
        if not data and size and crc32 is not None and actual != crc32:
            raise Malformed(f"CRC-32 is {actual:08x}, the archive states {crc32:08x}")
        return data

    return check
