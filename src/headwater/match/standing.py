"""What matches come to: which hold, which a confirmed false match suppresses, and the category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from headwater.case.records import Decision, FoundMatch, ListVersion
from headwater.model import Record

Meaning = Literal["pertinent", "related", "not_pertinent", "uncategorised", "known"]
"""What a category code means, by the scheme that was chosen for its list."""

_WEIGHT: dict[str, int] = {"pertinent": 3, "related": 2, "not_pertinent": 1}
_DIGESTS = ("sha256", "sha1", "md5")


class Held(Record, frozen=True, kw_only=True):
    """A match as it stands now."""

    match: FoundMatch
    listed: ListVersion | None
    """The list, None for a match with another item."""
    standing: Literal["match", "unconfirmed", "suppressed"]
    suppressed_by: str | None = None
    """Name of the negative list."""


class Category(Record, frozen=True, kw_only=True):
    """What an item is held to be, before or after a person has looked."""

    code: str
    meaning: str | None
    """None where the code comes from a person, or from a list whose scheme gives it none."""
    basis: Literal["decision", "list"]
    by: str
    """The person, or the name of the list."""
    at: str | None = None
    note: str | None = None
    contradicted_by: tuple[str, ...] = ()
    """Lists (or, under a decision, all lists) that say another category, sorted by name."""


def standing(found: Sequence[FoundMatch], lists: Mapping[int, ListVersion]) -> list[Held]:
    """Return the matches that stand: with lists that serve, and with other items.

    The order is by name of the list, then kind; partners follow by id.
    """
    held: list[Held] = []
    negative = _negative(found, lists)
    for match in found:
        listed = None if match.list_version_id is None else lists.get(match.list_version_id)
        if match.list_version_id is not None and (listed is None or not listed.serves):
            continue
        by = None if listed is None or listed.info.role != "watch" else _suppressor(match, negative)
        word = "suppressed" if by is not None else match.standing
        assert word != "ended"
        held.append(Held(match=match, listed=listed, standing=word, suppressed_by=by))
    return sorted(held, key=_order)


def category(held: Sequence[Held], decision: Decision | None) -> Category | None:
    """Return the category of an item: a person's if there is one, else the gravest of its lists."""
    said = [
        (_WEIGHT.get(meaning or "", 0), one.listed.info.name, code, meaning)
        for one in held
        if one.standing == "match" and one.listed is not None and one.listed.info.role == "watch"
        for code, meaning in _codes(one.match)
    ]
    if decision is not None:
        return Category(
            code=decision.category,
            meaning=None,
            basis="decision",
            by=decision.by,
            at=decision.at,
            note=decision.note or None,
            contradicted_by=tuple(sorted({n for _, n, c, _ in said if c != decision.category})),
        )
    if not said:
        return None
    weight, name, code, meaning = max(said, key=lambda one: (one[0], one[1], one[2]))
    others = {other for grade, other, _, _ in said if grade != weight}
    return Category(
        code=code, meaning=meaning, basis="list", by=name, contradicted_by=tuple(sorted(others))
    )


def _codes(match: FoundMatch) -> list[tuple[str, str | None]]:
    codes: list[dict[str, Any]] = match.detail.get("categories", [])
    return [(one["code"], one.get("meaning")) for one in codes]


def _negative(
    found: Sequence[FoundMatch], lists: Mapping[int, ListVersion]
) -> list[tuple[FoundMatch, str]]:
    """Return what is confirmed as a false match: equal digests, and equal PDQ hashes."""
    confirmed = []
    for match in found:
        listed = lists.get(match.list_version_id or 0)
        if listed is None or not listed.serves or listed.info.role != "negative":
            continue
        if match.standing == "match" and (match.kind in _DIGESTS or match.distance == 0):
            confirmed.append((match, listed.info.name))
    return confirmed


def _suppressor(match: FoundMatch, negative: Sequence[tuple[FoundMatch, str]]) -> str | None:
    """Return the list that suppresses a match, if one does.

    An equal digest on a negative list suppresses every match of the item. An equal PDQ hash
    suppresses near matches alone: other contents share it.
    """
    for confirmed, name in negative:
        if confirmed.kind in _DIGESTS or match.kind not in _DIGESTS:
            return name
    return None


def _order(held: Held) -> tuple[bool, str, int, str, int]:
    name = "" if held.listed is None else held.listed.info.name
    match = held.match
    partner = match.partner_item_id or 0
    return held.listed is None, name, match.list_version_id or 0, match.kind, partner
