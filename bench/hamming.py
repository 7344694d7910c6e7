"""The Hamming index beside threatexchange's and faiss: CPU time a query at radius 31, and recall.

Each index lies in a process of its own and uses one thread; they take turns. Figures are CPU time,
the call from Python and the making of its answer included, in batches of 100 queries unless said
otherwise, medians over the rounds. Of faiss's two calls, that for all within a radius and that for
the nearest alone, the faster one counts. What faiss finds by comparing all with all is the truth
for recall; of planted queries it is also known what has to be found.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import hamming_codes, machine, peers
from bench.hamming_crops import crops
from bench.report import Report, Setting

PACKAGES = ("threatexchange==1.2.17", "faiss-cpu==1.15.1", "numpy==2.4.6")
ROUNDS = 3
BATCH = 100
MILLION = 1_000_000
LARGEST = 100 * MILLION
LARGEST_NEEDS_BYTES = 15 * 10**9
"""Free memory below which the largest index is not tried."""
JOINED = 800_000
Found = npt.NDArray[np.int64]
"""Pairs of query and id, packed into one number each and sorted."""


class Holder:
    """One index in its process."""

    def __init__(self, kind: str, codes: dict[str, Any], work: Path) -> None:
        ours = kind == "headwater"
        python = Path(sys.executable) if ours else peers.python_with("hamming", *PACKAGES)
        self._peer = peers.Peer(python, Path(__file__).with_name("hamming_worker.py"))
        self._found = work / f"found-{kind}.npy"
        answer = self._peer.ask({"kind": kind, "codes": codes})
        self.build_seconds: float = answer["cpu_seconds"]
        self.peak_mb: float = answer["peak_mb"]
        self.seconds: list[float] = []
        """CPU seconds of each search so far."""

    def search(self, queries: Path, batch: int = BATCH, **options: Any) -> Found:
        """Search once, note the CPU time, and return what was found, sorted."""
        question = {"queries": str(queries), "batch": batch, "found": str(self._found)}
        answer = self._peer.ask({**question, "options": options})
        self.seconds.append(answer["cpu_seconds"])
        self.peak_mb = answer["peak_mb"]
        return _packed(*np.load(self._found).T)

    def milliseconds(self, queries: int) -> float:
        """Return the median over the searches since the last call, for each query."""
        median = statistics.median(self.seconds)
        self.seconds.clear()
        return 1e3 * median / queries

    def close(self) -> None:
        self._peer.close()


@contextmanager
def holders(codes: dict[str, Any], work: Path, *kinds: str) -> Iterator[list[Holder]]:
    with ExitStack() as opened:
        yield [opened.enter_context(closing(Holder(kind, codes, work))) for kind in kinds]


def bench(setting: Setting) -> Report:
    assert setting.data is not None
    report = Report()
    work = setting.work / "hamming"
    work.mkdir(parents=True, exist_ok=True)
    report.say(f"Load average {machine.load()}; {_free_bytes() / 1e9:.1f} GB of memory free.")
    _beside_threatexchange(report, work, "uniform", {"uniform": MILLION}, 10)
    _beside_flat(report, work, "uniform", {"uniform": 10 * MILLION}, 40)
    clustered = _clustered(report, setting.data / "photos", work)
    _beside_threatexchange(report, work, "clustered", clustered[0], 5)
    _beside_flat(report, work, "clustered", clustered[1], 10)
    _flat_pictures(report, work)
    _joins(report, work)
    _largest(report, work)
    return report


def _clustered(report: Report, pictures: Path, work: Path) -> list[dict[str, Any]]:
    """Make the codes that cluster: a million of real crops, and ten times that with flips."""
    real = crops(pictures, work / "crops.npy", MILLION)
    each = -(-MILLION // len(sorted(pictures.glob("*.jpg"))))
    flips = hamming_codes.measured_flips(real, each, 10_000)
    bits = np.bitwise_count(flips).sum(axis=1)
    low, middle, high = np.percentile(bits, [10, 50, 90])
    report.say(
        f"Clustered codes: {MILLION:,} of crops of real pictures, {each} of each; from a code to "
        f"the nearest of its picture are {middle:.0f} bits (10 % to 90 %: {low:.0f} to {high:.0f})."
        " Above a million, copies of them are changed by such differences, drawn at random."
    )
    larger = work / "clustered.npy"
    if not larger.exists():
        np.save(larger, hamming_codes.extended(real, flips, 10 * MILLION))
    return [{"file": str(work / "crops.npy")}, {"file": str(larger)}]


def _beside_threatexchange(
    report: Report, work: Path, shape: str, codes: dict[str, Any], least: float
) -> None:
    count, queries = hamming_codes.length(codes), 1000
    file, planted = _planted(work, codes, queries)
    with holders(codes, work, "headwater", "threatexchange", "flat") as (ours, peer, flat):
        truth = flat.search(file)
        ours.search(file)
        ours.seconds.clear()
        for _ in range(ROUNDS):
            found, theirs = ours.search(file), peer.search(file)
        mine_ms, peer_ms = ours.milliseconds(queries), peer.milliseconds(queries)
        report.table(
            ("codes", "index", "build CPU s", "peak MB", "CPU ms a query", "found", "recall"),
            [
                (f"{count:,} {shape}", "Headwater", *_figures(ours, mine_ms, found, truth)),
                ("", "threatexchange", *_figures(peer, peer_ms, theirs, truth)),
            ],
        )
    _claim_recall(report, f"{count:,} {shape}", found, truth, planted)
    report.at_least(f"{count:,} {shape} codes: times threatexchange", peer_ms / mine_ms, least, "x")


def _beside_flat(
    report: Report, work: Path, shape: str, codes: dict[str, Any], least: float
) -> None:
    count, queries = hamming_codes.length(codes), 200
    file, planted = _planted(work, codes, queries)
    with holders(codes, work, "headwater", "flat") as (ours, flat):
        ours.search(file)
        ours.seconds.clear()
        range_ms, nearest_ms = [], []
        for _ in range(ROUNDS):
            found = ours.search(file)
            truth = flat.search(file)
            range_ms.append(flat.milliseconds(queries))
            flat.search(file, nearest=True)
            nearest_ms.append(flat.milliseconds(queries))
        mine_ms = ours.milliseconds(queries)
        all_ms, one_ms = statistics.median(range_ms), statistics.median(nearest_ms)
        report.table(
            ("codes", "index", "build CPU s", "peak MB", "CPU ms a query", "found", "recall"),
            [
                (f"{count:,} {shape}", "Headwater", *_figures(ours, mine_ms, found, truth)),
                ("", "faiss flat, radius", *_figures(flat, all_ms, truth, truth)),
                ("", "faiss flat, nearest", "", "", f"{one_ms:.3f}", "", ""),
            ],
        )
    name = f"{count:,} {shape} codes"
    _claim_recall(report, f"{count:,} {shape}", found, truth, planted)
    report.at_least(f"{name}: times faiss flat", min(all_ms, one_ms) / mine_ms, least, "x")
    report.at_most(f"{name}: peak memory of the process", ours.peak_mb / 1000, 1.5, " GB")
    report.at_most(f"{name}: CPU time to build", ours.build_seconds, 15, " s")


def _flat_pictures(report: Report, work: Path) -> None:
    """A million near-identical codes: the chosen way beside batched brute force."""
    codes, queries = hamming_codes.flat_pictures(MILLION)
    np.save(work / "flat.npy", codes)
    np.save(work / "flat-near.npy", queries[:3])  # each finds all
    np.save(work / "flat-far.npy", queries[3:])
    with holders({"file": str(work / "flat.npy")}, work, "headwater") as (ours,):
        ratios = []
        for name, batch in (("flat-far", 100), ("flat-far", 1), ("flat-near", 3)):
            file = work / f"{name}.npy"
            ours.search(file, batch)
            scans, chosen = [], []
            for _ in range(2 * ROUNDS + 1):
                ours.seconds.clear()
                truth = ours.search(file, batch, plan="scan")
                found = ours.search(file, batch)
                scans.append(ours.seconds[0])
                chosen.append(ours.seconds[1])
            ratio = statistics.median(chosen) / statistics.median(scans)
            rows = len(np.load(file))
            same = np.array_equal(found, truth)
            ratios.append((name, batch, rows, len(found), same, ratio, chosen))
        report.table(
            ("flat pictures", "batch", "found", "same", "CPU ms a query", "times a scan"),
            [
                (name, batch, f"{hits:,}", same, f"{1e3 * min(times) / rows:.3f}", f"{ratio:.3f}")
                for name, batch, rows, hits, same, ratio, times in ratios
            ],
        )
    assert all(same for *_, same, _, _ in ratios)
    worst = max(ratio for *_, ratio, _ in ratios)
    report.at_most(f"{MILLION:,} near-identical codes: times brute force", worst, 1.1, "x")


def _joins(report: Report, work: Path) -> None:
    """All queries at once: as many as a large case has variants of its pictures."""
    rows = []
    for codes in ({"uniform": MILLION}, {"uniform": 10 * MILLION}, _clustered_file(work)):
        file, planted = _planted(work, codes, JOINED)
        some = work / "some-queries.npy"
        chosen = np.arange(0, JOINED, JOINED // 500)
        np.save(some, np.load(file)[chosen])
        with holders(codes, work, "headwater") as (ours,):
            found = ours.search(file, JOINED)
            seconds = ours.seconds.pop()
            truth = ours.search(some, plan="scan")
        asked = found[(found >> 32) % (JOINED // 500) == 0]
        assert np.array_equal(asked, _packed(chosen[truth >> 32], truth & 0xFFFFFFFF))
        recall = _recall(found, planted)
        assert recall == 1
        shape = "uniform" if "uniform" in codes else "clustered"
        rows.append(
            (f"{hamming_codes.length(codes):,} {shape}", f"{seconds:.1f}", f"{len(found):,}",
             f"{recall:.3f}", f"{ours.peak_mb:,.0f}")
        )  # fmt: skip
    report.table(
        (f"{JOINED:,} queries at once in", "CPU s", "found", "recall of planted", "peak MB"), rows
    )


def _clustered_file(work: Path) -> dict[str, Any]:
    return {"file": str(work / "clustered.npy")}


def _largest(report: Report, work: Path) -> None:
    """A hundred million codes, one index after the other, where there is memory for them."""
    if _free_bytes() < LARGEST_NEEDS_BYTES:
        report.say(f"{LARGEST:,} codes: left out, {_free_bytes() / 1e9:.1f} GB of memory are free.")
        return
    codes = {"uniform": LARGEST}
    few, _ = _planted(work, codes, 20)
    file, planted = _planted(work, codes, 200)
    with holders(codes, work, "flat") as (flat,):
        truth = flat.search(few)
        all_ms = flat.milliseconds(20)
        flat.search(few, nearest=True)
        one_ms = flat.milliseconds(20)
    with holders(codes, work, "headwater") as (ours,):
        ours.search(few)
        found_few = ours.search(few)
        ours.seconds.clear()
        for _ in range(ROUNDS):
            found = ours.search(file)
        mine_ms = ours.milliseconds(200)
        report.table(
            ("codes", "index", "build CPU s", "peak MB", "CPU ms a query", "found", "recall"),
            [
                (f"{LARGEST:,} uniform", "Headwater", *_figures(ours, mine_ms, found, planted)),
                ("", "faiss flat, radius", *_figures(flat, all_ms, truth, truth)),
                ("", "faiss flat, nearest", "", "", f"{one_ms:.3f}", "", ""),
            ],
        )
    assert np.array_equal(found_few, truth)
    _claim_recall(report, f"{LARGEST:,} uniform", found, planted, planted)
    report.at_least(
        f"{LARGEST:,} uniform codes: times faiss flat", min(all_ms, one_ms) / mine_ms, 5, "x"
    )


def _planted(work: Path, codes: dict[str, Any], count: int) -> tuple[Path, Found]:
    """Write queries to a file, and return the pairs that have to be among what is found."""
    queries, ids = hamming_codes.planted(codes, count)
    file = work / f"queries-{count}.npy"
    np.save(file, queries)
    return file, _packed(np.arange(len(ids)), ids)


def _figures(holder: Holder, milliseconds: float, found: Found, truth: Found) -> tuple[str, ...]:
    return (
        f"{holder.build_seconds:.1f}",
        f"{holder.peak_mb:,.0f}",
        f"{milliseconds:.3f}",
        f"{len(found):,}",
        f"{_recall(found, truth):.3f}",
    )


def _claim_recall(
    report: Report,
    name: str,
    found: Found,
    truth: Found,
    planted: Found,
) -> None:
    assert _recall(found, planted) == 1
    report.at_least(f"{name} codes: recall", _recall(found, truth), 1)
    report.at_most(f"{name} codes: found and not so", len(np.setdiff1d(found, truth)), 0)


def _packed(queries: Found, ids: Found) -> Found:
    return np.sort((queries << 32) | ids)


def _recall(found: Found, truth: Found) -> float:
    return len(np.intersect1d(found, truth)) / len(truth)


def _free_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return 0
