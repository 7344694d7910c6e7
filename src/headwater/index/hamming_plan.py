"""What a search will cost by each plan, reckoned before it is begun.

Times are of one core of a processor of the year 2024, and only their ratios matter: a wrong one
makes a search slower, never its answer another.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from headwater.index.hamming_substrings import WIDEST, even_widths, probe_count, radii

Plan = Literal["scan", "probe", "join"]

_SCAN_CODE_NS = 0.8
"""Laying out a code for a batch of queries, mostly reading it from memory."""
_SCAN_PAIR_NS = 0.06
"""Comparing a code that is laid out with one query."""
_PROBE_NS = 18.0
"""Looking up one bucket: two steps to memory that the caches do not hold."""
_CANDIDATE_NS = 10.0
"""Fetching and comparing one code."""
_QUERY_NS = 3000.0
_SORT_NS = 8.0
"""Sorting a code by one substring."""
_JOIN_PAIR_NS = 0.08
_JOIN_COPY_NS = 1.0
"""Copying a query to a bucket that it is near to."""
_JOIN_BUCKET_NS = 30.0
_PROBES_MOST = 1 << 15
_JOIN_WIDEST = 16


class Layout(NamedTuple):
    """Widths of substrings, in falling order, and what the search with them costs."""

    widths: tuple[int, ...]
    cost_ns: float


def scan_ns(codes: int, queries: int) -> float:
    """Return what it costs to compare every code with every query."""
    return codes * (_SCAN_CODE_NS + _SCAN_PAIR_NS * queries)


def build_ns(codes: int, widths: tuple[int, ...]) -> float:
    """Return what it costs to build tables."""
    return len(widths) * 2 * _SORT_NS * codes + 2.0 * sum(1 << width for width in widths)


@lru_cache(maxsize=4096)
def probe_ns(codes: int, widths: tuple[int, ...], radius_bits: int) -> float:
    """Return what one query costs in tables of codes that fill their buckets evenly."""
    cost = _QUERY_NS
    probes = 0
    for width, radius in zip(widths, radii(radius_bits, len(widths)), strict=True):
        count = probe_count(width, int(radius))
        probes += count
        cost += count * (_PROBE_NS + _CANDIDATE_NS * codes / (1 << width))
    return cost if probes <= _PROBES_MOST else float("inf")


def candidates_most(codes: int, queries: int) -> int:
    """Return how many codes a query may be compared with before a scan is the better way."""
    return max(64, int(scan_ns(codes, queries) / queries / _CANDIDATE_NS))


@lru_cache(maxsize=4096)
def table_layout(codes: int, radius_bits: int) -> Layout:
    """Return the widths that make a query with this radius the cheapest.

    No substring has more values than there are codes: beyond that, memory grows for little.
    """
    layouts = []
    widest = max(1, min(WIDEST, codes.bit_length() - 1))
    for count in range(1, 33):
        widths = even_widths(count, widest)
        layouts.append(Layout(widths, probe_ns(codes, widths, radius_bits)))
    return min(layouts, key=lambda layout: layout.cost_ns)


@lru_cache(maxsize=4096)
def join_layout(codes: int, queries: int, radius_bits: int) -> Layout:
    """Return the widths that make a join the cheapest, and its cost, for evenly filled buckets."""
    layouts = []
    for count in range(8, 33):
        widths = even_widths(count, _JOIN_WIDEST)
        cost = 0.0
        for width, radius in zip(widths, radii(radius_bits, count), strict=True):
            if radius < 0:
                continue
            near = probe_count(width, int(radius))
            cost += _SORT_NS * (codes + queries)
            cost += near * queries * _JOIN_COPY_NS
            cost += near * queries * codes / (1 << width) * _JOIN_PAIR_NS
            cost += (1 << width) * (_JOIN_BUCKET_NS + near)
        layouts.append(Layout(widths, cost))
    return min(layouts, key=lambda layout: layout.cost_ns)


def pairs_ns(pairs: float) -> float:
    """Return what the comparisons of a join cost."""
    return pairs * _JOIN_PAIR_NS
