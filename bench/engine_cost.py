"""What the engine adds to an item: dispatch, result, store and audit log.

The photographs are examined by a pool, and the CPU time of all its processes is counted. The same
visits bare, in this process, are taken off. Both take turns.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from bench import machine
from bench.case_bytes import PROJECTED, bytes_table
from bench.examined import examined
from bench.parts import TimedDesk, timed
from bench.report import Report, Setting
from headwater.engine.execute import visit
from headwater.engine.methods import LoadedMeasure, load_measures, measure_names
from headwater.engine.warm import warm_up
from headwater.engine.wire import Window
from headwater.engine.worker import open_window
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
        ran = examined(photos, case, WORKERS)
        desk = TimedDesk()
        bare = _bare_seconds(photos, timed(measures, desk), desk)
        seconds = (ran.cpu, ran.main_cpu, bare, ran.cpu - bare)
        parts = [1e3 * part / ran.places for part in seconds]
        rows.append((len(rows) + 1, *(f"{part:.2f}" for part in parts)))
        added.append(parts[-1])
    report.say(
        f"{ran.places:,} photographs, {WORKERS} workers; CPU ms an item; load average {machine.load()}."
    )
    report.table(("round", "pool, all processes", "main process", "bare visits", "added"), rows)
    report.at_most("what the engine adds to an item", statistics.median(added), MOST_MS, " ms")
    _parts_table(report, "main process", ran.parts, ran.places)
    _parts_table(report, "worker", desk.seconds, ran.places)
    bytes_table(report, case, ran.places, "photograph")
    return report


def _bare_seconds(photos: Path, measures: tuple[LoadedMeasure, ...], desk: TimedDesk) -> float:
    before = time.process_time()
    limits = Limits()
    for path in sorted(photos.iterdir()):
        if not path.is_file():
            continue
        desk.begin()
        descriptor = os.open(path, os.O_RDONLY)
        try:
            window = Window(start_bytes=0, size_bytes=os.fstat(descriptor).st_size)
            visit(open_window(descriptor, window), measures, limits, desk)
        finally:
            os.close(descriptor)
        desk.done("put the outcome together")
    return time.process_time() - before


def _parts_table(report: Report, where: str, parts: Mapping[str, float], places: int) -> None:
    rows = [
        (name, f"{1e3 * seconds / places:.3f}", f"{seconds / places * PROJECTED / 3600:,.0f}")
        for name, seconds in sorted(parts.items(), key=lambda entry: -entry[1])
    ]
    total = sum(parts.values())
    rows.append(("all", f"{1e3 * total / places:.3f}", f"{total / places * PROJECTED / 3600:,.0f}"))
    millions = PROJECTED // 1_000_000
    report.table((where, "ms an item", f"CPU-hours at {millions} million"), rows)
