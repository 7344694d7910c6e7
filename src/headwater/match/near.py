"""PDQ hashes that lie near each other: items beside indexed codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.index.hamming import HammingIndex
from headwater.index.hamming_hits import Hits
from headwater.match.items import Best, Flags, Integers
from headwater.match.rule import Rule

FORMS = 8


Forms = npt.NDArray[np.int64]
"""Forms of items, each its row in `Best.codes` times eight and its place in `model.DIHEDRAL`."""


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
        """Return the pairs of both; of those of one item and code, the nearest."""
        both = Pairs(
            np.concatenate([self.place, other.place]),
            np.concatenate([self.code, other.code]),
            np.concatenate([self.distance_bits, other.distance_bits]),
            np.concatenate([self.form, other.form]),
            np.concatenate([self.scaled, other.scaled]),
        )
        return _nearest(both)

    def in_doubt(self, rule: Rule) -> Flags:
        """Return which pairs a full decode of their item could decide otherwise."""
        apart = np.abs(self.distance_bits.astype(np.int64) - rule.radius_bits)
        return np.asarray(self.scaled & (apart <= rule.margin_bits))


def near_pairs(
    index: HammingIndex, asked: Best, radius_bits: int, *, most: int, threads: int = 1
) -> Pairs:
    """Return the indexed codes within a radius of any form of the items asked about.

    Of each form the `most` nearest codes are taken, of equal ones those that were added first.
    """
    return pairs_of(asked, *near_forms(index, asked, radius_bits, most=most, threads=threads))


def near_forms(
    index: HammingIndex,
    asked: Best,
    radius_bits: int,
    *,
    most: int,
    threads: int = 1,
    forms: Forms | None = None,
) -> tuple[Forms, Hits]:
    """Return forms of items, those of `forms` or all, and what lies within a radius of them.

    `Hits.query` is a row of the forms.
    """
    queries = asked.codes.reshape(-1, asked.codes.shape[2])
    if forms is None:
        forms = np.arange(len(queries), dtype=np.int64)
    else:
        queries = queries[forms]
    hits = index.search(queries, min(256, radius_bits), most_per_query=most, threads=threads)
    return forms, hits


def full_forms(forms: Forms, hits: Hits, most: int) -> Forms:
    """Return those forms of which `most` codes were taken, so that more may be as near."""
    return forms[np.bincount(hits.query, minlength=len(forms)) >= most]


def pairs_of(asked: Best, forms: Forms, hits: Hits) -> Pairs:
    """Return items and codes of which some forms are near."""
    found = forms[hits.query]
    row = found // FORMS
    return _nearest(
        Pairs(
            asked.places[row],
            hits.id,
            hits.distance_bits,
            (found % FORMS).astype(np.int8),
            asked.scaled[row],
        )
    )


def _nearest(pairs: Pairs) -> Pairs:
    """Return each pair of an item and a code once, in the form that is nearest."""
    found = pairs.where(np.lexsort((pairs.form, pairs.distance_bits, pairs.code, pairs.place)))
    first = np.ones(len(found), np.bool_)
    first[1:] = (np.diff(found.place) != 0) | (np.diff(found.code) != 0)
    found = found.where(first)
    return found.where(np.lexsort((found.code, found.distance_bits, found.place)))
