"""One examination by a pool, with this process as the main one; timed without its start."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from bench.parts import Parts, TimedPool, TimedStore
from bench.processes import ready_seconds, tree_cpu_seconds
from headwater.case.records import CaseInfo, RunInfo
from headwater.engine.examine import Examination
from headwater.engine.methods import measure_names
from headwater.engine.nursery import Config
from headwater.engine.pool import Pool
from headwater.engine.spool import Spool
from headwater.evidence.folder import Walk
from headwater.limits import Limits


@dataclass(frozen=True, slots=True)
class Examined:
    """Seconds from the first place to the last commit: wall, CPU of all processes, of this one."""

    places: int
    wall: float
    cpu: float
    main_cpu: float
    parts: dict[str, float]
    """CPU seconds of this process by what it did."""
    worker_share: float
    """How many workers ran or waited for a core, on average: without other load, how many ran."""


def examined(
    source: Path, case: Path, workers: int, measures: tuple[str, ...] | None = None
) -> Examined:
    """Examine a folder into a new case, once all workers are there; by all measures if not told."""
    shutil.rmtree(case, ignore_errors=True)
    case.parent.mkdir(parents=True, exist_ok=True)
    limits = Limits()
    pool = TimedPool(workers, Config(limits=limits, measures=measures or measure_names()))
    try:
        while len(pool.pids()) < workers:
            pool.wait(0.1)
        info = CaseInfo(name="bench", examiner="", organisation="", authority="")
        store = TimedStore.create(case, info)
        try:
            assert isinstance(store, TimedStore)
            store.parts = parts = Parts()
            store.begin_run(_run_info(pool))
            walk = Walk(os.fsencode(source), accept_atime=True)
            examination = Examination(store, pool, limits, Spool(case / "spool", limits))
            sources = [(store.source(walk.kind, walk.source), walk)]
            pool.parts = parts
            before = [ready_seconds(pid) for pid in pool.pids()]
            wall, cpu, main = time.monotonic(), tree_cpu_seconds(os.getpid()), time.process_time()
            with parts.part("walk, open, keep account"):
                assert examination.run(sources)
            main = time.process_time() - main
            cpu = tree_cpu_seconds(os.getpid()) - cpu
            wall = time.monotonic() - wall
            ready = sum(ready_seconds(pid) for pid in pool.pids()) - sum(before)
        finally:
            store.close()
    finally:
        pool.close()
    return Examined(
        examination.tally.places_done, wall, cpu, main, dict(parts.seconds), ready / wall
    )


def _run_info(pool: Pool) -> RunInfo:
    return RunInfo(
        program_version="bench",
        options="{}",
        engine=pool.facts.name,
        workers=pool.facts.workers,
        cage=pool.facts.cage,
        probes=pool.facts.probes,
        uncaged=False,
        accept_atime=True,
        versions={},
    )
