"""A large case of small files: does the engine keep its pace, its memory and its answers?

Half of the files repeat a content that came before, at random places of the whole case. The real
program runs in a process of its own; progress is what the case holds, read beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import machine
from bench.case_bytes import PROJECTED, bytes_table, open_case
from bench.made_pictures import tiny_jpeg
from bench.processes import cpu_seconds, peak_resident_bytes, tree_cpu_seconds
from bench.program import best_of
from bench.report import Report, Setting
from headwater.evidence.folder import Walk

PLACES, PLACES_NIGHTLY = 100_000, 1_000_000
FOLDER = 1_000
PACE_LEAST = 0.8
RESIDENT_MOST_MIB = 500
ANSWER_MOST_SECONDS = 1.0
AGAIN_MOST_PERCENT = 2.0


@dataclass(slots=True)
class Sample:
    """How far a run was at one moment; CPU seconds of the whole tree and of its parts."""

    places: int
    wall: float
    tree: float
    main: float
    control: float
    """CPU seconds of a fixed piece of work, done beside the run: how fast the machine is now."""


@dataclass(slots=True)
class Ran:
    """One run of the program."""

    summary: dict[str, Any]
    wall: float
    cpu: float
    peak_bytes: int
    samples: list[Sample] = field(default_factory=list)


def bench(setting: Setting) -> Report:
    report = Report()
    places = PLACES_NIGHTLY if setting.nightly else PLACES
    work = setting.work / "scale"
    source, case = work / f"source-{places}", work / "case"
    shutil.rmtree(case, ignore_errors=True)
    size = make_files(source, places)
    report.say(
        f"{places:,} files of {size / places:,.0f} bytes on average, half of them repeated, in "
        f"folders of {FOLDER:,}; load average {machine.load()}."
    )
    first = examine(source, case)
    assert first.summary["occurrences"] == places, first.summary
    _pace(report, first, places)
    report.at_most(
        "memory of the main process", first.peak_bytes / 2**20, RESIDENT_MOST_MIB, " MiB"
    )
    _cpu_by_part(report, first, places)
    _answers(report, case)
    _again(report, source, case, first)
    bytes_table(report, case, places, "place")
    if setting.nightly:
        shutil.rmtree(source)
    return report


def make_files(folder: Path, places: int) -> int:
    """Write the files that are not there; return the bytes of all."""
    done = folder.with_suffix(".size")
    if done.exists():
        return int(done.read_text())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    chance = random.Random(7)
    total = contents = 0
    for first in range(0, places, FOLDER):
        below = folder / f"{first // FOLDER:05d}"
        below.mkdir()
        for place in range(min(FOLDER, places - first)):
            if place % 2 and contents:
                number = chance.randrange(contents)
            else:
                number, contents = contents, contents + 1
            data = tiny_jpeg(number)
            (below / f"IMG_{chance.getrandbits(32):08x}_{place:04d}.jpg").write_bytes(data)
            total += len(data)
    done.write_text(str(total))
    return total


def examine(source: Path, case: Path) -> Ran:
    """Run the program to its end, and look at it twice a second."""
    command = [sys.executable, "-m", "headwater", "examine", str(source), "--case", str(case)]
    began = time.monotonic()
    program = subprocess.Popen(
        [*command, "--quiet", "--json", "--accept-atime"], stdout=subprocess.PIPE
    )
    samples, peak = [], 0
    while os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        samples.append(_sample(program.pid, case, began))
        peak = max(peak, peak_resident_bytes(program.pid))
        time.sleep(0.5)
    wall = time.monotonic() - began
    assert program.stdout is not None
    said = program.stdout.read()
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    assert program.returncode == 0, f"the program ended with {program.returncode}"
    return Ran(json.loads(said), wall, used.ru_utime + used.ru_stime, peak, samples)


def _sample(pid: int, case: Path, began: float) -> Sample:
    places = 0
    with contextlib.suppress(sqlite3.Error), closing(open_case(case)) as connection:
        places = connection.execute("SELECT max(id) FROM occurrence").fetchone()[0] or 0
    wall, tree, main = time.monotonic() - began, tree_cpu_seconds(pid), cpu_seconds(pid)
    return Sample(places, wall, tree, main, _control_seconds())


def _control_seconds() -> float:
    """Do a little of what the engine does: SHA-256, dictionaries, sorting."""
    before = time.process_time()
    for part in range(4):
        digests = {hashlib.sha256(bytes([part, n & 255])).digest(): n for n in range(800)}
        sorted(digests)
    return time.process_time() - before


def _pace(report: Report, ran: Ran, places: int) -> None:
    tenth = places // 10
    rows, rates = [], []
    for part in range(10):
        begin = _at(ran.samples, part * tenth)
        end = _at(ran.samples, (part + 1) * tenth)
        wall, tree, main = (
            tenth / max(1e-9, getattr(end, name) - getattr(begin, name))
            for name in ("wall", "tree", "main")
        )
        control = statistics.median(
            sample.control for sample in ran.samples if begin.wall <= sample.wall <= end.wall
        )
        shown = (f"{wall:,.0f}", f"{tree:,.0f}", f"{main:,.0f}", f"{1e3 * control:.2f}")
        rows.append((part + 1, *shown, f"{tree * control:.2f}"))
        rates.append((wall, tree, tree * control))
    head = ("tenth", "places a second", "a CPU-second", "of main", "control, ms", "a control")
    report.table(head, rows)
    by_wall, by_cpu, by_control = (
        last / first for last, first in zip(rates[-1], rates[0], strict=True)
    )
    report.say(
        f"Last tenth / first tenth: {by_wall:.2f} by wall time, {by_cpu:.2f} by CPU time. The "
        "control is a fixed piece of work beside the run, twice a second: where other load slows "
        "the machine it slows too, and the places done in its CPU time are compared."
    )
    report.at_least("pace, last tenth / first", by_control, PACE_LEAST)


def _at(samples: list[Sample], places: int) -> Sample:
    """Return the moment at which so many places were kept, between two samples."""
    known = [sample for sample in samples if sample.places] or samples
    if places == 0:
        # Warming up is no part of the pace: the first tenth begins when the store is made.
        before = [sample for sample in samples if not sample.places]
        return before[-1] if before else known[0]
    after = next((sample for sample in known if sample.places >= places), known[-1])
    before_it = [sample for sample in samples if sample.places < places]
    if after.places < places or not before_it:
        return after
    earlier = before_it[-1]
    share = (places - earlier.places) / max(1, after.places - earlier.places)

    def between(name: str) -> float:
        low, high = getattr(earlier, name), getattr(after, name)
        return float(low + share * (high - low))

    return Sample(places, between("wall"), between("tree"), between("main"), after.control)


def _cpu_by_part(report: Report, ran: Ran, places: int) -> None:
    main = max(sample.main for sample in ran.samples)
    rows = [
        ("main process", f"{main:.1f}", f"{1e3 * main / places:.3f}"),
        ("nursery and workers", f"{ran.cpu - main:.1f}", f"{1e3 * (ran.cpu - main) / places:.3f}"),
        ("all", f"{ran.cpu:.1f}", f"{1e3 * ran.cpu / places:.3f}"),
    ]
    report.table(("CPU of the first run", "s", "ms a place"), rows)
    hours = ran.cpu / places * PROJECTED / 3600
    report.say(f"At {PROJECTED:,} places of this kind: {hours:,.0f} CPU-hours.")


def _answers(report: Report, case: Path) -> None:
    with closing(open_case(case)) as connection:
        query = "SELECT sha256 FROM item ORDER BY id LIMIT 1 OFFSET (SELECT max(id) / 2 FROM item)"
        sha256 = connection.execute(query).fetchone()[0].hex()
    for name, arguments in (("show", ["show", sha256]), ("status", ["status"])):
        wall, cpu = best_of(3, [*arguments, "--case", str(case), "--json"])
        report.say(f"`headwater {name}`: {wall:.2f} s, of which {cpu:.2f} s CPU.")
        report.at_most(f"{name}, wall", wall, ANSWER_MOST_SECONDS, " s")


def _again(report: Report, source: Path, case: Path, first: Ran) -> None:
    walk = _walk_seconds(source)
    start = _start_seconds(case.parent)
    again = examine(source, case)
    assert again.summary["resumed"] == first.summary["occurrences"], again.summary
    over = 100 * (again.cpu - walk) / first.cpu
    report.say(
        f"Again: {again.cpu:.2f} s CPU ({again.wall:.2f} s wall); the walk alone {walk:.2f} s, an "
        f"empty folder {start:.2f} s; the first run {first.cpu:.1f} s."
    )
    report.at_most("finished case again, beyond the walk", over, AGAIN_MOST_PERCENT, " %")


def _start_seconds(work: Path) -> float:
    """Return the CPU time of examining nothing: starting the program, its cage and workers."""
    empty, case = work / "empty", work / "case-of-nothing"
    empty.mkdir(exist_ok=True)
    shutil.rmtree(case, ignore_errors=True)
    return examine(empty, case).cpu


def _walk_seconds(source: Path) -> float:
    began = time.process_time()
    walk = Walk(os.fsencode(source), accept_atime=True)
    for directory, names in walk.directories():
        assert not isinstance(names, OSError)
        if names:
            deque(walk.places(directory, names), maxlen=0)
    walk.close()
    return time.process_time() - began
