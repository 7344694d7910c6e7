"""Which items the page sets out one by one, and in which order."""

from __future__ import annotations

from itertools import islice

import msgspec

from headwater.case.query import Case
from headwater.case.records import ItemFilter, ItemRow, Place

_KEY_BYTES = 512
"""As much of a place decides the order; names in archives may be much longer."""

GROUPS: tuple[tuple[str, ItemFilter], ...] = (
    (
        "Pictures and videos",
        ItemFilter(states=("measured", "not_media"), kinds=("picture", "video")),
    ),
    ("Refused or failed", ItemFilter(states=("refused", "failed"))),
    ("Archives", ItemFilter(states=("measured", "not_media"), kinds=("archive",))),
    ("Other content", ItemFilter(states=("measured", "not_media"), kinds=("other",))),
)
"""The groups of items, in the order of the page. Every item is in one of them."""

ORDER = (
    "pictures and videos first, then what was refused or failed, archives, and other content; "
    "within each group by SHA-256, an order that has nothing to do with what an item shows"
)
"""The order in which items are chosen where there are too many for a page."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The items of the page: each group's title with its items by their first place."""

    groups: tuple[tuple[str, tuple[ItemRow, ...]], ...]
    sha256s: frozenset[bytes]

    def __len__(self) -> int:
        return len(self.sha256s)


def choose(case: Case, most: int) -> Listing:
    """Return the first `most` items in `ORDER`, set out within each group by place."""
    groups = []
    left = most
    for title, filters in GROUPS:
        rows = list(islice(case.all_items(filters), left)) if left else []
        left -= len(rows)
        keyed = sorted((_key(case, row), row.sha256, row) for row in rows)
        if rows:
            groups.append((title, tuple(row for _, _, row in keyed)))
    chosen = frozenset(row.sha256 for _, rows in groups for row in rows)
    return Listing(groups=tuple(groups), sha256s=chosen)


def first_place(case: Case, item: ItemRow) -> Place | None:
    """Return the first place of an item; an item of a forged or broken case may have none."""
    return next(iter(case.places(item.item_id, limit=1)), None)


def _key(case: Case, item: ItemRow) -> tuple[bytes, tuple[int, ...]]:
    place = first_place(case, item)
    if place is None:
        return b"\xff", ()
    path = b"/".join((place.source_path, place.directory, place.name))
    return path[:_KEY_BYTES], tuple(step.ordinal for step in place.steps)
