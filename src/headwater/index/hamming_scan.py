"""Batched brute force: every code beside every query, a block of codes at a time.

The front words of a block are laid out side by side in the nearest cache, and all queries pass over
them there, so the codes are read from memory once for the whole batch. Half of a distance is a
lower bound of it: only where the front alone lies within the radius is the back looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.index.hamming_words import popcount
from headwater.measures.compiled import kernel

BLOCK = 1024
"""Codes in a block: their front words fill a third of a first-level cache."""
_PART = 128
"""Codes between two looks at whether any was near."""
QUERIES = 1024
"""Queries at most that one call takes."""
SCRATCH = (7, BLOCK)
"""Shape of the scratch array, uint64: four words side by side, distances; limits and flags."""


@kernel()
def _lay_out(half: Any, begin: int, end: int, first: Any, second: Any) -> None:
    """Copy the two words of codes begin..end to the beginnings of two rows."""
    block = half[begin:end]
    for row in range(block.shape[0]):
        first[row] = block[row, 0]
        second[row] = block[row, 1]


@kernel()
def _look(first: Any, second: Any, query_front: Any, limits: Any, begin: int, flags: Any) -> None:
    """Note for the queries from row `begin` on in which parts of a block any front is near.

    Bit i of a flag stands for part i. The loops are in one function since views of arrays that are
    handed to another cost more than a part does.
    """
    for query in range(begin, query_front.shape[0]):
        one, two, limit = query_front[query, 0], query_front[query, 1], limits[query]
        flag = np.uint64(0)
        for part in range(0, first.shape[0], _PART):
            some, others = first[part : part + _PART], second[part : part + _PART]
            seen = np.uint64(0)
            for row in range(some.shape[0]):
                # A distance below the limit borrows, which sets the highest bit.
                seen |= popcount(some[row] ^ one) + popcount(others[row] ^ two) - limit
            flag |= (seen >> np.uint64(63)) << np.uint64(part // _PART)
        flags[query] = flag


@kernel()
def _distances(
    words: Any, begin: int, end: int, one: Any, two: Any, three: Any, four: Any, limit: Any
) -> bool:
    """Write whole distances into the fifth row; return whether any is below the limit."""
    first, second = words[0, begin:end], words[1, begin:end]
    third, fourth = words[2, begin:end], words[3, begin:end]
    distances = words[4, begin:end]
    seen = np.uint64(0)
    for row in range(first.shape[0]):
        distance = popcount(first[row] ^ one) + popcount(second[row] ^ two)
        distance += popcount(third[row] ^ three) + popcount(fourth[row] ^ four)
        distances[row] = distance
        seen |= distance - limit
    return bool(seen >> np.uint64(63))


@kernel()
def scan(
    front: Any,
    back: Any,
    begin: int,
    end: int,
    query_front: Any,
    query_back: Any,
    numbers: Any,
    reach: Any,
    words: Any,
    room: Any,
    block: int,
    query: int,
) -> tuple[int, int, int]:
    """Write the hits of up to QUERIES queries among the codes begin..end into `room`.

    `numbers` int64 (n,) gives each query the number by which it is reported and `reach` is asked; a
    negative reach leaves a query out. It goes on from code `block` and query `query`, and returns
    (words written, block, query) to go on from; all is done where the block is not below `end`.
    """
    filled = 0
    limits, flags = words[5], words[6]
    while block < end:
        count = min(block + BLOCK, end) - block
        _lay_out(front, block, block + count, words[0], words[1])
        _set_limits(reach, numbers, limits)
        _look(words[0, :count], words[1, :count], query_front, limits, query, flags)
        has_back = False
        while query < query_front.shape[0]:
            flag = flags[query]
            if flag and room.shape[0] - filled < BLOCK:
                return filled, block, query
            if flag and not has_back:
                _lay_out(back, block, block + count, words[2], words[3])
                has_back = True
            part = 0
            while flag:
                if flag & np.uint64(1):
                    filled = _report(
                        words,
                        part,
                        min(part + _PART, count),
                        query_front[query],
                        query_back[query],
                        limits[query],
                        (np.uint64(numbers[query]) << np.uint64(41)) | np.uint64(block),
                        room,
                        filled,
                    )
                flag >>= np.uint64(1)
                part += _PART
            query += 1
        query = 0
        block += count
    return filled, block, query


@kernel()
def _set_limits(reach: Any, numbers: Any, limits: Any) -> None:
    for query in range(numbers.shape[0]):
        limits[query] = np.uint64(reach[numbers[query]] + 1)


@kernel()
def _report(
    words: Any,
    begin: int,
    end: int,
    query_front: Any,
    query_back: Any,
    limit: Any,
    packed: Any,
    room: Any,
    filled: int,
) -> int:
    """Write the hits of one query in one part; `packed` is its number and the id of the block."""
    one, two, three, four = query_front[0], query_front[1], query_back[0], query_back[1]
    if _distances(words, begin, end, one, two, three, four, limit):
        for place in range(begin, end):
            if words[4, place] < limit:
                room[filled] = (packed + np.uint64(place)) | (words[4, place] << np.uint64(32))
                filled += 1
    return filled
