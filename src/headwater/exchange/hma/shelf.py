"""The lists that serve, open in locked memory, and look-ups in them.

One thread at a time uses a shelf: look-ups and exchanges of lists follow each other. Opening a
list takes long, is done beside it, and changes nothing until the list is put on the shelf.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headwater.case.records import ListVersion
from headwater.exchange.hma.banks import ContentIds, bank_names
from headwater.index.hamming import HammingIndex
from headwater.match.against_list import KnownList
from headwater.match.rule import Rule

Integers = npt.NDArray[np.int64]

MOST_MATCHES = 1_000
"""Of one bank's contents near a signal, so many of the nearest are given."""
DIGEST_KINDS = ("md5", "sha1", "sha256")
_PDQ_BYTES = 32
_SAID_STEP = 1 << 14
"""Fewer entries than a sealed file tells of."""


class Desk(Protocol):
    """Opens lists, and keys what is looked up in them (`match.desk.CaseLists`)."""

    def keyed(self, digests: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        """Return digests as lists are keyed."""
        ...

    def opened(self, version: ListVersion) -> AbstractContextManager[KnownList]:
        """Open a list for as long as the context lasts."""
        ...

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        """Return locked memory."""
        ...


@dataclass(frozen=True, slots=True)
class Match:
    """A content that matches."""

    bank: str
    content_id: int
    distance_bits: int | None
    """None for digests, which are equal."""


@dataclass(frozen=True, slots=True)
class OpenedList:
    """One list version with all that look-ups need of it.

    What its entries are said to be is read when one matches, from files that are held open: they
    may be deleted meanwhile.
    """

    version: ListVersion
    index: HammingIndex
    code_entries: Integers
    """Of each code in the index, its entry."""
    known: KnownList
    closing: ExitStack

    @property
    def is_negative(self) -> bool:
        """Whether what equals its entries is a confirmed false match."""
        return self.version.info.role == "negative"

    def hashes(self, kind: str) -> int:
        """Return how many hashes of a kind the list has."""
        counts = self.version.info.report.get("hashes", {})
        return int(counts.get(kind, 0)) if isinstance(counts, dict) else 0

    def live(self, entries: Integers) -> list[int]:
        """Return those entries, each once, that the list has not withdrawn itself."""
        each = np.unique(entries).tolist()
        return [entry for entry in each if self.known.said(entry).status != "withdrawn"]

    def close(self) -> None:
        """Wipe what was opened."""
        self.closing.close()


def open_whole(version: ListVersion, desk: Desk, rule: Rule) -> OpenedList:
    """Open a list, and read all of it that can be looked up.

    Raises CaseDamaged or CaseError where its files or its key are not what they were.
    """
    with desk.opened(version) as source:
        codes, entries = source.pdq_codes()
        index = HammingIndex(
            capacity=len(codes), radius_bits=rule.radius_bits, allocate=desk.allocate
        )
        index.add(codes)
    index.build()
    with ExitStack() as opening:
        # Opened a second time: the first held another copy of the codes.
        known = opening.enter_context(desk.opened(version))
        nothing = np.zeros((0, 2), np.uint64)
        for kind in DIGEST_KINDS:
            known.lookup(kind, nothing)
        for entry in range(0, version.info.entries, _SAID_STEP):
            known.said(entry)
        return OpenedList(version, index, entries, known, opening.pop_all())


@dataclass(slots=True)
class Shelf:
    """The lists that serve now."""

    desk: Desk
    rule: Rule
    ids: ContentIds
    lists: tuple[OpenedList, ...] = ()
    _banks: dict[str, str] = field(default_factory=dict)

    @property
    def banks(self) -> list[str]:
        """The names of the banks, sorted."""
        return sorted(self._banks.values())

    def exchange(self, leaving: Iterable[int], coming: Iterable[OpenedList] = ()) -> None:
        """Take list versions off the shelf by id, wipe them, and put others there."""
        gone = set(leaving)
        left = [one for one in self.lists if one.version.version_id in gone]
        kept = [one for one in self.lists if one.version.version_id not in gone]
        self.lists = (*kept, *coming)
        names = (one.version.info.name for one in self.lists if not one.is_negative)
        self._banks = bank_names(names)
        for one in left:
            one.close()

    def look_up(self, kind: str, value: bytes, item: Mapping[str, bytes]) -> list[Match]:
        """Return the contents that match a value of a kind, sorted by bank and id.

        `item` holds all that is known of the item by kind, `value` among it: what equals an entry
        of a negative list matches nothing.
        """
        if self._is_suppressed(kind, item):
            return []
        found: list[Match] = []
        for one in self.lists:
            if not one.is_negative:
                found += self._in_list(one, kind, value)
        return sorted(found, key=lambda match: (match.bank, match.content_id))

    def status(self, kind: str) -> tuple[int, int | None]:
        """Return how many hashes of a kind serve, and when the newest list came (Unix seconds)."""
        having = [one for one in self.lists if not one.is_negative and one.hashes(kind)]
        came = [datetime.fromisoformat(one.version.imported_at).timestamp() for one in having]
        return sum(one.hashes(kind) for one in having), int(max(came)) if came else None

    def close(self) -> None:
        """Wipe all."""
        self.exchange([one.version.version_id for one in self.lists])

    def _is_suppressed(self, kind: str, item: Mapping[str, bytes]) -> bool:
        """Return whether a negative list has the item.

        An equal digest suppresses every match, an equal PDQ hash near matches alone, as in
        `match.standing`.
        """
        for one in self.lists:
            if not one.is_negative:
                continue
            if any(one.live(self._equal(one, name, item[name])) for name in item if name != "pdq"):
                return True
            if kind == "pdq" and one.live(self._near(one, item["pdq"], 0)[0]):
                return True
        return False

    def _in_list(self, one: OpenedList, kind: str, value: bytes) -> list[Match]:
        bank, folder = self._banks[one.version.info.name], one.version.info.folder
        if kind != "pdq":
            equal = one.live(self._equal(one, kind, value)[:MOST_MATCHES])
            return [Match(bank, self.ids.of(folder, entry), None) for entry in equal]
        nearest: dict[int, int] = {}
        entries, distances = self._near(one, value, self.rule.radius_bits)
        for entry, distance in zip(entries.tolist(), distances.tolist(), strict=True):
            nearest[entry] = min(distance, nearest.get(entry, distance))
        return [
            Match(bank, self.ids.of(folder, entry), nearest[entry]) for entry in one.live(entries)
        ]

    def _equal(self, one: OpenedList, kind: str, value: bytes) -> Integers:
        keyed = self.desk.keyed(np.frombuffer(value, np.uint8).reshape(1, -1))
        return one.known.lookup(kind, keyed)[1]

    def _near(
        self, one: OpenedList, value: bytes, radius_bits: int
    ) -> tuple[Integers, npt.NDArray[np.int16]]:
        asked = np.frombuffer(value, np.uint8).reshape(1, _PDQ_BYTES)
        hits = one.index.search(asked, radius_bits, most_per_query=MOST_MATCHES)
        return one.code_entries[hits.id], hits.distance_bits
