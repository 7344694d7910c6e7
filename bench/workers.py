"""How much more two workers do than one, on photographs of twelve megapixels.

Each round examines the same pictures into a new case, with one worker and with two; the best wall
time of each counts, from the first place to the last commit. Other load on the machine shows here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench import machine
from bench.examined import examined
from bench.made_pictures import photo_like, with_comment
from bench.report import Report, Setting

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
    ready: dict[int, list[float]] = {1: [], 2: []}
    for number in range(1, ROUNDS + 1):
        for workers, held in seconds.items():
            ran = examined(work / "source", work / "case", workers)
            held.append(ran.wall)
            ready[workers].append(ran.worker_share)
        shown = (f"{held[-1]:.2f}" for held in (*seconds.values(), *ready.values()))
        rows.append((number, *shown, machine.load()))
    report.say(f"{PICTURES} pictures of 12 megapixels; wall seconds.")
    report.table(("round", "one worker", "two workers", "busy of 1", "busy of 2", "load"), rows)
    report.say(
        "Busy: workers that ran or waited for a core, on average. Where other programs hold the "
        f"cores the wall times do not tell; by this the two would do {max(ready[2]):.2f} of two."
    )
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
