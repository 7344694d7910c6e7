"""The PDQ codes of some open lists in one index: one search for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.index.hamming import HammingIndex
from headwater.match.against_list import KnownList
from headwater.match.items import Best, Flags, Integers, Items
from headwater.match.near import Pairs, near_pairs
from headwater.match.rule import Rule

Allocate = Callable[[tuple[int, ...], Any], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ListCodes:
    """Codes of lists, one list after the other."""

    index: HammingIndex
    entries: Integers
    """Of each code, its entry in its list."""
    begins: Integers
    """Of each list, the first code; one more for the end."""
    rule: Rule
    threads: int

    @classmethod
    def of(
        cls, lists: Sequence[KnownList], rule: Rule, allocate: Allocate, threads: int
    ) -> ListCodes:
        """Index the codes of open lists, in memory from `allocate`."""
        held = [known.pdq_codes() for known in lists]
        begins = np.cumsum([0, *(len(entries) for _codes, entries in held)])
        reach = min(256, rule.radius_bits + rule.margin_bits)
        index = HammingIndex(capacity=int(begins[-1]), radius_bits=reach, allocate=allocate)
        for codes, _entries in held:
            index.add(codes)
        entries = [entries for _codes, entries in held]
        return cls(index, np.concatenate([np.empty(0, np.int64), *entries]), begins, rule, threads)

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
        return near_pairs(self.index, part, min(256, radius_bits), threads=self.threads)
