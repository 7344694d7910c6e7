"""Problems of items, grouped by what went wrong and where."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from headwater.case.query import Case
from headwater.case.records import Counts, ItemFilter
from headwater.model import Problem
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element, joined, said
from headwater.report.words import amount, number, table

CODES = {
    "malformed": "the bytes break the rules of their format",
    "refused": "recognised, and deliberately not opened",
    "limit": "a ceiling was reached",
    "crashed": "the worker that held it died, each time it was tried",
    "unexpected": "a library raised what nobody foresaw",
    "unreadable": "the system would not list, open or read it, or not without a trace",
    "changed": "it changed while it was read",
    "contains_itself": "a container holds its own content, without end",
}
"""What the codes of problems mean."""


class Group(msgspec.Struct, kw_only=True):
    """Items with one problem in common: the first of them, and how many there are."""

    problem: Problem
    items: int = 0
    first: list[bytes] = msgspec.field(default_factory=list)


def faults(
    case: Case, counts: Counts, listed: frozenset[bytes], limits: PageLimits, left_out: LeftOut
) -> Iterator[Html]:
    """Yield the problems by code, then those of items by code, step and reason."""
    if not counts.problems:
        yield element("p", "No problem was recorded.")
        return
    rows = [
        (element("code", code), CODES.get(code, ""), number(count))
        for code, count in counts.problems_by_code.items()
    ]
    yield table(("Code", "Meaning", "Problems"), rows)
    groups = _groups(case, counts, limits, left_out)
    if not groups:
        yield element("p", "All of them are problems of places, not of contents.")
        return
    yield element("h3", "By reason")
    yield table(
        ("Code", "Step", "Reason", "Items", "Which"),
        [
            (
                element("code", said(group.problem.code)),
                said(group.problem.where),
                joined((said(group.problem.reason, 600), _limit(group.problem))),
                number(group.items),
                _links(group, listed, limits),
            )
            for group in groups
        ],
        "reasons",
    )


def problem_line(problem: Problem) -> Html:
    """Return one problem on a line."""
    chance = None if problem.reproducible else " (may not come up again)"
    return element(
        "li",
        element("code", said(problem.code)),
        " in ",
        said(problem.where),
        ": ",
        said(problem.reason, 1000),
        _limit(problem),
        chance,
    )


def link(sha256: bytes, listed: frozenset[bytes]) -> Html:
    """Return the beginning of an item's SHA-256, linked where the page has the item."""
    digits = element("code", sha256.hex()[:12])
    if sha256 not in listed:
        return element("span", digits, title="not set out on this page")
    return element("a", digits, href=f"#i-{sha256.hex()}")


def _limit(problem: Problem) -> Html | None:
    return None if problem.limit is None else element("span", " [", said(problem.limit), "]")


def _groups(case: Case, counts: Counts, limits: PageLimits, left_out: LeftOut) -> list[Group]:
    groups: dict[tuple[str, str, str], Group] = {}
    for code in counts.problems_by_code:
        for item in case.all_items(ItemFilter(problem_codes=(code,))):
            own = [one for one in case.problems(item.item_id) if one.code == code]
            for problem in {(one.where, one.reason): one for one in own}.values():
                key = (code, problem.where, problem.reason)
                if key not in groups and len(groups) >= limits.groups:
                    left_out.note("problem of an item, of a reason that has no row of its own")
                    continue
                group = groups.setdefault(key, Group(problem=problem))
                group.items += 1
                if len(group.first) < limits.links:
                    group.first.append(item.sha256)
    ordered = sorted(groups.items(), key=lambda pair: (-pair[1].items, pair[0]))
    return [group for _, group in ordered]


def _links(group: Group, listed: frozenset[bytes], limits: PageLimits) -> Html:
    rest = group.items - len(group.first)
    links = joined([link(sha256, listed) for sha256 in group.first], " ")
    return joined((links, f" and {amount(rest, 'more', 'more')}" if rest > 0 else None))
