"""What the engine adds to an item: dispatch, result, store and audit log.

The photographs are examined by a pool, and the CPU time of all its processes is counted. The same
visits bare, in this process, are taken off. Both take turns.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path

from bench import machine
from bench.case_bytes import bytes_table
from bench.picture import Desk
from bench.processes import tree_cpu_seconds
from bench.report import Report, Setting
from headwater.case.records import CaseInfo, RunInfo
from headwater.case.store import CaseStore
from headwater.engine.examine import Examination
from headwater.engine.execute import visit
from headwater.engine.methods import LoadedMeasure, load_measures, measure_names
from headwater.engine.nursery import Config
from headwater.engine.pool import Pool
from headwater.engine.spool import Spool
from headwater.engine.warm import warm_up
from headwater.engine.wire import Window
from headwater.engine.worker import open_window
from headwater.evidence.folder import Walk
from headwater.limits import Limits

MOST_MS = 1.5
ROUNDS = 3
WORKERS = 2


def bench(setting: Setting) -> Report:
    assert setting.data is not None
    report = Report()
    photos = setting.data / "photos"
    measures = load_measures(measure_names(), {})
    warm_up(measures, Limits())
    case = setting.work / "engine_cost" / "case"
    rows, added = [], []
    for _ in range(ROUNDS):
        items, everything, main = _examined(photos, case)
        bare = _bare_seconds(photos, measures)
        parts = [1e3 * seconds / items for seconds in (everything, main, bare, everything - bare)]
        rows.append((len(rows) + 1, *(f"{part:.2f}" for part in parts)))
        added.append(parts[-1])
    report.say(
        f"{items:,} photographs, {WORKERS} workers; CPU ms an item; load average {machine.load()}."
    )
    report.table(("round", "pool, all processes", "main process", "bare visits", "added"), rows)
    report.at_most("what the engine adds to an item", statistics.median(added), MOST_MS, " ms")
    bytes_table(report, case, items, "photograph")
    return report


def _examined(photos: Path, case: Path) -> tuple[int, float, float]:
    """Return the items, the CPU seconds of all processes, and those of the main process."""
    shutil.rmtree(case.parent, ignore_errors=True)
    case.parent.mkdir(parents=True)
    limits = Limits()
    pool = Pool(WORKERS, Config(limits=limits, measures=measure_names()))
    store = CaseStore.create(case, CaseInfo(name="bench"))
    try:
        store.begin_run(run_info(pool))
        walk = Walk(os.fsencode(photos), accept_atime=True)
        spool = Spool(case / "spool", limits)
        examination = Examination(store, pool, limits, spool)
        main, everything = time.process_time(), tree_cpu_seconds(os.getpid())
        assert examination.run([(store.source(walk.kind, walk.source), walk)])
        main = time.process_time() - main
        everything = tree_cpu_seconds(os.getpid()) - everything
    finally:
        store.close()
        pool.close()
    return examination.tally.places_done, everything, main


def run_info(pool: Pool) -> RunInfo:
    """Return what a case notes of a run."""
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


def _bare_seconds(photos: Path, measures: tuple[LoadedMeasure, ...]) -> float:
    before = time.process_time()
    desk, limits = Desk(), Limits()
    for path in sorted(photos.iterdir()):
        if not path.is_file():
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            window = Window(start_bytes=0, size_bytes=os.fstat(descriptor).st_size)
            visit(open_window(descriptor, window), measures, limits, desk)
        finally:
            os.close(descriptor)
    return time.process_time() - before
