"""One item as a person reads it."""

from __future__ import annotations

from typing import Any

from headwater.cli.layout import say_columns, say_heading, say_nested, say_pairs, say_wrapped, words
from headwater.cli.reference import Candidates
from headwater.cli.terminal import say
from headwater.exchange.document import Document
from headwater.exchange.text import escaped

_IN = "    "
_NOT_AGREEING = "the name claims another format than the content has"


def say_item(document: Document) -> None:
    """Print everything that a document holds; fields without a value are left out."""
    item = document["item"]
    names = ("sha256", "md5", "sha1")
    say_pairs(
        [
            *((name, item[name]) for name in names),
            ("size", f"{item['size_bytes']:,} bytes"),
            (
                "content",
                ", ".join(filter(None, (item["format"], item["kind"], item["media_type"]))),
            ),
            ("state", item["state"].replace("_", " ")),
        ],
        indent="",
    )
    left_out = document.get("occurrences_left_out", 0)
    say_heading(f"places: {len(document['occurrences']) + left_out:,}")
    for place in document["occurrences"]:
        _say_place(place)
    if left_out:
        say(f"  ... and {left_out:,} more places, which are not listed")
    for name, record in document["measurements"].items():
        if (reason := record.get("cannot_measure")) is not None and len(record) == 1:
            say()
            say_wrapped(f"{name}: cannot measure: {reason}", "", "  ")
        else:
            say_heading(f"{name}:")
            for inner, value in record.items():
                say_nested(inner, value)
    _say_matches(document)
    if document["problems"]:
        say_heading("problems:")
        _say_problems(document["problems"], "  ")


def _say_matches(document: Document) -> None:
    """Print what an item matches, and the category that comes of it."""
    if (category := document["category"]) is not None:
        whose = "decided by" if category["basis"] == "decision" else "from the list"
        meaning = f" ({category['meaning'].replace('_', ' ')})" if category["meaning"] else ""
        say()
        at = f" at {category['at']}" if category["at"] else ""
        said = f"category {category['code']}{meaning}, {whose} {category['by']}{at}"
        say_wrapped(said, "", "  ")
        if category["note"]:
            say_wrapped(f"note: {category['note']}", "  ", "    ")
        if category["contradicted_by"]:
            others = ", ".join(category["contradicted_by"])
            say_wrapped(f"said otherwise by: {others}", "  ", "    ")
    if not document["matches"]:
        return
    say_heading(f"matches: {len(document['matches']):,}")
    for match in document["matches"]:
        say_wrapped(_match_words(match), "  ", "    ")


def _match_words(match: Document) -> str:
    score = match["score"]
    near = (
        f"{score['value']:,} {score['unit']}" if match["kind"] in ("pdq", "photodna") else "equal"
    )
    said = f"{match['kind']} {near}"
    if "list" in match:
        version = f" {match['list_version']}" if match["list_version"] else ""
        signed = "signed" if match["signed"] else "not signed"
        said += f", {match['role']} list {match['list']}{version} ({signed})"
        codes = ", ".join(one["code"] for one in match["categories"])
        said += f", category {codes}" if codes else ""
    else:
        said += f", item {match['item']}"
    if "form" in match["how"]:
        said += f", {match['how']['form'].replace('_', ' ')}, {match['how']['decode']} decode"
    if match["standing"] == "suppressed":
        return f"{said}; suppressed by {match['suppressed_by']}"
    return said if match["standing"] == "match" else f"{said}; unconfirmed"


def say_candidates(found: Candidates) -> None:
    """Print which items a reference fits."""
    listed = len(found.candidates)
    if not listed:
        say(f"nothing in this case fits {found.reference}", err=True)
        return
    say(f"{found.fitting:,} items fit {found.reference}; name one of them:", err=True)
    for one in found.candidates:
        say(f"{one.sha256[:16]}  {one.path}")
    if found.fitting > listed:
        say(
            f"the list is cut after {listed} of {found.fitting:,}; say more of the path, or more "
            "digits",
            err=True,
        )


def _say_place(place: Document) -> None:
    inside = [step["name"] for step in place["inside"]]
    # A path is never wrapped, so that it can be copied whole.
    say("  " + "//".join([place["path"], *inside]))
    say(f"{_IN}in {place['source']}")
    rows = [[time["basis"], time["at"]] for time in place["times"]]
    rows += [[time["basis"], time["at"]] for step in place["inside"] for time in step["times"]]
    if rows:
        say_columns(rows, _IN)
    for step in place["inside"]:
        where: dict[str, Any] = {
            "member": step["ordinal"],
            "of": step["container_sha256"],
            "at byte": step["offset_bytes"],
        }
        say_wrapped(words(where), _IN, _IN + "  ")
        for note in step["notes"]:
            say_wrapped(f"note: {note}", _IN, _IN + "  ")
    if place["extension_agrees"] is False:
        say(_IN + _NOT_AGREEING)
    _say_problems(place["problems"], _IN)


def _say_problems(problems: list[Document], indent: str) -> None:
    for problem in problems:
        rest = {name: problem[name] for name in ("limit",) if name in problem}
        chance = "" if problem["reproducible"] else ", may end otherwise next time"
        more = f" ({words(rest)}{chance})" if rest or chance else ""
        lead = f"{indent}{problem['code']} in {problem['where']}: "
        say_wrapped(f"{problem['reason']}{more}", escaped(lead), indent + "  ")
