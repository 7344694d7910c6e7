"""How much one page holds. Whatever is beyond is counted and said, never dropped in silence."""

from __future__ import annotations

from collections import Counter

import msgspec

MB = 1_000_000


class PageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Ceilings of one page."""

    items: int = 5_000
    """Items that are set out one by one."""
    picture_bytes: int = 60 * MB
    """All small pictures together, before they are written as text."""
    one_picture_bytes: int = 2 * MB
    """One small picture."""
    storyboard_frames: int = 24
    """Frames of one video, evenly taken from those that the case has."""
    detail_bytes: int = 40 * MB
    """All measurements that are set out as tables, as they are stored."""
    one_detail_bytes: int = 200_000
    """The same of one item's measurement."""
    places: int = 20
    """Places of one item."""
    groups: int = 200
    """Groups of problems, kinds of places not read, cameras, runs, known lists and categories."""
    matches: int = 20
    """Matches of one item."""
    links: int = 24
    """Items that one group of problems links to."""
    unread: int = 1_000
    """Places not read that are set out one by one."""
    years: int = 60
    days: int = 1_000
    """Days in the table below the timeline."""
    dots: int = 2_000
    """Dots on the grid of the earth."""
    positions: int = 200
    """Positions in the table beside it."""


class LeftOut:
    """What did not fit on the page, gathered while it is written."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, what: str, number: int = 1) -> None:
        """Count `number` more of `what`, which is said as `123 x what`."""
        if number > 0:
            self._counts[what] += number

    def listed(self) -> list[tuple[str, int]]:
        """Return what was left out and how many times, in the order in which it came up."""
        return list(self._counts.items())
