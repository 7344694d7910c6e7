"""What the case holds, counted by state, kind and format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headwater.case.records import Counts
from headwater.media.formats import BY_NAME
from headwater.report.markup import Child, Html, element, said
from headwater.report.words import STATE_MEANINGS, STATE_WORDS, amount, number, size, table

KINDS = {
    "picture": "pictures",
    "video": "videos",
    "archive": "archives",
    "other": "other content, which is digested and not opened",
}
"""What each kind means."""


def holdings(counts: Counts) -> Iterator[Html]:
    """Yield the counts."""
    places = (
        amount(counts.files, "file") + " of the sources and " + amount(counts.members, "member")
    )
    yield element(
        "p",
        f"{places} of containers (embedded media among them), which make "
        f"{amount(counts.occurrences, 'place')}. Each distinct content is one item, named by its "
        f"SHA-256 and examined once: {amount(counts.items, 'item')}, "
        f"{amount(counts.measurements, 'measurement')}. The case keeps "
        f"{amount(counts.blobs, 'small picture')} made anew from the evidence "
        f"({size(counts.blob_bytes)}).",
    )
    states = {name: f"{STATE_WORDS[name]}: {STATE_MEANINGS[name]}" for name in STATE_MEANINGS}
    formats = {name: row.title for name, row in BY_NAME.items()}
    yield element(
        "div",
        element(
            "div",
            _counted("How items ended", "State", counts.items_by_state, states),
            _counted("Items by kind", "Kind", counts.items_by_kind, KINDS),
        ),
        _counted("Items by format", "Format", counts.items_by_format, formats),
        class_="columns",
    )


def _counted(title: str, head: str, counts: Mapping[str, int], words: Mapping[str, str]) -> Html:
    most = max(counts.values(), default=1)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[tuple[Child, ...]] = [
        (words[name] if name in words else said(name), number(count), bar(count, most))
        for name, count in ordered
    ]
    return element("div", element("h3", title), table((head, "Items", ""), rows, "counts"))


def bar(count: int, most: int) -> Html:
    """Return a bar of `count` on a scale that ends at `most`."""
    width = round(100 * count / most, 1) if most else 0
    inside = element("rect", width=max(width, 0.5), height=8)
    return element(
        "svg",
        inside,
        class_="bar",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
