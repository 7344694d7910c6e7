"""Items against one known list: equal digests, and PDQ hashes that lie near."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headwater.case.records import FoundMatch, MatchKind, MatchStanding
from headwater.match.items import Bytes, Flags, Integers, Items
from headwater.match.near import Pairs
from headwater.match.rule import Rule
from headwater.model import DIHEDRAL

DIGESTS: tuple[MatchKind, ...] = ("sha256", "sha1", "md5")
MOST_ENTRIES_READ = 1_000
"""Of the entries that one item matches in one kind, what so many say is put together."""
_MOST_ENTRIES_HELD = 100_000
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

    def said(self, entry: int) -> Said:
        """Return what the list says of an entry."""
        ...


@dataclass(frozen=True, slots=True)
class ListMatcher:
    """Declares the matches of items with one open list."""

    version_id: int
    known: KnownList
    meaning: Callable[[str], str | None]
    """What a category code means by the list's scheme."""
    rule: Rule
    _read: dict[int, Said] = field(default_factory=dict)

    def equal(self, items: Items, places: Integers, keyed: Mapping[str, Keyed]) -> list[FoundMatch]:
        """Return the items at `places` whose digests are on the list."""
        found: list[FoundMatch] = []
        for kind in DIGESTS:
            rows, entries = self.known.lookup(kind, keyed[kind][places])
            live = self._live(entries)
            rows, entries = rows[live], entries[live]
            order = np.lexsort((entries, rows))
            for row, held in _grouped(rows[order], entries[order]):
                item_id = int(items.item_ids[places[row]])
                found.append(self._match(item_id, kind, held, None, {"rule": self.rule.version}))
        return found

    def near(self, items: Items, pairs: Pairs, entries: Integers) -> list[FoundMatch]:
        """Return the matches among pairs that were found with the margin around the radius.

        `entries` gives, of each pair, the entry of the list whose code it is.
        What hangs on a full decode that could not be made is unconfirmed, on either side.
        """
        live = self._live(entries)
        pairs, entries = pairs.where(live), entries[live]
        doubtful = pairs.in_doubt(self.rule)
        sure = ~doubtful & (pairs.distance_bits <= self.rule.radius_bits)
        found = self._near_matches(items, pairs.where(sure), entries[sure], "match")
        matched = {match.item_id for match in found}
        return found + [
            match
            for match in self._near_matches(
                items, pairs.where(doubtful), entries[doubtful], "unconfirmed"
            )
            if match.item_id not in matched
        ]

    def _near_matches(
        self, items: Items, pairs: Pairs, entries: Integers, standing: MatchStanding
    ) -> list[FoundMatch]:
        found: list[FoundMatch] = []
        rows = np.arange(len(pairs))
        for place, held in _grouped(pairs.place, rows):
            nearest = held[0]
            how = {
                "rule": self.rule.version,
                "radius_bits": self.rule.radius_bits,
                "form": DIHEDRAL[pairs.form[nearest]],
                "quality": items.quality(place, scaled=bool(pairs.scaled[nearest])),
                "decode": "scaled" if pairs.scaled[nearest] else "full",
            }
            distance = int(pairs.distance_bits[nearest])
            item_id = int(items.item_ids[place])
            found.append(self._match(item_id, "pdq", entries[held], distance, how, standing))
        return found

    def _match(
        self,
        item_id: int,
        kind: MatchKind,
        entries: Integers,
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
            entries=len(entries),
            detail={**self._said(entries), "how": how},
        )

    def _live(self, entries: Integers) -> Flags:
        """Return which entries the list has not withdrawn itself."""
        return np.array([self._entry(int(one)).status != "withdrawn" for one in entries], np.bool_)

    def _entry(self, entry: int) -> Said:
        """Return what the list says of an entry, each read once for many items in a row."""
        if entry not in self._read:
            if len(self._read) >= _MOST_ENTRIES_HELD:
                self._read.clear()
            self._read[entry] = self.known.said(entry)
        return self._read[entry]

    def _said(self, entries: Integers) -> dict[str, Any]:
        """Return what the list says of entries, put together."""
        codes: Counter[str] = Counter()
        labels: dict[str, set[str]] = {}
        for entry in entries[:MOST_ENTRIES_READ]:
            said = self._entry(int(entry))
            if said.category is not None:
                codes[said.category] += 1
            for name, value in said.labels:
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
