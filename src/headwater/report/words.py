"""Numbers, sizes and small tables, said the same way all over the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.report.markup import Child, Html, element, joined

_STEPS = ((1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))

STATE_WORDS = {
    "measured": "measured",
    "not_media": "not media",
    "refused": "refused",
    "failed": "failed",
}
"""How each state is said."""

STATE_MEANINGS = {
    "measured": "opened and measured",
    "not_media": "read in full and digested; its content is not media and was not opened",
    "refused": "recognised, and deliberately not opened; the reason stands beside it",
    "failed": "could not be opened or read; the reason stands beside it",
}
"""What each state means."""


def number(value: int) -> str:
    """Return a whole number with separators."""
    return f"{value:,}"


def amount(count: int, one: str, many: str = "") -> str:
    """Return `1 item`, `2 items`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(size_bytes: int) -> str:
    """Return a size to three digits."""
    for least, unit in _STEPS:
        if size_bytes >= least:
            return f"{size_bytes / least:.3g} {unit}"
    return amount(size_bytes, "byte")


def degrees(latitude: float, longitude: float, decimals: int) -> str:
    """Return a position as a reader of maps writes it."""
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.{decimals}f}° {north}, {abs(longitude):.{decimals}f}° {east}"


def duration(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02} h"
    if whole >= 60:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{seconds:.1f} s"


def table(heads: Sequence[Child], rows: Iterable[Sequence[Child]], class_: str = "") -> Html:
    """Return a table with a row of heads; the first cell of a row heads that row."""
    head = element("tr", *(element("th", cell, scope="col") for cell in heads))
    body = joined(
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell) for cell in row[1:]),
        )
        for row in rows
    )
    inside = element("table", element("thead", head), element("tbody", body), class_=class_ or None)
    return element("div", inside, class_="scroll", tabindex=0, role="group", aria_label="table")


def terms(rows: Iterable[tuple[Child, Child]], class_: str = "") -> Html:
    """Return a list of terms, each with what it is."""
    inside = (
        element("div", element("dt", term), element("dd", description))
        for term, description in rows
    )
    return element("dl", *inside, class_=class_ or None)


def more(summary: Child, *children: Child, class_: str = "more") -> Html:
    """Return a part that is closed until it is opened."""
    return element("details", element("summary", summary), *children, class_=class_)


def tile(value: int, word: Child) -> Html:
    """Return a number set large, above what it counts."""
    return element("div", element("b", number(value)), element("span", word), class_="tile")
