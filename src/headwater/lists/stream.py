"""The bytes of a list file: from a regular file, from a pipe, and with a look ahead."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Self

from headwater.errors import UsageError
from headwater.lists.contract import ListFault, Spot, Stream

PEEK_BYTES = 1 << 20
"""The longest look ahead."""
_SKIP_BYTES = 1 << 20


class FileStream:
    """A regular file, open for reading. It is read as long as it was when it was opened.

    Raises UsageError where the path names no regular file that can be opened; reading raises
    ListFault where the file has become shorter, or the system will not give its bytes.
    """

    def __init__(self, path: Path) -> None:
        # Without O_NONBLOCK, a pipe that was put in the file's place would make this wait.
        self._descriptor = _opened(path, os.O_NONBLOCK)
        facts = os.fstat(self._descriptor)
        if not stat.S_ISREG(facts.st_mode):
            os.close(self._descriptor)
            raise UsageError(f"{path} is not a regular file")
        self.path = path
        self.identity = (facts.st_dev, facts.st_ino)
        """Device and inode of the file that is open."""
        self.size_bytes: int | None = facts.st_size
        self._end = facts.st_size
        self._place = 0

    @property
    def seekable(self) -> bool:
        """True."""
        return True

    def read(self, size_bytes: int) -> bytes:
        """Return up to so many bytes, empty at the end."""
        wanted = min(size_bytes, self._end - self._place)
        if wanted <= 0:
            return b""
        data = _read(self._descriptor, wanted, self._place, whole=True)
        if not data:
            raise ListFault("the file became shorter while it was read", self._spot())
        self._place += len(data)
        return data

    def seek(self, offset_bytes: int) -> None:
        """Go to a place; raises ListFault for one that the file does not have."""
        if not 0 <= offset_bytes <= self._end:
            raise ListFault("the file ends before the place where its reading was to go on")
        self._place = offset_bytes

    def tell(self) -> int:
        """Return the place of the next byte to be read."""
        return self._place

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spot(self) -> Spot:
        return Spot(offset_bytes=self._place)


class PipeStream:
    """A pipe or a terminal, read once and forward. It owns the descriptor it is given."""

    size_bytes: int | None = None

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._place = 0

    @property
    def seekable(self) -> bool:
        """False."""
        return False

    def read(self, size_bytes: int) -> bytes:
        """Return up to so many bytes, waiting for the first of them; empty at the end."""
        data = _read(self._descriptor, size_bytes, self._place, whole=False)
        self._place += len(data)
        return data

    def seek(self, offset_bytes: int) -> None:
        """Raise ListFault."""
        raise ListFault("a pipe is read once, forward: give the list as a file")

    def tell(self) -> int:
        """Return the place of the next byte to be read."""
        return self._place

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PeekedStream:
    """Another stream, with a look at what comes next."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._ahead = b""
        self.size_bytes = stream.size_bytes

    @property
    def seekable(self) -> bool:
        """Whether `seek` works."""
        return self._stream.seekable

    @property
    def beneath(self) -> Stream:
        """The stream itself."""
        return self._stream

    def peek(self, size_bytes: int = PEEK_BYTES) -> bytes:
        """Return what the next so many bytes are, fewer only at the end; `read` gives them again.

        Raises ValueError for more than PEEK_BYTES.
        """
        if size_bytes > PEEK_BYTES:
            raise ValueError(f"a look ahead is at most {PEEK_BYTES} bytes")
        if len(self._ahead) < size_bytes:
            self._ahead += read_full(self._stream, size_bytes - len(self._ahead))
        return self._ahead[:size_bytes]

    def read(self, size_bytes: int) -> bytes:
        """Return up to so many bytes, empty at the end."""
        if not self._ahead:
            return self._stream.read(size_bytes)
        data, self._ahead = self._ahead[:size_bytes], self._ahead[size_bytes:]
        return data

    def seek(self, offset_bytes: int) -> None:
        """Go to a place; raises ListFault where the stream is a pipe."""
        self._stream.seek(offset_bytes)
        self._ahead = b""

    def tell(self) -> int:
        """Return the place of the next byte to be read."""
        return self._stream.tell() - len(self._ahead)


def from_start(stream: Stream) -> PeekedStream:
    """Return a stream with a look ahead; where it can go back, at its beginning."""
    if stream.seekable:
        stream.seek(0)
    return stream if isinstance(stream, PeekedStream) else PeekedStream(stream)


def open_stream(name: str) -> FileStream | PipeStream:
    """Open a list: a path, or `-` for the standard input.

    Raises UsageError for what is neither a regular file nor a pipe.
    """
    if name == "-":
        return PipeStream(os.dup(0))
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}") from None
    if not stat.S_ISFIFO(mode):
        return FileStream(path)
    # Waits for the writer: without one, a pipe would look like an empty list.
    descriptor = _opened(path, 0)
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} was replaced while it was opened")
    return PipeStream(descriptor)


def read_full(stream: Stream, size_bytes: int) -> bytes:
    """Return the next so many bytes, fewer only at the end."""
    data = stream.read(size_bytes)
    if not data or len(data) >= size_bytes:
        return data
    parts = [data]
    missing = size_bytes - len(data)
    while missing > 0 and (data := stream.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


def go_to(stream: Stream, offset_bytes: int) -> None:
    """Go to a place at or behind the present one; a pipe is read up to it.

    Raises ListFault where the stream ends before it.
    """
    if stream.seekable:
        stream.seek(offset_bytes)
        return
    missing = offset_bytes - stream.tell()
    if missing < 0:
        raise ListFault("a pipe is read once, forward: give the list as a file")
    while missing > 0:
        skipped = stream.read(min(missing, _SKIP_BYTES))
        if not skipped:
            reason = "the file ends before the place where its reading was to go on"
            raise ListFault(reason, Spot(offset_bytes=stream.tell()))
        missing -= len(skipped)


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | flags)
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}") from None


def _read(descriptor: int, size_bytes: int, place: int, *, whole: bool) -> bytes:
    try:
        return os.pread(descriptor, size_bytes, place) if whole else os.read(descriptor, size_bytes)
    except OSError as error:
        reason = f"the list cannot be read on ({error.strerror})"
        raise ListFault(reason, Spot(offset_bytes=place)) from None
