"""The days on which items say that they were taken, year by year."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element, joined
from headwater.report.words import amount, more, number, table

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COLUMNS = 12 * 31
_HEIGHT = 30

Days = list[tuple[datetime.date, int]]


def days(found: list[tuple[str, int]], limits: PageLimits, left_out: LeftOut) -> Iterator[Html]:
    """Yield a row of bars for each year, and a table of the days."""
    dated, undated = _dated(found)
    yield element(
        "p",
        "By the clocks that the files name, whoever set them: a camera whose clock was never set "
        "begins in a year of its maker's choice. Days are in UTC where the zone of a clock is "
        "known, and those of the clock where it is not.",
    )
    if undated:
        yield element("p", f"{amount(undated, 'item')} state less than a day, or none that exists.")
    if not dated:
        yield element("p", "No item states a day.")
        return
    years: dict[int, Days] = {}
    for day, count in dated:
        years.setdefault(day.year, []).append((day, count))
    kept = sorted(sorted(years, key=lambda year: (-_total(years[year]), year))[: limits.years])
    left_out.note("year on the timeline (those with the fewest items)", len(years) - len(kept))
    most = max(count for _, count in dated)
    rows = [_months(), *(_year(year, years[year], most) for year in kept)]
    yield element("div", *rows, class_="timeline")
    shown = dated[: limits.days]
    left_out.note("day in the table of days", len(dated) - len(shown))
    cells = [(day.isoformat(), number(count)) for day, count in shown]
    yield more("The days as a table", table(("Day", "Items"), cells, "counts"))


def _dated(found: list[tuple[str, int]]) -> tuple[Days, int]:
    dated: Days = []
    undated = 0
    for text, count in found:
        try:
            dated.append((datetime.datetime.strptime(text, "%Y-%m-%d").date(), count))
        except ValueError:
            undated += count
    return sorted(dated), undated


def _total(year: Days) -> int:
    return sum(count for _, count in year)


def _months() -> Html:
    names = (element("text", name, x=place * 31 + 2, y=8) for place, name in enumerate(_MONTHS))
    drawing = element("svg", *names, viewBox=f"0 0 {_COLUMNS} 10", aria_hidden="true")
    return element("div", element("span"), drawing, element("span"), class_="year months")


def _year(year: int, own: Days, most: int) -> Html:
    lines = (element("line", x1=31 * m, x2=31 * m, y1=0, y2=_HEIGHT) for m in range(1, 12))
    bars = joined(_bar(day, count, most) for day, count in own)
    words = f"{year}: {amount(_total(own), 'item')} on {amount(len(own), 'day')}"
    drawing = element(
        "svg",
        *lines,
        bars,
        viewBox=f"0 0 {_COLUMNS} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=words,
    )
    total = element("span", number(_total(own)), title=words)
    return element("div", element("b", str(year)), drawing, total, class_="year")


def _bar(day: datetime.date, count: int, most: int) -> Html:
    height = round(4 + (_HEIGHT - 5) * (count / most) ** 0.5, 1)
    title = element("title", f"{day.isoformat()}: {amount(count, 'item')}")
    place = (day.month - 1) * 31 + day.day - 1
    return element("rect", title, x=place, y=round(_HEIGHT - height, 1), width=1.6, height=height)
