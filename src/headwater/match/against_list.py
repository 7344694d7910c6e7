"""Items against one known list: equal digests, and values that lie near.

What a match means: the bytes of the item have a digest that the list names, or its picture has a
perceptual hash that lies within the rule's distance of one that the list names, in the form that is
told. It does not mean that the list is right about the entry, and a near match does not mean that
the two show the same: other pictures of little content lie near too. What is told of the list's
entries is what the list says, put together; never one of its values.

A match can be made again from what the case keeps: the item's digests and hashes, those of the full
decode that it hung on, the list as it was sealed, and the rule that stands in the same leaf of the
log. `how` names the method and version that made the item's hash; the item's method set in the case
holds its options and libraries too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headwater.case.records import FoundMatch, MatchKind, MatchStanding
from headwater.match.items import Bytes, Flags, Integers, Items
from headwater.match.near import Pairs
from headwater.match.photodna import NearValues
from headwater.match.rule import Rule
from headwater.model import DIHEDRAL

DIGESTS: tuple[MatchKind, ...] = ("sha256", "sha1", "md5")
MOST_ENTRIES_READ = 1_000
"""Of the entries that one item matches in one kind, what so many say is put together."""
_MOST_VALUES = 10
"""Of one label's values, so many are kept."""

Keyed = npt.NDArray[np.uint64]


class Said(Protocol):
    """What a list says of one entry: never a hash."""

    @property
    def category(self) -> str | None:
        """The code as the list writes it."""
        ...

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """Further statements by name."""
        ...

    @property
    def status(self) -> str:
        """`withdrawn` where the list says that the entry no longer holds, else `active`."""
        ...


class KnownList(Protocol):
    """One list, opened into memory that is kept from disks and dumps."""

    def lookup(self, kind: str, keyed: Keyed) -> tuple[Integers, Integers]:
        """Return rows of `keyed` (shape (n, 2)) and entries whose keyed digest they equal."""
        ...

    def pdq_codes(self) -> tuple[Bytes, Integers]:
        """Return PDQ codes, shape (m, 32), and their entries, shape (m,)."""
        ...

    def photodna(self) -> tuple[Bytes, Integers]:
        """Return PhotoDNA values, shape (m, 144), and their entries, shape (m,)."""
        ...

    def said(self, entry: int) -> Said:
        """Return what the list says of an entry."""
        ...


Statement = tuple[str | None, tuple[tuple[str, str], ...]]
"""Category and labels."""


@dataclass(frozen=True, slots=True)
class _Statements:
    """What a list says of some of its entries."""

    entries: Integers
    """Sorted, each once; those that the list withdrew are not there."""
    numbers: Integers
    """Of each entry, its place in `distinct`."""
    distinct: list[Statement]

    def are_live(self, entries: Integers) -> Flags:
        """Return which of these entries the list has not withdrawn itself."""
        return np.isin(entries, self.entries)

    def of(self, entries: Integers) -> Counter[Statement]:
        """Return what is said of these entries, each once, and how often."""
        asked = np.unique(entries)[:MOST_ENTRIES_READ]
        numbers = self.numbers[np.searchsorted(self.entries, asked)]
        return Counter(self.distinct[number] for number in numbers.tolist())


@dataclass(frozen=True, slots=True)
class ListMatcher:
    """Declares the matches of items with one open list."""

    version_id: int
    known: KnownList
    meaning: Callable[[str], str | None]
    """What a category code means by the list's scheme."""
    rule: Rule

    def equal(self, items: Items, places: Integers, keyed: Mapping[str, Keyed]) -> list[FoundMatch]:
        """Return the items at `places` whose digests are on the list."""
        found: list[FoundMatch] = []
        for kind in DIGESTS:
            rows, entries = self.known.lookup(kind, keyed[kind][places])
            said = self._statements(entries)
            live = said.are_live(entries)
            rows, entries = rows[live], entries[live]
            order = np.lexsort((entries, rows))
            for row, held in _grouped(rows[order], entries[order]):
                item_id = int(items.item_ids[places[row]])
                how = {"rule": self.rule.version}
                found.append(self._match(item_id, kind, said.of(held), len(held), None, how))
        return found

    def equal_entries(
        self, places: Integers, keyed: Mapping[str, Keyed]
    ) -> tuple[Integers, Integers]:
        """Return places of items and entries that are equal in any digest, each pair once.

        Sorted by place, then entry; entries that the list has withdrawn are left out.
        """
        held = [self.known.lookup(kind, keyed[kind][places]) for kind in DIGESTS]
        rows = np.concatenate([rows for rows, _entries in held])
        entries = np.concatenate([entries for _rows, entries in held])
        live = self._statements(entries).are_live(entries)
        pairs = np.unique(np.stack([places[rows[live]], entries[live]], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def near(self, items: Items, pairs: Pairs, entries: Integers) -> list[FoundMatch]:
        """Return the matches among pairs that were found with the margin around the radius.

        `entries` gives, of each pair, the entry of the list whose code it is.
        What hangs on a full decode that could not be made is unconfirmed, on either side.
        """
        said = self._statements(entries)
        live = said.are_live(entries)
        pairs, entries = pairs.where(live), entries[live]
        doubtful = pairs.in_doubt(self.rule)
        sure = ~doubtful & (pairs.distance_bits <= self.rule.radius_bits)
        found = self._near_matches(items, pairs.where(sure), entries[sure], said, "match")
        matched = {match.item_id for match in found}
        return found + [
            match
            for match in self._near_matches(
                items, pairs.where(doubtful), entries[doubtful], said, "unconfirmed"
            )
            if match.item_id not in matched
        ]

    def near_values(self, items: Items, near: NearValues) -> list[FoundMatch]:
        """Return the matches of items by PhotoDNA values that were given to them."""
        said = self._statements(near.entry)
        near = near.where(said.are_live(near.entry))
        found: list[FoundMatch] = []
        for place, rows in _grouped(near.place, np.arange(len(near))):
            entries = near.entry[rows]
            how = {
                "rule": self.rule.version,
                "squared_distance": self.rule.photodna_distance,
                "orientation": "upright",
                "given_by": near.given_by[near.giver[rows[0]]],
            }
            distance = int(near.distance[rows[0]])
            item_id = int(items.item_ids[place])
            count = len(np.unique(entries))
            found.append(self._match(item_id, "photodna", said.of(entries), count, distance, how))
        return found

    def _near_matches(
        self,
        items: Items,
        pairs: Pairs,
        entries: Integers,
        said: _Statements,
        standing: MatchStanding,
    ) -> list[FoundMatch]:
        found: list[FoundMatch] = []
        for place, held in _grouped(pairs.place, np.arange(len(pairs))):
            nearest = held[0]
            scaled = bool(pairs.scaled[nearest])
            how = {
                "rule": self.rule.version,
                "radius_bits": self.rule.radius_bits,
                "form": DIHEDRAL[pairs.form[nearest]],
                "quality": items.quality(place, scaled=scaled),
                "decode": "scaled" if scaled else "full",
                "hash": items.method(place, scaled=scaled),
            }
            distance = int(pairs.distance_bits[nearest])
            item_id = int(items.item_ids[place])
            statements, count = said.of(entries[held]), len(held)
            found.append(self._match(item_id, "pdq", statements, count, distance, how, standing))
        return found

    def _match(
        self,
        item_id: int,
        kind: MatchKind,
        statements: Counter[Statement],
        entries: int,
        distance: int | None,
        how: dict[str, Any],
        standing: MatchStanding = "match",
    ) -> FoundMatch:
        return FoundMatch(
            item_id=item_id,
            list_version_id=self.version_id,
            kind=kind,
            standing=standing,
            distance=distance,
            entries=entries,
            detail={**self._put_together(statements), "how": how},
        )

    def _statements(self, entries: Integers) -> _Statements:
        """Return what the list says of entries; each is read once, in the order of the list."""
        live, numbers = [], []
        distinct: dict[Statement, int] = {}
        for entry in np.unique(entries).tolist():
            said = self.known.said(entry)
            if said.status == "withdrawn":
                continue
            live.append(entry)
            numbers.append(distinct.setdefault((said.category, said.labels), len(distinct)))
        return _Statements(np.array(live, np.int64), np.array(numbers, np.int64), list(distinct))

    def _put_together(self, statements: Counter[Statement]) -> dict[str, Any]:
        """Return statements as a match tells them."""
        codes: Counter[str] = Counter()
        labels: dict[str, set[str]] = {}
        for (category, named), count in statements.items():
            if category is not None:
                codes[category] += count
            for name, value in named:
                labels.setdefault(name, set()).add(value)
        return {
            "categories": [
                {"code": code, "meaning": self.meaning(code), "entries": number}
                for code, number in sorted(codes.items())
            ],
            "labels": {
                name: sorted(values)[:_MOST_VALUES] for name, values in sorted(labels.items())
            },
        }


def _grouped(keys: Integers, values: Integers) -> list[tuple[int, Integers]]:
    """Return the values of each key; the keys are sorted."""
    if not len(keys):
        return []
    begins = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    ends = [*begins, len(keys)]
    return [(int(keys[begin]), values[begin:end]) for begin, end in pairwise(ends)]
