"""Items of one case beside each other: PDQ hashes that lie near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.case.records import FoundMatch
from headwater.index.hamming import HammingIndex
from headwater.match.items import Best, Bytes, Flags, Integers, Items
from headwater.match.near import near_pairs
from headwater.match.rule import Rule
from headwater.model import DIHEDRAL

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs of items, each once.

    Five arrays of one length: `first` and `second` are places in the items' arrays, the first
    item's id the lower; `distance_bits`, `form` (place in `model.DIHEDRAL` of the form that is
    nearest), and `scaled`, whether a hash of either was reckoned from less than all pixels.

    The distance is the least between one item's original and the other's eight forms, either way,
    so it does not depend on which item is asked about.
    """

    first: Integers
    second: Integers
    distance_bits: npt.NDArray[np.int16]
    form: npt.NDArray[np.int8]
    scaled: Flags

    def __len__(self) -> int:
        return len(self.first)

    def in_doubt(self, rule: Rule) -> Flags:
        """Return which pairs a full decode of either item could decide otherwise."""
        apart = np.abs(self.distance_bits.astype(np.int64) - rule.radius_bits)
        return np.asarray(self.scaled & (apart <= rule.margin_bits))


def neighbours(items: Items, places: Integers, rule: Rule, threads: int = 1) -> Neighbours:
    """Return which items lie near those at `places`, with the margin around the radius.

    Of each form of an item the `most_partners` nearest are taken, those of equal distance by the
    order of their SHA-256, so that it does not matter in which order they were examined.
    """
    every = items.comparable(np.arange(len(items)), rule.least_quality)
    digests = np.ascontiguousarray(items.digests["sha256"][every])
    every = every[np.argsort(digests.view("S32").ravel(), kind="stable")]
    index = HammingIndex(capacity=len(every), radius_bits=rule.radius_bits + rule.margin_bits)
    index.add(np.ascontiguousarray(items.codes[every, 0]))
    asked = items.comparable(places, rule.least_quality)
    pairs = near_pairs(
        index,
        Best(asked, items.codes[asked], items.scaled[asked]),
        min(256, rule.radius_bits + rule.margin_bits),
        threads=threads,
        most=rule.most_partners + 1,
    )
    left, right = pairs.place, every[pairs.code]
    left, right = left[left != right], right[left != right]
    swapped = items.item_ids[left] > items.item_ids[right]
    ordered = np.stack([np.where(swapped, right, left), np.where(swapped, left, right)], axis=1)
    unique = np.unique(ordered, axis=0)
    first, second = unique[:, 0], unique[:, 1]
    distance, form = _distances(items.codes, items.codes, first, second)
    return Neighbours(first, second, distance, form, items.scaled[first] | items.scaled[second])


def decided(items: Items, pairs: Neighbours, doubtful: Flags, rule: Rule) -> Neighbours:
    """Return the pairs, those in doubt by hashes of full decodes where those could be made.

    A pair with an item whose better hash is of too low a quality is left out.
    """
    held = np.union1d(pairs.first[doubtful], pairs.second[doubtful])
    best = items.best(held, rule.least_quality)
    kept = doubtful & np.isin(pairs.first, best.places) & np.isin(pairs.second, best.places)
    first, second = pairs.first[kept], pairs.second[kept]
    rows = np.searchsorted(best.places, first), np.searchsorted(best.places, second)
    distance, form = _distances(best.codes, best.codes, *rows)
    scaled = best.scaled[rows[0]] | best.scaled[rows[1]]
    sure = ~doubtful
    return Neighbours(
        np.concatenate([pairs.first[sure], first]),
        np.concatenate([pairs.second[sure], second]),
        np.concatenate([pairs.distance_bits[sure], distance]),
        np.concatenate([pairs.form[sure], form]),
        np.concatenate([pairs.scaled[sure], scaled]),
    )


def declare(items: Items, pairs: Neighbours, rule: Rule) -> list[FoundMatch]:
    """Return the matches among pairs that were found with the margin around the radius.

    What hangs on a full decode that could not be made is unconfirmed, on either side.
    """
    doubtful = pairs.in_doubt(rule)
    return [
        FoundMatch(
            item_id=int(items.item_ids[pairs.first[row]]),
            partner_item_id=int(items.item_ids[pairs.second[row]]),
            kind="pdq",
            standing="unconfirmed" if doubtful[row] else "match",
            distance=int(pairs.distance_bits[row]),
            detail={
                "how": {
                    "rule": rule.version,
                    "radius_bits": rule.radius_bits,
                    "form": DIHEDRAL[pairs.form[row]],
                    "decode": "scaled" if pairs.scaled[row] else "full",
                }
            },
        )
        for row in np.flatnonzero(doubtful | (pairs.distance_bits <= rule.radius_bits))
    ]


def _distances(
    left: Bytes, right: Bytes, first: Integers, second: Integers
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int8]]:
    """Return how far apart rows of codes, shape (n, 8, 32), are in bits, and in which form."""
    distance = np.empty(len(first), np.int16)
    form = np.empty(len(first), np.int8)
    for begin in range(0, len(first), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        one, other = left[first[part]], right[second[part]]
        apart = np.concatenate([_apart(one, other[:, :1]), _apart(other, one[:, :1])], axis=1)
        best = apart.argmin(axis=1)
        distance[part] = apart[np.arange(len(best)), best]
        form[part] = best % len(DIHEDRAL)
    return distance, form


def _apart(forms: Bytes, original: Bytes) -> npt.NDArray[np.int64]:
    """Return Hamming distances of forms, shape (n, 8, 32), to codes, shape (n, 1, 32)."""
    return np.asarray(np.bitwise_count(forms ^ original).sum(axis=2, dtype=np.int64))
