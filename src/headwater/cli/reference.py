"""REF: how a person names an item of a case."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from headwater.case.query import Case
from headwater.case.records import Found, ItemRow
from headwater.errors import UsageError
from headwater.exchange.text import bytes_of, text_of

MOST_CANDIDATES = 50
"""Items that are listed where a reference fits several."""

_PREFIX = re.compile(r"[0-9a-fA-F]{8,64}")
_PATH = "path:"
_PLACES = 200
"""Places of a candidate among which the one that the reference means is looked for."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An item that a reference may mean, with the place of it that fits, or its first one."""

    sha256: str
    """64 hex digits."""
    path: str
    """With `//` between a container and a member."""


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """What a reference fits that does not fit one item alone."""

    schema: str = "headwater/candidates/1"
    reference: str
    fitting: int
    """How many items fit."""
    candidates: tuple[Candidate, ...]
    """In the order of their SHA-256; the first ones only, where there are many."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference means: one item, or None and what it fits instead."""

    item: ItemRow | None
    candidates: Candidates


def resolve(case: Case, reference: str) -> Resolved:
    """Return what a reference means. Raises UsageError where it is none.

    `path:TEXT` takes what is printed of a path, or any part of it, escapes included; where that
    fits nothing, TEXT is taken letter for letter.
    """
    path = b""
    if reference.startswith(_PATH):
        found, path = _at_path(case, reference.removeprefix(_PATH))
    elif _PREFIX.fullmatch(reference):
        found = case.find(reference.lower(), MOST_CANDIDATES)
    else:
        raise UsageError(
            f"{reference!r} names no item: give at least 8 hex digits of its SHA-256, or path:TEXT"
        )
    listed = tuple(_candidate(case, item, path) for item in found.items)
    candidates = Candidates(reference=reference, fitting=found.total, candidates=listed)
    return Resolved(found.items[0] if found.total == 1 else None, candidates)


def _at_path(case: Case, text: str) -> tuple[Found, bytes]:
    path, letters = bytes_of(text), text.encode("utf-8", "surrogateescape")
    found = case.find_path(path, MOST_CANDIDATES)
    if found.total or letters == path:
        return found, path
    return case.find_path(letters, MOST_CANDIDATES), letters


def _candidate(case: Case, item: ItemRow, path: bytes) -> Candidate:
    places = [place.whole_path for place in case.places(item.item_id, limit=_PLACES)]
    fitting = next((place for place in places if path in place), places[0] if places else b"")
    return Candidate(sha256=item.sha256.hex(), path=text_of(fitting))
