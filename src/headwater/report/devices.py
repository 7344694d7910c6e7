"""Cameras and phones, by make and model as the files state them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from headwater.case.query import Case
from headwater.report.holdings import bar
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element, said
from headwater.report.words import number, table

_HELD_MOST = 10_000


def devices(case: Case, limits: PageLimits, left_out: LeftOut) -> Iterator[Html]:
    """Yield the devices, the most frequent first."""
    found: Counter[tuple[str, str]] = Counter()
    silent = 0
    for _, facts in case.facts_of_items():
        device = (facts.make or "", facts.model or "")
        if device == ("", ""):
            silent += 1
        elif device in found or len(found) < _HELD_MOST:
            found[device] += 1
        else:
            left_out.note("item of a make and model beyond the first ten thousand")
    if not found:
        yield element("p", "No item states what it was taken with.")
        return
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ordered[: limits.groups]
    left_out.note("make and model (those with the fewest items)", len(ordered) - len(shown))
    yield element(
        "p",
        "As the files state it, which anyone can change. Of the items with measurements, "
        f"{number(silent)} state none.",
    )
    most = ordered[0][1]
    yield table(
        ("Make", "Model", "Items", ""),
        [
            (said(make, 200), said(model, 200), number(count), bar(count, most))
            for (make, model), count in shown
        ],
        "counts",
    )
