"""Exact range search over 256-bit codes: who lies within a given number of differing bits.

    index = HammingIndex(capacity=1_000_000)
    first = index.add(codes)                       # uint8 (n, 32) -> id of the first of them
    hits = index.search(queries, 31)               # uint8 (m, 32) -> Hits
    hits.query, hits.id, hits.distance_bits        # sorted by query, distance, id
    pairs = index.pairs(31, most_per_code=100)     # the index beside itself -> Pairs
    hamming_file.save(index, descriptor)           # an index that is no secret
    index = hamming_file.load(descriptor)          # mapped, after it was checked

Every answer is complete (recall 1.000) at every radius from 0 to 256; how it was come by decides
only how long it takes. There are three ways, chosen by the numbers of codes and queries, the radius
and how full the buckets are:

* `scan` compares all with all, many queries at each pass over the codes;
* `probe` looks substrings up in tables (multi-index hashing), and leaves a query whose buckets are
  too full to `scan`;
* `join` sorts codes and queries by substrings and meets them bucket by bucket, for many queries.

Codes can be searched as soon as they are added. Tables are built when searches without them have
cost what building costs, or by `build`; those of codes that are added later are made beside them
and joined with them as they grow, as in a log-structured merge.

Secrets: codes, tables, and scratch that holds either lie in memory from `allocate` alone. Hits lie
in ordinary memory, and so do statistics of how bits go together.

Memory: 32 bytes a code, and 50 to 80 for tables, with 8 more while they are built. A search adds up
to 16 MB for each thread, and 18 bytes a hit; a join also 12 bytes a code and 60 a query, for each
thread.

Source: M. Norouzi, A. Punjani, D. J. Fleet, "Fast exact search in Hamming space with multi-index
hashing", IEEE TPAMI 36 (2014).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.index import hamming_plan, hamming_table
from headwater.index.hamming_hits import CODES_MOST, QUERIES_MOST, Hits, unpacked
from headwater.index.hamming_plan import Plan
from headwater.index.hamming_search import Search
from headwater.index.hamming_table import Table
from headwater.index.hamming_words import (
    CODE_BITS,
    CODE_BYTES,
    Allocate,
    Halves,
    Words,
    copy_codes,
    room_for,
)

Codes = npt.NDArray[np.uint8]

_GROWTH = 1.5
_PAIRS_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of codes within a radius, sorted by `first`, then `second`; first < second."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    distance_bits: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, slots=True)
class Run:
    """Codes from row `begin` to before row `end`, and their table."""

    begin: int
    end: int
    table: Table

    def __len__(self) -> int:
        return self.end - self.begin


class HammingIndex:
    """Codes that can be searched by distance.

    One thread may add or build while others search: each search sees the codes that were there when
    it began. Ids are 0, 1, 2 ... in the order of adding.

    `capacity`: codes for which room is made at once; beyond it, room grows by half and codes move.
    `radius_bits`: the radius that tables are laid out for; others work too, more slowly.
    `allocate`: takes a shape and a dtype, returns a C-contiguous array with any content. All memory
    that codes could be reckoned from comes from it, and is given up by dropping the array.
    """

    def __init__(
        self, *, capacity: int = 0, radius_bits: int = 31, allocate: Allocate = np.empty
    ) -> None:
        _check_radius(radius_bits)
        if not 0 <= capacity <= CODES_MOST:
            raise ValueError(f"capacity must be 0 to {CODES_MOST}, not {capacity}")
        self.radius_bits = radius_bits
        self._allocate = allocate
        self._codes = room_for(allocate, capacity)
        self._count = 0
        self._runs: tuple[Run, ...] = ()
        self._owed_ns = 0.0
        self._changing = threading.RLock()

    @classmethod
    def of_parts(cls, codes: Halves, runs: tuple[Run, ...], radius_bits: int) -> HammingIndex:
        """Return an index of arrays that were made by another one, which it takes over."""
        index = cls(radius_bits=radius_bits)
        index._codes, index._count, index._runs = codes, len(codes.front), runs
        return index

    def __len__(self) -> int:
        return self._count

    @property
    def secret(self) -> bool:
        """Whether the index lies in memory of its maker's choice, and so may not be stored."""
        return self._allocate is not np.empty

    @property
    def nbytes(self) -> int:
        """Bytes of codes and tables, room that is not used yet included."""
        tables = sum(run.table.offsets.nbytes + run.table.ids.nbytes for run in self._runs)
        return self._codes.nbytes + tables

    @property
    def parts(self) -> tuple[Halves, tuple[Run, ...]]:
        """The codes that are there and the tables over them: arrays that must not be changed."""
        with self._changing:
            return self._codes.part(0, self._count), self._runs

    def add(self, codes: Codes) -> int:
        """Add codes, uint8 (n, 32), and return the id of the first; the others' follow on.

        Raises ValueError for another shape or dtype, or beyond 2**32 codes.
        """
        codes = _checked(codes, "codes")
        with self._changing:
            first, end = self._count, self._count + len(codes)
            if end > CODES_MOST:
                raise ValueError(f"an index holds at most {CODES_MOST} codes, not {end}")
            if end > len(self._codes.front):
                self._grow(max(end, min(CODES_MOST, int(len(self._codes.front) * _GROWTH))))
            copy_codes(codes, self._codes, first)
            self._count = end
        return first

    def build(self) -> None:
        """Build one table of all codes, where that pays at all; searches are then at their best."""
        with self._changing:
            whole = len(self._runs) == 1 and len(self._runs[0]) == self._count
            if self._count and not whole:
                self._build(0)

    def search(
        self,
        queries: Codes,
        radius_bits: int,
        *,
        most_per_query: int | None = None,
        threads: int = 1,
        plan: Plan | None = None,
    ) -> Hits:
        """Return all codes within `radius_bits` (0..256) of each query, uint8 (m, 32).

        `most_per_query` keeps of each query the nearest so many, the lower id first; without it,
        the answer may be as long as codes times queries, at 18 bytes a hit. `plan` forces a way
        (`probe` falls back to `scan` at radii that would need too many look-ups).
        Raises ValueError for arguments out of their range.
        """
        queries = _checked(queries, "queries")
        _check_radius(radius_bits)
        _check_positive("most_per_query", most_per_query)
        _check_positive("threads", threads)
        found = [
            self._search(queries[first : first + QUERIES_MOST], radius_bits, most_per_query,
                         threads, plan)
            for first in range(0, len(queries), QUERIES_MOST)
        ]  # fmt: skip
        parts = [unpacked(words) for words in found]
        for number, part in enumerate(parts):
            part[0][:] += number * QUERIES_MOST
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return Hits(*columns) if columns else Hits(*unpacked(np.empty(0, np.uint64)))

    def pairs(
        self, radius_bits: int, *, most_per_code: int | None = None, threads: int = 1
    ) -> Pairs:
        """Return the pairs of codes of this index within `radius_bits` of each other.

        With `most_per_code`, a pair is there if either is among the nearest so many of the other
        (nearest first, then the lower id): codes without a near one never get one, and a cluster
        beyond the cap keeps at least that many pairs of each of its codes.
        """
        _check_radius(radius_bits)
        _check_positive("most_per_code", most_per_code)
        codes, _ = self.parts
        # A code finds itself as well, so one more is kept.
        most = None if most_per_code is None else most_per_code + 1
        parts = []
        for first in range(0, len(codes.front), _PAIRS_AT_ONCE):
            batch = codes.part(first, first + _PAIRS_AT_ONCE)
            words = self._search_halves(batch, radius_bits, most, threads, None)
            numbers, ids, distances = unpacked(words)
            parts.append(_as_pairs(numbers + first, ids, distances, most_per_code))
        return _unique(parts)

    def _search(
        self, queries: Codes, radius_bits: int, most: int | None, threads: int, plan: Plan | None
    ) -> Words:
        halves = room_for(self._allocate, len(queries))
        copy_codes(queries, halves, 0)
        return self._search_halves(halves, radius_bits, most, threads, plan)

    def _search_halves(
        self, queries: Halves, radius_bits: int, most: int | None, threads: int, plan: Plan | None
    ) -> Words:
        search = Search(queries, radius_bits, most, threads, self._allocate)
        codes, runs = self.parts
        if len(codes.front) and len(queries.front):
            self._carry_out(search, codes, runs, len(queries.front), radius_bits, plan)
        return search.found()

    def _carry_out(
        self,
        search: Search,
        codes: Halves,
        runs: tuple[Run, ...],
        queries: int,
        radius_bits: int,
        plan: Plan | None,
    ) -> None:
        count = len(codes.front)
        forced = plan is not None
        if plan is None:
            plan, runs = self._choose(runs, count, queries, radius_bits)
        elif plan == "probe":
            self.build()
            runs = tuple(run for run in self.parts[1] if run.end <= count)
            if _probe_ns(runs, count, queries, radius_bits) == float("inf"):
                plan = "scan"
        if plan == "join":
            substrings, pairs = search.join_substrings(codes)
            if forced or hamming_plan.pairs_ns(pairs) < hamming_plan.scan_ns(count, queries):
                search.join(codes, substrings)
                return
        end = 0
        if plan == "probe":
            for run in runs:
                deferred = search.probe(codes, run.begin, run.end, run.table)
                search.scan(codes, run.begin, run.end, deferred)
                end = run.end
        search.scan(codes, end, count, search.everyone)

    def _choose(
        self, runs: tuple[Run, ...], count: int, queries: int, radius_bits: int
    ) -> tuple[Plan, tuple[Run, ...]]:
        """Return how to search, and the tables to do it with, which are built if it is time."""
        scan = hamming_plan.scan_ns(count, queries)
        join = hamming_plan.join_layout(count, queries, radius_bits).cost_ns
        layout = hamming_plan.table_layout(count, self.radius_bits)
        built = queries * hamming_plan.probe_ns(count, layout.widths, radius_bits)
        probe = _probe_ns(runs, count, queries, radius_bits)
        now = min(scan, join, probe)
        if built < now:
            with self._changing:
                self._owed_ns += now - built
                begin = self._mergeable()
                widths = hamming_plan.table_layout(count - begin, self.radius_bits).widths
                if self._owed_ns > hamming_plan.build_ns(count - begin, widths):
                    self._build(begin)
                    self._owed_ns = 0.0
                    runs = tuple(run for run in self._runs if run.end <= count)
                    probe = _probe_ns(runs, count, queries, radius_bits)
        costs: dict[Plan, float] = {"scan": scan, "probe": probe, "join": join}
        return min(costs, key=lambda plan: costs[plan]), runs

    def _mergeable(self) -> int:
        """Return from where on the next table should be built: small ones are merged into it."""
        begin = self._runs[-1].end if self._runs else 0
        for run in reversed(self._runs):
            if len(run) >= 2 * (self._count - begin):
                break
            begin = run.begin
        return begin

    def _build(self, begin: int) -> None:
        codes = self._codes.part(begin, self._count)
        widths = hamming_plan.table_layout(len(codes.front), self.radius_bits).widths
        kept = tuple(run for run in self._runs if run.end <= begin)
        self._runs = kept  # tables that are merged are given up before the new one is made
        table = hamming_table.built(codes, widths, self._allocate)
        self._runs = (*kept, Run(begin, self._count, table))

    def _grow(self, capacity: int) -> None:
        larger = room_for(self._allocate, capacity)
        larger.front[: self._count] = self._codes.front[: self._count]
        larger.back[: self._count] = self._codes.back[: self._count]
        self._codes = larger


def _probe_ns(runs: tuple[Run, ...], count: int, queries: int, radius_bits: int) -> float:
    """Return what it costs to look queries up in these tables, and to scan the codes after them."""
    end = runs[-1].end if runs else 0
    cost = hamming_plan.scan_ns(count - end, queries)
    for run in runs:
        widths = run.table.substrings.widths
        cost += queries * hamming_plan.probe_ns(len(run), widths, radius_bits)
    return cost


def _as_pairs(
    codes: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    distances: npt.NDArray[np.int16],
    most: int | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """Return sorted hits of codes among themselves as pairs, at most so many of each code."""
    apart = codes != others
    codes, others, distances = codes[apart], others[apart], distances[apart]
    if most is not None:
        begins = np.flatnonzero(np.diff(codes, prepend=-1))
        ranks = np.arange(len(codes)) - np.repeat(begins, np.diff(begins, append=len(codes)))
        codes, others, distances = (
            codes[ranks < most],
            others[ranks < most],
            distances[ranks < most],
        )
        return np.minimum(codes, others), np.maximum(codes, others), distances
    once = codes < others
    return codes[once], others[once], distances[once]


def _unique(parts: list[Any]) -> Pairs:
    empty = np.empty(0, np.int64)
    first = np.concatenate([empty, *(part[0] for part in parts)])
    second = np.concatenate([empty, *(part[1] for part in parts)])
    distances = np.concatenate([empty.astype(np.int16), *(part[2] for part in parts)])
    order = np.lexsort((second, first))
    first, second, distances = first[order], second[order], distances[order]
    fresh = np.ones(len(first), np.bool_)
    fresh[1:] = (np.diff(first) != 0) | (np.diff(second) != 0)
    return Pairs(first[fresh], second[fresh], distances[fresh])


def _checked(codes: Codes, name: str) -> Codes:
    if not isinstance(codes, np.ndarray) or codes.dtype != np.uint8:
        kind = codes.dtype if isinstance(codes, np.ndarray) else type(codes).__name__
        raise ValueError(f"{name} must be an array of uint8, not {kind}")
    if codes.ndim != 2 or codes.shape[1] != CODE_BYTES:
        raise ValueError(f"{name} must have the shape (n, {CODE_BYTES}), not {codes.shape}")
    return codes


def _check_radius(radius_bits: int) -> None:
    if not 0 <= radius_bits <= CODE_BITS:
        raise ValueError(f"radius_bits must be 0 to {CODE_BITS}, not {radius_bits}")


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
