"""What a search finds: collected as packed words, given out as sorted arrays.

A hit is one uint64: the query in the highest 23 bits, then the distance in 9, then the code's id
in 32, so sorting the words sorts by query, distance and id. Hits hold no code and nothing that a
code could be reckoned from, so they lie in ordinary memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.index.hamming_words import Words

QUERIES_MOST = 1 << 23
CODES_MOST = 1 << 32
ROOM = 1 << 21
"""Hits that fit into the buffer which kernels write to."""
_KEPT_LEAST = 1 << 22


@dataclass(frozen=True, slots=True)
class Hits:
    """Codes within the radius of a query, sorted by query, then distance, then id.

    Three arrays of one length: `query` int64 (row of the queries), `id` int64 (as `add` gave it),
    `distance_bits` int16 (0..256).
    """

    query: npt.NDArray[np.int64]
    id: npt.NDArray[np.int64]
    distance_bits: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.query)


class Collector:
    """Takes hits from kernels, and keeps of each query the `most` nearest ones, or all.

    `reach` is int16, one for each query: the distance beyond which nothing is wanted. It shrinks
    where a query has enough, so that kernels find less from there on.
    """

    def __init__(self, reach: npt.NDArray[np.int16], most: int | None) -> None:
        self.reach = reach
        self.room: Words = np.empty(ROOM, np.uint64)
        self._most = most
        self._taken: list[Words] = []
        self._count = 0
        self._limit = _KEPT_LEAST

    def take(self, filled: int) -> None:
        """Keep the first `filled` words of `room`."""
        if filled:
            self._taken.append(self.room[:filled].copy())
            self._count += filled
        if self._most is not None and self._count > self._limit:
            kept = nearest(np.sort(self.taken()), self._most)
            self._taken = [kept]
            self._count = len(kept)
            self._limit = max(_KEPT_LEAST, 2 * self._count)
            self._shrink(kept, self._most)

    def taken(self) -> Words:
        """Return all words kept so far, in any order."""
        return np.concatenate(self._taken) if self._taken else np.empty(0, np.uint64)

    def _shrink(self, kept: Words, most: int) -> None:
        queries, _, distances = unpacked(kept)
        rank = _ranks(queries)
        last = rank == most - 1
        reach = self.reach
        np.minimum.at(reach, queries[last], distances[last])


def nearest(words: Words, most: int | None) -> Words:
    """Return of each query the `most` first of sorted words."""
    if most is None:
        return words
    return words[_ranks((words >> np.uint64(41)).astype(np.int64)) < most]


def unpacked(
    words: Words,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """Return queries, ids and distances of packed hits."""
    queries = (words >> np.uint64(41)).astype(np.int64)
    distances = ((words >> np.uint64(32)) & np.uint64(511)).astype(np.int16)
    return queries, (words & np.uint64(0xFFFFFFFF)).astype(np.int64), distances


def _ranks(queries: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the number of each hit within its query, from 0; the queries are sorted."""
    places = np.arange(len(queries))
    begins = np.flatnonzero(np.diff(queries, prepend=-1))
    return places - np.repeat(begins, np.diff(begins, append=len(queries)))
