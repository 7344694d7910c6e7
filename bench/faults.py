"""Throughput where one task in a hundred kills its worker, beside the same run without faults.

Each poisoned picture crashes its worker with SIGSEGV at both of its tries; all others must come
out measured. CPU time of all processes tells the cost apart from other load; wall time is printed
beside it. Rounds with and without faults take turns.
"""

from __future__ import annotations

import os
import shutil
import statistics
from pathlib import Path

from tests.engine.saboteur import SEGFAULT
from tests.pictures import jpeg

from bench.examined import Examined, examined
from bench.report import Report, Setting
from headwater.case.query import Case
from headwater.engine.methods import measure_names

PICTURES, ROUNDS = 1_000, 3
MOST_LOST_PERCENT = 15.0
_ROOT = Path(__file__).resolve().parent.parent
_MEASURES = (*measure_names(), "tests.engine.saboteur:Saboteur")


def bench(setting: Setting) -> Report:
    report = Report()
    # Workers import the saboteur by the name of its module.
    os.environ["PYTHONPATH"] = str(_ROOT)
    folder = setting.work / "faults"
    shutil.rmtree(folder, ignore_errors=True)
    sources = {share: _evidence(folder / f"source-{share}", share) for share in (0, 1)}
    runs: dict[int, list[Examined]] = {share: [] for share in sources}
    for _ in range(ROUNDS):
        for share, source in sources.items():
            case = folder / f"case-{share}"
            runs[share].append(examined(source, case, 2, _MEASURES))
            _check(report, case, PICTURES * share // 100)
    cpu = {share: statistics.median(run.cpu for run in held) for share, held in runs.items()}
    wall = {share: min(run.wall for run in held) for share, held in runs.items()}
    report.table(
        ("tasks that kill", "CPU ms an item", "wall s, best"),
        [(f"{s} %", f"{cpu[s] / PICTURES * 1e3:.2f}", f"{wall[s]:.2f}") for s in sources],
    )
    report.at_most("throughput lost, by CPU", (1 - cpu[0] / cpu[1]) * 100, MOST_LOST_PERCENT, " %")
    shutil.rmtree(folder, ignore_errors=True)
    return report


def _evidence(folder: Path, share_percent: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(PICTURES):
        poisoned = share_percent and number % (100 // share_percent) == 50
        data = jpeg(number, 800, 600, after=SEGFAULT if poisoned else b"")
        (folder / f"{number:04}.jpg").write_bytes(data)
    return folder


def _check(report: Report, case: Path, poisoned: int) -> None:
    with Case.open(case) as opened:
        states = opened.counts().items_by_state
    expected = {"measured": PICTURES - poisoned} | ({"failed": poisoned} if poisoned else {})
    if states != expected:
        report.at_most("items lost beside the poisoned", abs(PICTURES - sum(states.values())), 0)
