"""Import of a large VICS list through the real command: time, memory, and kills on the way.

The list is made (see `vics_made`), of values that nobody knows. It is imported undisturbed, then
into a second case by a command that is killed again and again and started anew, at moments spread
over the whole import. Both cases must hold the same: counts, what is said of entries, and which
entries a look-up of digests finds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np

from bench import command, machine, vics_made
from bench.processes import cpu_seconds
from bench.report import Report, Setting
from headwater.case.query import Case
from headwater.case.store import LISTS
from headwater.lists.keyed import keyed_digests
from headwater.lists.keys import list_key
from headwater.lists.locked import LockedMemory, Protection
from headwater.lists.opened import open_list
from headwater.lists.readers import make
from headwater.lists.segments import SEGMENT_ENTRIES
from headwater.lists.stream import FileStream

ENTRIES, ENTRIES_NIGHTLY = 1_000_000, 10_000_000
KILLS, KILLS_NIGHTLY = 4, 20
MOST_SECONDS = 12 * 60
"""For ten million entries."""
MOST_MB = 1_000
SAMPLED_EACH = 97
"""Of so many entries, one is looked up."""
NAME = "made"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a case holds of the list: the counts of its report, and a digest of what was asked."""

    report: dict[str, object]
    asked: int
    found: int
    sha256: str


def bench(setting: Setting) -> Report:
    report = Report()
    entries = ENTRIES_NIGHTLY if setting.nightly else ENTRIES
    kills = KILLS_NIGHTLY if setting.nightly else KILLS
    work = setting.work / "import_list"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    file, keys = work / "list.json", work / "keys"
    made = vics_made.make(file, entries)
    report.say(
        f"A VICS list of {entries:,} entries, {made.size_bytes / entries:.0f} bytes each on "
        f"average: MD5, SHA-1, size, date and category, PhotoDNA on half, two Exifs on a tenth, "
        f"{sum(made.whole.values()) + sum(made.part.values()):,} broken. Load average "
        f"{machine.load()}."
    )
    ran = command.ran(_import(file, work / "undisturbed"), keys)
    _claims(report, ran, entries)
    broken = sum(made.whole.values())
    assert ran.said["entries"] == entries - broken, ran.said
    assert ran.said["broken_entries"] == broken
    undisturbed = kept(file, work / "undisturbed", keys)
    deaths, cpu = _killed(file, work / "killed", keys, kills, ran.cpu)
    killed = kept(file, work / "killed", keys)
    report.say(
        f"Killed {deaths} times on the way (SIGKILL), the import came to its end in {cpu:.0f} s "
        f"of CPU. Of {killed.asked:,} digests that were looked up, {killed.found:,} were found, "
        f"undisturbed {undisturbed.found:,}."
    )
    report.at_least("kills of an import under way", deaths, kills)
    same = killed == undisturbed
    report.at_most("differences between the two cases", 0 if same else 1, 0)
    shutil.rmtree(work)
    return report


def _claims(report: Report, ran: command.Ran, entries: int) -> None:
    report.table(
        ("entries", "wall s", "CPU s", "entries a CPU-second", "peak MB"),
        [
            (
                f"{entries:,}",
                f"{ran.wall:.1f}",
                f"{ran.cpu:.1f}",
                f"{entries / ran.cpu:,.0f}",
                f"{ran.peak_mb:.0f}",
            )
        ],
    )
    most = MOST_SECONDS * entries / ENTRIES_NIGHTLY
    report.at_most(f"import of {entries:,} entries, wall", ran.wall, most, " s")
    report.at_most(f"import of {entries:,} entries, memory", ran.peak_mb, MOST_MB, " MB")


def _import(file: Path, case: Path) -> list[str]:
    return ["lists", "import", str(file), "--case", str(case), "--name", NAME, "--scheme=vics-us"]


def _killed(file: Path, case: Path, keys: Path, kills: int, cpu: float) -> tuple[int, float]:
    """Kill an import so many times, and let it end; return the kills that met it, and the CPU.

    A kill comes when a share of the segments is on the disk, and then at a random moment of the
    work on the next one. The last segment is spared: a run that has come to its end before it is
    killed would be no kill.
    """
    random = Random(3)
    segments = -(-vics_entries(file) // SEGMENT_ENTRIES)
    of_segment = cpu / segments
    deaths, used = 0, 0.0
    for number in range(kills):
        least = number * (segments - 1) // kills
        more = random.random() * of_segment
        spent, alive = _killed_once(file, case, keys, least, more)
        used += spent
        deaths += alive
    ran = command.ran(_import(file, case), keys)
    return deaths, used + ran.cpu


def _killed_once(
    file: Path, case: Path, keys: Path, segments: int, more_cpu: float
) -> tuple[float, bool]:
    """Kill one run; return its CPU seconds, and whether it had not come to its end."""
    program = command.started([*_import(file, case), "--quiet", "--json"], keys)
    used, due = 0.0, None
    while os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        used = cpu_seconds(program.pid)
        if due is None and written(case) >= segments:
            due = used + more_cpu
        if due is not None and used >= due:
            break
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.kill(program.pid, signal.SIGKILL)
    program.communicate()
    return used, program.returncode == -signal.SIGKILL


def written(case: Path) -> int:
    """Return how many segments of an unfinished import are on the disk."""
    return sum(1 for _ in case.glob(f"{LISTS}/importing-*/*.details"))


def vics_entries(file: Path) -> int:
    """Return about how many entries a made list has."""
    return file.stat().st_size // 267


def kept(file: Path, case: Path, keys: Path) -> Kept:
    """Look up every so-manieth entry of the file in the case, and digest the answers."""
    with Case.open(case) as opened:
        (version,) = [one for one in opened.lists() if one.serves]
        case_id = opened.info.case_id
    key = list_key(keys, case_id, case, make=False)
    digest, asked, found = hashlib.sha256(), 0, 0
    folder = case / LISTS / version.info.folder
    with (
        LockedMemory(Protection(held="no_swap", reason="bench")) as memory,
        open_list(folder, key, version.info.manifest_sha256, memory) as known,
    ):
        for kind, values in _sampled(file).items():
            size = len(values[0])
            rows = np.frombuffer(b"".join(values), np.uint8).reshape(-1, size)
            lookups = known.lookup(kind, keyed_digests(key.digests, rows))
            asked, found = asked + len(values), found + len(lookups[0])
            digest.update(np.stack(lookups).tobytes())
            for entry in lookups[1].tolist():
                digest.update(repr(known.said(entry)).encode())
        photodna, numbers = known.photodna()
        digest.update(photodna.data)
        digest.update(numbers.data)
    return Kept(version.info.report, asked, found, digest.hexdigest())


def _sampled(file: Path) -> dict[str, list[bytes]]:
    """Return digests of the file by kind: every so-manieth that it has."""
    values: dict[str, list[bytes]] = {"md5": [], "sha1": []}
    with FileStream(file) as stream:
        entries = (entry for batch in make("vics", {}).read(stream) for entry in batch.entries)
        for entry in islice(entries, 0, None, SAMPLED_EACH):
            for kind, held in values.items():
                value = getattr(entry, kind)
                if value is not None:
                    held.append(value)
    return values
