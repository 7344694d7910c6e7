"""The compiled parts of comparing PhotoDNA values: nothing of a value leaves the arrays given."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.measures.compiled import kernel

BLOCK = 512
"""Values that are compared at once: their bytes fill half of a second-level cache."""
_STEP = 16
"""Bytes between two looks at whether any distance is still within the limit; a divisor of 144."""


@kernel()
def count_changes(values: Any, changes: Any) -> None:
    """Write into `changes`, int64 (n,), how many bytes differ from the one before them."""
    for row in range(values.shape[0]):
        count = 0
        for place in range(1, values.shape[1]):
            count += values[row, place] != values[row, place - 1]
        changes[row] = count


@kernel()
def mark_repeated(values: Any, owners: Any, repeated: Any) -> None:
    """Mark in `repeated`, bool (n,), values that their owner has before; owners are sorted."""
    begin = 0
    for row in range(values.shape[0]):
        if owners[row] != owners[begin]:
            begin = row
        for other in range(begin, row):
            same = True
            for place in range(values.shape[1]):
                same &= values[row, place] == values[other, place]
            if same:
                repeated[row] = True
                break


@kernel()
def distances(
    given: Any, values: Any, usable: Any, limit: int, columns: Any, totals: Any, out: Any
) -> None:
    """Write squared Euclidean distances, int32 (given, values); -1 beyond the limit.

    `columns`, int16 (bytes of a value, BLOCK), and `totals`, int32 (BLOCK,), are scratch, where
    values lie by byte, so that many are compared at once.
    """
    for first in range(0, values.shape[0], BLOCK):
        count = min(BLOCK, values.shape[0] - first)
        for row in range(count):
            for place in range(values.shape[1]):
                columns[place, row] = values[first + row, place]
        total = totals[:count]
        for one in range(given.shape[0]):
            any_near = _add_up(given[one], columns, limit, total)
            for row in range(count):
                is_near = any_near and usable[first + row] and total[row] <= limit
                out[one, first + row] = total[row] if is_near else -1


@kernel()
def _add_up(mine: Any, columns: Any, limit: int, total: Any) -> bool:
    """Reckon distances of one value to a block; False as soon as all are beyond the limit."""
    total[:] = 0
    for begin in range(0, mine.shape[0], _STEP):
        for place in range(begin, begin + _STEP):
            column, byte = columns[place, : total.shape[0]], np.int16(mine[place])
            for row in range(total.shape[0]):
                apart = np.int16(column[row] - byte)
                total[row] += np.int32(np.int32(apart) * np.int32(apart))
        least = total[0]
        for row in range(total.shape[0]):
            least = min(least, total[row])
        if least > limit:
            return False
    return True
