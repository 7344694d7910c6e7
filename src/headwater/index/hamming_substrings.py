"""Which bits of a code make the substrings that an index looks up, and how far each is searched.

Multi-index hashing (Norouzi, Punjani and Fleet, "Fast exact search in Hamming space with
multi-index hashing", 2014) rests on a pigeonhole: let disjoint substrings be searched to radii
t_1 .. t_m with (t_1 + 1) + ... + (t_m + 1) = r + 1. Two codes that differ by more than t_i bits in
every substring differ by more than r in all. So whoever looks at every code that lies within t_i in
some substring has seen all codes within r.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from headwater.index.hamming_words import CODE_BITS, Allocate, Halves, Words, aligned, popcount
from headwater.measures.compiled import kernel

_SEED = 0x5EED
_SAMPLE_MOST = 1 << 14
BLOCK = 1024
SCRATCH = (5, BLOCK)
"""Shape of a scratch array, uint64: the words of some codes side by side, and their keys."""
_LOW_BITS = 12
WIDEST = 24
PARTS = 1 << (WIDEST - _LOW_BITS)
"""Into how many parts codes are dealt out at most before they are sorted."""


class Substrings(NamedTuple):
    """Disjoint sets of bits of a code. Substrings are in falling order of width."""

    shifts: npt.NDArray[np.uint8]
    """(substrings, widest): where in its word each bit of the key lies, lowest bit of key first."""
    stops: npt.NDArray[np.int64]
    """(substrings, 4): how many bits of the key come from words up to each of the four."""
    masks: Words
    """(substrings, 4): the bits as masks of words."""

    @property
    def places(self) -> list[list[int]]:
        """The bits of each substring, as `of_places` takes them."""
        places = []
        for shifts, stops in zip(self.shifts, self.stops, strict=True):
            words = np.repeat(np.arange(4), np.diff(stops, prepend=0))
            places.append((64 * words + shifts[: len(words)]).tolist())
        return places

    @property
    def widths(self) -> tuple[int, ...]:
        """Bits of each substring."""
        return tuple(self.stops[:, 3].tolist())


def chosen(codes: Halves, widths: tuple[int, ...], allocate: Allocate) -> Substrings:
    """Choose substrings of these widths for codes like the given ones.

    Codes that share a substring share a bucket, so bits that say the same of many codes are kept
    apart: each bit goes to the substring whose bits it follows the least in a sample of the codes.
    The outcome depends on the codes alone.
    """
    agreements = _agreements(codes, allocate)
    return of_places(_spread(agreements, widths))


def _agreements(codes: Halves, allocate: Allocate) -> npt.NDArray[np.float64]:
    """Return (256, 256): squared correlation of bits within a sample; 1 for bits that never change.

    That tells how bits go together and not what any code is, so it may lie in ordinary memory.
    """
    count = min(len(codes.front), _SAMPLE_MOST) & ~63
    if count == 0:
        return np.zeros((CODE_BITS, CODE_BITS))
    columns = aligned(allocate, (CODE_BITS, count // 64), np.uint64)
    _fill_columns(codes.front, codes.back, len(codes.front) / count, columns)
    squared = np.empty((CODE_BITS, CODE_BITS))
    _correlate(columns, squared)
    return squared


def _spread(agreements: npt.NDArray[np.float64], widths: tuple[int, ...]) -> list[list[int]]:
    """Deal bits out to substrings, one after the other, each to where it agrees the least.

    Bits come in a shuffled order, so that ties do not follow the order of bits in a code.
    """
    order = np.random.default_rng(_SEED).permutation(CODE_BITS)
    places: list[list[int]] = [[] for _ in widths]
    load = np.zeros((len(widths), CODE_BITS))
    for number, bit in enumerate(order):
        free = [row for row, width in enumerate(widths) if len(places[row]) < width]
        if not free:
            break
        fewest = min(len(places[row]) / widths[row] for row in free)
        even = [row for row in free if len(places[row]) / widths[row] <= fewest + 0.15]
        row = min(even, key=lambda row: (load[row, bit], (row + number) % len(widths)))
        places[row].append(int(bit))
        load[row] += agreements[bit]
    return [sorted(bits) for bits in places]


def of_places(places: list[list[int]]) -> Substrings:
    """Return substrings made of these bits, 0..255; the numbers of each are rising."""
    shifts = np.zeros((len(places), max(map(len, places))), np.uint8)
    stops = np.zeros((len(places), 4), np.int64)
    masks = np.zeros((len(places), 4), np.uint64)
    for row, bits in enumerate(places):
        for number, bit in enumerate(bits):
            word, shift = divmod(bit, 64)
            shifts[row, number] = shift
            stops[row, word:] += 1
            masks[row, word] |= np.uint64(1 << shift)
    return Substrings(shifts, stops, masks)


def even_widths(count: int, widest: int) -> tuple[int, ...]:
    """Return the widths of `count` substrings that share all bits, or are all `widest`."""
    base, wider = divmod(CODE_BITS, count)
    return tuple(min(widest, base + (row < wider)) for row in range(count))


def radii(radius_bits: int, count: int) -> npt.NDArray[np.int64]:
    """Return to what radius each substring is searched; -1 says not at all."""
    base, more = divmod(radius_bits + 1, count)
    return np.array([base - 1 + (row < more) for row in range(count)], np.int64)


def probe_count(width: int, radius: int) -> int:
    """Return how many keys lie within a radius of a key."""
    return sum(comb(width, changed) for changed in range(radius + 1))


def flips(width: int, radius: int) -> npt.NDArray[np.uint32]:
    """Return what to exclusive-or a key with to get every key within the radius, nearest first."""
    masks = [
        sum(1 << place for place in places)
        for changed in range(radius + 1)
        for places in combinations(range(width), changed)
    ]
    return np.array(masks, np.uint32)


@kernel()
def _lay_out(half: Any, first: Any, second: Any) -> None:
    """Copy the two words of codes to the beginnings of two rows."""
    for row in range(half.shape[0]):
        first[row] = half[row, 0]
        second[row] = half[row, 1]


@kernel()
def _take_keys(words: Any, count: int, shifts: Any, stops: Any) -> None:
    """Write one substring of each code laid out in the first four rows into the fifth row."""
    keys = words[4, :count]
    keys[:] = np.uint64(0)
    word = 0
    for number in range(stops[3]):
        while number >= stops[word]:
            word += 1
        shift, place = np.uint64(shifts[number]), np.uint64(number)
        source = words[word, :count]
        for row in range(keys.shape[0]):
            keys[row] |= ((source[row] >> shift) & np.uint64(1)) << place


@kernel()
def fill_keys(front: Any, back: Any, shifts: Any, stops: Any, words: Any, keys: Any) -> None:
    """Write every substring of every code into `keys`, uint32 (codes, substrings).

    `words` uint64 SCRATCH is scratch.
    """
    for begin in range(0, front.shape[0], BLOCK):
        some = keys[begin : begin + BLOCK]
        _lay_out(front[begin : begin + BLOCK], words[0], words[1])
        _lay_out(back[begin : begin + BLOCK], words[2], words[3])
        for number in range(stops.shape[0]):
            _take_keys(words, some.shape[0], shifts[number], stops[number])
            for row in range(some.shape[0]):
                some[row, number] = np.uint32(words[4, row])


@kernel()
def sort_by_key(
    front: Any,
    back: Any,
    shifts: Any,
    stops: Any,
    words: Any,
    parts: Any,
    sorted_parts: Any,
    offsets: Any,
    ids: Any,
) -> None:
    """Sort codes by one substring, keeping their order within a key.

    `offsets` uint32 (2**width + 1,) gets where each key begins in `ids` uint32 (n or more,), which
    gets the rows of the codes. Codes are first dealt out by the high bits of their keys, then
    sorted within each part, so that no step writes all over the memory. `words` uint64 SCRATCH,
    `parts` int64 (PARTS,) and `sorted_parts` uint64 (n,) are scratch.
    """
    count = front.shape[0]
    low = np.uint64(min(_LOW_BITS, stops[3]))
    parts[:] = 0
    for begin in range(0, count, BLOCK):
        some = ids[begin : min(begin + BLOCK, count)]
        _lay_out(front[begin : begin + BLOCK], words[0], words[1])
        _lay_out(back[begin : begin + BLOCK], words[2], words[3])
        _take_keys(words, some.shape[0], shifts, stops)
        for row in range(some.shape[0]):
            key = words[4, row]
            some[row] = np.uint32(key)
            parts[key >> low] += 1
    total = 0
    for part in range(parts.shape[0]):
        total += parts[part]
        parts[part] = total - parts[part]
    for row in range(count):
        key = np.uint64(ids[row])
        place = parts[key >> low]
        parts[key >> low] = place + 1
        sorted_parts[place] = (key << np.uint64(32)) | np.uint64(row)
    begin = 0
    keys_of_part = 1 << np.int64(low)
    for part in range((offsets.shape[0] - 1) >> np.int64(low)):
        _sort_part(
            sorted_parts[begin : parts[part]],
            begin,
            np.uint64(keys_of_part - 1),
            offsets[part * keys_of_part : (part + 1) * keys_of_part],
            ids,
        )
        begin = parts[part]
    offsets[offsets.shape[0] - 1] = count


@kernel()
def _sort_part(part: Any, begin: int, low_mask: Any, offsets: Any, ids: Any) -> None:
    """Sort one part, which begins at `begin` in `ids`, by the low bits of its keys."""
    offsets[:] = 0
    for place in range(part.shape[0]):
        offsets[(part[place] >> np.uint64(32)) & low_mask] += np.uint32(1)
    total = np.uint32(begin)
    for key in range(offsets.shape[0]):
        total += offsets[key]
        offsets[key] = total
    # Each key's end moves down to its beginning while its codes are put in place.
    for place in range(part.shape[0] - 1, -1, -1):
        key = (part[place] >> np.uint64(32)) & low_mask
        offsets[key] -= np.uint32(1)
        ids[offsets[key]] = np.uint32(part[place])


@kernel()
def _fill_columns(front: Any, back: Any, step: float, columns: Any) -> None:
    """Write one bit of each of the sampled codes, every `step`-th, into each row of `columns`."""
    for column in range(columns.shape[1]):
        for bit in range(columns.shape[0]):
            columns[bit, column] = np.uint64(0)
        for place in range(64):
            row = int((column * 64 + place) * step)
            for half in range(2):
                for word in range(2):
                    value = front[row, word] if half == 0 else back[row, word]
                    for shift in range(64):
                        bit = half * 128 + word * 64 + shift
                        set_here = (value >> np.uint64(shift)) & np.uint64(1)
                        columns[bit, column] |= set_here << np.uint64(place)


@kernel()
def _correlate(columns: Any, squared: Any) -> None:
    """Write the squared correlation of every two bits, 1 where one of them never changes."""
    count = 64.0 * columns.shape[1]
    for one in range(columns.shape[0]):
        for other in range(columns.shape[0]):
            ones, others, both = np.uint64(0), np.uint64(0), np.uint64(0)
            first, second = columns[one], columns[other]
            for column in range(first.shape[0]):
                ones += popcount(first[column])
                others += popcount(second[column])
                both += popcount(first[column] & second[column])
            share, other_share = ones / count, others / count
            spread = share * (1 - share) * other_share * (1 - other_share)
            covariance = both / count - share * other_share
            squared[one, other] = covariance * covariance / spread if spread > 0 else 1.0
