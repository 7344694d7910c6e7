"""PDQ hashes that lie near each other: items beside indexed codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.index.hamming import HammingIndex
from headwater.match.items import Best, Flags, Integers
from headwater.match.rule import Rule

FORMS = 8
MOST_PER_FORM = 1_000
"""Of the indexed codes near one form of an item, so many of the nearest are taken."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of an item and an indexed code, each pair once, by item, distance and code.

    Five arrays of one length: `place` (row of the items' arrays), `code` (id in the index),
    `distance_bits`, `form` (place in `model.DIHEDRAL` of the item's form that is nearest), and
    `scaled`, whether the item's hash was reckoned from a decode smaller than the picture.
    """

    place: Integers
    code: Integers
    distance_bits: npt.NDArray[np.int16]
    form: npt.NDArray[np.int8]
    scaled: Flags

    def __len__(self) -> int:
        return len(self.place)

    def where(self, kept: Flags | Integers) -> Pairs:
        """Return the pairs for which `kept` holds, or those rows in that order."""
        return Pairs(
            self.place[kept],
            self.code[kept],
            self.distance_bits[kept],
            self.form[kept],
            self.scaled[kept],
        )

    def joined(self, other: Pairs) -> Pairs:
        """Return the pairs of both, which have no item in common."""
        both = Pairs(
            np.concatenate([self.place, other.place]),
            np.concatenate([self.code, other.code]),
            np.concatenate([self.distance_bits, other.distance_bits]),
            np.concatenate([self.form, other.form]),
            np.concatenate([self.scaled, other.scaled]),
        )
        return both.where(np.argsort(both.place, kind="stable"))

    def in_doubt(self, rule: Rule) -> Flags:
        """Return which pairs a full decode of their item could decide otherwise."""
        apart = np.abs(self.distance_bits.astype(np.int64) - rule.radius_bits)
        return np.asarray(self.scaled & (apart <= rule.margin_bits))


def near_pairs(
    index: HammingIndex,
    asked: Best,
    radius_bits: int,
    *,
    threads: int = 1,
    most: int = MOST_PER_FORM,
) -> Pairs:
    """Return the indexed codes within a radius of any form of the items asked about.

    Of each form the `most` nearest codes are taken, of equal ones those that were added first.
    """
    queries = asked.codes.reshape(-1, asked.codes.shape[2])
    hits = index.search(queries, radius_bits, most_per_query=most, threads=threads)
    row = hits.query // FORMS
    found = Pairs(
        asked.places[row],
        hits.id,
        hits.distance_bits,
        (hits.query % FORMS).astype(np.int8),
        asked.scaled[row],
    )
    found = found.where(np.lexsort((found.form, found.distance_bits, found.code, found.place)))
    first = np.ones(len(found), np.bool_)
    first[1:] = (np.diff(found.place) != 0) | (np.diff(found.code) != 0)
    found = found.where(first)
    return found.where(np.lexsort((found.code, found.distance_bits, found.place)))
