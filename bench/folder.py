"""Duplicates in a folder: `headwater examine` beside czkawka, in CPU time, recall and precision.

`examine` makes all digests and measures and groups by PDQ, at the default radius; czkawka groups
by its default hash. They take turns on the same 2,000 photographs; of each the least CPU time of
the rounds counts, its start included. czkawka keeps no small pictures, so `examine` without them is
what is held to the target; with them it is shown too. A near copy is found where it is matched with
(or grouped with) the picture that it is a copy of.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import command, machine, peers
from bench.folder_made import NEAR, Folder, made
from bench.report import Report, Setting
from headwater.case.query import Case

PACKAGES = ("czkawka==0.1.2",)
ROUNDS = 2
MOST_SHARE = 0.5
LEAST_RECALL = 0.98
ALIKE = 0.9
"""Correlation of grey thumbnails from which two photographs of the corpus count as alike."""
Pair = frozenset[str]


def bench(setting: Setting) -> Report:
    assert setting.data is not None
    report = Report()
    work = setting.work / "folder"
    folder = made(setting.data, work)
    files = sum(1 for file in folder.path.rglob("*.jpg"))
    report.say(
        f"{files:,} photographs of {folder.size_bytes / files / 1000:.0f} kB and "
        f"{folder.pixels / files / 1e6:.2f} megapixels on average, {folder.size_bytes / 1e6:.0f} "
        f"MB; load average {machine.load()}."
    )
    python = peers.python_with("czkawka", *PACKAGES)
    ours, whole, theirs = [], [], []
    for _ in range(ROUNDS):
        whole.append(_examined(folder, work, "--thumbnails"))
        ours.append(_examined(folder, work, "--no-thumbnails"))
        groups, wall, cpu = _peer(python, folder.path, work / "peer-home")
        theirs.append((cpu, wall))
    mine = _pairs(work / "case")
    grouped = {frozenset(pair) for group in groups for pair in combinations(sorted(group), 2)}
    cpu, peer_cpu = min(one.cpu for one in ours), min(theirs)[0]
    report.table(
        ("", "CPU s", "wall s", "near copies found", "exact copies found"),
        [
            ("Headwater, small pictures too", *_least(whole), "", ""),
            ("Headwater", *_least(ours),
             f"{_near(mine, folder):.3f}", f"{_exact(work / 'case', folder):.3f}"),
            ("czkawka", f"{peer_cpu:.1f}", f"{min(theirs)[1]:.1f}",
             f"{_near(grouped, folder):.3f}", f"{_exact_of(grouped, folder):.3f}"),
        ],
    )  # fmt: skip
    _say_missed(report, mine, folder)
    _say_precision(report, "Headwater", mine, folder)
    _say_precision(report, "czkawka", grouped, folder)
    report.at_most("CPU beside czkawka's", cpu / peer_cpu, MOST_SHARE)
    report.at_least("near copies found", _near(mine, folder), LEAST_RECALL)
    return report


def _examined(folder: Folder, work: Path, thumbnails: str) -> command.Ran:
    """Examine into a new case."""
    case = work / "case"
    shutil.rmtree(case, ignore_errors=True)
    asked = ["examine", str(folder.path), "--case", str(case), "--accept-atime", thumbnails]
    return command.ran(asked, work / "keys")


def _least(runs: list[command.Ran]) -> tuple[str, str]:
    return f"{min(one.cpu for one in runs):.1f}", f"{min(one.wall for one in runs):.1f}"


def _peer(python: Path, folder: Path, home: Path) -> tuple[list[list[str]], float, float]:
    """Run czkawka with an empty home, where it would keep hashes; return groups, wall and CPU."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    began = time.monotonic()
    worker = Path(__file__).with_name("czkawka_worker.py")
    program = subprocess.Popen(
        [python, worker, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert program.stdout is not None
    said = program.stdout.read()
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    assert program.returncode == 0, f"czkawka ended with {program.returncode}"
    groups = json.loads(said.splitlines()[-1])
    named = [[str(Path(path).relative_to(folder)) for path in group] for group in groups]
    return named, time.monotonic() - began, used.ru_utime + used.ru_stime


def _pairs(case: Path) -> set[Pair]:
    """Return the pairs of files that match: a name for each item, that of its first place."""
    with Case.open(case) as opened:
        rows = {row.item_id: row.sha256 for row in opened.all_items()}
        names = _names(opened)
        pairs = set()
        for item_id, sha256 in rows.items():
            for match in opened.matches(item_id):
                if match.partner_item_id is not None and match.standing == "match":
                    partner = rows[match.partner_item_id]
                    pairs |= {
                        frozenset((one, other)) for one in names[sha256] for other in names[partner]
                    }
    return pairs


def _names(case: Case) -> dict[bytes, list[str]]:
    return {
        row.sha256: sorted(place.path.decode() for place in case.places(row.item_id))
        for row in case.all_items()
    }


def _exact(case: Path, folder: Folder) -> float:
    with Case.open(case) as opened:
        items = {name: sha256 for sha256, names in _names(opened).items() for name in names}
    same = [items[copy] == items[base] for copy, base in folder.plan.exact.items()]
    return sum(same) / len(same)


def _exact_of(pairs: set[Pair], folder: Folder) -> float:
    same = [frozenset(pair) in pairs for pair in folder.plan.exact.items()]
    return sum(same) / len(same)


def _near(pairs: set[Pair], folder: Folder) -> float:
    return (NEAR - len(_missed(pairs, folder))) / NEAR


def _missed(pairs: set[Pair], folder: Folder) -> list[str]:
    """Return how the near copies were changed that were not found."""
    near = folder.plan.near.items()
    return [change for copy, (base, change) in near if frozenset((copy, base)) not in pairs]


def _say_missed(report: Report, pairs: set[Pair], folder: Folder) -> None:
    missed = Counter(_missed(pairs, folder))
    said = ", ".join(f"{count} {change}" for change, count in sorted(missed.items()))
    report.say(f"Near copies not found by Headwater: {said or 'none'}.")


def _say_precision(report: Report, who: str, pairs: set[Pair], folder: Folder) -> None:
    """Say of the pairs found, by the pictures they are made of, how many are right.

    The corpus has natural duplicates: a pair of different pictures counts as one where their grey
    thumbnails correlate.
    """
    base_of = dict.fromkeys(folder.plan.bases, "") | folder.plan.exact
    base_of |= {copy: base for copy, (base, _) in folder.plan.near.items()}
    own = {frozenset(base_of[name] or name for name in pair) for pair in pairs}
    planted = sum(len(pair) == 1 for pair in own)
    grey = {name: _grey(folder.path / name) for pair in own if len(pair) == 2 for name in pair}
    alike = sum(_correlation(*(grey[n] for n in pair)) >= ALIKE for pair in own if len(pair) == 2)
    false = len(own) - planted - alike
    report.say(
        f"{who}: pairs of unlike pictures {false}, natural duplicates of the corpus {alike} "
        f"(grey thumbnails correlate by {ALIKE} or more), planted {planted}. Precision "
        f"{(planted + alike) / len(own):.3f}, where natural duplicates are left out "
        f"{planted / (planted + false):.3f}, where they count as wrong {planted / len(own):.3f}."
    )


def _grey(file: Path) -> npt.NDArray[np.float64]:
    from PIL import Image

    with Image.open(file) as picture:
        small: Any = picture.convert("L").resize((32, 32), Image.Resampling.BOX)
    return np.asarray(small, np.float64)


def _correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
