"""Joins many queries with many codes: both are sorted by a substring and met bucket by bucket.

Where `probe` takes a query and fetches the codes it may be near to from all over the memory, this
takes the codes of one bucket and all queries near that bucket, and compares them while both lie in
the nearest cache. It needs no table, and pays once there are enough queries for each bucket.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.index.hamming_words import popcount, prefetch
from headwater.measures.compiled import kernel

CODES = 256
"""Codes of a bucket that are compared at once."""
QUERIES = 1024
"""Queries that are compared at once."""
LEAST_ROOM = CODES * QUERIES
_STEP = 32
"""Both are filled up to a multiple of this, for whole vectors."""
_PART = 128
_AHEAD = 24
SCRATCH = (10, QUERIES)
"""Shape of the scratch array, uint64: front words of codes, those of queries, queries' rows; flags
of what was near; back words of codes, those of queries."""
_DEAR = 4
"""A tile is looked at again as a whole where the fronts leave so many times as many columns to look
at one by one as it has codes and queries."""


@kernel()
def gather(halves: Any, order: Any, ordered: Any) -> None:
    """Copy one half of codes, uint64 (n, 2), in the given order of rows."""
    for place in range(order.shape[0]):
        row = np.uint64(order[place])
        ordered[place, 0] = halves[row, 0]
        ordered[place, 1] = halves[row, 1]


@kernel()
def pair_count(code_offsets: Any, query_offsets: Any, flips: Any) -> int:
    """Return how many comparisons `join` makes of codes and queries with these offsets."""
    total = 0
    for key in range(code_offsets.shape[0] - 1):
        codes = np.int64(code_offsets[key + 1]) - np.int64(code_offsets[key])
        if codes == 0:
            continue
        for place in range(flips.shape[0]):
            near = np.uint64(np.uint32(key) ^ flips[place])
            total += int(codes) * int(
                np.int64(query_offsets[near + np.uint64(1)]) - np.int64(query_offsets[near])
            )
    return total


@kernel()
def join(
    front: Any,
    back: Any,
    ids: Any,
    offsets: Any,
    query_front: Any,
    query_back: Any,
    ordered_front: Any,
    query_ids: Any,
    query_offsets: Any,
    flips: Any,
    earlier: Any,
    radii: Any,
    reach: Any,
    limit: Any,
    words: Any,
    room: Any,
    bucket: int,
    done: int,
) -> tuple[int, int, int]:
    """Write the hits that one substring leads to, and no earlier one, into `room`.

    `ids` and `offsets` are the codes sorted by the substring, `query_ids` and `query_offsets` the
    queries, `ordered_front` their front in that order. `limit` is uint64, above every reach. It
    goes on from a bucket, of which `done` steps are done, and returns (words written, bucket, done)
    to go on from; all is done where the bucket is the number of buckets.
    """
    filled = 0
    while bucket < offsets.shape[0] - 1:
        begin, end = np.int64(offsets[bucket]), np.int64(offsets[bucket + 1])
        step = 0
        place = 0 if begin < end else flips.shape[0]
        taken = 0
        while place < flips.shape[0]:
            # A tile of queries: whole buckets of them, and parts of the first and the last one.
            held = 0
            while held < QUERIES and place < flips.shape[0]:
                near = np.uint64(np.uint32(bucket) ^ flips[place])
                first = int(query_offsets[near]) + taken
                last = int(query_offsets[near + np.uint64(1)])
                count = min(last - first, QUERIES - held)
                source = ordered_front[first : first + count]
                rows = query_ids[first : first + count]
                one, two = words[2, held : held + count], words[3, held : held + count]
                numbers = words[4, held : held + count]
                for row in range(source.shape[0]):
                    one[row] = source[row, 0]
                    two[row] = source[row, 1]
                    numbers[row] = np.uint64(rows[row])
                held += count
                taken += count
                if first + count == last:
                    place += 1
                    taken = 0
            if held == 0:
                break
            for tile in range(begin, end, CODES):
                step += 1
                if step <= done:
                    continue
                if room.shape[0] - filled < LEAST_ROOM:
                    return filled, bucket, step - 1
                tile_ids = ids[tile : min(tile + CODES, end)]
                _gather_front(front, tile_ids, words[0], words[1])
                filled = _meet(
                    front,
                    back,
                    tile_ids,
                    query_front,
                    query_back,
                    held,
                    earlier,
                    radii,
                    reach,
                    limit,
                    words,
                    room,
                    filled,
                )
        bucket += 1
        done = 0
    return filled, bucket, done


@kernel()
def _gather_front(front: Any, rows: Any, one: Any, two: Any) -> None:
    """Copy the front words of some codes side by side, filled up with copies of the first."""
    words = front.reshape(front.size)
    count = rows.shape[0]
    for place in range(min(_AHEAD, count)):
        prefetch(words, np.int64(rows[place]) * 2)
    for place in range(count):
        prefetch(words, np.int64(rows[min(place + _AHEAD, count - 1)]) * 2)
        row = np.uint64(rows[place])
        one[place] = front[row, 0]
        two[place] = front[row, 1]
    _fill_up(one, two, count)


@kernel()
def _fill_up(one: Any, two: Any, count: int) -> None:
    for place in range(count, -(-count // _STEP) * _STEP):
        one[place] = one[0]
        two[place] = two[0]


@kernel()
def _look(outer: Any, inner: Any, rows: int, columns: int, limit: Any, flags: Any) -> None:
    """Note for each row of `outer` in which parts of the columns of `inner` any front is near.

    Bit i of a flag stands for part i. The loops are in one function since views of arrays that are
    handed to another cost more than a part does.
    """
    for row in range(rows):
        one, two = outer[0, row], outer[1, row]
        flag = np.uint64(0)
        for part in range(0, columns, _PART):
            stop = min(part + _PART, columns)
            first, second = inner[0, part:stop], inner[1, part:stop]
            seen = np.uint64(0)
            for column in range(first.shape[0]):
                # A distance below the limit borrows, which sets the highest bit.
                seen |= popcount(first[column] ^ one) + popcount(second[column] ^ two) - limit
            flag |= (seen >> np.uint64(63)) << np.uint64(part // _PART)
        flags[row] = flag


@kernel()
def _gather_back(back: Any, rows: Any, one: Any, two: Any) -> None:
    """Copy the back words of some codes side by side, filled up with copies of the first."""
    words = back.reshape(back.size)
    count = rows.shape[0]
    for place in range(min(_AHEAD, count)):
        prefetch(words, np.int64(rows[place]) * 2)
    for place in range(count):
        prefetch(words, np.int64(rows[min(place + _AHEAD, count - 1)]) * 2)
        row = np.uint64(rows[place])
        one[place] = back[row, 0]
        two[place] = back[row, 1]
    _fill_up(one, two, count)


@kernel()
def _look_again(
    outer: Any,
    inner: Any,
    outer_back: Any,
    inner_back: Any,
    rows: int,
    columns: int,
    limit: Any,
    flags: Any,
) -> None:
    """Take back the flags of parts that hold nothing near as a whole."""
    for row in range(rows):
        left = flags[row]
        if left == 0:
            continue
        one, two = outer[0, row], outer[1, row]
        three, four = outer_back[0, row], outer_back[1, row]
        flag = np.uint64(0)
        for part in range(0, columns, _PART):
            if left & np.uint64(1):
                stop = min(part + _PART, columns)
                first, second = inner[0, part:stop], inner[1, part:stop]
                third, fourth = inner_back[0, part:stop], inner_back[1, part:stop]
                seen = np.uint64(0)
                for column in range(first.shape[0]):
                    seen |= (
                        popcount(first[column] ^ one)
                        + popcount(second[column] ^ two)
                        + popcount(third[column] ^ three)
                        + popcount(fourth[column] ^ four)
                        - limit
                    )
                flag |= (seen >> np.uint64(63)) << np.uint64(part // _PART)
            left >>= np.uint64(1)
        flags[row] = flag


@kernel()
def _meet(
    front: Any,
    back: Any,
    tile_ids: Any,
    query_front: Any,
    query_back: Any,
    held: int,
    earlier: Any,
    radii: Any,
    reach: Any,
    limit: Any,
    words: Any,
    room: Any,
    filled: int,
) -> int:
    """Compare a tile of codes with a tile of queries; return how far `room` is filled."""
    count = tile_ids.shape[0]
    by_query = count > held
    outer, inner = (words[2:4], words[0:2]) if by_query else (words[0:2], words[2:4])
    rows, columns = (held, count) if by_query else (count, held)
    if not by_query:
        _fill_up(words[2], words[3], held)
    flags = words[5]
    filled_up = -(-columns // _STEP) * _STEP
    _look(outer, inner, rows, filled_up, limit, flags)
    flagged = 0
    for row in range(rows):
        flagged += int(popcount(flags[row]))
    if flagged * _PART > _DEAR * (count + held):
        _gather_back(back, tile_ids, words[6], words[7])
        _gather_back(query_back, words[4, :held], words[8], words[9])
        outer_back, inner_back = (
            (words[8:10], words[6:8]) if by_query else (words[6:8], words[8:10])
        )
        _look_again(outer, inner, outer_back, inner_back, rows, filled_up, limit, flags)
    for row in range(rows):
        flag = flags[row]
        part = 0
        while flag:
            if flag & np.uint64(1):
                for column in range(part, min(part + _PART, columns)):
                    distance = popcount(inner[0, column] ^ outer[0, row])
                    distance += popcount(inner[1, column] ^ outer[1, row])
                    if distance >= limit:
                        continue
                    code = np.uint64(tile_ids[column if by_query else row])
                    query = words[4, row if by_query else column]
                    filled = _keep(
                        front[code],
                        back[code],
                        query_front[query],
                        query_back[query],
                        np.uint64(reach[query] + 1),
                        earlier,
                        radii,
                        (query << np.uint64(41)) | code,
                        room,
                        filled,
                    )
            flag >>= np.uint64(1)
            part += _PART
    return filled


@kernel()
def _keep(
    front: Any,
    back: Any,
    query_front: Any,
    query_back: Any,
    limit: Any,
    earlier: Any,
    radii: Any,
    packed: Any,
    room: Any,
    filled: int,
) -> int:
    """Write a pair if it is near as a whole and has not met in an earlier substring."""
    first, second = front[0] ^ query_front[0], front[1] ^ query_front[1]
    third, fourth = back[0] ^ query_back[0], back[1] ^ query_back[1]
    distance = popcount(first) + popcount(second) + popcount(third) + popcount(fourth)
    if distance >= limit:
        return filled
    for table in range(earlier.shape[0]):
        differing = popcount(first & earlier[table, 0]) + popcount(second & earlier[table, 1])
        differing += popcount(third & earlier[table, 2]) + popcount(fourth & earlier[table, 3])
        if np.int64(differing) <= radii[table]:
            return filled
    room[filled] = packed | (distance << np.uint64(32))
    return filled + 1
