"""Carries out one plan of search: scratch, threads, and going on where a kernel ran out of room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from headwater.index import (
    hamming_join,
    hamming_plan,
    hamming_probe,
    hamming_scan,
    hamming_substrings,
    hamming_table,
)
from headwater.index.hamming_hits import ROOM, Collector, nearest
from headwater.index.hamming_substrings import Substrings
from headwater.index.hamming_table import Sorter, Table
from headwater.index.hamming_words import Allocate, Halves, Words, aligned, room_for

Numbers = npt.NDArray[np.int64]
Scratch = TypeVar("Scratch")

_QUERIES_AT_ONCE = hamming_scan.QUERIES
_SAMPLE_MOST = 1 << 17


class Search:
    """One batch of queries, and what was found for them so far.

    Queries are numbered from 0, at most `hamming_hits.QUERIES_MOST`. Every array that codes could
    be reckoned from comes from `allocate`.
    """

    def __init__(
        self, queries: Halves, radius_bits: int, most: int | None, threads: int, allocate: Allocate
    ) -> None:
        self._queries = queries
        self._radius_bits = radius_bits
        self._most = most
        self._allocate = allocate
        self._reach = np.full(len(queries.front), radius_bits, np.int16)
        self._collectors = [Collector(self._reach, most) for _ in range(threads)]

    @property
    def everyone(self) -> Numbers:
        """The numbers of all queries."""
        return np.arange(len(self._queries.front), dtype=np.int64)

    def found(self) -> Words:
        """Return all hits, packed and sorted, or of each query the nearest so many."""
        words = np.concatenate([collector.taken() for collector in self._collectors])
        words.sort()
        return nearest(words, self._most)

    def scan(self, codes: Halves, begin: int, end: int, numbers: Numbers) -> None:
        """Compare these queries with every code from row `begin` to before row `end`."""
        if begin == end or len(numbers) == 0:
            return
        queries = self._some(numbers)
        parts = len(self._collectors) if len(numbers) <= _QUERIES_AT_ONCE else 1
        edges = [begin + (end - begin) * part // parts for part in range(parts + 1)]

        def task(first: int, begin: int, end: int) -> Callable[[Collector, Words], None]:
            def scan(collector: Collector, words: Words) -> None:
                some = queries.part(first, first + _QUERIES_AT_ONCE)
                block, query = begin, 0
                while block < end:
                    filled, block, query = hamming_scan.scan(
                        *codes, begin, end, *some, numbers[first : first + _QUERIES_AT_ONCE],
                        self._reach, words, collector.room, block, query,
                    )  # fmt: skip
                    collector.take(filled)

            return scan

        tasks = [
            task(first, *edge)
            for first in range(0, len(numbers), _QUERIES_AT_ONCE)
            for edge in pairwise(edges)
        ]
        self._run(tasks, lambda: self._array(hamming_scan.SCRATCH, np.uint64))

    def probe(self, codes: Halves, begin: int, end: int, table: Table) -> Numbers:
        """Look all queries up in the table of the codes begin..end.

        Returns the numbers of those that were left out, since a scan of the codes costs less.
        """
        some = codes.part(begin, end)
        queries, numbers = self._queries, self.everyone
        deferred = np.zeros(len(numbers), np.bool_)
        most = min(hamming_plan.candidates_most(end - begin, len(numbers)), ROOM)
        how = hamming_table.reach(table.substrings.widths, self._radius_bits)
        count = len(table.substrings.masks)

        def task(first: int) -> Callable[[Collector, tuple[Any, ...]], None]:
            def probe(collector: Collector, scratch: tuple[Any, ...]) -> None:
                words, keys, begins, sizes, candidates = scratch
                batch = queries.part(first, first + _QUERIES_AT_ONCE)
                keys = keys[: len(batch.front)]
                hamming_substrings.fill_keys(
                    *batch, table.substrings.shifts, table.substrings.stops, words, keys
                )
                query = 0
                while query < len(keys):
                    filled, query = hamming_probe.probe(
                        *some, begin, table.base, table.offsets, table.ids,
                        table.substrings.masks, *how, *batch, keys, numbers[first:],
                        self._reach, most, begins, sizes, candidates, deferred,
                        collector.room, query,
                    )  # fmt: skip
                    collector.take(filled)

            return probe

        def scratch() -> tuple[Any, ...]:
            return (
                self._array(hamming_substrings.SCRATCH, np.uint64),
                self._array((_QUERIES_AT_ONCE, count), np.uint32),
                self._array((how.probes,), np.int64),
                self._array((how.probes,), np.int64),
                self._array((most + hamming_probe.UNROLLED,), np.uint32),
            )

        self._run([task(first) for first in range(0, len(numbers), _QUERIES_AT_ONCE)], scratch)
        return np.flatnonzero(deferred)

    def join_substrings(self, codes: Halves) -> tuple[Substrings, float]:
        """Return by which substrings to join with all these codes, and the comparisons this costs.

        The comparisons are reckoned from a sample, which shows whether many codes share a bucket.
        """
        queries = len(self._queries.front)
        layout = hamming_plan.join_layout(len(codes.front), queries, self._radius_bits)
        substrings = hamming_substrings.chosen(codes, layout.widths, self._allocate)
        sampled = [self._sample(codes), self._sample(self._queries)]
        how = hamming_table.reach(substrings.widths, self._radius_bits)
        sides = [_Side(self._allocate, substrings, len(sample.front)) for sample in sampled]
        pairs = 0
        for number in range(len(substrings.masks)):
            for side, sample in zip(sides, sampled, strict=True):
                side.sort(sample, number)
            flips = how.flips[number, : how.flip_stops[number]]
            pairs += hamming_join.pair_count(sides[0].offsets, sides[1].offsets, flips)
        scale = len(codes.front) / len(sampled[0].front) * queries / len(sampled[1].front)
        return substrings, pairs * scale

    def join(self, codes: Halves, substrings: Substrings) -> None:
        """Join all queries with all these codes."""
        how = hamming_table.reach(substrings.widths, self._radius_bits)
        queries = self._queries

        def task(number: int) -> Callable[[Collector, tuple[Any, ...]], None]:
            def join(collector: Collector, scratch: tuple[Any, ...]) -> None:
                code_side, query_side, ordered, words = scratch
                code_side.sort(codes, number)
                query_side.sort(queries, number)
                hamming_join.gather(queries.front, query_side.ids, ordered)
                bucket, done = 0, 0
                while bucket < len(code_side.offsets) - 1:
                    filled, bucket, done = hamming_join.join(
                        *codes, code_side.ids, code_side.offsets, *queries, ordered,
                        query_side.ids, query_side.offsets,
                        how.flips[number, : how.flip_stops[number]],
                        substrings.masks[:number], how.radii, self._reach,
                        np.uint64(self._radius_bits + 1), words, collector.room, bucket, done,
                    )  # fmt: skip
                    collector.take(filled)

            return join

        def scratch() -> tuple[Any, ...]:
            return (
                _Side(self._allocate, substrings, len(codes.front)),
                _Side(self._allocate, substrings, len(queries.front)),
                self._array((len(queries.front), 2), np.uint64),
                self._array(hamming_join.SCRATCH, np.uint64),
            )

        searched = [number for number, radius in enumerate(how.radii) if radius >= 0]
        self._run([task(number) for number in searched], scratch)

    def _some(self, numbers: Numbers) -> Halves:
        """Return the queries with these numbers."""
        if len(numbers) == len(self._queries.front):
            return self._queries
        some = room_for(self._allocate, len(numbers))
        hamming_join.gather(self._queries.front, numbers, some.front)
        hamming_join.gather(self._queries.back, numbers, some.back)
        return some

    def _sample(self, codes: Halves) -> Halves:
        step = -(-len(codes.front) // _SAMPLE_MOST)
        sample = room_for(self._allocate, -(-len(codes.front) // step))
        sample.front[:] = codes.front[::step]
        sample.back[:] = codes.back[::step]
        return sample

    def _array(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        return aligned(self._allocate, shape, dtype)

    def _run(
        self,
        tasks: Iterable[Callable[[Collector, Scratch], None]],
        scratch: Callable[[], Scratch],
    ) -> None:
        """Carry out tasks, with one collector and one scratch for each thread."""
        waiting = deque(tasks)

        def work(collector: Collector) -> None:
            own = scratch()
            while waiting:
                try:
                    task = waiting.popleft()
                except IndexError:  # another thread was first
                    return
                task(collector, own)

        if len(self._collectors) == 1 or len(waiting) <= 1:
            work(self._collectors[0])
            return
        with ThreadPoolExecutor(len(self._collectors)) as threads:
            list(threads.map(work, self._collectors))


class _Side:
    """Codes or queries sorted by one substring after the other, in the same memory."""

    def __init__(self, allocate: Allocate, substrings: Substrings, count: int) -> None:
        self._widths = substrings.widths
        self._sorter = Sorter(substrings, count, allocate)
        self._offsets = aligned(allocate, ((1 << max(self._widths)) + 1,), np.uint32)
        self.offsets = self._offsets
        self.ids = aligned(allocate, (count,), np.uint32)

    def sort(self, codes: Halves, number: int) -> None:
        self.offsets = self._offsets[: (1 << self._widths[number]) + 1]
        self._sorter.sort(codes, number, self.offsets, self.ids)
