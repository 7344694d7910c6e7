"""How much more two workers do than one, on photographs of twelve megapixels.

Each round examines the same pictures into a new case, with one worker and with two; the best wall
time of each counts, from the first place to the last commit. Other load on the machine shows here.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from bench import machine
from bench.engine_cost import run_info
from bench.made_pictures import photo_like, with_comment
from bench.report import Report, Setting
from headwater.case.records import CaseInfo
from headwater.case.store import CaseStore
from headwater.engine.examine import Examination
from headwater.engine.methods import measure_names
from headwater.engine.nursery import Config
from headwater.engine.pool import Pool
from headwater.engine.spool import Spool
from headwater.evidence.folder import Walk
from headwater.limits import Limits

TIMES_LEAST = 1.8
ROUNDS = 3
PICTURES = 60
SIZE_PX = (4032, 3024)


def bench(setting: Setting) -> Report:
    assert setting.data is not None
    report = Report()
    work = setting.work / "workers"
    _make(work / "source", sorted(setting.data.glob("cameras/*/original/*")))
    rows = []
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for number in range(1, ROUNDS + 1):
        for workers, held in seconds.items():
            held.append(_examine(work / "source", work / "case", workers))
        rows.append((number, *(f"{held[-1]:.2f}" for held in seconds.values()), machine.load()))
    report.say(f"{PICTURES} pictures of 12 megapixels; wall seconds.")
    report.table(("round", "one worker", "two workers", "load average"), rows)
    best = min(seconds[1]) / min(seconds[2])
    report.at_least("two workers beside one, wall", best, TIMES_LEAST, " times")
    shutil.rmtree(work)
    return report


def _make(folder: Path, originals: list[Path]) -> None:
    """Write different files over a few pictures: a comment makes each a content of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pictures = [photo_like(original, *SIZE_PX) for original in originals[:6]]
    for number in range(PICTURES):
        data = with_comment(pictures[number % len(pictures)], number.to_bytes(4, "big"))
        (folder / f"{number:03d}.jpg").write_bytes(data)


def _examine(source: Path, case: Path, workers: int) -> float:
    shutil.rmtree(case, ignore_errors=True)
    limits = Limits()
    pool = Pool(workers, Config(limits=limits, measures=measure_names()))
    store = CaseStore.create(case, CaseInfo(name="bench"))
    try:
        store.begin_run(run_info(pool))
        walk = Walk(os.fsencode(source), accept_atime=True)
        examination = Examination(store, pool, limits, Spool(case / "spool", limits))
        while len(pool.pids()) < workers:
            pool.wait(0.1)
        began = time.monotonic()
        assert examination.run([(store.source(walk.kind, walk.source), walk)])
        return time.monotonic() - began
    finally:
        store.close()
        pool.close()
