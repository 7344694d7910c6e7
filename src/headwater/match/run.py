"""Matching a case: its items against every list that serves, and against each other.

Only what changed is done: the case knows, for each list and rule, up to which outcome all was
compared. Lists are opened, searched and committed in groups, so that stopping loses the work of one
group at most, and no more than one is in memory. What comes of it is the same in whatever order
items and lists came, wherever a run stopped, and whichever lists are opened together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.case.query import Case
from headwater.case.records import Compared, FoundMatch, ListVersion, MatchPass, Rehash
from headwater.case.store import CaseStore
from headwater.match import partners, photodna
from headwater.match.against_list import DIGESTS, Keyed, KnownList, ListMatcher
from headwater.match.items import Bytes, Integers, Items, items_of
from headwater.match.list_codes import ListCodes
from headwater.match.rule import Rule

MOST_ENTRIES = 10_000_000
"""Entries of lists that are opened together; a larger list is opened alone."""
MOST_ITEMS = 1 << 16
"""Items that are searched for at once: what one search finds has to fit into memory."""


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


@dataclass(frozen=True, slots=True)
class _Against:
    """What a group of lists is compared with."""

    items: Items
    places: Integers
    """Of the items that the lists were not compared with yet."""
    keyed: Mapping[str, Keyed]
    given: photodna.Given
    givers: Sequence[ListVersion]


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
    again: bool = False
    """Compare everything anew, and try the full decodes again that could not be made."""
    tally: MatchTally = field(default_factory=MatchTally)

    def run(self) -> MatchTally:
        """Compare what was not compared yet, and commit what comes of it."""
        last = self.case.last_outcome()
        done = {} if self.again else self.case.match_passes()
        served = [one for one in self.case.lists() if one.serves]
        givers = self._givers(served)
        ahead = [
            (one, since)
            for one in served
            if (since := done.get((one.version_id, self._text(one, givers)), 0)) < last
        ]
        alone = done.get((None, self._text(None, givers)), 0)
        if not ahead and alone >= last:
            return self.tally
        self.tick("reading what items are compared by", self.tally)
        items = items_of(self.case.comparables(0, last))
        self._take_full(items, items.outcome_ids[items.scaled])
        if ahead:
            self._against_lists(items, ahead, givers, last)
        if alone < last:
            self.tick("items beside each other", self.tally)
            self._beside(items, alone, last)
        return self.tally

    def _against_lists(
        self,
        items: Items,
        ahead: Sequence[tuple[ListVersion, int]],
        givers: Sequence[ListVersion],
        last: int,
    ) -> None:
        keyed: dict[str, Keyed] = {kind: self.desk.keyed(items.digests[kind]) for kind in DIGESTS}
        given = photodna.joined([], self.desk.allocate)
        asking = [since for one, since in ahead if one in givers]
        if asking:
            new = np.flatnonzero(items.outcome_ids > min(asking))
            given = self._given(givers, new, keyed)
        for group, since in _groups(ahead):
            against = _Against(
                items, np.flatnonzero(items.outcome_ids > since), keyed, given, givers
            )
            self._against(group, against, last)

    def _givers(self, served: Sequence[ListVersion]) -> list[ListVersion]:
        """Return the lists whose PhotoDNA values are compared."""
        if self.rule.photodna_distance is None:
            return []
        return [one for one in served if one.info.report.get("hashes", {}).get("photodna")]

    def _text(self, version: ListVersion | None, givers: Sequence[ListVersion]) -> str:
        """Return by what a list, or the items beside each other, are compared.

        Where PhotoDNA values are, the lists that give some are part of it; elsewhere it is the
        same with and without them, so that to turn them on or off compares nothing else anew.
        """
        if version in givers:
            return self.rule.text([one.version_id for one in givers])
        return msgspec.structs.replace(self.rule, photodna_distance=None).text()

    def _given(
        self, givers: Sequence[ListVersion], places: Integers, keyed: Mapping[str, Keyed]
    ) -> photodna.Given:
        """Return the values that lists give to items, out of one list after the other."""
        parts = []
        for version in givers:
            self.tick(f"values that {version.info.name} gives", self.tally)
            with self.desk.opened(version) as known:
                matcher = self._matcher(version, known)
                values = known.photodna()
                equal = matcher.equal_entries(places, keyed)
                taken = photodna.given_by_list(*equal, *values, self.desk.allocate)
            parts.append((version.info.name, *taken))
        return photodna.joined(parts, self.desk.allocate)

    def _matcher(self, version: ListVersion, known: KnownList) -> ListMatcher:
        return ListMatcher(version.version_id, known, self.desk.meaning(version), self.rule)

    def _against(self, group: Sequence[ListVersion], against: _Against, last: int) -> None:
        names = ", ".join(version.info.name for version in group)
        self.tick(f"{len(group)} list(s): {names}", self.tally)
        items, found = against.items, []
        with ExitStack() as opened:
            matchers = [
                self._matcher(version, opened.enter_context(self.desk.opened(version)))
                for version in group
            ]
            lists = [matcher.known for matcher in matchers]
            codes = ListCodes.of(lists, self.rule, self.desk.allocate, self.threads)
            for begin in range(0, len(against.places), MOST_ITEMS):
                places = against.places[begin : begin + MOST_ITEMS]
                for matcher in matchers:
                    found += matcher.equal(items, places, against.keyed)
                found += self._near(matchers, codes, items, places)
            for version, matcher in zip(group, matchers, strict=True):
                if version in against.givers and len(against.places):
                    found += self._near_values(matcher, against)
        self.tally.lists += len(group)
        self.tally.items = max(self.tally.items, len(against.places))
        texts = [(one.version_id, self._text(one, against.givers)) for one in group]
        self._commit(found, against.places, items, texts, last)

    def _near_values(self, matcher: ListMatcher, against: _Against) -> list[FoundMatch]:
        """Return the items that lie near by values they were given."""
        assert self.rule.photodna_distance is not None
        given = against.given
        # Items are in the order of their outcomes, so what is new are the last ones.
        given = given.part(int(np.searchsorted(given.place, against.places[0])), len(given))
        near = photodna.near_values(
            given,
            *matcher.known.photodna(),
            self.rule.photodna_distance,
            self.desk.allocate,
            besides=matcher.equal_entries(np.unique(given.place), against.keyed),
            threads=self.threads,
        )
        return matcher.near_values(against.items, near)

    def _near(
        self, matchers: Sequence[ListMatcher], codes: ListCodes, items: Items, places: Integers
    ) -> list[FoundMatch]:
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

    def _beside(self, items: Items, since: int, last: int) -> None:
        beside = partners.Beside(items, self.rule, self.threads)
        new = np.flatnonzero(items.outcome_ids > since)
        self.tally.items = max(self.tally.items, len(new))
        if since and self.case.any_measured_again(since):
            # The hash that went may have kept others out of someone's nearest ones.
            affected = asked = np.arange(len(items))
        else:
            affected = beside.affected(new)
            earlier = affected[items.outcome_ids[affected] <= since]
            near_them = self.case.partners_of(items.item_ids[earlier].tolist())
            were_near = np.isin(items.item_ids, np.array(sorted(near_them), np.int64))
            asked = np.union1d(affected, np.flatnonzero(were_near))
        pairs = beside.neighbours(affected, asked)
        doubtful = pairs.in_doubt(self.rule)
        held = np.union1d(pairs.first[doubtful], pairs.second[doubtful])
        self._make_full(items, held[items.scaled[held]])
        pairs, doubted = partners.decided(items, pairs, doubtful, self.rule)
        found = partners.declare(items, pairs, doubted, self.rule)
        self._commit(found, affected, items, [(None, self._text(None, ()))], last)

    def _commit(
        self,
        found: Sequence[FoundMatch],
        places: Integers,
        items: Items,
        rules: Sequence[tuple[int | None, str]],
        last: int,
    ) -> None:
        versions = [version for version, _rule in rules]
        compared = Compared(
            item_ids=frozenset(items.item_ids[places].tolist()),
            list_version_ids=frozenset(one for one in versions if one is not None),
            partners=None in versions,
        )
        passes = [
            MatchPass(list_version_id=version, rule=rule, outcome_id=last)
            for version, rule in rules
        ]
        self.tally.changed += self.store.commit_matches(found, compared, passes)

    def _take_full(self, items: Items, outcome_ids: Integers) -> None:
        held = self.case.rehashes(outcome_ids.tolist())
        if self.again:
            held = {outcome: one for outcome, one in held.items() if one.pdq is not None}
        items.take_full(held)

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
