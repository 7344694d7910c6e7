"""The items of the page, one card each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from headwater.case.query import Case
from headwater.case.records import Counts
from headwater.model import Kind
from headwater.report.card import Cards
from headwater.report.covers import Covers
from headwater.report.limits import MB, LeftOut, PageLimits
from headwater.report.listing import ORDER, Listing
from headwater.report.markup import Html, close_tag, element, joined, open_tag
from headwater.report.words import STATE_WORDS, amount, number

_MANNERS = (
    ("blurred", "grey and blurred"),
    ("grey", "grey"),
    ("plain", "as it is"),
)


def items(
    case: Case, counts: Counts, listing: Listing, limits: PageLimits, left_out: LeftOut
) -> Iterator[Html]:
    """Yield the tools, and the cards group by group."""
    if not listing:
        yield element("p", "The case has no items.")
        return
    left_out.note("item without a card", counts.items - len(listing))
    yield element("p", _account(counts, listing, limits))
    yield _tools(case)
    cards = Cards(case, Covers(case, limits, left_out), limits, left_out)
    for title, rows in listing.groups:
        yield open_tag("div", class_="group")
        yield element("h3", title, " ", element("small", number(len(rows))))
        yield open_tag("div", class_="cards")
        for row in rows:
            yield cards.card(row)
        yield close_tag("div")
        yield close_tag("div")


def _account(counts: Counts, listing: Listing, limits: PageLimits) -> str:
    account = f"All {amount(counts.items, 'item')} are set out below, by their first place."
    if counts.items > len(listing):
        account = (
            f"{number(len(listing))} of {amount(counts.items, 'item')} are set out below: {ORDER}. "
            "Here they stand by their first place. The others are in the counts above, in the "
            "export and in the case."
        )
    return (
        f"{account} The page holds at most {limits.picture_bytes / MB:g} MB of small pictures, "
        "taken in the order of the page; where one is left out, that stands in its place."
    )


def _tools(case: Case) -> Html:
    thumbnails = None
    if not case.info.thumbnails:
        thumbnails = element("p", "The case was made without thumbnails.")
    scriptless = "Pictures stay covered, as this browser runs no scripts. All else can be read."
    return joined(
        (
            thumbnails,
            element("noscript", element("p", scriptless)),
            _form(),
            element(
                "p",
                "Every picture is covered. Press its cover, or move to it with Tab and press Enter "
                "or Space, to show it; the same again covers it. Nothing is decoded before. "
                "Printed pages keep all pictures covered.",
                class_="hint",
            ),
        )
    )


def _form() -> Html:
    """Return what chooses the cards that are seen, and how; without scripts it stays hidden."""
    manners = (
        element(
            "label",
            element("input", type="radio", name="manner", value=value, checked=value == "blurred"),
            words,
        )
        for value, words in _MANNERS
    )
    return element(
        "form",
        element("fieldset", element("legend", "Uncovered pictures are shown"), *manners),
        element("label", "Find ", element("input", type="search", name="find")),
        _choice("Kind ", "kind", {kind: kind for kind in get_args(Kind)}),
        _choice("State ", "state", STATE_WORDS),
        element("label", element("input", type="checkbox", name="problems"), "with problems"),
        element("button", "Cover all (Esc)", type="button", class_="cover-all"),
        element("output", "", name="said", aria_live="polite"),
        class_="tools",
        hidden=True,
    )


def _choice(title: str, name: str, words: Mapping[str, str]) -> Html:
    options = (element("option", said, value=value) for value, said in words.items())
    every = element("option", "all", value="")
    return element("label", title, element("select", every, *options, name=name))
