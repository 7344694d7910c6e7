"""What the engine adds to an item: dispatch, result, store and audit log.

The photographs are examined by a pool, and the CPU time of all its processes is counted. The same
visits bare, in this process, are taken off. Both take turns.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from bench.case_bytes import PROJECTED, bytes_table
from bench.examined import Examined, examined
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


@dataclass(frozen=True, slots=True)
class Round:
    """One examination by the pool, and the same visits bare: their steps, and CPU seconds."""

    ran: Examined
    steps: dict[str, float]
    bare: float

    @property
    def added(self) -> float:
        return self.ran.cpu - self.bare


def bench(setting: Setting) -> Report:
    assert setting.data is not None
    report = Report()
    photos = setting.data / "photos"
    measures = load_measures(measure_names(), {})
    warm_up(measures, Limits())
    case = setting.work / "engine_cost" / "case"
    rounds: list[Round] = []
    for _ in range(ROUNDS):
        ran = examined(photos, case, WORKERS)
        desk = TimedDesk()
        bare = _bare_seconds(photos, timed(measures, desk), desk)
        rounds.append(Round(ran, desk.seconds, bare))
    rounds.sort(key=lambda one: one.added)
    rows = [
        [f"{1e3 * part / ran.places:.2f}" for part in (ran.cpu, ran.main_cpu, one.bare, one.added)]
        for one in rounds
        for ran in (one.ran,)
    ]
    median = rounds[len(rounds) // 2]
    places = median.ran.places
    report.say(
        f"{places:,} photographs, {WORKERS} workers; CPU ms an item; {ROUNDS} rounds, by what is "
        f"added; load average {machine.load()}. Further tables are of the middle round."
    )
    report.table(("pool, all processes", "main process", "bare visits", "added"), rows)
    report.at_most("what the engine adds to an item", 1e3 * median.added / places, MOST_MS, " ms")
    _parts_table(report, "main process", median.ran.parts, places)
    _parts_table(report, "worker", median.steps, places)
    bytes_table(report, case, places, "photograph")
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
