"""Matching a case: its items against every list that serves, and against each other.

Only what changed is done: the case knows, for each list and rule, up to which outcome all was
compared. Lists are opened, searched and committed in groups, so that stopping loses the work of one
group at most, and no more than one is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headwater.case.query import Case
from headwater.case.records import Compared, FoundMatch, ListVersion, MatchPass, Rehash
from headwater.case.store import CaseStore
from headwater.match import partners
from headwater.match.against_list import DIGESTS, Keyed, KnownList, ListMatcher
from headwater.match.items import Bytes, Integers, Items, items_of
from headwater.match.list_codes import ListCodes
from headwater.match.rule import Rule

MOST_ENTRIES = 10_000_000
"""Entries of lists that are opened together; a larger list is opened alone."""


class ListDesk(Protocol):
    """Where lists are opened, and what only their key can do."""

    def keyed(self, digests: Bytes) -> Keyed:
        """Return digests, shape (n, bytes of one), as lists are keyed: uint64, shape (n, 2)."""
        ...

    def opened(self, version: ListVersion) -> AbstractContextManager[KnownList]:
        """Open a list for as long as the context lasts."""
        ...

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        """Return memory for what can be reckoned from lists: locked, and wiped when dropped."""
        ...

    def meaning(self, version: ListVersion) -> Callable[[str], str | None]:
        """Return what category codes mean by the scheme of a list."""
        ...


Rehasher = Callable[[Sequence[int]], list[Rehash]]
"""Takes ids of outcomes, and returns the hash of each full decode, or why there is none."""


@dataclass(slots=True)
class MatchTally:
    """What a run of matching did."""

    lists: int = 0
    """Lists that had something new to compare."""
    items: int = 0
    """Items that were compared with something."""
    rehashed: int = 0
    changed: int = 0
    """Matches that are new, different or ended."""


@dataclass(slots=True)
class Matching:
    """One run of matching over a case."""

    case: Case
    store: CaseStore
    desk: ListDesk
    rehash: Rehasher
    rule: Rule = field(default_factory=Rule)
    tick: Callable[[str, MatchTally], None] = lambda _doing, _tally: None
    threads: int = 1
    tally: MatchTally = field(default_factory=MatchTally)

    def run(self) -> MatchTally:
        """Compare what was not compared yet, and commit what comes of it."""
        last = self.case.last_outcome()
        done, rule = self.case.match_passes(), self.rule.text()
        served = [one for one in self.case.lists() if one.serves]
        ahead = [
            (one, since) for one in served if (since := done.get((one.version_id, rule), 0)) < last
        ]
        alone = done.get((None, rule), 0)
        if not ahead and alone >= last:
            return self.tally
        self.tick("reading what items are compared by", self.tally)
        items = items_of(self.case.comparables(0, last))
        self._take_full(items, items.outcome_ids[items.scaled])
        keyed: dict[str, Keyed] = {}
        if ahead:
            keyed = {kind: self.desk.keyed(items.digests[kind]) for kind in DIGESTS}
        for group, since in _groups(ahead):
            self._against(group, items, np.flatnonzero(items.outcome_ids > since), keyed, last)
        if alone < last:
            self.tick("items beside each other", self.tally)
            self._beside(items, np.flatnonzero(items.outcome_ids > alone), last)
        return self.tally

    def _against(
        self,
        group: Sequence[ListVersion],
        items: Items,
        places: Integers,
        keyed: Mapping[str, Keyed],
        last: int,
    ) -> None:
        names = ", ".join(version.info.name for version in group)
        self.tick(f"{len(group)} list(s): {names}", self.tally)
        with ExitStack() as opened:
            matchers = [
                ListMatcher(
                    version.version_id,
                    opened.enter_context(self.desk.opened(version)),
                    self.desk.meaning(version),
                    self.rule,
                )
                for version in group
            ]
            found = [one for matcher in matchers for one in matcher.equal(items, places, keyed)]
            found += self._near(matchers, items, places)
        self.tally.lists += len(group)
        self._commit(found, places, items, [version.version_id for version in group], last)

    def _near(
        self, matchers: Sequence[ListMatcher], items: Items, places: Integers
    ) -> list[FoundMatch]:
        lists = [matcher.known for matcher in matchers]
        codes = ListCodes.of(lists, self.rule, self.desk.allocate, self.threads)
        pairs = codes.near(items, places)
        doubted = np.unique(pairs.place[pairs.in_doubt(self.rule)])
        self._make_full(items, doubted)
        again = codes.near_by_best(items, doubted)
        found: list[FoundMatch] = []
        for number, matcher in enumerate(matchers):
            # What a list comes to may not depend on the lists that are searched beside it.
            own = codes.of_list(number, pairs)
            places_again = np.unique(own.place[own.in_doubt(self.rule)])
            own = own.where(~np.isin(own.place, places_again))
            better = codes.of_list(number, again)
            own = own.joined(better.where(np.isin(better.place, places_again)))
            found += matcher.near(items, own, codes.entries[own.code])
        return found

    def _beside(self, items: Items, places: Integers, last: int) -> None:
        pairs = partners.neighbours(items, places, self.rule, self.threads)
        doubtful = pairs.in_doubt(self.rule)
        held = np.union1d(pairs.first[doubtful], pairs.second[doubtful])
        self._make_full(items, held[items.scaled[held]])
        pairs = partners.decided(items, pairs, doubtful, self.rule)
        found = partners.declare(items, pairs, self.rule)
        self._commit(found, places, items, [None], last)

    def _commit(
        self,
        found: Sequence[FoundMatch],
        places: Integers,
        items: Items,
        versions: Sequence[int | None],
        last: int,
    ) -> None:
        compared = Compared(
            item_ids=frozenset(items.item_ids[places].tolist()),
            list_version_ids=frozenset(one for one in versions if one is not None),
            partners=None in versions,
        )
        rule = self.rule.text()
        passes = [MatchPass(list_version_id=one, rule=rule, outcome_id=last) for one in versions]
        self.tally.items = max(self.tally.items, len(places))
        self.tally.changed += self.store.commit_matches(found, compared, passes)

    def _take_full(self, items: Items, outcome_ids: Integers) -> None:
        items.take_full(self.case.rehashes(outcome_ids.tolist()))

    def _make_full(self, items: Items, places: Integers) -> None:
        """Hash items again from the full decode, keep the hashes, and go on with them."""
        places = items.to_make_full(places)
        if not len(places):
            return
        self.tick(f"{len(places):,} full decodes", self.tally)
        made = self.rehash(items.outcome_ids[places].tolist())
        self.store.commit_matches([], Compared(), rehashes=made)
        items.take_full({one.outcome_id: one for one in made})
        self.tally.rehashed += len(made)


def _groups(
    ahead: Sequence[tuple[ListVersion, int]],
) -> Iterator[tuple[list[ListVersion], int]]:
    """Yield lists that are searched together: compared up to the same outcome, and not too large.

    One search of a large index is quicker than many of small ones.
    """
    group: list[ListVersion] = []
    entries = since_held = 0
    for version, since in sorted(ahead, key=lambda one: (one[1], one[0].version_id)):
        if group and (since != since_held or entries + version.info.entries > MOST_ENTRIES):
            yield group, since_held
            group, entries = [], 0
        group.append(version)
        entries, since_held = entries + version.info.entries, since
    if group:
        yield group, since_held
