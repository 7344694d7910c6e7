"""REF: how a person names an item of a case."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.case.query import Case
from headwater.case.records import ItemRow
from headwater.errors import UsageError
from headwater.exchange.text import text_of

_PREFIX = re.compile(r"[0-9a-fA-F]{8,64}")
_PATH = "path:"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that a reference may mean, with one of its places."""

    item: ItemRow
    path: str


def candidates_of(case: Case, reference: str) -> list[Candidate]:
    """Return the items that fit a reference. Raises UsageError where it is none."""
    if reference.startswith(_PATH):
        items = case.find_path(reference.removeprefix(_PATH))
    elif _PREFIX.fullmatch(reference):
        items = case.find(reference.lower())
    else:
        raise UsageError(
            f"{reference!r} names no item: give at least 8 hex digits of its SHA-256, or path:TEXT"
        )
    return [Candidate(item, _first_path(case, item)) for item in items]


def _first_path(case: Case, item: ItemRow) -> str:
    for place in case.places(item.item_id, limit=1):
        inner = [step.name for step in place.steps]
        outer = place.directory + b"/" + place.name if place.directory else place.name
        return text_of(b"//".join([outer, *inner]))
    return ""
