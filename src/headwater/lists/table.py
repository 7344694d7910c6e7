"""Reads a table whose columns are known, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from headwater.lists.columns import Entries
from headwater.lists.contract import Batch, Entry
from headwater.lists.lines import LinePlace
from headwater.lists.rows import Row, Rows


def batches(
    rows: Rows,
    entries: Entries,
    skipped_lines: int,
    cursor_of: Callable[[LinePlace], bytes],
    keep: Callable[[Entry], bool] | None = None,
) -> Iterator[Batch]:
    """Yield one batch for each block of rows; those on the first lines are no entries.

    `keep` says of each entry whether it is given out. Raises ListFault as `Lines.blocks` does.
    """
    for block in rows.blocks():
        made: list[Entry] = []
        lines: list[Row] = block.rows
        if lines and lines[0].line <= skipped_lines:
            lines = [row for row in lines if row.line > skipped_lines]
        for row in lines:
            entry = entries.of(row)
            if entry is not None and (keep is None or keep(entry)):
                made.append(entry)
        faults = [fault for fault in block.faults if (fault.spot.line or 0) > skipped_lines]
        faults += entries.faults
        # Rows whose quotes do not match are found before the others of their block.
        faults.sort(key=lambda fault: fault.spot.line or 0)
        entries.faults = []
        yield Batch(
            entries=made,
            faults=faults,
            lost=entries.losses.take(),
            cursor=cursor_of(block.after),
            position_bytes=block.after.offset_bytes,
        )
