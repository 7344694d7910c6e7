"""Codes and queries for the Hamming index, the same for all who are measured.

Needs numpy alone, since the peers' environments have nothing else of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

CHUNK = 1_000_000


def chunks(source: dict[str, Any]) -> Iterator[Codes]:
    """Yield codes, uint8 (n, 32), of {"uniform": count} or {"file": path} in parts."""
    if "file" in source:
        codes = np.load(source["file"], mmap_mode="r")
        for begin in range(0, len(codes), CHUNK):
            yield np.array(codes[begin : begin + CHUNK])
        return
    for begin in range(0, source["uniform"], CHUNK):
        random = np.random.default_rng([1, begin])
        count = min(CHUNK, source["uniform"] - begin)
        yield random.integers(0, 2**64, (count, 4), dtype=np.uint64).view(np.uint8)


def length(source: dict[str, Any]) -> int:
    if "file" in source:
        return len(np.load(source["file"], mmap_mode="r"))
    return int(source["uniform"])


def planted(source: dict[str, Any], count: int) -> tuple[Codes, Numbers]:
    """Return queries, and of the first half the id of a code that is 0..31 bits away (in turn).

    The other half is uniform.
    """
    random = np.random.default_rng(2)
    queries = random.integers(0, 256, (count, 32), dtype=np.uint8)
    ids = np.sort(random.integers(0, length(source), count // 2))
    begin = 0
    for codes in chunks(source):
        here = np.flatnonzero((ids >= begin) & (ids < begin + len(codes)))
        queries[here] = codes[ids[here] - begin]
        begin += len(codes)
    for first in range(0, len(ids), CHUNK // 10):
        some = slice(first, min(first + CHUNK // 10, len(ids)))
        distances = np.arange(some.start, some.stop) % 32
        queries[some] ^= masks(distances, random)
    return queries, ids


def masks(distances: Numbers, random: np.random.Generator) -> Codes:
    """Return uint8 (n, 32) with so many bits set at random places."""
    ranks = random.random((len(distances), 256), dtype=np.float32).argsort(axis=1).argsort(axis=1)
    return np.packbits(ranks < distances[:, None], axis=1)


def measured_flips(codes: Codes, each: int, count: int) -> Codes:
    """Return how codes of one cluster differ: of so many codes, the bits to the nearest other one.

    Clusters are runs of `each` codes. Codes that have an equal one differ in nothing.
    """
    random = np.random.default_rng(3)
    flips = np.empty((count, 32), np.uint8)
    for row, chosen in enumerate(random.integers(0, len(codes), count)):
        begin = chosen // each * each
        others = np.delete(codes[begin : begin + each], chosen - begin, axis=0) ^ codes[chosen]
        flips[row] = others[np.bitwise_count(others).sum(axis=1).argmin()]
    return flips


def extended(codes: Codes, flips: Codes, count: int) -> Codes:
    """Return `count` codes: the given ones, then copies of them with measured flips."""
    random = np.random.default_rng(4)
    longer = np.resize(codes, (count, 32))
    for begin in range(len(codes), count, CHUNK):
        part = longer[begin : begin + CHUNK]
        part ^= flips[random.integers(0, len(flips), len(part))]
    return longer


def flat_pictures(count: int) -> tuple[Codes, Codes]:
    """Return near-identical codes, at most 6 bits from one, and queries that all buckets lead to.

    Three queries are as near as the codes. The others are 56 bits off in bits that lie together, so
    that most substrings agree and nothing is found.
    """
    random = np.random.default_rng(5)
    centre = random.integers(0, 256, (1, 32), dtype=np.uint8)
    codes = np.repeat(centre, count, axis=0)
    for begin in range(0, count, CHUNK // 10):
        part = codes[begin : begin + CHUNK // 10]
        part ^= masks(random.integers(0, 7, len(part)), random)
    queries = np.repeat(centre, 103, axis=0)
    queries[3:, 8:15] ^= 255
    return codes, queries
