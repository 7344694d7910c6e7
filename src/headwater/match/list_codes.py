"""The PDQ codes of some open lists in one index: one search for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.index.hamming import HammingIndex
from headwater.index.hamming_hits import Hits
from headwater.match.against_list import KnownList
from headwater.match.items import Best, Flags, Integers, Items
from headwater.match.near import Forms, Pairs, full_forms, near_forms, near_pairs, pairs_of
from headwater.match.rule import Rule

MOST_PER_FORM = 100
"""Of one list's codes near one form of an item, so many of the nearest are taken."""

Allocate = Callable[[tuple[int, ...], Any], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ListCodes:
    """Codes of lists, one list after the other.

    What is found of one list does not depend on the lists beside it. It is for as long as the lists
    are open.
    """

    index: HammingIndex
    entries: Integers
    """Of each code, its entry in its list."""
    begins: Integers
    """Of each list, the first code; one more for the end."""
    rule: Rule
    threads: int
    _lists: Sequence[KnownList]
    _allocate: Allocate
    _most: int

    @classmethod
    def of(
        cls,
        lists: Sequence[KnownList],
        rule: Rule,
        allocate: Allocate,
        threads: int,
        *,
        most: int = MOST_PER_FORM,
    ) -> ListCodes:
        """Index the codes of open lists, in memory from `allocate`."""
        held = [known.pdq_codes() for known in lists]
        begins = np.cumsum([0, *(len(entries) for _codes, entries in held)])
        index = _index(rule, int(begins[-1]), allocate)
        for codes, _entries in held:
            index.add(codes)
        entries = np.concatenate([np.empty(0, np.int64), *(entries for _codes, entries in held)])
        return cls(index, entries, begins, rule, threads, lists, allocate, most)

    def near(self, items: Items, places: Integers) -> Pairs:
        """Return the codes near any form of the items at `places`, by the shared decode's hashes.

        Those that were reckoned from a decode smaller than the picture are searched with the
        margin around the radius.
        """
        places = items.comparable(places, self.rule.least_quality)
        return self._near(Best(places, items.codes[places], items.scaled[places]))

    def near_by_best(self, items: Items, places: Integers) -> Pairs:
        """Return the same by hashes of full decodes, where those could be made."""
        return self._near(items.best(places, self.rule.least_quality))

    def of_list(self, number: int, pairs: Pairs) -> Pairs:
        """Return the pairs with codes of one of the lists."""
        begin, end = self.begins[number], self.begins[number + 1]
        return pairs.where((pairs.code >= begin) & (pairs.code < end))

    def _near(self, asked: Best) -> Pairs:
        sure, scaled = ~asked.scaled, asked.scaled
        radius = self.rule.radius_bits
        return self._within(asked, sure, radius).joined(
            self._within(asked, scaled, radius + self.rule.margin_bits)
        )

    def _within(self, asked: Best, kept: Flags, radius_bits: int) -> Pairs:
        part = Best(asked.places[kept], asked.codes[kept], asked.scaled[kept])
        if len(self._lists) < 2:
            most, threads = self._most, self.threads
            return near_pairs(self.index, part, radius_bits, most=most, threads=threads)
        forms, hits = near_forms(
            self.index, part, radius_bits, most=self._most, threads=self.threads
        )
        pairs = pairs_of(part, forms, hits)
        crowded = full_forms(forms, hits, self._most)
        return pairs.joined(self._crowded(part, crowded, radius_bits)) if len(crowded) else pairs

    def _crowded(self, asked: Best, forms: Forms, radius_bits: int) -> Pairs:
        """Return the same of each list alone: here one list's codes leave no room for another's."""
        found = pairs_of(asked, forms[:0], _nothing())
        for number, known in enumerate(self._lists):
            codes, _entries = known.pdq_codes()
            index = _index(self.rule, len(codes), self._allocate)
            index.add(codes)
            forms, hits = near_forms(
                index, asked, radius_bits, most=self._most, threads=self.threads, forms=forms
            )
            hits.id[:] += self.begins[number]
            found = found.joined(pairs_of(asked, forms, hits))
        return found


def _index(rule: Rule, capacity: int, allocate: Allocate) -> HammingIndex:
    reach = min(256, rule.radius_bits + rule.margin_bits)
    return HammingIndex(capacity=capacity, radius_bits=reach, allocate=allocate)


def _nothing() -> Hits:
    return Hits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int16))
