"""What is already known: the lists that serve, what matches them, and what people decided.

Nothing that a list holds is on the page but its category codes: no value of it, and no label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headwater.case.query import Case
from headwater.case.records import ListRole
from headwater.exchange.known_lists import (
    CategoryTally,
    ComparedWith,
    KnownTally,
    ListTally,
    groups_of,
    known_tally,
)
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Child, Html, element, joined, said
from headwater.report.words import amount, number, table, terms

ROLES: dict[ListRole, str] = {
    "watch": "what is looked for; a match gives the item the list's category",
    "known": "seen before; never that it is good",
    "negative": "confirmed false matches, which suppress matches with watch lists",
}
"""What each role means."""
STANDINGS = {
    "unconfirmed": "the match hangs on a full decode, and the source could not be read again",
    "suppressed": "every match with the list is one that a negative list holds for false",
}
"""What the columns of a list mean; an item is in one of them at most."""
_COMPARED: dict[ComparedWith, str] = {
    "all": "all items",
    "some": "a part of the items",
    "none": "nothing yet",
}
MEANINGS = {
    "pertinent": "pertinent",
    "related": "related",
    "not_pertinent": "not pertinent",
    "uncategorised": "uncategorised",
    "known": "known",
}
"""How each meaning of a category is said."""


def known_lists(case: Case, limits: PageLimits, left_out: LeftOut) -> Iterator[Html]:
    """Yield the lists, the categories that come of them and of decisions, and the groups."""
    known = known_tally(case)
    yield from _lists(known, limits, left_out)
    yield from _categories(known, limits, left_out)
    yield from _groups(case)


def _lists(known: KnownTally, limits: PageLimits, left_out: LeftOut) -> Iterator[Html]:
    if not known.lists:
        yield element("p", "No known list serves in this case.")
        return
    items = amount(known.watched, "item matches", "items match")
    yield element(
        "p",
        f"{items} a watch list. A match says that the content, or a picture near it, is on a "
        "list; whether the list is right, and whether the two show the same, is for a person to "
        "judge. What a list holds is sealed and is not on this page.",
    )
    shown = known.lists[: limits.groups]
    left_out.note("known list beyond the first", len(known.lists) - len(shown))
    heads = (
        "List",
        "Version",
        "Role",
        "Signed",
        "Categories by",
        "Entries",
        "Compared with",
        "Items matched",
        "Unconfirmed",
        "Suppressed",
    )
    yield table(heads, [_row(one) for one in shown], "counts")
    if any(one.compared != "all" for one in shown):
        yield element(
            "p",
            element("strong", "Not every list was compared with every item. "),
            "Run ",
            element("code", "headwater match --case FOLDER"),
            " and write this page again.",
            class_="warning",
            role="alert",
        )
    roles = [role for role in ROLES if any(one.role == role for one in shown)]
    yield terms([*((role, ROLES[role]) for role in roles), *STANDINGS.items()], class_="facts")


def _row(one: ListTally) -> tuple[Child, ...]:
    return (
        said(one.name, 200),
        said(one.version, 60) if one.version else element("em", "not stated"),
        one.role,
        "yes" if one.signed else element("strong", "no"),
        said(one.scheme, 60),
        number(one.entries),
        _COMPARED[one.compared],
        number(one.matched),
        number(one.unconfirmed),
        number(one.suppressed),
    )


def _categories(known: KnownTally, limits: PageLimits, left_out: LeftOut) -> Iterator[Html]:
    yield element("h3", "Categories")
    if not known.categories:
        yield element("p", "No list and no person says a category of any item.")
        return
    shown = known.categories[: limits.groups]
    left_out.note("category (those with the fewest items)", len(known.categories) - len(shown))
    yield table(
        ("Category", "Meaning", "Who says it", "Items"), [_category(one) for one in shown], "counts"
    )
    yield element(
        "p",
        "A person's decision stands above every list; of lists, the gravest category counts. What "
        "a code means follows from the scheme that was chosen for its list.",
    )
    if known.contradicted:
        yield element(
            "p",
            f"Of {amount(known.contradicted, 'item')} another list says another category; ",
            element("code", "headwater show"),
            " names the lists.",
        )


def _category(one: CategoryTally) -> tuple[Child, ...]:
    by = "decided by " if one.basis == "decision" else "list "
    meaning = element("em", "as decided") if one.meaning is None else MEANINGS.get(one.meaning)
    return (
        said(one.code, 80),
        meaning or said(one.meaning or "", 80),
        joined((by, said(one.by, 200))),
        number(one.items),
    )


def _groups(case: Case) -> Iterator[Html]:
    sizes = groups_of(case.partner_pairs())
    yield element("h3", "Items near each other")
    if not sizes:
        yield element("p", "No two items of the case match each other by PDQ.")
        return
    yield element(
        "p",
        f"{amount(sum(sizes), 'item')} in {amount(len(sizes), 'group')} that hang together by near "
        f"PDQ hashes; the largest has {amount(sizes[0], 'item')}. Two of a group may each be near "
        "a third and not near each other.",
    )


def match_line(match: Mapping[str, Any]) -> Html:
    """Return a match of an item (`exchange.matches`) as a line of a list."""
    score = match["score"]
    near = f"{number(score['value'])} {score['unit']}" if match["kind"] in _NEAR_KINDS else "equal"
    parts: list[Child] = [f"{match['kind']}, {near}, "]
    if "list" in match:
        codes = ", ".join(one["code"] for one in match["categories"])
        parts += [f"{match['role']} list ", said(match["list"], 200)]
        parts.append(", signed" if match["signed"] else ", not signed")
        parts += [", category ", said(codes, 200)] if codes else []
    else:
        parts += ["item ", element("code", match["item"])]
    if "form" in match["how"]:
        parts.append(f", {match['how']['form'].replace('_', ' ')}, {match['how']['decode']} decode")
    if match["standing"] == "unconfirmed":
        parts.append(element("strong", ", unconfirmed"))
    if match["standing"] == "suppressed":
        parts += [", suppressed by ", said(match["suppressed_by"], 200)]
    return element("li", *parts)


_NEAR_KINDS = ("pdq", "photodna")
