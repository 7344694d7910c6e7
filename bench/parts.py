"""Where CPU time goes: the main process by what it does, a visit by its steps."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NoReturn, cast

from headwater.case.records import Batch, ItemState, Seen
from headwater.case.store import CaseStore
from headwater.engine.execute import Unpacked
from headwater.engine.methods import LoadedMeasure
from headwater.engine.pool import Pool
from headwater.engine.task import Handler, Task
from headwater.evidence.archives.contract import Member
from headwater.measures.contract import CannotMeasure, Measure, Measured
from headwater.media.media import Media
from headwater.model import Digests, Identity, Problem


class Parts:
    """CPU seconds by name; what runs inside another part is taken off that one."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self._inside.append(0.0)
        before = time.process_time()
        try:
            yield
        finally:
            used = time.process_time() - before
            self.seconds[name] += used - self._inside.pop()
            if self._inside:
                self._inside[-1] += used


class TimedStore(CaseStore):
    """A store that notes what its calls cost."""

    parts: Parts = Parts()

    def seen(
        self, source_id: int, directory: bytes, first: bytes, last: bytes
    ) -> dict[bytes, Seen]:
        with self.parts.part("store: which places are known"):
            return super().seen(source_id, directory, first, last)

    def item_state(self, sha256: bytes) -> ItemState | None:
        with self.parts.part("store: is a content known"):
            return super().item_state(sha256)

    def commit(self, batch: Batch) -> None:
        with self.parts.part("store: commit, with the audit log"):
            super().commit(batch)


class TimedPool(Pool):
    """A pool that notes what its calls cost, from when it is given `parts`."""

    parts: Parts | None = None

    def start(self, task: Task, handler: Handler) -> None:
        with self.parts.part("engine: give out tasks") if self.parts else nullcontext():
            super().start(task, handler)

    def wait(self, seconds: float) -> None:
        with self.parts.part("engine: take and check results") if self.parts else nullcontext():
            super().wait(seconds)


class TimedDesk:
    """A desk that notes what the steps of a visit cost; `begin` before each visit."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._since = 0.0

    def begin(self) -> None:
        self._since = time.process_time()

    def done(self, name: str) -> None:
        now = time.process_time()
        self.seconds[name] += now - self._since
        self._since = now

    def digested(self, digests: Digests) -> bool:
        self.done("read, MD5, SHA-1, SHA-256")
        return True

    def identified(self, identity: Identity) -> None:
        self.done("identify")

    def spool_file(self, size_bytes: int | None) -> NoReturn:
        raise AssertionError("nothing here has members")

    def member(self, member: Member, problems: tuple[Problem, ...], bytes_at: Unpacked) -> None:
        raise AssertionError("nothing here has members")


class _TimedMeasure:
    """Stands for a measure, and tells the desk when it begins and ends."""

    def __init__(self, measure: Measure, desk: TimedDesk) -> None:
        self.NAME, self.KINDS = measure.NAME, measure.KINDS
        self._measure, self._desk = measure, desk

    def measure(self, media: Media) -> Measured | CannotMeasure:
        # What lies between the steps, the shared decode above all, is the decode's.
        self._desk.done("decode")
        try:
            return self._measure.measure(media)
        finally:
            self._desk.done(self.NAME)


def timed(measures: tuple[LoadedMeasure, ...], desk: TimedDesk) -> tuple[LoadedMeasure, ...]:
    """Return measures that tell the desk what they cost."""
    return tuple(
        LoadedMeasure(cast(Measure, _TimedMeasure(loaded.measure, desk)), loaded.row)
        for loaded in measures
    )
