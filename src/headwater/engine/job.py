"""One place under examination: from its bytes to everything that lies inside them."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from headwater.case.records import Walk as WalkRecord
from headwater.engine.execute import problem_of
from headwater.engine.honest import check_digests, check_member, check_outcome
from headwater.engine.methods import ContainerFacts, container_row
from headwater.engine.spool import SpoolFile, read_only, sealed
from headwater.engine.task import Death, Task
from headwater.engine.wire import MemberFound, Visited, Walked, Window, WireError
from headwater.errors import LimitExceeded
from headwater.evidence.folder import Place, Walk, changed_while_read
from headwater.model import (
    FAILED,
    MEASURED,
    REFUSED,
    Containment,
    Digests,
    Identity,
    Occurrence,
    Outcome,
    Problem,
    State,
)

if TYPE_CHECKING:
    from headwater.engine.examine import Examination

_TRIES = 2
_MEMBERS_AT_ONCE = 64
_UNKNOWN = Identity(kind="other", format="unknown", media_type=None)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A regular file of a source."""

    source_id: int
    walk: Walk
    place: Place


@dataclass(frozen=True, slots=True)
class InnerPlace:
    """A member of a container, or media embedded in a picture."""

    ordinal: int
    name: bytes
    offset_bytes: int | None
    found: MemberFound | None = None


@dataclass(slots=True)
class Job:
    """Answers for the tasks of one place (an `engine.task.Handler`).

    It ends once: its place is recorded, and where it was the first with its content, so is the
    item, after everything inside it.
    """

    examination: Examination
    where: FilePlace | InnerPlace
    window: Window
    descriptor: int
    owns_descriptor: bool
    parent: Job | None = None
    spooled_memory: int = 0
    spooled_disk: int = 0
    attempts: int = 0
    digests: Digests | None = None
    identity: Identity | None = None
    outcome: Outcome | None = None
    problems: tuple[Problem, ...] = ()
    """Problems of the place, not of its content."""
    open_inside: int = 0
    next_member: int = 0
    walking: bool = False
    announced: Outcome | None = None
    """The outcome that was kept before the walk."""
    is_recorded: bool = False
    """The case has the item before this job ends, so that places inside may refer to it."""
    walk: WalkRecord | None = None
    held: list[Containment] = field(default_factory=list)
    """Places inside a picture, recorded together with it."""
    pending_disk: deque[SpoolFile] = field(default_factory=deque)
    """Spool file whose member has not been reported yet, open for reading."""

    @property
    def depth(self) -> int:
        """Number of containers around this place."""
        return 0 if self.parent is None else self.parent.depth + 1

    @property
    def is_too_deep(self) -> bool:
        """Whether nothing inside this place may be opened (`archive_depth`)."""
        return self.depth >= self.examination.limits.archive_depth

    def task(self) -> Task:
        """Return what is to be done next for this job."""
        if self.walking:
            assert self.outcome is not None
            archive_format = self.outcome.identity.format
            return Task("walk", self.descriptor, self.window, format=archive_format)
        return Task("visit", self.descriptor, self.window)

    # The visit.

    def digested(self, digests: Digests) -> bool:
        """Record the digests; return whether this job is the one to measure the content."""
        if self.digests is not None and self.digests != digests:
            raise WireError("its bytes differ between two readings")
        check_digests(digests, self.window)
        self.digests = digests
        self._look_again()
        return self.examination.claim(self, digests)

    def _look_again(self) -> None:
        """Note where a file is no longer what was listed; its bytes are still open."""
        if isinstance(self.where, FilePlace) and self.descriptor >= 0:
            problem = changed_while_read(self.where.place, self.descriptor)
            if problem is not None and problem not in self.problems:
                self.problems += (problem,)

    def unread(self, reason: str) -> None:
        """Record that the system would not give the bytes."""
        problem = Problem(code="unreadable", where="read", reason=reason, reproducible=False)
        if self.digests is None:
            self.problems += (problem,)
            self._end_if_complete()
        else:
            self.died(Death("crashed", f"its bytes could not be read again: {reason}"))

    def identified(self, identity: Identity) -> None:
        """Keep what the item is, in case measuring it kills the worker."""
        self.identity = identity

    def visited(self, result: Visited) -> None:
        """Take the outcome, and go on to what lies inside."""
        check_outcome(result.outcome, self.digests, self.examination.methods)
        self.attempts = 0
        self.outcome = result.outcome
        identity = result.outcome.identity
        if identity.kind == "archive":
            self._enter_archive()
        elif identity.embedded:
            self._enter_embedded(identity)
        self._end_if_complete()

    def _enter_archive(self) -> None:
        """Go on to walk the container, unless it lies too deep."""
        assert self.outcome is not None
        if self.is_too_deep:
            self._conclude_walk(REFUSED, 0, 0, self._too_deep("walk"))
            return
        methods = (container_row().method,)
        self.outcome = msgspec.structs.replace(self.outcome, state=MEASURED, methods=methods)
        if self.examination.announce(self.outcome):
            self.announced = self.outcome
        self.is_recorded = True
        self.walking = True
        self.examination.queue_walk(self)

    def _enter_embedded(self, identity: Identity) -> None:
        assert self.outcome is not None
        if self.is_too_deep:
            problems = (*self.outcome.problems, self._too_deep("embedded"))
            self.outcome = msgspec.structs.replace(self.outcome, problems=problems)
            return
        for ordinal, part in enumerate(identity.embedded):
            window = Window(
                start_bytes=self.window.start_bytes + part.offset_bytes,
                size_bytes=part.size_bytes,
                key=self.window.key,
            )
            inner = InnerPlace(ordinal, part.name.encode(), part.offset_bytes)
            self._open_inside(Job(self.examination, inner, window, self.descriptor, False, self))

    def _too_deep(self, step: str) -> Problem:
        """Return the problem of the content: no place of it that was met lies less deep."""
        detail = f"{self.depth} containers around this one"
        return problem_of(step, LimitExceeded("archive_depth", detail))

    # The walk.

    def has_disk(self, size_bytes: int | None) -> bool:
        """Return whether a large member may be unpacked now, or never; else room may come free."""
        return self.examination.spool.has_disk(size_bytes)

    def spool_file(self, size_bytes: int | None) -> SpoolFile | None:
        """Give the walker a file for a large member, and keep a read-only view of it."""
        self._drop_pending_disk()
        made = self.examination.spool.disk_file(size_bytes)
        if made is None:
            return None
        view = read_only(made.descriptor)
        self.pending_disk.append(SpoolFile(view, made.key, made.room_bytes))
        self.examination.close_later(made.descriptor)
        return made

    def has_room(self) -> bool:
        """Return whether the next member may be unpacked: always, if none is under way."""
        if self.examination.is_stopping:
            return False
        if self.open_inside == 0:
            return True
        return self.open_inside < _MEMBERS_AT_ONCE and self.examination.spool.has_memory()

    def make_room(self) -> bool:
        """Let places inside containers be examined before the walk goes on."""
        return self.examination.work_once()

    def member(self, found: MemberFound, descriptor: int | None) -> None:
        """Open a job for a member, or record why there is nothing to read."""
        try:
            check_member(found, self.examination.limits.archive_members)
        except WireError:
            if descriptor is not None:
                os.close(descriptor)
            raise
        inner = InnerPlace(found.ordinal, found.name, found.offset_bytes, found)
        if found.ordinal < self.next_member:
            # A walk that is tried again passes what it gave before.
            if descriptor is not None:
                os.close(descriptor)
            return
        self.next_member = found.ordinal + 1
        if self.examination.is_stopping:
            # It stays open, so that this walk is not taken for complete.
            self.open_inside += 1
            if descriptor is not None:
                os.close(descriptor)
        elif found.on_disk:
            self._open_disk_member(inner)
        elif descriptor is not None:
            readable, size = sealed(descriptor)
            window = Window(start_bytes=0, size_bytes=size)
            self.examination.spool.memory_bytes += size
            job = Job(self.examination, inner, window, readable, True, self, spooled_memory=size)
            self._open_inside(job)
        else:
            self.examination.record_unread(self, inner)

    def _open_disk_member(self, inner: InnerPlace) -> None:
        if not self.pending_disk:
            raise WireError("a member on disk without a spool file")
        file = self.pending_disk.popleft()
        size = os.fstat(file.descriptor).st_size
        self.examination.spool.disk_bytes += size - file.room_bytes
        window = Window(start_bytes=0, size_bytes=size, key=file.key)
        job = Job(self.examination, inner, window, file.descriptor, True, self, spooled_disk=size)
        self._open_inside(job)

    def _open_inside(self, job: Job) -> None:
        self.open_inside += 1
        self.examination.queue_visit(job)

    def walked(self, result: Walked) -> None:
        """The container is at its end."""
        self.walking = False
        self.examination.walk_ended(self)
        self._look_again()
        # Places inside may wait long for others; the container's own bytes are done with.
        self.close()
        refused = any(problem.code in ("refused", "limit") for problem in result.problems)
        state = REFUSED if refused else FAILED if result.problems else MEASURED
        self._conclude_walk(state, result.members, result.unpacked_bytes, *result.problems)
        self._end_if_complete()

    # Ends.

    def died(self, death: Death) -> None:
        """Try once more after a crash; what a limit ended, and a second crash, is recorded."""
        self._drop_pending_disk()
        if self.walking:
            self.examination.walk_ended(self)
        if death.code != "limit":
            self.attempts += 1
            self.examination.note_attempt(self, death)
            if self.attempts < _TRIES:
                self.examination.queue_again(self)
                return
        state = FAILED if death.code != "limit" else REFUSED
        problem = self._problem_of(death)
        if self.walking:
            self.walking = False
            self._conclude_walk(state, self.next_member, 0, problem)
        elif self.digests is None:
            self.problems += (problem,)
        else:
            identity = self.identity or _UNKNOWN
            self.outcome = Outcome(
                digests=self.digests, identity=identity, state=state, problems=(problem,)
            )
        self._end_if_complete()

    def _problem_of(self, death: Death) -> Problem:
        step = "walk" if self.walking else "measure"
        if death.code == "limit":
            return Problem(
                code="limit",
                where=step,
                reason=death.reason,
                limit=death.limit,
                reproducible=False,
            )
        reason = f"quarantined after {_TRIES} tries: {death.reason}"
        return Problem(code="crashed", where=step, reason=reason, reproducible=False)

    def _conclude_walk(
        self, state: State, members: int, unpacked_bytes: int, *problems: Problem
    ) -> None:
        """Say how the walk of a container ended, and restate its outcome with what was found."""
        assert self.outcome is not None
        assert self.digests is not None
        facts = msgspec.json.encode(ContainerFacts(members=members, unpacked_bytes=unpacked_bytes))
        self.outcome = msgspec.structs.replace(
            self.outcome,
            state=state,
            measurements={"container": facts},
            methods=(container_row().method,),
        )
        self.walk = WalkRecord(
            parent_sha256=self.digests.sha256,
            members=members,
            unpacked_bytes=unpacked_bytes,
            problems=problems,
        )

    def inside_ended(self) -> None:
        """One place inside this one has ended."""
        self.open_inside -= 1
        self._end_if_complete()

    def _end_if_complete(self) -> None:
        if not self.walking and self.open_inside == 0:
            self._look_again()
            self.examination.end(self)

    def close(self) -> None:
        """Give back the bytes."""
        self._drop_pending_disk()
        if self.owns_descriptor and self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1
        self.examination.spool.memory_bytes -= self.spooled_memory
        self.examination.spool.disk_bytes -= self.spooled_disk
        self.spooled_memory = self.spooled_disk = 0

    def _drop_pending_disk(self) -> None:
        while self.pending_disk:
            self.examination.spool.give_back(self.pending_disk.popleft())

    def row(self, sha256: bytes | None) -> Occurrence | Containment:
        """Return what is recorded of the place itself."""
        state = None if sha256 is not None else _state_without_item(self.problems)
        size = self.digests.size_bytes if self.digests else self.window.size_bytes
        if isinstance(self.where, FilePlace):
            return occurrence(self.where.source_id, self.where.place, sha256, self.problems)
        assert self.parent is not None
        assert self.parent.digests is not None
        found = self.where.found
        return Containment(
            parent_sha256=self.parent.digests.sha256,
            ordinal=self.where.ordinal,
            name=self.where.name,
            child_sha256=sha256,
            state=state,
            size_bytes=size,
            offset_bytes=self.where.offset_bytes,
            times=found.times if found else (),
            notes=found.notes if found else (),
            problems=self.problems,
        )


def _state_without_item(problems: tuple[Problem, ...]) -> State:
    chosen = ("refused", "limit", "contains_itself")
    return REFUSED if all(problem.code in chosen for problem in problems) else FAILED


def occurrence(
    source_id: int,
    place: Place,
    sha256: bytes | None,
    problems: tuple[Problem, ...] = (),
) -> Occurrence:
    """Return the record of a place in a source."""
    state: State | None = None
    if sha256 is None:
        state = _state_without_item(problems)
    return Occurrence(
        source_id=source_id,
        directory=place.directory,
        name=place.name,
        kind=place.kind,
        item_sha256=sha256,
        state=state,
        size_bytes=place.size_bytes,
        modified_ns=place.modified_ns,
        changed_ns=place.changed_ns,
        accessed_ns=place.accessed_ns,
        created_ns=place.created_ns,
        problems=problems,
    )
