"""Decompressors with bounded output for each step, over bytes read forward.

Every decoder here gives at most what it is asked for, or what a small piece of input can grow to:
1 KiB of Zstandard or Deflate64 stays below 33 MiB.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

import inflate64
import zstandard

from headwater.errors import ContentError, LimitExceeded, Malformed
from headwater.evidence.archives.meter import CHUNK, Pull
from headwater.evidence.content import Content

SMALL_PIECE = 1 << 10


class Decoder(Protocol):
    """The shape of `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing more to give without further input."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Input after the end of the stream."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take input and return up to about `max_length` bytes."""
        ...


class Deflate:
    """Deflate (RFC 1951), bare or in a gzip (RFC 1952) frame."""

    def __init__(self, window_bits: int = -15) -> None:
        self._decoder = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        waiting = self._decoder.unconsumed_tail
        out = self._decoder.decompress(waiting + data if waiting else data, max_length)
        # A full answer may leave output inside zlib although all input was taken.
        self.needs_input = not self._decoder.unconsumed_tail and len(out) < max_length
        return out


class _ByPieces(ABC):
    """Feeds a decoder that cannot bound its output with small pieces, whose growth is bounded."""

    def __init__(self) -> None:
        self._waiting = b""
        self._ready = b""
        self._given = 0
        self.unused_data = b""
        self.eof = False

    @property
    def needs_input(self) -> bool:
        return not self._waiting and self._given == len(self._ready)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._waiting += data
        while self._given == len(self._ready) and self._waiting and not self.eof:
            piece, self._waiting = self._waiting[:SMALL_PIECE], self._waiting[SMALL_PIECE:]
            self._ready, self._given = self._step(piece), 0
        out = self._ready[self._given : self._given + max_length]
        self._given += len(out)
        if self._ended() and self._given == len(self._ready):
            self.eof = True
            self.unused_data = self._leftover() + self._waiting
            self._waiting = b""
        return out

    @abstractmethod
    def _step(self, piece: bytes) -> bytes: ...

    @abstractmethod
    def _ended(self) -> bool: ...

    def _leftover(self) -> bytes:
        return b""


class Zstandard(_ByPieces):
    """One Zstandard frame (RFC 8878). `window_bytes` is the largest window that is allowed."""

    def __init__(self, window_bytes: int) -> None:
        super().__init__()
        allowed = min(max(window_bytes, 1 << 10), 1 << 31)
        self._decoder = zstandard.ZstdDecompressor(max_window_size=allowed).decompressobj()

    def _step(self, piece: bytes) -> bytes:
        return self._decoder.decompress(piece)

    def _ended(self) -> bool:
        return self._decoder.eof

    def _leftover(self) -> bytes:
        return self._decoder.unused_data


class Deflate64(_ByPieces):
    """Deflate64, as PKWARE's method 9. What follows its end inside one piece cannot be told."""

    def __init__(self) -> None:
        super().__init__()
        self._decoder = inflate64.Inflater()

    def _step(self, piece: bytes) -> bytes:
        return bytes(self._decoder.inflate(piece))

    def _ended(self) -> bool:
        return bool(self._decoder.eof)


class Stored:
    """Bytes that are not compressed."""

    eof = False
    needs_input = True
    unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return data


def bzip2() -> Decoder:
    """Return a decoder of one bzip2 stream."""
    return bz2.BZ2Decompressor()


def xz(memory_bytes: int) -> Decoder:
    """Return a decoder of one .xz stream whose dictionary stays within `memory_bytes`."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory_bytes)


def raw_lzma(filters: list[dict[str, int]], memory_bytes: int) -> Decoder:
    """Return a decoder of a bare LZMA or LZMA2 chain.

    Raises LimitExceeded where a dictionary is larger than `memory_bytes`, Malformed where the
    chain is none that LZMA knows.
    """
    for step in filters:
        if step.get("dict_size", 0) > memory_bytes:
            raise LimitExceeded("worker_memory_bytes", f"dictionary of {step['dict_size']} bytes")
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    except MemoryError as error:
        detail = "the dictionary needs more memory than there is"
        raise LimitExceeded("worker_memory_bytes", detail, reproducible=False) from error
    except (lzma.LZMAError, ValueError, OverflowError) as error:
        raise Malformed(f"LZMA settings: {error}") from error


class Decoded:
    """Unpacked bytes of one compressed stream that is read from `pull`."""

    def __init__(self, decoder: Decoder, pull: Pull, what: str) -> None:
        self._decoder = decoder
        self._pull = pull
        self._what = what
        self._error: ContentError | None = None
        # Streams may be tiny and many: what is read beyond their end is read again.
        self._piece = 512
        self.taken = 0
        """Packed bytes that belong to the stream, as far as it was decoded."""

    @property
    def eof(self) -> bool:
        """Whether the stream's own end was reached."""
        return self._decoder.eof

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises Malformed where the stream is damaged or ends early, LimitExceeded
        (`worker_memory_bytes`) where its dictionary is too large; so does every later call.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._read(size)
        except ContentError as error:
            self._error = error
            raise

    def _read(self, size: int) -> bytes:
        while size > 0 and not self._decoder.eof:
            hungry = self._decoder.needs_input
            fresh = self._pull(self._piece) if hungry else b""
            self._piece = min(self._piece * 2, CHUNK)
            out = _decode_step(self._decoder, fresh, size, self._what)
            self.taken += len(fresh)
            if self._decoder.eof:
                self.taken -= len(self._decoder.unused_data)
            if out:
                return out
            if hungry and not fresh and not self._decoder.eof:
                raise Malformed(f"{self._what} ends early")
        return b""


def _decode_step(decoder: Decoder, data: bytes, size: int, what: str) -> bytes:
    """Decode once and turn the libraries' errors into Malformed or LimitExceeded."""
    try:
        return decoder.decompress(data, size)
    except MemoryError as error:
        detail = f"{what} needs more memory than there is"
        raise LimitExceeded("worker_memory_bytes", detail, reproducible=False) from error
    except (lzma.LZMAError, zstandard.ZstdError) as error:
        if "memory" in str(error).lower():
            raise LimitExceeded("worker_memory_bytes", f"{what}: {error}") from error
        raise Malformed(f"{what}: {error}") from error
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise Malformed(f"{what}: {error}") from error


class Concatenated:
    """Unpacked bytes of streams of one format that follow each other, as gzip and others allow.

    `starts` tells from 16 bytes whether another stream begins. Zero bytes between streams are
    padding. Raises LimitExceeded (`archive_members`) beyond `most_streams`.
    """

    def __init__(
        self,
        content: Content,
        make: Callable[[], Decoder],
        starts: Callable[[bytes], bool],
        what: str,
        most_streams: int,
    ) -> None:
        self._content = content
        self._make = make
        self._starts = starts
        self._what = what
        self._most_streams = most_streams
        self._start = 0
        self._streams = 1
        self._current: Decoded | None = Decoded(make(), pull_from(content), what)

    @property
    def end(self) -> int:
        """Offset after the last stream that was decoded, as far as it was decoded."""
        return self._start + (self._current.taken if self._current else 0)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none after the last stream. Raises as `Decoded.read`."""
        while self._current is not None:
            data = self._current.read(size)
            if data:
                return data
            self._next(after_zeros(self._content, self.end))
        return b""

    def _next(self, start: int) -> None:
        if not self._starts(self._content.read_at(start, 16)):
            self._start = self.end
            self._current = None
            return
        self._streams += 1
        if self._streams > self._most_streams:
            raise LimitExceeded("archive_members", f"more than {self._most_streams} streams")
        self._start = start
        self._current = Decoded(self._make(), pull_from(self._content, start), self._what)


def after_zeros(content: Content, position: int) -> int:
    """Return the offset of the first byte from `position` on that is not zero, or the end."""
    piece = 16
    while chunk := content.read_at(position, piece):
        kept = chunk.lstrip(b"\0")
        position += len(chunk) - len(kept)
        if kept:
            break
        piece = CHUNK
    return position


def pull_from(content: Content, start: int = 0) -> Pull:
    """Return a pull over content from `start` on."""
    position = start

    def take(size: int) -> bytes:
        nonlocal position
        data = content.read_at(position, size)
        position += len(data)
        return data

    return take
