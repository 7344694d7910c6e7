"""What a worker's death costs: CPU time of the main process, the nursery and the new worker.

Tasks are done one after the other by a pool of one worker, with and without killing it: while it
is idle (its death is noticed and another is forked), and while it is busy (its task is lost too,
and begins anew). Rounds with and without take turns.
"""

from __future__ import annotations

import os
import signal
import statistics
import tempfile

from bench.made_pictures import tiny_jpeg
from bench.processes import tree_cpu_seconds
from bench.report import Report, Setting
from headwater.engine.methods import measure_names
from headwater.engine.nursery import Config
from headwater.engine.pool import Pool
from headwater.engine.task import Death, Task
from headwater.engine.wire import MemberFound, Visited, Walked, Window
from headwater.limits import Limits
from headwater.model import Digests, Identity

MOST_MS = 100.0
ROUNDS, TASKS = 5, 10


class Waiting:
    """The handler of one visit."""

    def __init__(self) -> None:
        self.result: Visited | None = None
        self.death: Death | None = None

    def digested(self, digests: Digests) -> bool:
        return True

    def identified(self, identity: Identity) -> None: ...

    def visited(self, result: Visited) -> None:
        self.result = result

    depth = 0

    def unread(self, reason: str) -> None:
        raise AssertionError(reason)

    def has_disk(self, size_bytes: int | None) -> bool:
        return True

    def spool_file(self, size_bytes: int | None) -> None:
        return None

    def member(self, found: MemberFound, descriptor: int | None) -> None: ...

    def has_room(self) -> bool:
        return True

    def make_room(self) -> bool:
        return False

    def walked(self, result: Walked) -> None: ...

    def died(self, death: Death) -> None:
        self.death = death


def bench(_setting: Setting) -> Report:
    report = Report()
    pool = Pool(1, Config(limits=Limits(), measures=measure_names()))
    costs: dict[str, list[float]] = {"idle": [], "busy": []}
    try:
        with tempfile.TemporaryFile() as file:
            file.write(tiny_jpeg(1))
            file.flush()
            _cpu_ms(pool, file.fileno(), "")
            for _ in range(ROUNDS):
                for killed, held in costs.items():
                    plain = _cpu_ms(pool, file.fileno(), "")
                    held.append((_cpu_ms(pool, file.fileno(), killed) - plain) / TASKS)
    finally:
        pool.close()
    rows = [
        (name, f"{statistics.median(held):.1f}", f"{min(held):.1f}", f"{max(held):.1f}")
        for name, held in costs.items()
    ]
    report.say(f"{ROUNDS} rounds of {TASKS} deaths each; CPU ms a death.")
    report.table(("worker was", "median", "least", "most"), rows)
    for name, held in costs.items():
        report.at_most(f"a worker's death, {name}", statistics.median(held), MOST_MS, " ms")
    return report


def _cpu_ms(pool: Pool, descriptor: int, killed: str) -> float:
    before = tree_cpu_seconds(os.getpid())
    for _ in range(TASKS):
        if killed == "idle":
            _kill(pool)
        _visit(pool, descriptor, killed == "busy")
    return 1e3 * (tree_cpu_seconds(os.getpid()) - before)


def _visit(pool: Pool, descriptor: int, kill: bool) -> None:
    size = os.fstat(descriptor).st_size
    task = Task("visit", descriptor, Window(start_bytes=0, size_bytes=size))
    while True:
        waiting = Waiting()
        pool.start(task, waiting)
        if kill:
            _kill(pool)
            kill = False
        while waiting.result is None and waiting.death is None:
            pool.wait(0.5)
        if waiting.result is not None:
            assert "pdq" in waiting.result.outcome.measurements
            return


def _kill(pool: Pool) -> None:
    """Kill the worker, and return when another is there."""
    (pid,) = _pids(pool)
    os.kill(pid, signal.SIGKILL)
    while _pids(pool) == [pid]:
        pool.wait(0.5)


def _pids(pool: Pool) -> list[int]:
    while not pool.pids():
        pool.wait(0.5)
    return pool.pids()
