"""Places whose bytes were not read, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from headwater.case.query import Case
from headwater.case.records import Counts, UnreadPlace
from headwater.report.faults import link, problem_line
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element, joined, said
from headwater.report.words import STATE_WORDS, number, size, table

_KINDS = {
    "file": "file",
    "link": "symbolic link, recorded and not followed",
    "device": "device, never opened",
    "fifo": "pipe, never opened",
    "socket": "socket, never opened",
    "directory": "folder that could not be read",
}


def unread(
    case: Case, counts: Counts, listed: frozenset[bytes], limits: PageLimits, left_out: LeftOut
) -> Iterator[Html]:
    """Yield the reasons with their counts, then the places."""
    if not counts.unread_places:
        yield element("p", "Every place was read in full.")
        return
    yield element("h3", "By reason")
    yield table(("What, and why", "Places"), _reasons(case, limits, left_out))
    yield element("h3", "Place by place")
    left_out.note(
        "place not read, counted by its reason alone", counts.unread_places - limits.unread
    )
    sources = {source.source_id: source.path for source in case.sources()}
    rows = (_row(place, sources, listed) for place in islice(case.unread_places(), limits.unread))
    yield table(("Place", "What", "Size", "Why"), rows)


def _reasons(case: Case, limits: PageLimits, left_out: LeftOut) -> list[tuple[Html, str]]:
    reasons: Counter[tuple[str, str]] = Counter()
    for place in case.unread_places():
        first = place.problems[0] if place.problems else None
        why = f"{first.code}: {first.reason}" if first is not None else ""
        key = (_what(place), why[:600])
        if key in reasons or len(reasons) < limits.groups:
            reasons[key] += 1
        else:
            left_out.note("place not read, of a reason that has no row of its own")
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        (joined((what, ". " if why else None, said(why) if why else None)), number(count))
        for (what, why), count in ordered
    ]


def _what(place: UnreadPlace) -> str:
    if place.occurrence is None:
        return f"member of a container, {STATE_WORDS.get(place.state or '', 'not read')}"
    return _KINDS[place.occurrence.kind]


def _row(
    place: UnreadPlace, sources: dict[int, bytes], listed: frozenset[bytes]
) -> tuple[Html, str, str, Html]:
    why = element("ul", *map(problem_line, place.problems), class_="plain")
    if place.occurrence is not None:
        row = place.occurrence
        path = b"/".join(part for part in (row.directory, row.name) if part)
        whole = joined((said(path), element("small", said(sources.get(row.source_id, b"")))))
        return whole, _what(place), _size(row.size_bytes), why
    member = place.containment
    assert member is not None
    whole = joined((said(member.name), element("small", "in ", link(member.parent_sha256, listed))))
    return whole, _what(place), _size(member.size_bytes), why


def _size(size_bytes: int | None) -> str:
    return "not known" if size_bytes is None else size(size_bytes)
