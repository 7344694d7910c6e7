"""One item as a document: what `show`, `export` and other programs read.

The shape is `SCHEMA`, published in `schema/`. It holds nothing of the runs that made it, so the
same evidence gives the same document wherever and however often it was examined.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.case.query import Case
from headwater.case.records import ItemRow, Place, Placeless
from headwater.exchange.text import named, rfc3339
from headwater.media.formats import extension_agrees
from headwater.model import Containment, Occurrence, Problem

SCHEMA = "headwater/item/1"

Document = dict[str, Any]

_CLOCKS = ("modified", "changed", "accessed", "created")


def item_document(case: Case, item: ItemRow) -> Document:
    """Return everything the case holds of one item."""
    places = [_place(case, place, item.format) for place in case.places(item.item_id)]
    return {
        "schema": SCHEMA,
        "item": {
            "sha256": item.sha256.hex(),
            "md5": item.md5.hex(),
            "sha1": item.sha1.hex(),
            "size_bytes": item.size_bytes,
            "media_type": item.media_type,
            "kind": item.kind,
            "format": item.format,
            "state": item.state,
        },
        "occurrences": places,
        "measurements": case.measurements(item.item_id),
        "problems": [_problem(problem) for problem in case.problems(item.item_id)],
    }


def placeless_document(case: Case, row: Placeless) -> Document:
    """Return a place whose bytes were not read: every key of an item, without a content."""
    size = None
    if row.occurrence is not None:
        place = _unread_file(case, row.occurrence)
        size = row.occurrence.size_bytes
    else:
        assert row.containment is not None
        place = _unread_member(case, row.containment)
        size = row.containment.size_bytes
    empty = dict.fromkeys(("sha256", "md5", "sha1"))
    return {
        "schema": SCHEMA,
        "item": {
            **empty,
            "size_bytes": size,
            "media_type": None,
            "kind": None,
            "format": None,
            "state": row.state,
        },
        "occurrences": [place],
        "measurements": {},
        "problems": [_problem(problem) for problem in row.problems],
    }


def _problem(problem: Problem) -> Document:
    return {key: value for key, value in msgspec.to_builtins(problem).items() if value is not None}
