"""Multi-index hashing: looks up which codes share a near substring, and compares only those."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.index.hamming_words import popcount, prefetch
from headwater.measures.compiled import kernel

_AHEAD = 24
"""How many look-ups ahead memory is asked for what they will need."""
UNROLLED = 4
"""Ids that are copied for each bucket without asking how many there are."""


@kernel()
def probe(
    front: Any,
    back: Any,
    first_id: int,
    base: Any,
    offsets: Any,
    ids: Any,
    masks: Any,
    radii: Any,
    flips: Any,
    flip_stops: Any,
    query_front: Any,
    query_back: Any,
    keys: Any,
    numbers: Any,
    reach: Any,
    most: int,
    begins: Any,
    sizes: Any,
    candidates: Any,
    deferred: Any,
    room: Any,
    query: int,
) -> tuple[int, int]:
    """Write the hits of queries among the codes of one table into `room`.

    `base` (substrings + 1,) says where the offsets of each substring begin; `flips` of substring i
    are flips[i, : flip_stops[i]]; `keys` (queries, substrings) are the queries' substrings, and
    `numbers` int64 (n,) what each is reported by, and `reach` and `deferred` are asked by. A query
    whose buckets hold more than `most` codes is only marked in `deferred`.

    It goes on from row `query` and returns (words written, row) to go on from. `begins` and `sizes`
    int64 (probes,) and `candidates` uint32 (most + UNROLLED,) are scratch.
    """
    filled = 0
    while query < query_front.shape[0]:
        number = numbers[query]
        if reach[number] < 0:
            query += 1
            continue
        if _own_buckets(base, offsets, flip_stops, keys[query]) > most:
            deferred[number] = True
            query += 1
            continue
        probes = 0
        total = 0
        for table in range(radii.shape[0]):
            count = flip_stops[table]
            total += _look_up(
                offsets[base[table] : base[table + 1]],
                ids[table * front.shape[0] :],
                keys[query, table],
                flips[table, :count],
                begins[probes : probes + count],
                sizes[probes : probes + count],
            )
            probes += count
            if total > most:
                break
        if total > most:
            deferred[number] = True
            query += 1
            continue
        if room.shape[0] - filled < total:
            return filled, query
        probes = 0
        for table in range(radii.shape[0]):
            stop = probes + flip_stops[table]
            listed = _list(
                ids[table * front.shape[0] :], begins[probes:stop], sizes[probes:stop], candidates
            )
            filled = _compare(
                front,
                back,
                first_id,
                candidates[:listed],
                query_front[query],
                query_back[query],
                np.uint64(reach[number] + 1),
                masks[:table],
                radii,
                np.uint64(number) << np.uint64(41),
                room,
                filled,
            )
            probes = stop
        query += 1
    return filled, query


@kernel()
def _own_buckets(base: Any, offsets: Any, flip_stops: Any, keys: Any) -> int:
    """Return how many codes share a whole substring, which tells most heavy queries at once."""
    total = 0
    for table in range(keys.shape[0]):
        if flip_stops[table] > 0:
            place = base[table] + np.int64(keys[table])
            total += int(offsets[place + 1]) - int(offsets[place])
    return total


@kernel()
def _look_up(offsets: Any, ids: Any, key: Any, flips: Any, begins: Any, sizes: Any) -> int:
    """Note where the buckets of all keys near `key` begin, and their sizes; return the sum."""
    count = flips.shape[0]
    for place in range(min(_AHEAD, count)):
        prefetch(offsets, np.int64(key ^ flips[place]))
    total = 0
    for place in range(count):
        prefetch(offsets, np.int64(key ^ flips[min(place + _AHEAD, count - 1)]))
        bucket = np.uint64(key ^ flips[place])
        begin = np.int64(offsets[bucket])
        size = np.int64(offsets[bucket + np.uint64(1)]) - begin
        prefetch(ids, begin)
        begins[place] = begin
        sizes[place] = size
        total += int(size)
    return total


@kernel()
def _list(ids: Any, begins: Any, sizes: Any, candidates: Any) -> int:
    """Copy the ids of all buckets one after the other; return how many there are.

    Most buckets are small, and how small cannot be foretold by the processor: so some ids are
    always copied, and those beyond the bucket are overwritten by the next one's.
    """
    listed = 0
    for place in range(begins.shape[0]):
        begin, size = begins[place], sizes[place]
        for number in range(UNROLLED):
            candidates[listed + number] = ids[begin + number]
        for number in range(UNROLLED, size):
            candidates[listed + number] = ids[begin + number]
        listed += size
    return listed


@kernel()
def _compare(
    front: Any,
    back: Any,
    first_id: int,
    candidates: Any,
    query_front: Any,
    query_back: Any,
    limit: Any,
    earlier: Any,
    radii: Any,
    packed_query: Any,
    room: Any,
    filled: int,
) -> int:
    """Write those candidates that are near, but for those which an earlier substring has found."""
    one, two = query_front[0], query_front[1]
    three, four = query_back[0], query_back[1]
    words = front.reshape(front.size)
    count = candidates.shape[0]
    for place in range(min(_AHEAD, count)):
        prefetch(words, np.int64(candidates[place]) * 2)
    for place in range(count):
        prefetch(words, np.int64(candidates[min(place + _AHEAD, count - 1)]) * 2)
        row = np.uint64(candidates[place])
        first, second = front[row, 0] ^ one, front[row, 1] ^ two
        distance = popcount(first) + popcount(second)
        if distance >= limit:
            continue
        third, fourth = back[row, 0] ^ three, back[row, 1] ^ four
        distance += popcount(third) + popcount(fourth)
        if distance >= limit:
            continue
        if _was_found(first, second, third, fourth, earlier, radii):
            continue
        room[filled] = packed_query | (distance << np.uint64(32)) | (row + np.uint64(first_id))
        filled += 1
    return filled


@kernel()
def _was_found(first: Any, second: Any, third: Any, fourth: Any, earlier: Any, radii: Any) -> bool:
    """Whether two codes, of which these are the differing bits, meet in an earlier substring."""
    for table in range(earlier.shape[0]):
        differing = popcount(first & earlier[table, 0]) + popcount(second & earlier[table, 1])
        differing += popcount(third & earlier[table, 2]) + popcount(fourth & earlier[table, 3])
        if np.int64(differing) <= radii[table]:
            return True
    return False
