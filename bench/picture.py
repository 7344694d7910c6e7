"""What one JPEG costs: digests, EXIF, PDQ and thumbnail, beside the floor and beside a peer.

The floor is what no program that decodes can leave out: reading the file, MD5, SHA-1 and SHA-256,
and the decode at the scale that is decoded here (in colour; that in grey is shown beside it). The
peer does the same work from the packages that are known for it, with a full decode. All take turns
on the same files within this process, but for the peer, which has one of its own; CPU time counts.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import simplejpeg

from bench import machine, peers
from bench.made_pictures import photo_like
from bench.report import Report, Setting
from headwater.engine.execute import Unpacked, visit
from headwater.engine.methods import LoadedMeasure, load_measures
from headwater.engine.warm import warm_up
from headwater.engine.wire import Window
from headwater.engine.worker import open_window
from headwater.evidence.archives.contract import Member
from headwater.limits import Limits
from headwater.measures.registry import BUILT_IN
from headwater.media.pictures.scale import reduction
from headwater.model import MEASURED, Digests, Identity, Problem

SIZES = (
    (516, 388),
    (1152, 864),
    (1632, 1224),
    (2832, 2124),
    (4032, 3024),
    (5664, 4248),
    (8160, 6120),
)
"""0.2 to 50 megapixels."""
MEASURES = ("Pdq", "Thumbnail", "Exif")
EXTRA_MOST_MS = 10.0
TIMES_FLOOR_MOST = 1.25
LARGE_FROM = 11_900_000
"""Pixels from which an untouched original is held to its floor: what is sold as 12 megapixels."""
PEER_LEAST = (
    ("from 2 megapixels", 1_900_000, 5_900_000, 3.0),
    ("from 6 megapixels", 5_900_000, 1 << 62, 6.0),
)
"""From which pixels to which the peer has to need how many times the CPU time."""
ROUND_SECONDS, ROUNDS_LEAST, ROUNDS_MOST = 3.0, 15, 41
PEER_ROUNDS = 5
PACKAGES = ("pdqhash==0.2.8", "numpy==2.4.6", "pillow==13.0.0", "exifread==3.5.1")


@dataclass(frozen=True, slots=True)
class Times:
    """CPU milliseconds of one file: medians over the rounds; `extra` and `ratio` of pairs."""

    ours: float
    floor: float
    floor_grey: float
    extra: float
    ratio: float
    peer: float
    peer_ratio: float
    pixels: int
    size_bytes: int


class Desk:
    """Takes what a visit finds, and keeps nothing."""

    def digested(self, digests: Digests) -> bool:
        return True

    def identified(self, identity: Identity) -> None: ...

    def spool_file(self, size_bytes: int | None) -> NoReturn:
        raise AssertionError("a picture has no members")

    def member(self, member: Member, problems: tuple[Problem, ...], bytes_at: Unpacked) -> NoReturn:
        raise AssertionError("a picture has no members")


def bench(setting: Setting) -> Report:
    assert setting.data is not None
    report = Report()
    measures = chosen_measures()
    warm_up(measures, Limits())
    peer = peers.Peer(
        peers.python_with("picture", *PACKAGES), Path(__file__).with_name("picture_peer_worker.py")
    )
    originals = sorted(setting.data.glob("cameras/*/original/*"))
    report.say(f"CPU milliseconds, medians; load average {machine.load()}.")
    try:
        for progressive in (False, True):
            made = _make(setting.work / "pictures", originals, progressive)
            _sizes(report, "progressive" if progressive else "baseline", made, measures, peer)
        _originals(report, originals, measures, peer)
    finally:
        peer.close()
    return report


def chosen_measures() -> tuple[LoadedMeasure, ...]:
    names = tuple(name for name in BUILT_IN if name.rpartition(":")[2] in MEASURES)
    assert len(names) == len(MEASURES)
    return load_measures(names, {})


def _make(folder: Path, originals: list[Path], progressive: bool) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, (width, height) in enumerate(SIZES):
        coding = "progressive" if progressive else "baseline"
        path = folder / f"{coding}-{width}x{height}.jpg"
        if not path.exists():
            original = originals[number % len(originals)]
            path.write_bytes(photo_like(original, width, height, progressive=progressive))
        made.append(path)
    return made


def _sizes(
    report: Report,
    coding: str,
    made: list[Path],
    measures: tuple[LoadedMeasure, ...],
    peer: peers.Peer,
) -> None:
    times = [measure(path, measures, peer) for path in made]
    report.table(_head(f"{coding}, megapixels"), [_row(_megapixels(t), t) for t in times])
    most = max(one.extra for one in times)
    report.at_most(f"{coding}: more than the floor, at every size", most, EXTRA_MOST_MS, " ms")
    _beside_peer(report, coding, times)


def _beside_peer(report: Report, what: str, times: list[Times]) -> None:
    for size, begin, end, least in PEER_LEAST:
        held = [one for one in times if begin <= one.pixels < end]
        if held:
            bound = min(one.peer_ratio * one.ours / one.floor for one in held)
            report.at_least(
                f"{what}: CPU of the peer {size} (the floor: {bound:.2f} times)",
                min(one.peer_ratio for one in held),
                least,
                " times",
            )


def _originals(
    report: Report,
    originals: list[Path],
    measures: tuple[LoadedMeasure, ...],
    peer: peers.Peer,
) -> None:
    rows, times = [], []
    for path in originals:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        one = measure(path, measures, peer)
        times.append(one)
        rows.append(_row(f"{digest} {_megapixels(one)}", one))
    report.table(_head("original, megapixels"), rows)
    large = [one for one in times if one.pixels >= LARGE_FROM]
    most = max(one.ratio for one in large)
    what = f"untouched originals from 12 megapixels ({len(large)})"
    report.at_most(f"{what}: beside the floor", most, TIMES_FLOOR_MOST, " times")
    extra = max(one.extra for one in times)
    report.at_most("untouched originals: more than the floor", extra, EXTRA_MOST_MS, " ms")
    _beside_peer(report, "untouched originals", times)


def _head(first: str) -> tuple[str, ...]:
    return (first, "KB", "ours", "floor", "(grey)", "more", "times floor", "peer", "peer/ours")


def _megapixels(times: Times) -> str:
    return f"{times.pixels / 1e6:.1f}"


def _row(first: str, times: Times) -> tuple[str, ...]:
    return (
        first,
        f"{times.size_bytes / 1000:,.0f}",
        f"{times.ours:.2f}",
        f"{times.floor:.2f}",
        f"{times.floor_grey:.2f}",
        f"{times.extra:.2f}",
        f"{times.ratio:.3f}",
        f"{times.peer:.1f}",
        f"{times.peer_ratio:.2f}",
    )


def measure(path: Path, measures: tuple[LoadedMeasure, ...], peer: peers.Peer) -> Times:
    """Let all take turns on one file until three seconds are used, at least fifteen times."""
    size_bytes = path.stat().st_size
    height, width, *_ = simplejpeg.decode_jpeg_header(path.read_bytes())

    def ours() -> None:
        examine(path, size_bytes, measures)

    def floor() -> None:
        least(path, width, height, "RGB")

    def grey() -> None:
        least(path, width, height, "GRAY")

    rounds: list[tuple[float, float, float]] = []
    peer_rounds: list[tuple[float, float]] = []
    began = time.process_time()
    while len(rounds) < ROUNDS_LEAST or (
        len(rounds) < ROUNDS_MOST and time.process_time() - began < ROUND_SECONDS
    ):
        # The order turns, so that none is always first on cold caches.
        if len(rounds) % 2:
            rounds.append((cpu_ms(ours), cpu_ms(floor), cpu_ms(grey)))
        else:
            floor_ms = cpu_ms(floor)
            rounds.append((cpu_ms(ours), floor_ms, cpu_ms(grey)))
        if len(peer_rounds) < PEER_ROUNDS:
            peer_rounds.append((1e3 * peer.ask(str(path))["cpu_seconds"], rounds[-1][0]))
    ours_ms, floors, greys = (statistics.median(part) for part in zip(*rounds, strict=True))
    return Times(
        ours=ours_ms,
        floor=floors,
        floor_grey=greys,
        extra=statistics.median(mine - least_ms for mine, least_ms, _ in rounds),
        ratio=statistics.median(mine / least_ms for mine, least_ms, _ in rounds),
        peer=statistics.median(theirs for theirs, _ in peer_rounds),
        peer_ratio=statistics.median(theirs / mine for theirs, mine in peer_rounds),
        pixels=width * height,
        size_bytes=size_bytes,
    )


def cpu_ms(call: Callable[[], None]) -> float:
    before = time.process_time()
    call()
    return 1e3 * (time.process_time() - before)


def examine(path: Path, size_bytes: int, measures: tuple[LoadedMeasure, ...]) -> None:
    """Do what a worker does with a task."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        content = open_window(descriptor, Window(start_bytes=0, size_bytes=size_bytes))
        outcome = visit(content, measures, Limits(), Desk())
    finally:
        os.close(descriptor)
    assert outcome is not None
    assert outcome.state == MEASURED
    assert len(outcome.measurements) == len(measures)


def least(path: Path, width: int, height: int, space: str) -> None:
    """Do what cannot be left out."""
    data = path.read_bytes()
    for algorithm in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        algorithm(data, usedforsecurity=False).digest()
    scale = reduction(width, height, (1, 2, 4, 8))
    simplejpeg.decode_jpeg(
        data, space, min_height=-(-height // scale), min_width=-(-width // scale)
    )
