"""Codes of many shapes to search in, and the plain twin of the search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]
Triples = list[tuple[int, int, int]]

SHAPES = ("uniform", "clustered", "duplicated", "zero", "one_bucket", "biased")


def made(shape: str, count: int, random: np.random.Generator) -> Codes:
    """Return uint8 (count, 32) codes of one of the shapes."""
    if shape == "uniform":
        return random.integers(0, 256, (count, 32), dtype=np.uint8)
    if shape == "zero":
        return np.zeros((count, 32), np.uint8)
    if shape == "biased":
        return np.packbits(random.random((count, 256)) < random.random(256) ** 3, axis=1)
    centres = random.integers(0, 256, (max(1, count // 40), 32), dtype=np.uint8)
    codes = centres[random.integers(0, len(centres), count)]
    if shape == "duplicated":
        return codes
    if shape == "clustered":
        return changed(codes, random.integers(0, 30, count), random)
    # All codes agree in the first half, so buckets of what lies there are as full as can be.
    codes = random.integers(0, 256, (count, 32), dtype=np.uint8)
    codes[:, :16] = codes[:1, :16]
    return codes


def changed(codes: Codes, bits: npt.NDArray[np.int64], random: np.random.Generator) -> Codes:
    """Return codes of which so many bits each are changed."""
    ranks = random.random((len(codes), 256)).argsort(axis=1).argsort(axis=1)
    return codes ^ np.packbits(ranks < bits[:, None], axis=1)


def queries_for(codes: Codes, count: int, random: np.random.Generator) -> Codes:
    """Return queries: a third of them at random, the others near some code."""
    queries = random.integers(0, 256, (count, 32), dtype=np.uint8)
    near = count - count // 3
    if len(codes):
        chosen = codes[random.integers(0, len(codes), near)]
        queries[:near] = changed(chosen, random.integers(0, 40, near), random)
    return queries


def twin(codes: Codes, queries: Codes, radius_bits: int, most: int | None = None) -> Triples:
    """Return (query, id, distance) of every code within the radius, by comparing all with all."""
    found = []
    for number, query in enumerate(queries):
        distances = np.bitwise_count(codes ^ query).sum(axis=1, dtype=np.int64)
        near = [(int(distances[row]), int(row)) for row in np.flatnonzero(distances <= radius_bits)]
        found += [(number, row, distance) for distance, row in sorted(near)[:most]]
    return found
