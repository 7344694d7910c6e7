"""What a worker does with a task: the one place where untrusted bytes meet code that reads them.

`visit` digests, identifies and measures one item; `walk` lists and unpacks one container. Both
are called the same way inline, in the pool's caged workers and anywhere else: everything they
need comes in, and everything they find goes out through a `Desk`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import BinaryIO, Protocol, TypeVar

import msgspec

from headwater.engine.methods import LoadedMeasure
from headwater.engine.spool import SpoolFile
from headwater.engine.wire import WireError
from headwater.errors import ContentError, LimitExceeded, Refused
from headwater.evidence.archives.contract import Member
from headwater.evidence.content import Content
from headwater.evidence.spool import SpoolWriter
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure, Measured
from headwater.media.media import Media
from headwater.model import (
    FAILED,
    MEASURED,
    NOT_MEDIA,
    REFUSED,
    Digests,
    Identity,
    Method,
    Outcome,
    Problem,
    State,
)

T = TypeVar("T")
_CHUNK = 1 << 20
_UNKNOWN = Identity(kind="other", format="unknown", media_type=None)


class Desk(Protocol):
    """The other side of a task: answers what a worker asks, takes what it finds."""

    def digested(self, digests: Digests) -> bool:
        """Take the item's digests; return whether it still needs measuring."""
        ...

    def identified(self, identity: Identity) -> None:
        """Take what the item is."""
        ...

    def spool_file(self, size_bytes: int | None) -> SpoolFile:
        """Return an empty spool file, for a large member; its descriptor becomes the caller's.

        Raises LimitExceeded (`spool_disk_bytes`) where there is no room.
        """
        ...

    def member(self, member: Member, problems: tuple[Problem, ...], bytes_at: Unpacked) -> None:
        """Take one member; returns when there is room for the next."""
        ...


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """Where a member's bytes lie: nowhere, in a memory file, or in a spool file on disk."""

    size_bytes: int | None
    memory: int | None = None
    """Descriptor of a memory file, which the desk takes over."""
    on_disk: bool = False


def visit(
    content: Content, measures: tuple[LoadedMeasure, ...], limits: Limits, desk: Desk
) -> Outcome | None:
    """Digest, identify and measure one item; None where the desk says it needs no measuring.

    Raises OSError where the bytes cannot be read at all, before the desk is told anything.
    """
    digests = content.digests()
    if not desk.digested(digests):
        return None
    from headwater.media.identify import identify  # noqa: PLC0415

    identity, problem = _guarded("identify", lambda: identify(content))
    if identity is None:
        assert problem is not None
        return _outcome(digests, _UNKNOWN, FAILED, problems=(problem,))
    desk.identified(identity)
    if identity.kind in ("other", "archive"):
        return _outcome(digests, identity, NOT_MEDIA)
    return _measure_all(Media(content, identity, limits, digests), measures)


def _measure_all(media: Media, measures: tuple[LoadedMeasure, ...]) -> Outcome:
    records: dict[str, bytes] = {}
    methods: list[Method] = []
    blobs: list[bytes] = []
    _, closed = _guarded("open", media.check)
    problems = [closed] if closed else []
    for loaded in measures:
        measure = loaded.measure
        if media.identity.kind not in measure.KINDS:
            continue
        methods.append(loaded.row.method)
        result, problem = _guarded(measure.NAME, lambda: measure.measure(media))  # noqa: B023
        if isinstance(result, CannotMeasure):
            records[measure.NAME] = _json({"cannot_measure": result.reason})
        elif isinstance(result, Measured):
            records[measure.NAME] = _json(result.record)
            blobs.extend(result.blobs)
        if problem and not (closed and problem.reason == closed.reason):
            problems.append(problem)
    return _outcome(
        media.digests,
        media.identity,
        _state_of(closed),
        measurements=dict(sorted(records.items())),
        methods=tuple(sorted(methods, key=lambda method: method.name)),
        blobs=tuple(sorted(set(blobs), key=lambda blob: hashlib.sha256(blob).digest())),
        problems=tuple(problems),
    )


def _outcome(
    digests: Digests,
    identity: Identity,
    state: State,
    *,
    measurements: dict[str, bytes] | None = None,
    methods: tuple[Method, ...] = (),
    blobs: tuple[bytes, ...] = (),
    problems: tuple[Problem, ...] = (),
) -> Outcome:
    return Outcome(
        digests=digests,
        identity=identity,
        state=state,
        measurements=measurements or {},
        methods=methods,
        blobs=blobs,
        problems=problems,
    )


def _state_of(closed: Problem | None) -> State:
    if closed is None:
        return MEASURED
    return REFUSED if closed.code in ("refused", "limit") else FAILED


def _json(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _guarded(where: str, call: Callable[[], T]) -> tuple[T | None, Problem | None]:
    """Call, and turn whatever goes wrong into a problem.

    This is the one broad `except` of the worker's process boundary: libraries that read hostile
    bytes raise anything, and a surprise in one step must not cost the others.
    """
    try:
        return call(), None
    except ContentError as error:
        return None, problem_of(where, error)
    except WireError:
        raise
    except MemoryError:
        limit = LimitExceeded("worker_memory_bytes", "out of memory", reproducible=False)
        return None, problem_of(where, limit)
    except Exception as error:  # noqa: BLE001
        reason = f"unexpected {type(error).__name__}: {str(error)[:200]}"
        return None, Problem(code="unexpected", where=where, reason=reason)


def problem_of(where: str, error: ContentError) -> Problem:
    """Return an error of an item's bytes as a value."""
    if isinstance(error, LimitExceeded):
        return Problem(
            code="limit",
            where=where,
            reason=error.detail,
            limit=error.limit,
            reproducible=error.reproducible,
        )
    code = "refused" if isinstance(error, Refused) else "malformed"
    return Problem(code=code, where=where, reason=str(error))


class WalkSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How a walk ended."""

    members: int
    unpacked_bytes: int
    problems: tuple[Problem, ...]


def walk(
    content: Content, archive_format: str, only: frozenset[int] | None, limits: Limits, desk: Desk
) -> WalkSummary:
    """Give every member of a container to the desk, in stored order.

    With `only`, the bytes of other members are left where they are.
    """
    from headwater.evidence.archives.open import read_archive  # noqa: PLC0415

    counts = [0, 0]

    def members() -> None:
        for member in read_archive(content, archive_format, limits):
            wanted = only is None or member.ordinal in only
            counts[0] += 1
            counts[1] += _hand_over(member, wanted, limits, desk)

    _, problem = _guarded("walk", members)
    problems = (problem,) if problem else ()
    return WalkSummary(members=counts[0], unpacked_bytes=counts[1], problems=problems)


def _hand_over(member: Member, wanted: bool, limits: Limits, desk: Desk) -> int:
    if member.problem is not None or member.open is None or not wanted:
        problems = (member.problem,) if member.problem else ()
        desk.member(member, problems, Unpacked(size_bytes=member.size_bytes))
        return 0
    opener = member.open
    spooled = _SpooledMember(member, limits, desk)
    _, problem = _guarded("unpack", lambda: spooled.fill(opener()))
    if problem is not None:
        spooled.drop()
        desk.member(member, (problem,), Unpacked(size_bytes=member.size_bytes))
        return spooled.size
    desk.member(member, (), spooled.unpacked())
    return spooled.size


class _SpooledMember:
    """One member's bytes: in a memory file while they are few, else encrypted on disk."""

    def __init__(self, member: Member, limits: Limits, desk: Desk) -> None:
        self._claimed = member.size_bytes
        self._ceiling = limits.spool_member_memory_bytes
        self._desk = desk
        self._memory: int | None = None
        self._disk: SpoolWriter | None = None
        self._disk_descriptor: int | None = None
        self.size = 0

    def fill(self, stream: BinaryIO) -> None:
        if self._claimed is not None and self._claimed > self._ceiling:
            self._to_disk()
        else:
            self._memory = os.memfd_create("member", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        while chunk := stream.read(_CHUNK):
            if self._memory is not None and self.size + len(chunk) > self._ceiling:
                self._to_disk()
            self._write(chunk)
            self.size += len(chunk)

    def _write(self, chunk: bytes) -> None:
        if self._disk is not None:
            self._disk.write(chunk)
            return
        assert self._memory is not None
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self._memory, rest) :]

    def _to_disk(self) -> None:
        given = self._desk.spool_file(self._claimed)
        self._disk_descriptor = given.descriptor
        self._disk = SpoolWriter(given.descriptor, given.key, given.room_bytes)
        if self._memory is not None:
            position = 0
            while chunk := os.pread(self._memory, _CHUNK, position):
                self._disk.write(chunk)
                position += len(chunk)
            os.close(self._memory)
            self._memory = None

    def unpacked(self) -> Unpacked:
        self._close_disk()
        return Unpacked(size_bytes=self.size, memory=self._memory, on_disk=self._disk is not None)

    def drop(self) -> None:
        self._close_disk()
        if self._memory is not None:
            os.close(self._memory)
            self._memory = None

    def _close_disk(self) -> None:
        if self._disk_descriptor is not None:
            os.close(self._disk_descriptor)
            self._disk_descriptor = None
