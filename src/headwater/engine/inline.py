"""The inline engine: the same tasks in this very process, without a cage.

For tests, for debugging, and as the twin that the pool is compared with. A decoder that crashes
takes the run with it, so it is offered only where the caller has accepted to work uncaged.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Literal

from headwater.engine.execute import Unpacked, visit, walk
from headwater.engine.methods import LoadedMeasure, container_row, load_measures
from headwater.engine.nursery import Config
from headwater.engine.spool import SpoolFile
from headwater.engine.task import Death, EngineFacts, Handler, Task
from headwater.engine.warm import warm_up
from headwater.engine.wire import Visited, Walked, WireError
from headwater.engine.worker import member_found, open_window
from headwater.errors import LimitExceeded
from headwater.evidence.archives.contract import Member
from headwater.model import Digests, Identity, Problem


class Inline:
    """An `Engine` without processes: `wait` carries out the tasks that were started."""

    def __init__(self, config: Config) -> None:
        self._limits = config.limits
        self._measures: tuple[LoadedMeasure, ...] = load_measures(config.measures, config.options)
        warm_up(self._measures, config.limits)
        self._queue: deque[tuple[Task, Handler]] = deque()
        self._walks: deque[tuple[Task, Handler]] = deque()
        rows = (*(entry.row for entry in self._measures), container_row())
        cage = {"level": "none: everything ran in the main process"}
        self.facts = EngineFacts("inline", 0, rows, cage, 0)

    def is_free(self, kind: Literal["visit", "walk"]) -> bool:
        """Return whether another task may be started before `wait`."""
        return kind == "walk" or not self._queue

    def is_busy(self) -> bool:
        """Return whether tasks are waiting to be carried out."""
        return bool(self._queue or self._walks)

    def is_stalled(self) -> bool:
        """Return False: a walk without room gets on with other tasks by itself."""
        return False

    def start(self, task: Task, handler: Handler) -> None:
        """Take a task for the next `wait`."""
        (self._queue if task.kind == "visit" else self._walks).append((task, handler))

    def wait(self, seconds: float) -> None:
        """Carry out one task, visits first."""
        if self._queue:
            self._visit(*self._queue.popleft())
        elif self._walks:
            self._walk(*self._walks.popleft())

    def close(self) -> None:
        """Nothing to end."""

    def _visit(self, task: Task, handler: Handler) -> None:
        began = time.process_time()
        descriptor = os.dup(task.descriptor)
        try:
            content = open_window(descriptor, task.window)
            desk = _HandlerDesk(handler)
            outcome = visit(content, self._measures, self._limits, desk)
        except WireError as error:
            handler.died(Death("broke_protocol", str(error)))
            return
        except OSError as error:
            handler.unread(error.strerror or type(error).__name__)
            return
        finally:
            os.close(descriptor)
        if outcome is not None:
            used = time.process_time() - began
            handler.visited(Visited(task=0, outcome=outcome, cpu_seconds=used))

    def _walk(self, task: Task, handler: Handler) -> None:
        began = time.process_time()
        only = None if task.only is None else frozenset(task.only)
        descriptor = os.dup(task.descriptor)
        try:
            content = open_window(descriptor, task.window)
            desk = _HandlerDesk(handler)
            summary = walk(content, task.format, only, self._limits, desk)
        except WireError as error:
            handler.died(Death("broke_protocol", str(error)))
            return
        finally:
            os.close(descriptor)
        handler.walked(
            Walked(
                task=0,
                members=summary.members,
                unpacked_bytes=summary.unpacked_bytes,
                problems=summary.problems,
                cpu_seconds=time.process_time() - began,
            )
        )


class _HandlerDesk:
    """A desk that asks the handler directly."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def digested(self, digests: Digests) -> bool:
        return self._handler.digested(digests)

    def identified(self, identity: Identity) -> None:
        self._handler.identified(identity)

    def spool_file(self, size_bytes: int | None) -> SpoolFile:
        while not self._handler.has_disk(size_bytes) and self._handler.make_room():
            pass
        given = self._handler.spool_file(size_bytes)
        if given is None:
            raise LimitExceeded(
                "spool_disk_bytes", "no room to spool this member", reproducible=False
            )
        return SpoolFile(os.dup(given.descriptor), given.key, given.room_bytes)

    def member(self, member: Member, problems: tuple[Problem, ...], bytes_at: Unpacked) -> None:
        found = member_found(0, member, problems, bytes_at)
        self._handler.member(found, bytes_at.memory)
        while not self._handler.has_room() and self._handler.make_room():
            pass
