"""Measuring single items once more, by other measures than those of `examine`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headwater.case.query import Case
from headwater.case.records import ItemRow
from headwater.engine.reopen import FileKey, add_item, roots
from headwater.engine.replay import Node, Replay, ReplayReport, Stored
from headwater.engine.spool import Spool
from headwater.engine.task import Engine
from headwater.evidence.folder import Walk
from headwater.model import Outcome


class Remeasure(Replay):
    """Opens the places of items again, and hands on what the engine measures of them."""

    def __init__(
        self,
        engine: Engine,
        spool: Spool,
        tick: Callable[[ReplayReport], None],
        take: Callable[[bytes, Outcome], None],
    ) -> None:
        super().__init__(engine, spool, tick)
        self._take = take

    def compare(self, stored: Stored, outcome: Outcome) -> None:
        """Hand on the outcome of one item, by its SHA-256."""
        self.report.items += 1
        self._take(stored.sha256, outcome)


def remeasure(
    case: Case, walks: dict[int, Walk], items: Iterable[ItemRow], again: Remeasure
) -> ReplayReport:
    """Measure items whose sources can be opened; what cannot be is in the report's findings."""
    nodes: dict[FileKey, Node] = {}
    for item in items:
        add_item(case, nodes, item, Stored(sha256=item.sha256, measurements={}, methods=()))
    return again.run(roots(case, walks, nodes, everything=False))
