"""A measure that plays a worker in the hands of hostile bytes: it writes to its channel."""

from __future__ import annotations

import array
import os
import socket
import stat
import struct

import msgspec

from headwater.engine.wire import Digested, MemberFound, Visited
from headwater.measures.contract import CannotMeasure, Measure, Measured
from headwater.media.media import Media
from headwater.model import MEASURED, Digests, Outcome, Record
from tests.engine.planted import doc_of

FORGED = Digests(sha256=b"\xee" * 32, sha1=b"\xee" * 20, md5=b"\xee" * 16, size_bytes=1)
ASKS = (
    b"ask:forge-digest",
    b"ask:forge-outcome",
    b"ask:other-task",
    b"ask:garbage",
    b"ask:huge-frame",
    b"ask:descriptors",
    b"ask:not-a-memory-file",
    b"ask:member-of-nothing",
    b"ask:not-json",
)


TWICE = b"ask:twice"
"""Gives the result of its first task together with one for a second task, in one breath."""


class Done(Record, frozen=True, kw_only=True):
    """Nothing was asked for."""

    done: bool


class Traitor(Measure):
    """Breaks the protocol in the way that the picture's bytes ask for."""

    NAME = "traitor"
    VERSION = 1
    KINDS = frozenset({"picture"})
    RECORD = Done
    LIBRARIES = ()
    COST = "trust"
    DOC = doc_of("lie")

    def measure(self, media: Media) -> Measured | CannotMeasure:
        tail = media.content.whole(1 << 30)[-64:]
        for ask in ASKS:
            if ask in tail:
                betray(ask, media)
        if TWICE in tail:
            betray(TWICE, media)
        return Measured(Done(done=True))


def betray(ask: bytes, media: Media) -> None:
    channel = next(number for number in range(3, 256) if is_socket(number))
    honest = outcome(media.digests)
    for task in range(1, 400):
        # It cannot know which task it has, so it tries them all.
        if ask == b"ask:forge-digest":
            send(channel, Digested(task=task, digests=FORGED))
        elif ask == b"ask:forge-outcome":
            send(channel, Visited(task=task, outcome=outcome(FORGED), cpu_seconds=0.0))
        elif ask == b"ask:other-task":
            send(channel, Visited(task=task + 10_000, outcome=honest, cpu_seconds=0.0))
        elif ask == b"ask:member-of-nothing":
            send(channel, member(task))
        elif ask == b"ask:not-json":
            broken = msgspec.structs.replace(honest, measurements={"traitor": b'{"done":true'})
            send(channel, Visited(task=task, outcome=broken, cpu_seconds=0.0))
    if ask == TWICE:
        results = (Visited(task=task, outcome=honest, cpu_seconds=0.0) for task in (1, 2))
        os.write(channel, b"".join(frame(result) for result in results))
    elif ask == b"ask:garbage":
        os.write(channel, struct.pack("<Q", 64) + b"\xc1" * 64)
    elif ask == b"ask:huge-frame":
        os.write(channel, struct.pack("<Q", 1 << 60))
    elif ask in (b"ask:descriptors", b"ask:not-a-memory-file"):
        count = 40 if ask == b"ask:descriptors" else 1
        numbers = array.array("i", [channel] * count)
        body = msgspec.msgpack.encode(member(1))
        whole = struct.pack("<Q", len(body)) + body
        with socket.socket(fileno=os.dup(channel)) as held:
            held.sendmsg([whole], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])


def is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


def outcome(digests: Digests) -> Outcome:
    from headwater.model import Identity

    identity = Identity(kind="picture", format="jpeg", media_type="image/jpeg")
    return Outcome(digests=digests, identity=identity, state=MEASURED)


def member(task: int) -> MemberFound:
    return MemberFound(
        task=task,
        ordinal=0,
        name=b"planted",
        size_bytes=1,
        offset_bytes=0,
        times=(),
        notes=(),
        problems=(),
        unpacked=True,
    )


def frame(message: msgspec.Struct) -> bytes:
    body = msgspec.msgpack.encode(message)
    return struct.pack("<Q", len(body)) + body


def send(channel: int, message: msgspec.Struct) -> None:
    try:
        os.write(channel, frame(message))
    except OSError:
        return
