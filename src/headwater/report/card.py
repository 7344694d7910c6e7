"""One item on the page: what it is, where it lies, and everything that was measured on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headwater.case.query import Case
from headwater.case.records import Facts, ItemRow, Place
from headwater.exchange.document import file_times
from headwater.exchange.matches import matches_of
from headwater.media.formats import extension_agrees
from headwater.model import Problem
from headwater.report.covers import Covers, no_picture
from headwater.report.faults import problem_line
from headwater.report.known_lists import match_line
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Child, Html, element, joined, said, spoken
from headwater.report.storyboard import storyboard
from headwater.report.values import value_of
from headwater.report.words import (
    STATE_WORDS,
    amount,
    degrees,
    duration,
    more,
    number,
    size,
    terms,
)

_NAME_MOST = 120


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a card shows of an item."""

    item: ItemRow
    facts: Facts
    problems: tuple[Problem, ...]
    places: tuple[Place, ...]
    """The first of them."""
    place_count: int
    measured: dict[str, Any]
    """What was decoded; measurements that are too long for the page are left out."""
    long: dict[str, int]
    """Measurements that are too long, with their bytes."""
    versions: dict[str, int]
    blobs: frozenset[str]
    matches: tuple[dict[str, Any], ...]
    category: dict[str, Any] | None


class Cards:
    """Makes cards until the bytes of one page are used up."""

    def __init__(self, case: Case, covers: Covers, limits: PageLimits, left_out: LeftOut) -> None:
        self._case = case
        self._covers = covers
        self._limits = limits
        self._left_out = left_out
        self._left_bytes = limits.detail_bytes

    def card(self, item: ItemRow) -> Html:
        """Return the card of an item."""
        seen = self._look(item)
        wide = storyboard(
            seen.measured.get("storyboard"),
            seen.blobs,
            spoken(_name(seen)),
            self._covers,
            self._limits,
            self._left_out,
        )
        picture = wide or self._picture(seen)
        return element(
            "article",
            picture,
            element("h4", said(_name(seen), _NAME_MOST), id=f"i-{item.sha256.hex()}", tabindex=-1),
            element("p", _path(seen), class_="path"),
            element("p", *_badges(seen), class_="badges"),
            terms(_facts(seen)),
            element("ul", *map(problem_line, seen.problems), class_="plain problems")
            if seen.problems
            else None,
            more("All places and measurements", *self._details(seen), class_="details"),
            class_="card wide" if wide is not None else "card",
            data_kind=item.kind,
            data_state=item.state,
            data_problems=str(len(seen.problems)),
            data_find=_find(seen),
        )

    def _look(self, item: ItemRow) -> Seen:
        case, item_id = self._case, item.item_id
        measured: dict[str, Any] = {}
        long: dict[str, int] = {}
        for name, raw in case.measured(item_id).items():
            if len(raw) > min(self._limits.one_detail_bytes, self._left_bytes):
                long[name] = len(raw)
                self._left_out.note("measurement that is too long for a page")
            else:
                measured[name] = _decoded(raw)
                self._left_bytes -= len(raw)
        known = matches_of(case, item_id)
        return Seen(
            item=item,
            facts=case.facts(item_id),
            problems=case.problems(item_id),
            places=tuple(case.places(item_id, self._limits.places)),
            place_count=case.place_count(item_id),
            measured=measured,
            long=long,
            versions={method.name: method.version for method in case.methods_of(item_id)},
            blobs=frozenset(digest.hex() for digest in case.blobs_of(item_id)),
            matches=tuple(known["matches"]),
            category=known["category"],
        )

    def _picture(self, seen: Seen) -> Html:
        record = seen.measured.get("thumbnail")
        digest = record.get("sha256") if isinstance(record, Mapping) else None
        if isinstance(digest, str):
            return self._covers.cover(digest, f"picture {spoken(_name(seen))}", seen.item.format)
        reason = record.get("cannot_measure") if isinstance(record, Mapping) else None
        if isinstance(reason, str):
            return no_picture(f"No picture: {spoken(reason)}")
        return no_picture(_NO_PICTURE.get(seen.item.kind, "No picture was made."))

    def _details(self, seen: Seen) -> Iterator[Html]:
        item = seen.item
        digests = (("SHA-256", item.sha256), ("SHA-1", item.sha1), ("MD5", item.md5))
        yield terms(
            (
                *((name, element("code", digest.hex())) for name, digest in digests),
                ("Size", f"{number(item.size_bytes)} bytes"),
                ("Media type", said(item.media_type) if item.media_type else "none recognised"),
            )
        )
        yield element("h5", "Places")
        yield element("ol", *(_whole_place(place, item) for place in seen.places))
        rest = seen.place_count - len(seen.places)
        self._left_out.note("place of an item beyond its first", rest)
        if rest > 0:
            yield element("p", f"… and {amount(rest, 'more place')}")
        if seen.matches:
            yield element("h5", "Matches")
            shown = seen.matches[: self._limits.matches]
            self._left_out.note("match of an item", len(seen.matches) - len(shown))
            yield element("ul", *map(match_line, shown), class_="plain")
        yield from _measurements(seen)


def _decoded(raw: bytes) -> Any:
    """Return a measurement; one that is no JSON, which only a forged case has, as its text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw.decode("utf-8", "surrogateescape")


_NO_PICTURE = {
    "video": "No frame of this video is in the case.",
    "archive": "An archive: its members are items of their own.",
    "other": "Not opened: no picture.",
}


def _name(seen: Seen) -> bytes:
    if not seen.places:
        return b""
    place = seen.places[0]
    return (place.steps[-1].name if place.steps else place.name) or b"(no name)"


def _path(seen: Seen) -> Html:
    """Return where the first place lies, without its own name."""
    if not seen.places:
        return element("em", "no place: superseded, or the case is damaged")
    place = seen.places[0]
    if place.steps:
        return joined(("in ", _way(msgspec.structs.replace(place, steps=place.steps[:-1]), 300)))
    if place.directory:
        return joined(("in ", said(place.directory, 300)))
    return element("span", "at the top of its source")


def _way(place: Place, most: int) -> Html:
    steps = (said(step.name, most) for step in place.steps)
    return joined((said(place.path, most), *steps), " › ")


def _badges(seen: Seen) -> Iterator[Html]:
    item = seen.item
    yield element("span", STATE_WORDS[item.state], class_=f"badge {item.state}")
    yield element("span", said(item.format), class_="badge")
    if any(_misnamed(place, item) for place in seen.places):
        yield element("span", "name says another format", class_="badge notable")
    structure = seen.measured.get("structure")
    if isinstance(structure, Mapping):
        if structure.get("is_polyglot") is True:
            yield element("span", "readable as another format", class_="badge notable")
        elif structure.get("embedded"):
            yield element("span", "holds other media", class_="badge")
    if seen.category is not None:
        words = ("category ", said(seen.category["code"], 40))
        yield element("span", *words, class_="badge notable")
    if any(_is_known(match) for match in seen.matches):
        yield element("span", "on a known list", class_="badge notable")
    if seen.problems:
        yield element("span", amount(len(seen.problems), "problem"), class_="badge failed")


def _is_known(match: Mapping[str, Any]) -> bool:
    return match.get("role") in ("watch", "known") and match["standing"] == "match"


def _misnamed(place: Place, item: ItemRow) -> bool:
    last = place.steps[-1].name if place.steps else place.name
    return extension_agrees(last, item.format) is False


def _facts(seen: Seen) -> Iterator[tuple[Child, Child]]:
    facts, item = seen.facts, seen.item
    yield "Size", size(item.size_bytes)
    if facts.width_px is not None and facts.height_px is not None:
        yield "Pixels", f"{facts.width_px} × {facts.height_px}"
    if facts.duration_seconds is not None:
        yield "Duration", duration(facts.duration_seconds)
    if facts.taken_at:
        basis = element("small", " by ", said(facts.taken_basis or "an unnamed clock"))
        yield "Taken", joined((said(facts.taken_at.replace("T", " ", 1), 60), basis))
    if facts.make or facts.model:
        yield "Device", said(_device(facts), 120)
    if facts.latitude_degrees is not None and facts.longitude_degrees is not None:
        yield "Position", degrees(facts.latitude_degrees, facts.longitude_degrees, 5)
    if seen.category is not None:
        by = "decided by " if seen.category["basis"] == "decision" else "from the list "
        yield "Category", joined((said(seen.category["code"], 80), _by(by, seen.category["by"])))
    yield "Places", number(seen.place_count)
    yield "SHA-256", element("code", item.sha256.hex()[:16], "…")


def _by(words: str, name: str) -> Html:
    return element("small", f" {words}", said(name, 120))


def _device(facts: Facts) -> str:
    make, model = facts.make or "", facts.model or ""
    return model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()


def _whole_place(place: Place, item: ItemRow) -> Html:
    times = [
        joined((time["basis"], " ", element("time", time["at"]))) for time in file_times(place)
    ]
    for step in place.steps:
        times += [joined((said(time.basis), " ", said(time.at))) for time in step.times]
    notes = [said(note) for step in place.steps for note in step.notes]
    if _misnamed(place, item):
        notes.append(element("em", "the name's extension belongs to another format"))
    return element(
        "li",
        _way(place, 4_000),
        element("small", "source ", said(place.source_path)),
        element("small", joined(times, "; ")) if times else None,
        element("small", joined(notes, "; ")) if notes else None,
        element("ul", *map(problem_line, place.problems), class_="plain")
        if place.problems
        else None,
    )


def _measurements(seen: Seen) -> Iterator[Html]:
    nothing: list[Html] = []
    for name in sorted({*seen.measured, *seen.long}):
        record = seen.measured.get(name)
        if isinstance(record, Mapping) and set(record) == {"cannot_measure"}:
            nothing.append(
                joined((element("b", said(name)), ": ", value_of(record["cannot_measure"])))
            )
            continue
        version = seen.versions.get(name)
        title = joined((said(name), f", version {version}" if version is not None else None))
        yield element("h5", title)
        if name in seen.long:
            yield element(
                "p",
                f"{number(seen.long[name])} bytes, too long for this page: ",
                element("code", f"headwater show {seen.item.sha256.hex()} --case FOLDER"),
            )
        else:
            yield element("div", value_of(record), class_="scroll", tabindex=0)
    if nothing:
        yield element("h5", "Nothing to measure")
        yield element("ul", *(element("li", line) for line in nothing), class_="plain")


def _find(seen: Seen) -> str:
    path = seen.places[0].whole_path if seen.places else b""
    device = spoken(f"{seen.facts.make or ''} {seen.facts.model or ''}")
    lists = {spoken(match["list"], 100) for match in seen.matches if "list" in match}
    parts = (spoken(path, 300), seen.item.sha256.hex(), seen.item.format, device, *sorted(lists))
    return " ".join(parts).lower()
