"""`examine`: every place in the sources, every distinct content measured once, all of it kept.

The loop is the main process's only one. It parses no byte of evidence: it lists directories,
opens files, hands descriptors to workers, and writes what they answer in batches. What depends on
which place of a content was met first is settled in a second look, when all places are known.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from headwater.case.records import Attempt, Batch, Seen
from headwater.case.records import Walk as WalkRecord
from headwater.case.store import CaseStore
from headwater.engine.job import FilePlace, InnerPlace, Job, occurrence
from headwater.engine.nesting import Nesting, Way, loop_problem
from headwater.engine.spool import Spool
from headwater.engine.task import Death, Engine
from headwater.engine.wire import Window
from headwater.errors import EvidenceError
from headwater.evidence.folder import Place, Walk, unreadable
from headwater.limits import MIB, Limits
from headwater.model import (
    FAILED,
    NOT_MEDIA,
    REFUSED,
    Containment,
    Digests,
    Kind,
    Method,
    Occurrence,
    Outcome,
    Problem,
)

_NAMES_AT_ONCE = 2_000
_BATCH_ROWS = 512
_BATCH_BLOB_BYTES = 32 * MIB
_BATCH_SECONDS = 2.0
_WALKS_PER_DEPTH = 2
_WALKS_AHEAD = 32
"""Containers that wait for a walker; beyond, no further file is opened. Each holds a descriptor."""
_MOST_WAITING = 10_000
"""Places that wait for a content measured elsewhere, about 0.8 kB each. Where there are as many,
no walk goes on without room: one of those that are waited for is started beyond its turn."""


@dataclass(slots=True)
class Tally:
    """How far a run has come; what progress shows."""

    places_done: int = 0
    bytes_done: int = 0
    bytes_read: int = 0
    resumed: int = 0
    resumed_bytes: int = 0
    problems: int = 0
    worker_cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Retry:
    """What to examine again: contents, and the places in sources under which they lie."""

    contents: frozenset[bytes] = frozenset()
    places: frozenset[tuple[int, bytes, bytes]] = frozenset()


@dataclass(slots=True)
class _Pending:
    """A content that one job is measuring, and the jobs that wait for it."""

    job: Job
    waiting: list[Job] = field(default_factory=list)
    waits_for: set[bytes] = field(default_factory=set)
    """Contents that places inside this one wait for."""


class Examination:
    """One run over some sources.

    `tick` is called about ten times a second with the tally. `retry` names what is to be examined
    although the case has an answer.
    """

    def __init__(
        self,
        store: CaseStore,
        engine: Engine,
        limits: Limits,
        spool: Spool,
        *,
        retry: Retry | None = None,
        tick: Callable[[Tally], None] = lambda _tally: None,
    ) -> None:
        self.limits = limits
        self.spool = spool
        self.tally = Tally()
        self._store = store
        self._engine = engine
        self._retry = retry or Retry()
        self._again = set(self._retry.contents)
        self._on_way: dict[bytes, int] = {}
        """Contents that the second look examines once more, each at this depth."""
        self._tick = tick
        self._stopping = False
        self._refusal: EvidenceError | None = None
        self._visits: deque[Job] = deque()
        self._walks: deque[Job] = deque()
        self._walking: dict[int, int] = {}
        self._is_second_look = False
        self._pending: dict[bytes, _Pending] = {}
        self._waiting = 0
        self._finished: set[bytes] = set()
        self._to_close: list[int] = []
        self._walk_rows: list[WalkRecord] = []
        self._outcomes: list[Outcome] = []
        self._occurrences: list[Occurrence] = []
        self._containments: list[Containment] = []
        self._attempts: list[Attempt] = []
        self._blob_bytes = 0
        self._committed_at = time.monotonic()
        self._ticked_at = 0.0
        self.methods = frozenset(row.method for row in engine.facts.methods)
        self._expected = expected_methods(engine)

    # The loop.

    def run(self, sources: list[tuple[int, Walk]]) -> bool:
        """Examine the sources; return False where `stop` ended it early.

        Raises EvidenceError, after what was under way is kept, where the kernel would change an
        access time by going on.
        """
        self._exhaust(self._places(sources))
        tried: set[int] = set()
        self._is_second_look = True
        while not self._stopping and (ways := self._look_again(sources, tried)):
            tried |= ways.keys()
            self._exhaust(self._places_again(dict(sources), ways.values()))
        self._commit()
        self._let_go()
        if self._refusal is not None:
            raise self._refusal
        return not self._stopping

    def _exhaust(self, places: Iterator[Job]) -> None:
        """Examine all these places and what is in them, or stop."""
        more = True
        while True:
            self._give_out()
            while more and not self._stopping and self._wants_places():
                job = self._next(places)
                if job is None:
                    more = False
                else:
                    self._visits.append(job)
                    self._give_out()
            if self._stopping and (self._engine.is_stalled() or not self._engine.is_busy()):
                return
            if not self._engine.is_busy() and not self._visits:
                if not more:
                    return
                continue
            self._engine.wait(0.1)
            self._after_messages()

    def _next(self, places: Iterator[Job]) -> Job | None:
        """Return the next place; where the evidence would be altered by going on, stop."""
        try:
            return next(places, None)
        except EvidenceError as error:
            self._refusal = error
            self.stop()
            return None

    def _let_go(self) -> None:
        """Close what a stop left open; those places are examined by the next run."""
        for job in (*self._visits, *self._walks, *(entry.job for entry in self._pending.values())):
            job.close()

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping

    def work_once(self) -> bool:
        """Give out what is waiting and take what comes; return whether there was anything."""
        self._give_out()
        if not self._engine.is_busy() and not self._walk_beyond_turn():
            return False
        self._engine.wait(0.0)
        self._after_messages()
        return True

    def stop(self) -> None:
        """Give out nothing more; what is being measured is kept, walks are left where they are."""
        self._stopping = True

    def _wants_places(self) -> bool:
        has_room = not self._visits and len(self._walks) < _WALKS_AHEAD
        return has_room and self._engine.is_free("visit")

    def _give_out(self) -> None:
        if self._stopping:
            return
        for _ in range(len(self._walks)):
            job = self._walks.popleft()
            if self._walking.get(job.depth, 0) < _WALKS_PER_DEPTH:
                self._start_walk(job)
            else:
                self._walks.append(job)
        if self._engine.is_stalled():
            self._walk_beyond_turn()
        while self._visits and self._engine.is_free("visit"):
            job = self._visits.pop()
            self._engine.start(job.task(), job)

    def _start_walk(self, job: Job) -> None:
        self._walking[job.depth] = self._walking.get(job.depth, 0) + 1
        self._engine.start(job.task(), job)

    def _walk_beyond_turn(self) -> bool:
        """Start the walk that most places wait for, if too many wait; return whether there is one.

        Contents wait for each other in no circle, so this always ends the waiting of some.
        """
        if self._stopping or self._waiting < _MOST_WAITING or not self._walks:
            return False
        awaited = max(self._walks, key=self._places_waiting)
        self._walks.remove(awaited)
        self._start_walk(awaited)
        return True

    def _places_waiting(self, job: Job) -> int:
        assert job.digests is not None
        return len(self._pending[job.digests.sha256].waiting)

    def _after_messages(self) -> None:
        for descriptor in self._to_close:
            os.close(descriptor)
        self._to_close.clear()
        now = time.monotonic()
        rows = len(self._outcomes) + len(self._occurrences) + len(self._containments)
        due = rows and now - self._committed_at > _BATCH_SECONDS
        if rows >= _BATCH_ROWS or self._blob_bytes > _BATCH_BLOB_BYTES or due:
            self._commit()
        if now - self._ticked_at > 0.1:
            self._ticked_at = now
            self._tick(self.tally)

    def _commit(self) -> None:
        batch = Batch(
            outcomes=tuple(self._outcomes),
            occurrences=tuple(self._occurrences),
            containments=tuple(self._containments),
            walks=tuple(self._walk_rows),
            attempts=tuple(self._attempts),
        )
        if batch != Batch():
            self._store.commit(batch)
        self._outcomes.clear()
        self._occurrences.clear()
        self._containments.clear()
        self._walk_rows.clear()
        self._attempts.clear()
        self._finished.clear()
        self._blob_bytes = 0
        self._committed_at = time.monotonic()

    # Places.

    def _places(self, sources: list[tuple[int, Walk]]) -> Iterator[Job]:
        for source_id, walk in sources:
            for directory, names in walk.directories():
                self._record_directory(source_id, directory, names)
                if isinstance(names, OSError):
                    continue
                for first in range(0, len(names), _NAMES_AT_ONCE):
                    some = names[first : first + _NAMES_AT_ONCE]
                    yield from self._new_places(source_id, walk, directory, some)
            walk.close()

    def _new_places(
        self, source_id: int, walk: Walk, directory: bytes, names: list[bytes]
    ) -> Iterator[Job]:
        seen = self._store.seen(source_id, directory, names[0], names[-1])
        for place in walk.places(directory, names):
            again = (source_id, directory, place.name) in self._retry.places
            if not again and _is_known(place, seen.get(place.name)):
                self._count(place.size_bytes or 0, resumed=True)
                continue
            job = self._opened(source_id, walk, place)
            if job is not None:
                yield job

    def _opened(self, source_id: int, walk: Walk, place: Place) -> Job | None:
        problem = place.problem
        if place.kind == "file" and problem is None:
            try:
                descriptor = walk.open_place(place)
            except OSError as error:
                problem = unreadable(error, "open")
            else:
                return self._job(source_id, walk, place, descriptor)
        elif problem is None:
            reason = f"a {place.kind} is recorded and never opened"
            problem = Problem(code="refused", where="open", reason=reason)
        self._occurrences.append(occurrence(source_id, place, None, (problem,)))
        self._count(place.size_bytes or 0)
        return None

    def _job(self, source_id: int, walk: Walk, place: Place, descriptor: int) -> Job:
        window = Window(start_bytes=0, size_bytes=place.size_bytes or 0)
        return Job(self, FilePlace(source_id, walk, place), window, descriptor, True)

    def _record_directory(
        self, source_id: int, directory: bytes, names: list[bytes] | OSError
    ) -> None:
        """Record that a directory could not be read, or can be now where it could not before."""
        parent, _, name = directory.rpartition(b"/")
        place = Place(parent, name, "directory", None, None, None, None)
        if isinstance(names, OSError):
            problem = unreadable(names, "list")
            self._occurrences.append(occurrence(source_id, place, None, (problem,)))
            return
        before = self._store.seen(source_id, parent, name, name).get(name)
        if before is not None and (before.kind, before.state) == ("directory", FAILED):
            row = occurrence(source_id, place, None)
            self._occurrences.append(msgspec.structs.replace(row, state=NOT_MEDIA))

    # The second look.

    def _look_again(self, sources: list[tuple[int, Walk]], tried: set[int]) -> dict[int, Way]:
        """Settle what hung on the order of places; return ways to what is still to be opened.

        A container is closed for its depth where it was met first, and the place that lies
        less deep may have come later, or in a container that was known already.
        """
        self._commit()
        with Nesting.of(self._store.folder) as nesting:
            self._containments.extend(nesting.circles())
            self._commit()
            ids = {source_id for source_id, _ in sources}
            ways = nesting.to_open(ids, self.limits.archive_depth, tried)
        self._on_way = {
            sha256: depth for way in ways.values() for depth, sha256 in enumerate(way.contents)
        }
        return ways

    def _places_again(self, walks: dict[int, Walk], ways: Iterable[Way]) -> Iterator[Job]:
        """Open the files on ways once more. What cannot be opened now stays as it is recorded."""
        for source_id, directory, name in sorted({way.file for way in ways}):
            walk = walks[source_id]
            for place in walk.places(directory, [name]):
                with suppress(OSError):
                    if place.kind == "file" and place.problem is None:
                        yield self._job(source_id, walk, place, walk.open_place(place))
            walk.close()

    def _count(self, size_bytes: int, *, resumed: bool = False) -> None:
        if self._is_second_look:
            return
        self.tally.places_done += 1
        self.tally.bytes_done += size_bytes
        if resumed:
            self.tally.resumed += 1
            self.tally.resumed_bytes += size_bytes

    # What jobs ask for.

    def queue_visit(self, job: Job) -> None:
        """Visit a place inside another; before any further file, so that room comes free."""
        self._visits.append(job)

    def queue_walk(self, job: Job) -> None:
        """Walk a container."""
        self._walks.append(job)

    def queue_again(self, job: Job) -> None:
        """Try a task again whose worker died."""
        if job.walking:
            self._walks.append(job)
        else:
            self._visits.append(job)

    def close_later(self, descriptor: int) -> None:
        """Close a descriptor once it has been sent."""
        self._to_close.append(descriptor)

    def announce(self, outcome: Outcome) -> bool:
        """Keep the outcome of a container before its walk, which places inside it refer to.

        The case takes it for unfinished until the record of its walk is there too. Returns False
        where the case has it finished: then that stands until this walk is at its end, as a run
        that is killed in between must not leave undone what was done.
        """
        state = self._store.item_state(outcome.digests.sha256)
        if state is not None and state.finished:
            return False
        self._outcomes.append(outcome)
        return True

    def note_attempt(self, job: Job, death: Death) -> None:
        """Keep that a worker died; a fact of the run, not of the item."""
        key = job.digests.sha256 if job.digests else b""
        self._attempts.append(Attempt(key=key, reason=death.reason))

    def claim(self, job: Job, digests: Digests) -> bool:
        """Return whether `job` is to measure this content; else end it, or let it wait."""
        self.tally.bytes_read += digests.size_bytes
        sha256 = digests.sha256
        pending = self._pending.get(sha256)
        if pending is not None and pending.job is job:
            return True
        if pending is not None:
            self._wait_for(job, pending, sha256)
            return False
        if self._is_finished(sha256, job.depth):
            self._end_place(job, sha256)
            return False
        self._pending[sha256] = _Pending(job)
        return True

    def _is_finished(self, sha256: bytes, depth: int) -> bool:
        if sha256 in self._on_way:
            # Deeper, its second look could end as the first did.
            return depth > self._on_way[sha256]
        if sha256 in self._finished:
            return True
        state = self._store.item_state(sha256)
        if state is None or not state.finished:
            return False
        if sha256 in self._again:
            return False
        if not state.reproducible:
            # A crash or a limit cut it short: that answer stands until it is asked for again.
            return True
        return self._expected.get(state.kind, frozenset()) <= set(state.methods)

    def _wait_for(self, job: Job, pending: _Pending, sha256: bytes) -> None:
        around = _contents_around(job)
        if sha256 in around or self._depends_on(sha256, around):
            job.problems += (loop_problem(sha256),)
            self._end_place(job, None)
            return
        pending.waiting.append(job)
        self._waiting += 1
        for container in around:
            self._pending[container].waits_for.add(sha256)
        job.close()

    def _depends_on(self, sha256: bytes, around: set[bytes]) -> bool:
        reached, ahead = set[bytes](), [sha256]
        while ahead:
            pending = self._pending.get(ahead.pop())
            for other in pending.waits_for if pending else ():
                if other in around:
                    return True
                if other not in reached:
                    reached.add(other)
                    ahead.append(other)
        return False

    def record_unread(self, parent: Job, inner: InnerPlace) -> None:
        """Record a member that has no bytes to read."""
        found = inner.found
        assert found is not None
        assert parent.digests is not None
        failed = any(problem.code not in ("refused", "limit") for problem in found.problems)
        self._containments.append(
            Containment(
                parent_sha256=parent.digests.sha256,
                ordinal=inner.ordinal,
                name=inner.name,
                child_sha256=None,
                state="failed" if failed else REFUSED,
                size_bytes=found.size_bytes,
                offset_bytes=inner.offset_bytes,
                times=found.times,
                notes=found.notes,
                problems=found.problems,
            )
        )
        self.tally.problems += len(found.problems)

    def end(self, job: Job) -> None:
        """Everything at and inside a place is known: record it and whoever waited for it."""
        if job.digests is None or job.outcome is None:
            self._end_place(job, None)
            return
        sha256 = job.digests.sha256
        if job.outcome is not job.announced:
            self._outcomes.append(job.outcome)
        if job.walk is not None:
            self._walk_rows.append(job.walk)
            self.tally.problems += len(job.walk.problems)
        self._containments.extend(job.held)
        self._blob_bytes += sum(len(blob) for blob in job.outcome.blobs)
        self.tally.problems += len(job.outcome.problems)
        self._finished.add(sha256)
        self._again.discard(sha256)
        self._on_way.pop(sha256, None)
        pending = self._pending.pop(sha256)
        self._waiting -= len(pending.waiting)
        self._end_place(job, sha256)
        for waiting in pending.waiting:
            self._end_place(waiting, sha256)

    def _end_place(self, job: Job, sha256: bytes | None) -> None:
        row = job.row(sha256)
        if isinstance(row, Occurrence):
            self._occurrences.append(row)
            self._count(row.size_bytes or 0)
        elif job.parent is not None and not job.parent.is_recorded:
            job.parent.held.append(row)
        else:
            self._containments.append(row)
        self.tally.problems += len(row.problems)
        job.close()
        if job.parent is not None:
            job.parent.inside_ended()

    def walk_ended(self, job: Job) -> None:
        """A walker is free again."""
        self._walking[job.depth] -= 1


def _is_known(place: Place, before: Seen | None) -> bool:
    """Return whether a place is what an earlier run recorded.

    A file that could not be read then may be readable now.
    """
    if before is None or (before.item_sha256 is None and before.state == FAILED):
        return False
    now = (place.kind, place.size_bytes, place.modified_ns)
    return (before.kind, before.size_bytes, before.modified_ns) == now


def _contents_around(job: Job) -> set[bytes]:
    around: set[bytes] = set()
    parent = job.parent
    while parent is not None:
        if parent.digests is not None:
            around.add(parent.digests.sha256)
        parent = parent.parent
    return around


def expected_methods(engine: Engine) -> dict[Kind, frozenset[Method]]:
    """Return, for each kind of item, the methods that it is to be measured by."""
    kinds: dict[Kind, set[Method]] = {}
    for row in engine.facts.methods:
        for kind in row.kinds:
            kinds.setdefault(kind, set()).add(row.method)
    return {kind: frozenset(methods) for kind, methods in kinds.items()}
