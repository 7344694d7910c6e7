"""Positions that items state, as a table and as dots on the earth's grid."""

from __future__ import annotations

import math
from collections.abc import Iterator

from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element, joined
from headwater.report.words import amount, degrees, number, table

DECIMALS = 2
"""About a kilometre."""

Spot = tuple[float, float, int]


def earth(found: list[Spot], limits: PageLimits, left_out: LeftOut) -> Iterator[Html]:
    """Yield the grid with its dots, and the positions, the most frequent first."""
    if not found:
        yield element("p", "No item states a position.")
        return
    ordered = sorted(found, key=lambda spot: (-spot[2], spot[0], spot[1]))
    on_earth = [spot for spot in ordered if abs(spot[0]) <= 90 and abs(spot[1]) <= 180]
    dots, shown = on_earth[: limits.dots], ordered[: limits.positions]
    left_out.note("position on the grid (those with the fewest items)", len(on_earth) - len(dots))
    left_out.note("position in the table (those with the fewest items)", len(ordered) - len(shown))
    total = sum(count for _, _, count in found)
    yield element(
        "p",
        f"{amount(total, 'item')} state a position, here rounded to a hundredth of a degree (about "
        "a kilometre); the items have it in full. A position may be old, rounded or set by hand. "
        "The grid has a line every 30 degrees, and is drawn without a map.",
    )
    rows = [(_position(spot), number(spot[2])) for spot in shown]
    yield element(
        "div",
        _grid(dots),
        table(("Position", "Items"), rows, "counts"),
        class_="earth",
    )


def _position(spot: Spot) -> str:
    latitude, longitude, _ = spot
    if abs(latitude) > 90 or abs(longitude) > 180:
        return f"not on earth: {latitude:g}, {longitude:g}"
    return degrees(latitude, longitude, DECIMALS)


def _grid(dots: list[Spot]) -> Html:
    meridians = (
        element("line", x1=x, x2=x, y1=-90, y2=90, class_=None if x else "zero")
        for x in range(-150, 180, 30)
    )
    parallels = (
        element("line", x1=-180, x2=180, y1=y, y2=y, class_=None if y else "zero")
        for y in range(-60, 90, 30)
    )
    words = [
        *(element("text", _side(y, "NS"), x=-178, y=1 - y - 2) for y in (60, 30, 0, -30, -60)),
        *(element("text", _side(x, "EW"), x=x + 1, y=88) for x in range(-150, 180, 60)),
    ]
    return element(
        "svg",
        element("rect", x=-180, y=-90, width=360, height=180, class_="sea"),
        *meridians,
        *parallels,
        *words,
        joined(map(_dot, reversed(dots))),
        viewBox="-181 -91 362 182",
        role="img",
        aria_label=f"{amount(len(dots), 'position')} on the earth's grid; the table has them too",
        class_="grid-of-earth",
    )


def _side(value: int, letters: str) -> str:
    return f"{abs(value)}°" + (letters[0] if value > 0 else letters[1] if value < 0 else "")


def _dot(spot: Spot) -> Html:
    latitude, longitude, count = spot
    radius = round(min(2 + math.log2(count), 7), 2)
    title = element("title", f"{degrees(latitude, longitude, DECIMALS)}: {amount(count, 'item')}")
    return element("circle", title, cx=longitude, cy=-latitude, r=radius)
