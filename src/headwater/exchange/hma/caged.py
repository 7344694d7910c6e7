"""Hashing uploads in caged workers: the bytes come in a memory file, and are written nowhere.

The pool of workers is used by one thread of its own; whoever asks waits for a future.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from concurrent.futures import Future

import msgspec

from headwater.engine.nursery import Config
from headwater.engine.pool import Pool
from headwater.engine.spool import SpoolFile
from headwater.engine.task import Death, Task
from headwater.engine.wire import MemberFound, Visited, Walked, Window
from headwater.errors import HeadwaterError, LimitExceeded, Malformed, Refused
from headwater.limits import Limits
from headwater.model import Digests, Identity, Problem, Record

MEASURE = "headwater.measures.pdq_full:PdqFull"
_MEASURED_AS = "pdq_full"
_LOOK_SECONDS = 0.02


class Hashes(Record, frozen=True, kw_only=True):
    """What was made of an upload."""

    digests: Digests
    pdq: bytes | None
    """Of the full decode, 32 bytes; None where it was not asked for."""
    quality: int | None
    """0..100."""


def caged_config(limits: Limits, workers: int, *, uncaged: bool) -> Config:
    """Return what workers are made by that hash pictures and do nothing else."""
    return Config(
        limits=limits,
        measures=(MEASURE,),
        caged=not uncaged,
        group_memory_bytes=workers * limits.worker_memory_bytes + limits.spool_memory_bytes,
    )


class CagedHasher:
    """Hashes uploads, several at a time; a context.

    Raises CageError where the cage cannot be made, HeadwaterError where workers do not start.
    """

    def __init__(self, config: Config, workers: int) -> None:
        self._pool = Pool(workers, config)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._broken: str | None = None
        self._thread = threading.Thread(target=self._run, name="hashing")
        self._thread.start()

    def hashed(self, descriptor: int, size_bytes: int, *, pdq: bool) -> Future[Hashes]:
        """Hash the bytes of a memory file, whose descriptor stays the caller's until then.

        The future raises a ContentError where the bytes give no hash, HeadwaterError where the
        workers are gone.
        """
        job = _Job(descriptor, size_bytes, pdq)
        job.future.set_running_or_notify_cancel()
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is under way, and end the workers."""
        self._jobs.put(None)
        self._thread.join()
        self._pool.close()

    def __enter__(self) -> CagedHasher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        under_way: list[_Job] = []
        waiting: deque[_Job] = deque()
        ending = False
        while not ending or waiting or under_way:
            idle = not waiting and not under_way
            ending = self._take(waiting, block=idle) or ending
            try:
                if self._broken is None:
                    self._advance(waiting, under_way)
            except HeadwaterError as error:
                self._broken = str(error)
            if self._broken is not None:
                for job in (*under_way, *waiting):
                    job.fail(HeadwaterError(self._broken))
                waiting.clear()
            under_way = [job for job in under_way if not job.future.done()]

    def _take(self, waiting: deque[_Job], *, block: bool) -> bool:
        """Take the jobs that have come; return whether there will be no more."""
        while True:
            try:
                job = self._jobs.get(block)
            except queue.Empty:
                return False
            if job is None:
                return True
            waiting.append(job)
            block = False

    def _advance(self, waiting: deque[_Job], under_way: list[_Job]) -> None:
        while waiting and self._pool.is_free("visit"):
            job = waiting.popleft()
            under_way.append(job)
            window = Window(start_bytes=0, size_bytes=job.size_bytes)
            self._pool.start(Task("visit", job.descriptor, window), job)
        if under_way or waiting:
            self._pool.wait(_LOOK_SECONDS)


class _Job:
    """One upload; the `Handler` of its task."""

    depth = 0

    def __init__(self, descriptor: int, size_bytes: int, pdq: bool) -> None:
        self.descriptor = descriptor
        self.size_bytes = size_bytes
        self.future: Future[Hashes] = Future()
        self._pdq = pdq
        self._digests: Digests | None = None

    def fail(self, error: HeadwaterError) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def digested(self, digests: Digests) -> bool:
        self._digests = digests
        if not self._pdq:
            self.future.set_result(Hashes(digests=digests, pdq=None, quality=None))
        return self._pdq

    def identified(self, identity: Identity) -> None: ...

    def visited(self, result: Visited) -> None:
        record = result.outcome.measurements.get(_MEASURED_AS, b"{}")
        said = msgspec.json.decode(record, type=dict[str, object])
        if "pdq" not in said:
            self.fail(_error_of(result.outcome.problems))
            return
        try:
            hashes = msgspec.convert(said, _Said)
            pdq = bytes.fromhex(hashes.pdq)
        except (msgspec.ValidationError, ValueError):
            # A worker that was taken over may say anything.
            self.fail(Malformed("the worker gave no hash"))
            return
        assert self._digests is not None
        self.future.set_result(Hashes(digests=self._digests, pdq=pdq, quality=hashes.quality))

    def unread(self, reason: str) -> None:
        self.fail(Malformed(f"its bytes could not be read: {reason}"))

    def died(self, death: Death) -> None:
        if death.limit is not None:
            self.fail(LimitExceeded(death.limit, death.reason, reproducible=False))
        else:
            self.fail(Malformed("the worker that opened it died"))

    # What only a walk of a container asks.

    def has_disk(self, size_bytes: int | None) -> bool:
        return True

    def spool_file(self, size_bytes: int | None) -> SpoolFile | None:
        return None

    def member(self, found: MemberFound, descriptor: int | None) -> None:
        if descriptor is not None:
            os.close(descriptor)

    def has_room(self) -> bool:
        return True

    def make_room(self) -> bool:
        return False

    def walked(self, result: Walked) -> None: ...


class _Said(msgspec.Struct, frozen=True):
    pdq: str
    quality: int


def _error_of(problems: tuple[Problem, ...]) -> HeadwaterError:
    """Return why a picture gave no hash, without a word of what its bytes say."""
    codes = {problem.code: problem.limit for problem in problems}
    if "limit" in codes:
        return LimitExceeded(codes["limit"] or "limits", "the picture is too large to be hashed")
    if "refused" in codes:
        return Refused("a variant of its format that is not opened")
    if codes:
        return Malformed("it is damaged")
    return Malformed("it is no picture of a format that is opened")
