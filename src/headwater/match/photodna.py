"""PhotoDNA values beside each other: only such as lists give; none is computed here.

A list entry may hold a PhotoDNA value beside its digests. Where an item equals such an entry by a
digest, the entry's value is taken for the item's own, and compared with the values of all lists. So
a copy that one list knows by its bytes can lead to entries, of any list, that look alike. It hangs
on the list that gave the value: that a list is wrong about a value shows nowhere.

The distance is the squared Euclidean distance over 144 unsigned bytes (0 to 9,363,600), and the
search is exact. Values are compared as they are given, upright: the order of cells and gradients in
the 144 bytes is not public, so that of a turned or mirrored picture cannot be derived from a value,
and turned copies are found only where a list holds a value of theirs.

Values of low entropy say little and lie near to much, so they are left out on both sides. Entropy
here is the share of the 143 neighbouring bytes that differ from the one before them (0.0 to 1.0),
which is how the public look-up in the forensic suite IPED reckons it; less than 0.7 is low.

Values, and arrays that hold them, lie in memory from `allocate` alone. Distances and numbers of
entries lie in ordinary memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.match import photodna_kernels as kernels
from headwater.match.items import Bytes, Flags, Integers

VALUE_BYTES = 144
LEAST_ENTROPY = 0.7
MOST_GIVEN = 16
"""Values that one list gives to one item: those of its first entries."""
MOST_NEAR = 100
"""Of one list's entries near one value, so many of the nearest are taken."""

_ROWS_AT_ONCE = 1 << 15
_GIVEN_AT_ONCE = 256
_HITS_AT_ONCE = 1 << 22

Allocate = Callable[[tuple[int, ...], Any], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Given:
    """Values that lists give to items, sorted by place, then by the list's name and entry."""

    place: Integers
    """Row of the items' arrays."""
    giver: Integers
    """Place in `given_by`."""
    values: Bytes
    """Shape (n, 144)."""
    given_by: tuple[str, ...]
    """Names of lists, sorted."""

    def __len__(self) -> int:
        return len(self.place)

    def part(self, begin: int, end: int) -> Given:
        """Return the values from row `begin` to before row `end`, without copying."""
        rows = slice(begin, end)
        return Given(self.place[rows], self.giver[rows], self.values[rows], self.given_by)


@dataclass(frozen=True, slots=True)
class NearValues:
    """Entries of a list near values of items, sorted by place, distance, giver and entry.

    Four arrays of one length: `place` (row of the items' arrays), `entry`, `distance` (squared) and
    `giver` (place in `given_by`).
    """

    place: Integers
    entry: Integers
    distance: Integers
    giver: Integers
    given_by: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.place)

    def where(self, kept: Flags | Integers) -> NearValues:
        """Return those for which `kept` holds, or those rows in that order."""
        return NearValues(
            self.place[kept],
            self.entry[kept],
            self.distance[kept],
            self.giver[kept],
            self.given_by,
        )


def given_by_list(
    places: Integers, entries: Integers, values: Bytes, owners: Integers, allocate: Allocate
) -> tuple[Integers, Bytes]:
    """Return the values that one list gives, and the places of the items that get them.

    `places` and `entries` are equal pairs, sorted; `values` and `owners` are all values of the list
    and their entries.
    """
    order = np.argsort(owners, kind="stable")
    found = np.searchsorted(owners[order], entries)
    has = found < len(owners)
    has[has] = owners[order][found[has]] == entries[has]
    rows, places = order[found[has]], places[has]
    taken = _copy(values, rows, allocate)
    usable = has_entropy(taken)
    places, rows = places[usable], np.flatnonzero(usable)
    few = _ranks(places) < MOST_GIVEN
    return places[few], _copy(taken, rows[few], allocate)


def joined(parts: Sequence[tuple[str, Integers, Bytes]], allocate: Allocate) -> Given:
    """Return what lists give, each a name, places and values, as one; equal values once."""
    parts = sorted(parts, key=lambda part: part[0])
    names = tuple(name for name, _places, _values in parts)
    place = np.concatenate([np.empty(0, np.int64), *(places for _name, places, _values in parts)])
    giver = np.repeat(np.arange(len(parts)), [len(places) for _name, places, _values in parts])
    every = allocate((len(place), VALUE_BYTES), np.uint8)
    end = 0
    for _name, places, values in parts:
        every[end : end + len(places)] = values
        end += len(places)
    order = np.argsort(place, kind="stable")
    held = _copy(every, order, allocate)
    repeated = np.zeros(len(held), np.bool_)
    kernels.mark_repeated(held, place[order], repeated)
    once = np.flatnonzero(~repeated)
    return Given(place[order][once], giver[order][once], _copy(held, once, allocate), names)


def near_values(
    given: Given,
    values: Bytes,
    owners: Integers,
    most_distance: int,
    allocate: Allocate,
    *,
    besides: tuple[Integers, Integers] | None = None,
    threads: int = 1,
) -> NearValues:
    """Return the entries of a list whose values are at most so far from those given to items.

    `values` and `owners` are all values of the list and their entries. `besides` are pairs of
    places and entries that are left out: what is equal by its digest needs no likeness.
    """
    usable = has_entropy(values)
    parts = [_Hits.none()]
    with ThreadPoolExecutor(threads) as pool:
        for begin in range(0, len(given), _GIVEN_AT_ONCE):
            some = given.part(begin, begin + _GIVEN_AT_ONCE)
            search = _Search(some, values, owners, usable, most_distance, besides, allocate)
            found = search.run(pool, threads)
            parts.append(_Hits(found.one + begin, found.entry, found.distance))
    hits = _Hits.of(parts)
    near = NearValues(
        given.place[hits.one], hits.entry, hits.distance, given.giver[hits.one], given.given_by
    )
    return near.where(np.lexsort((near.entry, near.giver, near.distance, near.place)))


def has_entropy(values: Bytes) -> Flags:
    """Return which values, uint8 (n, 144), say enough to be compared."""
    changes = np.zeros(len(values), np.int64)
    kernels.count_changes(values, changes)
    return np.asarray(changes >= LEAST_ENTROPY * (VALUE_BYTES - 1))


@dataclass(frozen=True, slots=True)
class _Hits:
    """Three arrays of one length: row of the given values, entry, squared distance."""

    one: Integers
    entry: Integers
    distance: Integers

    @classmethod
    def none(cls) -> _Hits:
        return cls(*(np.empty(0, np.int64) for _ in range(3)))

    @classmethod
    def of(cls, parts: Sequence[_Hits]) -> _Hits:
        return cls(
            np.concatenate([part.one for part in parts]),
            np.concatenate([part.entry for part in parts]),
            np.concatenate([part.distance for part in parts]),
        )

    def where(self, kept: Flags | Integers) -> _Hits:
        return _Hits(self.one[kept], self.entry[kept], self.distance[kept])

    def nearest(self) -> _Hits:
        """Return of each given value the nearest; of equal distances the first entries."""
        ordered = self.where(np.lexsort((self.entry, self.distance, self.one)))
        return ordered.where(_ranks(ordered.one) < MOST_NEAR)


@dataclass(frozen=True, slots=True)
class _Search:
    """A few given values beside all values of a list."""

    given: Given
    values: Bytes
    owners: Integers
    usable: Flags
    most_distance: int
    besides: tuple[Integers, Integers] | None
    allocate: Allocate

    def run(self, pool: ThreadPoolExecutor, threads: int) -> _Hits:
        rows = min(_ROWS_AT_ONCE, max(1, len(self.values)))
        scratch = [
            (
                self.allocate((VALUE_BYTES, kernels.BLOCK), np.int16),
                self.allocate((kernels.BLOCK,), np.int32),
                self.allocate((len(self.given), rows), np.int32),
            )
            for _ in range(threads)
        ]
        begins = range(0, len(self.values), rows)
        kept = [_Hits.none()]
        for first in range(0, len(begins), threads):
            some = begins[first : first + threads]
            kept += pool.map(self._block, some, scratch)
            if sum(len(part.one) for part in kept) > _HITS_AT_ONCE:
                kept = [_Hits.of(kept).nearest()]
        return _Hits.of(kept).nearest()

    def _block(self, begin: int, scratch: tuple[npt.NDArray[Any], ...]) -> _Hits:
        columns, totals, distances = scratch
        end = min(begin + distances.shape[1], len(self.values))
        kernels.distances(
            self.given.values,
            self.values[begin:end],
            self.usable[begin:end],
            self.most_distance,
            columns,
            totals,
            distances,
        )
        one, row = np.nonzero(distances[:, : end - begin] >= 0)
        hits = _Hits(one, self.owners[begin:end][row], distances[one, row].astype(np.int64))
        if self.besides is None:
            return hits
        places, entries = self.besides
        return hits.where(~_are_in(self.given.place[one], hits.entry, places, entries))


def _are_in(place: Integers, entry: Integers, places: Integers, entries: Integers) -> Flags:
    """Return which pairs are among `places` and `entries`."""
    room = 1 + int(max(entry.max(initial=0), entries.max(initial=0)))
    return np.isin(place * room + entry, places * room + entries)


def _copy(values: Bytes, rows: Integers, allocate: Allocate) -> Bytes:
    """Return rows of values in memory of their kind."""
    taken = allocate((len(rows), VALUE_BYTES), np.uint8)
    # With another mode numpy would copy through a buffer of its own.
    np.take(values, rows, axis=0, out=taken, mode="clip")
    return taken


def _ranks(keys: Integers) -> Integers:
    """Return the number of each key within its run, from 0; the keys are sorted."""
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    return np.arange(len(keys)) - np.repeat(begins, np.diff(begins, append=len(keys)))
