"""The tables of one run of codes: for each substring, which codes have which value of it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from headwater.index import hamming_substrings
from headwater.index.hamming_probe import UNROLLED
from headwater.index.hamming_substrings import Substrings
from headwater.index.hamming_words import Allocate, Halves, aligned


class Table(NamedTuple):
    """Codes sorted by each of some substrings."""

    substrings: Substrings
    base: npt.NDArray[np.int64]
    """(substrings + 1,): where the offsets of each substring begin in `offsets`."""
    offsets: npt.NDArray[np.uint32]
    """For each substring 2**width + 1 places in that substring's ids: where each value begins."""
    ids: npt.NDArray[np.uint32]
    """For each substring the rows of all codes, sorted by it, then by row; some more at the end."""


def built(codes: Halves, widths: tuple[int, ...], allocate: Allocate) -> Table:
    """Build the tables of these codes for substrings of these widths, in falling order."""
    substrings = hamming_substrings.chosen(codes, widths, allocate)
    count = len(codes.front)
    base = bases(widths)
    offsets = aligned(allocate, (int(base[-1]),), np.uint32)
    ids = aligned(allocate, (ids_length(len(widths), count),), np.uint32)
    ids[len(widths) * count :] = 0
    sorter = Sorter(substrings, count, allocate)
    for number in range(len(widths)):
        sorter.sort(
            codes,
            number,
            offsets[base[number] : base[number + 1]],
            ids[number * count : (number + 1) * count],
        )
    return Table(substrings, base, offsets, ids)


class Sorter:
    """Sorts up to so many codes by one substring after the other, in the same scratch."""

    def __init__(self, substrings: Substrings, count: int, allocate: Allocate) -> None:
        self._substrings = substrings
        self._words = aligned(allocate, hamming_substrings.SCRATCH, np.uint64)
        self._parts = aligned(allocate, (hamming_substrings.PARTS,), np.int64)
        self._sorted = aligned(allocate, (count,), np.uint64)

    def sort(
        self,
        codes: Halves,
        number: int,
        offsets: npt.NDArray[np.uint32],
        ids: npt.NDArray[np.uint32],
    ) -> None:
        """Write the rows of codes, sorted by a substring, and where each value of it begins."""
        hamming_substrings.sort_by_key(
            *codes, self._substrings.shifts[number], self._substrings.stops[number],
            self._words, self._parts, self._sorted, offsets, ids,
        )  # fmt: skip


def bases(widths: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return where the offsets of each substring begin, and where the last ones end."""
    return np.cumsum([0, *((1 << width) + 1 for width in widths)], dtype=np.int64)


def ids_length(substrings: int, codes: int) -> int:
    """Return how many ids a table holds, with those that reading ahead may touch."""
    return substrings * codes + UNROLLED


class Reach(NamedTuple):
    """How the substrings of a table are searched for one radius."""

    radii: npt.NDArray[np.int64]
    flips: npt.NDArray[np.uint32]
    """(substrings, most flips): what a key is exclusive-ored with to get the near ones."""
    flip_stops: npt.NDArray[np.int64]
    """How many flips each substring has; none where it is not searched."""

    @property
    def probes(self) -> int:
        """Keys that are looked up for one query."""
        return int(self.flip_stops.sum())


@lru_cache(maxsize=64)
def reach(widths: tuple[int, ...], radius_bits: int) -> Reach:
    """Return how substrings of these widths are searched for a radius."""
    radii = hamming_substrings.radii(radius_bits, len(widths))
    each: list[Any] = [
        hamming_substrings.flips(width, int(radius))
        for width, radius in zip(widths, radii, strict=True)
    ]
    flips = np.zeros((len(widths), max(1, *map(len, each))), np.uint32)
    for row, masks in zip(flips, each, strict=True):
        row[: len(masks)] = masks
    return Reach(radii, flips, np.array([len(masks) for masks in each], np.int64))
