"""Messages between the main process and its workers, and how they travel.

A frame is a length (8 bytes, little-endian) and a MessagePack document; descriptors ride on the
frame's first byte (SCM_RIGHTS). Everything is plain data, checked against its type on arrival,
because what a worker says comes from a process that has read hostile bytes. Bytes of evidence
are never in a message: they are passed as descriptors.
"""

from __future__ import annotations

import array
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Callable

import msgspec

from headwater.errors import HeadwaterError
from headwater.model import Digests, Identity, Outcome, Problem, Time

_LENGTH = struct.Struct("<Q")
_MAX_DESCRIPTORS = 4
_PATIENCE_MILLISECONDS = 10_000


class WireError(HeadwaterError):
    """The other side closed, or broke the protocol."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of all messages; the type's name is its tag."""


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which bytes of the descriptor that comes along are the item's."""

    start_bytes: int
    size_bytes: int
    key: bytes | None = None
    """AES-256-CTR key where the descriptor is an encrypted spool file, else None."""


# Main process to worker.


class Visit(Message, frozen=True, kw_only=True):
    """Digest an item, and after `Proceed` identify and measure it. One descriptor."""

    task: int
    window: Window


class Proceed(Message, frozen=True, kw_only=True):
    """Answer to `Digested`: whether the item still needs measuring."""

    task: int
    measure: bool


class WalkArchive(Message, frozen=True, kw_only=True):
    """List and unpack a container. One descriptor."""

    task: int
    window: Window
    format: str
    only: tuple[int, ...] | None = None
    """Ordinals whose bytes are wanted; None for all."""


class More(Message, frozen=True, kw_only=True):
    """Answer to `MemberFound`: there is room for the next one. Answer to `Spool`: go on.

    With `key` a descriptor comes along: an empty spool file to encrypt the next member into.
    """

    task: int
    key: bytes | None = None
    room_bytes: int = 0
    """Most bytes that may be written to the spool file."""


class Stop(Message, frozen=True, kw_only=True):
    """Leave cleanly."""


# Worker to main process.


class Ready(Message, frozen=True, kw_only=True):
    """The cage is closed; `cage` is its report, `failed_probes` names those that got through."""

    cage: dict[str, str]
    """Each property of the cage and how it stands; see `engine.cage`."""
    failed_probes: tuple[str, ...] = ()
    probes: int = 0


class Digested(Message, frozen=True, kw_only=True):
    """All bytes were read once; sent before any of them is parsed."""

    task: int
    digests: Digests


class Identified(Message, frozen=True, kw_only=True):
    """What the item is; kept in case measuring it kills the worker."""

    task: int
    identity: Identity


class Visited(Message, frozen=True, kw_only=True):
    """The item's outcome. For an archive its members are still to be walked."""

    task: int
    outcome: Outcome
    cpu_seconds: float


class Unread(Message, frozen=True, kw_only=True):
    """The system would not give the item's bytes; nothing of it was parsed. Ends the visit."""

    task: int
    reason: str


class Spool(Message, frozen=True, kw_only=True):
    """The next member needs a spool file on disk; answered by `More`, with a key for a file."""

    task: int
    size_bytes: int | None


class MemberFound(Message, frozen=True, kw_only=True):
    """One member. A descriptor comes along where its bytes were unpacked to memory."""

    task: int
    ordinal: int
    name: bytes
    size_bytes: int | None
    offset_bytes: int | None
    times: tuple[Time, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    unpacked: bool
    on_disk: bool = False


class Walked(Message, frozen=True, kw_only=True):
    """The container is at its end; `problems` say where it ended early."""

    task: int
    members: int
    unpacked_bytes: int
    problems: tuple[Problem, ...]
    cpu_seconds: float


ToWorker = Visit | Proceed | WalkArchive | More | Stop
FromWorker = Ready | Digested | Identified | Visited | Unread | Spool | MemberFound | Walked


class Channel:
    """Frames over a Unix stream socket, with descriptors.

    `receive` blocks (worker side); `arrived` takes what is there and never blocks (main side).
    Raises WireError where the other side is gone or breaks the protocol.
    """

    def __init__(self, sock: socket.socket, accepts: object, ceiling_bytes: int) -> None:
        self.socket = sock
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(accepts)
        self._encoder = msgspec.msgpack.Encoder()
        self._ceiling = ceiling_bytes
        self._buffer = bytearray()
        self._descriptors: deque[int] = deque()

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self.socket.fileno()

    def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        """Send one message."""
        body = self._encoder.encode(message)
        frame = _LENGTH.pack(len(body)) + body
        numbers = array.array("i", descriptors)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if descriptors else []
        try:
            sent = self._wait_and(lambda: self.socket.sendmsg([frame], rights))
            rest = memoryview(frame)[sent:]
            while rest:
                rest = rest[self._wait_and(lambda: self.socket.send(rest)) :]  # noqa: B023
        except OSError as error:
            raise WireError(f"the other side is gone: {error.strerror}") from error

    def _wait_and(self, send: Callable[[], int]) -> int:
        """Send, waiting for the other side to read where its buffer is full."""
        while True:
            try:
                return send()
            except BlockingIOError:
                ready = select.poll()
                ready.register(self.socket, select.POLLOUT)
                if not ready.poll(_PATIENCE_MILLISECONDS):
                    raise TimeoutError(None, "it does not read what it is sent") from None

    def receive(self) -> Message:
        """Wait for one message."""
        while True:
            message = self._next()
            if message is not None:
                return message
            self._read()

    def arrived(self) -> list[Message]:
        """Return the messages that one read completes."""
        self._read()
        messages: list[Message] = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def take_descriptor(self) -> int:
        """Return the oldest descriptor that came along; the caller closes it."""
        if not self._descriptors:
            raise WireError("a message came without its descriptor")
        return self._descriptors.popleft()

    def close(self) -> None:
        """Close the socket and every descriptor that nobody took."""
        self.socket.close()
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def _read(self) -> None:
        space = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array.array("i").itemsize)
        try:
            data, ancillary, _flags, _address = self.socket.recvmsg(
                1 << 18, space, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError as error:
            raise WireError(f"the other side is gone: {error.strerror}") from error
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                self._descriptors.extend(numbers)
        if len(self._descriptors) > _MAX_DESCRIPTORS:
            raise WireError("more descriptors came than messages ask for")
        if not data:
            raise WireError("the other side closed")
        self._buffer += data

    def _next(self) -> Message | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > self._ceiling:
            raise WireError(f"a message of {length} bytes is over the limit of {self._ceiling}")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise WireError(f"a message is not what it should be: {error}") from error
