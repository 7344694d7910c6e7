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
_BACK = [
    DIHEDRAL.index({"rotate90": "rotate270", "rotate270": "rotate90"}.get(form, form))
    for form in DIHEDRAL
]
"""Of each form, the one that undoes it."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs of items, each once.

    Five arrays of one length: `first` and `second` are places in the items' arrays, the first
    item's SHA-256 the lower; `distance_bits`, `form` (place in `model.DIHEDRAL` of the first item's
    form that is nearest to the second), and `scaled`, whether a hash of either was reckoned from
    less than all pixels.

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


@dataclass(frozen=True, slots=True)
class Beside:
    """Items beside each other, indexed.

    Which pairs there are does not hang on the order in which items came: `affected` and `asked`
    tell whom new items make it necessary to ask again.
    """

    items: Items
    rule: Rule
    threads: int = 1

    def affected(self, new: Integers) -> Integers:
        """Return the places of new items, and of others whose nearest ones they may be among."""
        every = self._comparable()
        old = every[~np.isin(every, new)]
        index = self._index(every[np.isin(every, new)])
        found = [new]
        for part in _parts(old):
            pairs = near_pairs(index, self._best(part), self._reach, most=1, threads=self.threads)
            found.append(np.unique(pairs.place))
        return np.unique(np.concatenate(found))

    def neighbours(self, affected: Integers, asked: Integers) -> Neighbours:
        """Return the pairs near each other, by those at `asked`, of which one is `affected`.

        Of each form of an item the `most_partners` nearest are taken, those of equal distance by
        the order of their SHA-256; the margin around the radius is within reach. `asked` holds the
        affected ones, and those that were near one of them before: these may count an affected one
        among their nearest, where it has too many nearer ones to count them.
        """
        every = self._comparable()
        index = self._index(every)
        rank = np.empty(len(self.items), np.int64)
        rank[every] = np.arange(len(every))
        found = [np.empty(0, np.int64)]
        for part in _parts(asked[np.isin(asked, every)]):
            pairs = near_pairs(
                index,
                self._best(part),
                self._reach,
                most=self.rule.most_partners + 1,
                threads=self.threads,
            )
            left, right = rank[pairs.place], pairs.code
            ends = np.minimum(left, right) * len(every) + np.maximum(left, right)
            found.append(np.unique(ends[left != right]))
        ranks = np.divmod(np.unique(np.concatenate(found)), max(1, len(every)))
        first, second = every[ranks[0]], every[ranks[1]]
        kept = np.isin(first, affected) | np.isin(second, affected)
        first, second = first[kept], second[kept]
        distance, form = _distances(self.items.codes, first, second)
        scaled = self.items.scaled[first] | self.items.scaled[second]
        return Neighbours(first, second, distance, form, scaled)

    @property
    def _reach(self) -> int:
        return min(256, self.rule.radius_bits + self.rule.margin_bits)

    def _comparable(self) -> Integers:
        """Return all places with a hash that may be compared, by SHA-256."""
        items = self.items
        every = items.comparable(np.arange(len(items)), self.rule.least_quality)
        digests = np.ascontiguousarray(items.digests["sha256"][every])
        return every[np.argsort(digests.view("S32").ravel(), kind="stable")]

    def _index(self, places: Integers) -> HammingIndex:
        index = HammingIndex(capacity=len(places), radius_bits=self._reach)
        for part in _parts(places):
            index.add(np.ascontiguousarray(self.items.codes[part, 0]))
        return index

    def _best(self, places: Integers) -> Best:
        return Best(places, self.items.codes[places], self.items.scaled[places])


def decided(
    items: Items, pairs: Neighbours, doubtful: Flags, rule: Rule
) -> tuple[Neighbours, Flags]:
    """Return the pairs, those in doubt by hashes of full decodes where those could be made.

    Also returns which those are.

    A pair with an item whose better hash is of too low a quality is left out.
    """
    held = np.union1d(pairs.first[doubtful], pairs.second[doubtful])
    best = items.best(held, rule.least_quality)
    kept = doubtful & np.isin(pairs.first, best.places) & np.isin(pairs.second, best.places)
    first, second = pairs.first[kept], pairs.second[kept]
    rows = np.searchsorted(best.places, first), np.searchsorted(best.places, second)
    distance, form = _distances(best.codes, *rows)
    scaled = best.scaled[rows[0]] | best.scaled[rows[1]]
    sure = ~doubtful
    both = Neighbours(
        np.concatenate([pairs.first[sure], first]),
        np.concatenate([pairs.second[sure], second]),
        np.concatenate([pairs.distance_bits[sure], distance]),
        np.concatenate([pairs.form[sure], form]),
        np.concatenate([pairs.scaled[sure], scaled]),
    )
    return both, np.arange(len(both)) >= sure.sum()


def declare(items: Items, pairs: Neighbours, doubted: Flags, rule: Rule) -> list[FoundMatch]:
    """Return the matches among pairs that were found with the margin around the radius.

    What hangs on a full decode that could not be made is unconfirmed, on either side. `doubted`
    tells which pairs were decided by full decodes.
    """
    doubtful = pairs.in_doubt(rule)
    found = []
    for row in np.flatnonzero(doubtful | (pairs.distance_bits <= rule.radius_bits)):
        ends = int(pairs.first[row]), int(pairs.second[row])
        shared = not doubted[row]
        how = {
            "rule": rule.version,
            "radius_bits": rule.radius_bits,
            "form": DIHEDRAL[pairs.form[row]],
            "decode": "scaled" if pairs.scaled[row] else "full",
            "hashes": [items.method(place, scaled=shared) for place in ends],
        }
        found.append(
            FoundMatch(
                item_id=int(items.item_ids[ends[0]]),
                partner_item_id=int(items.item_ids[ends[1]]),
                kind="pdq",
                standing="unconfirmed" if doubtful[row] else "match",
                distance=int(pairs.distance_bits[row]),
                detail={"how": how},
            )
        )
    return found


def _parts(places: Integers) -> list[Integers]:
    return [places[begin : begin + _CHUNK] for begin in range(0, len(places), _CHUNK)]


def _distances(
    codes: Bytes, first: Integers, second: Integers
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int8]]:
    """Return how far apart rows of codes, shape (n, 8, 32), are in bits, and in which form."""
    distance = np.empty(len(first), np.int16)
    form = np.empty(len(first), np.int8)
    for begin in range(0, len(first), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        one, other = codes[first[part]], codes[second[part]]
        apart = np.concatenate(
            [_apart(one, other[:, :1]), _apart(other, one[:, :1])[:, _BACK]], axis=1
        )
        best = apart.argmin(axis=1)
        distance[part] = apart[np.arange(len(best)), best]
        form[part] = best % len(DIHEDRAL)
    return distance, form


def _apart(forms: Bytes, original: Bytes) -> npt.NDArray[np.int64]:
    """Return Hamming distances of forms, shape (n, 8, 32), to codes, shape (n, 1, 32)."""
    return np.asarray(np.bitwise_count(forms ^ original).sum(axis=2, dtype=np.int64))
