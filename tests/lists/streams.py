"""Streams of bytes for readers of lists, which give as little at a time as they are told to."""

from __future__ import annotations

from headwater.lists.contract import ListFault


class ListBytes:
    """A file in memory; `at_once` bounds what one read gives, a pipe cannot seek."""

    def __init__(self, data: bytes, *, at_once: int | None = None, pipe: bool = False) -> None:
        self._data = data
        self._at_once = at_once or len(data) or 1
        self._pipe = pipe
        self._place = 0
        self.size_bytes: int | None = None if pipe else len(data)

    @property
    def seekable(self) -> bool:
        return not self._pipe

    def read(self, size_bytes: int) -> bytes:
        part = self._data[self._place : self._place + min(size_bytes, self._at_once)]
        self._place += len(part)
        return part

    def seek(self, offset_bytes: int) -> None:
        if self._pipe:
            raise ListFault("a pipe cannot go back")
        self._place = offset_bytes

    def tell(self) -> int:
        return self._place


class Endless:
    """A pipe that gives a beginning, and then one piece over and over; it counts what it gave."""

    size_bytes: int | None = None
    seekable = False

    def __init__(self, begin: bytes, piece: bytes, most_bytes: int) -> None:
        self._begin = begin
        self._piece = piece
        self._block = piece * (2 + (1 << 20) // len(piece))
        self._phase = 0
        self._most_bytes = most_bytes
        self.given_bytes = 0

    def read(self, size_bytes: int) -> bytes:
        if self._begin:
            part = self._begin[:size_bytes]
            self._begin = self._begin[len(part) :]
        else:
            part = self._block[self._phase : self._phase + min(size_bytes, 1 << 20)]
            self._phase = (self._phase + len(part)) % len(self._piece)
        self.given_bytes += len(part)
        assert self.given_bytes <= self._most_bytes, "read on without end"
        return part

    def seek(self, offset_bytes: int) -> None:
        raise ListFault("a pipe cannot go back")

    def tell(self) -> int:
        return self.given_bytes
