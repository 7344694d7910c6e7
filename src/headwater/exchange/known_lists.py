"""What a case comes to beside its known lists: which items each list matches, and as what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from headwater.case.query import Case
from headwater.case.records import ListRole, ListVersion
from headwater.match.standing import Held, category, standing
from headwater.model import Record

ComparedWith = Literal["all", "some", "none"]


class ListTally(Record, frozen=True, kw_only=True):
    """How a list that serves stands to the items of its case. An item is in one count at most."""

    name: str
    version: str
    """The list's own version."""
    role: ListRole
    signed: bool
    scheme: str
    """By which its category codes are read."""
    entries: int
    matched: int
    """Items with a match that holds."""
    unconfirmed: int
    """Items whose match hangs on a full decode that could not be made."""
    suppressed: int
    """Items whose every match a negative list suppresses."""
    compared: ComparedWith
    """Whether it was compared with `all` items of the case, with `some` or with `none` yet."""


class CategoryTally(Record, frozen=True, kw_only=True):
    """How many items are held to be of one category."""

    code: str
    meaning: str | None
    basis: Literal["decision", "list"]
    by: str
    """The person, or the name of the list."""
    items: int


class KnownTally(Record, frozen=True, kw_only=True):
    """Everything that lists and decisions say of a case, counted."""

    lists: tuple[ListTally, ...]
    """Those that serve, in the order in which they were imported."""
    watched: int
    """Items that match a watch list."""
    categories: tuple[CategoryTally, ...]
    """The most frequent first."""
    contradicted: int
    """Items of a category of which another list, or any list under a decision, says another."""


def known_tally(case: Case) -> KnownTally:
    """Return what the lists of a case match; reads every match once."""
    served = {one.version_id: one for one in case.lists() if one.serves}
    decisions = case.decisions()
    counts: Counter[tuple[int, str]] = Counter()
    said: Counter[tuple[str, str | None, Literal["decision", "list"], str]] = Counter()
    watched = contradicted = 0
    ahead = set(decisions)
    for item_id, found in case.list_matches():
        held = standing(found, served)
        counts.update(_words(held))
        watched += any(_is_watched(one) for one in held)
        known = category(held, decisions.get(item_id))
        ahead.discard(item_id)
        if known is not None:
            said[known.code, known.meaning, known.basis, known.by] += 1
            contradicted += bool(known.contradicted_by)
    for item_id in ahead:
        said[decisions[item_id].category, None, "decision", decisions[item_id].by] += 1
    compared = _compared(case)
    return KnownTally(
        lists=tuple(
            _list_tally(version, counts, compared.get(version.version_id, "none"))
            for version in served.values()
        ),
        watched=watched,
        categories=_categories(said),
        contradicted=contradicted,
    )


def groups_of(pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return the sizes of the groups that pairs make, of whoever hangs together; the largest first.

    Two items of one group need not match each other: both may match a third.
    """
    above: dict[int, int] = {}

    def top(one: int) -> int:
        while (higher := above.setdefault(one, one)) != one:
            above[one] = one = above.setdefault(higher, higher)
        return one

    for first, second in pairs:
        above[top(second)] = top(first)
    sizes = Counter(map(top, list(above)))
    return sorted(sizes.values(), reverse=True)


def _list_tally(
    version: ListVersion, counts: Counter[tuple[int, str]], compared: ComparedWith
) -> ListTally:
    info = version.info
    return ListTally(
        name=info.name,
        version=info.version,
        role=info.role,
        signed=info.signer is not None,
        scheme=info.scheme,
        entries=info.entries,
        matched=counts[version.version_id, "match"],
        unconfirmed=counts[version.version_id, "unconfirmed"],
        suppressed=counts[version.version_id, "suppressed"],
        compared=compared,
    )


def _words(held: Sequence[Held]) -> list[tuple[int, str]]:
    """Return each list that an item matches, with the best word of its matches."""
    best: dict[int, str] = {}
    for one in held:
        assert one.listed is not None
        before = best.get(one.listed.version_id)
        if before is None or _STRENGTH[one.standing] > _STRENGTH[before]:
            best[one.listed.version_id] = one.standing
    return list(best.items())


_STRENGTH = {"match": 3, "unconfirmed": 2, "suppressed": 1}


def _is_watched(held: Held) -> bool:
    assert held.listed is not None
    return held.standing == "match" and held.listed.info.role == "watch"


def _compared(case: Case) -> dict[int, ComparedWith]:
    """Return with how many items each list was compared, for lists that were at all."""
    last = case.last_outcome()
    found: dict[int, ComparedWith] = {}
    for (version_id, _rule), outcome_id in case.match_passes().items():
        if version_id is not None:
            found[version_id] = "all" if outcome_id >= last else "some"
    return found


def _categories(
    said: Counter[tuple[str, str | None, Literal["decision", "list"], str]],
) -> tuple[CategoryTally, ...]:
    ordered = sorted(said.items(), key=lambda pair: (-pair[1], pair[0][2], pair[0][3], pair[0][0]))
    return tuple(
        CategoryTally(code=code, meaning=meaning, basis=basis, by=by, items=items)
        for (code, meaning, basis, by), items in ordered
    )
