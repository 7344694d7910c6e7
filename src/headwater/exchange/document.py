"""One item as a document: what `show`, `export` and other programs read.

The shape is `SCHEMA`, published in `schema/`. It holds nothing of the runs that made it, so the
same evidence gives the same document wherever and however often it was examined.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from headwater.case.query import Case
from headwater.case.records import ItemRow, Place, Step, UnreadPlace
from headwater.exchange.matches import matches_of
from headwater.exchange.text import named, rfc3339
from headwater.media.formats import extension_agrees
from headwater.model import Containment, Occurrence, Problem, Time

SCHEMA = "headwater/item/1"

Document = dict[str, Any]

MOST_PLACES = 1_000
"""Places that one document lists. Containers multiply: a few kilobytes can make billions."""

_CLOCKS = ("modified", "changed", "accessed", "created")


def item_document(case: Case, item: ItemRow) -> Document:
    """Return everything the case holds of one item.

    Of more than `MOST_PLACES` places the first are listed, and `occurrences_left_out` counts the
    others.
    """
    places = case.places(item.item_id, limit=MOST_PLACES)
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
        "occurrences": [_place(place, item.format) for place in places],
        **_left_out(case, item.item_id, len(places)),
        "measurements": case.measurements(item.item_id),
        **matches_of(case, item.item_id),
        "problems": _problems(case.problems(item.item_id)),
    }


def unread_document(case: Case, row: UnreadPlace) -> Document:
    """Return a place whose bytes were not read: every key of an item, without a content."""
    left_out: Document = {}
    if row.occurrence is not None:
        places = [_unread_file(case, row.occurrence)]
        size = row.occurrence.size_bytes
    else:
        assert row.containment is not None
        places = _unread_members(case, row.containment)
        size = row.containment.size_bytes
        container = case.item(row.containment.parent_sha256)
        if container is not None:
            left_out = _left_out(case, container.item_id, len(places))
    nothing: Document = dict.fromkeys(("sha256", "md5", "sha1"))
    nothing |= {"size_bytes": size, "media_type": None, "kind": None, "format": None}
    return {
        "schema": SCHEMA,
        "item": {**nothing, "state": row.state},
        "occurrences": places,
        **left_out,
        "measurements": {},
        "matches": [],
        "category": None,
        "problems": _problems(row.problems),
    }


def file_times(row: Place | Occurrence) -> list[Document]:
    """Return the clocks of a file in a source that its file system keeps, with their bases."""
    clocks = {clock: getattr(row, f"{clock}_ns") for clock in _CLOCKS}
    return [
        {"at": rfc3339(nanoseconds), "basis": f"filesystem:{clock}"}
        for clock, nanoseconds in clocks.items()
        if nanoseconds is not None
    ]


def _left_out(case: Case, item_id: int, listed: int) -> Document:
    """Return how many places are not listed, nothing where all are."""
    if listed < MOST_PLACES:
        return {}
    left_out = case.place_count(item_id) - listed
    return {"occurrences_left_out": left_out} if left_out > 0 else {}


def _place(place: Place, item_format: str) -> Document:
    last = place.steps[-1].name if place.steps else place.name
    return {
        **named("source", place.source_path),
        **named("path", place.path),
        "inside": [_step(step) for step in place.steps],
        "size_bytes": place.size_bytes,
        "times": file_times(place),
        "extension_agrees": extension_agrees(last, item_format),
        "problems": _problems(place.problems),
    }


def _step(step: Step) -> Document:
    return {
        "container_sha256": step.parent_sha256.hex(),
        "ordinal": step.ordinal,
        **named("name", step.name),
        "size_bytes": step.size_bytes,
        "offset_bytes": step.offset_bytes,
        "times": _clocks(step.times),
        "notes": list(step.notes),
    }


def _unread_file(case: Case, row: Occurrence) -> Document:
    source = next(one for one in case.sources() if one.source_id == row.source_id)
    path = row.directory + b"/" + row.name if row.directory else row.name
    return {
        **named("source", source.path),
        **named("path", path),
        "inside": [],
        "place_kind": row.kind,
        "size_bytes": row.size_bytes,
        "times": file_times(row),
        "extension_agrees": None,
        "problems": _problems(row.problems),
    }


def _unread_members(case: Case, row: Containment) -> list[Document]:
    """Return a member that was not read, once for each place of its container."""
    container = case.item(row.parent_sha256)
    if container is None:
        return []
    step = Step(
        parent_sha256=row.parent_sha256,
        ordinal=row.ordinal,
        name=row.name,
        size_bytes=row.size_bytes,
        offset_bytes=row.offset_bytes,
        times=row.times,
        notes=row.notes,
    )
    places = case.places(container.item_id, limit=MOST_PLACES)
    inside = [msgspec.structs.replace(place, steps=(*place.steps, step)) for place in places]
    return [{**_place(place, "unknown"), "problems": _problems(row.problems)} for place in inside]


def _clocks(times: Iterable[Time]) -> list[Document]:
    return [{"at": time.at, "basis": time.basis} for time in times]


def _problems(problems: Iterable[Problem]) -> list[Document]:
    return [
        {key: value for key, value in msgspec.to_builtins(problem).items() if value is not None}
        for problem in problems
    ]
