"""The index beside its plain twin, on codes of many shapes, by every way of searching."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.index import hamming_hits, hamming_plan
from headwater.index.hamming import HammingIndex
from headwater.index.hamming_hits import Hits
from headwater.index.hamming_plan import Plan
from tests.index.made_codes import SHAPES, Codes, Triples, changed, made, queries_for, twin

PLANS: tuple[Plan | None, ...] = (*get_args(Plan), None)
seeds = st.integers(0, 2**32 - 1)


def triples(hits: Hits) -> Triples:
    columns = (hits.query.tolist(), hits.id.tolist(), hits.distance_bits.tolist())
    return list(zip(*columns, strict=True))


def index_of(codes: Codes, **options: Any) -> HammingIndex:
    index = HammingIndex(**options)
    assert index.add(codes) == 0
    return index


@given(
    st.sampled_from(SHAPES),
    st.integers(0, 700),
    st.integers(0, 40),
    st.one_of(st.sampled_from([0, 1, 15, 16, 31, 32, 255, 256]), st.integers(0, 256)),
    seeds,
)
@settings(max_examples=80, deadline=None)
def test_every_way_finds_what_the_twin_finds(
    shape: str, count: int, query_count: int, radius_bits: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    codes = made(shape, count, random)
    queries = queries_for(codes, query_count, random)
    expected = twin(codes, queries, radius_bits)
    for plan in PLANS:
        assert triples(index_of(codes).search(queries, radius_bits, plan=plan)) == expected, plan
    with pytest.MonkeyPatch.context() as patch:  # however full the buckets, or ever so little
        for most in (1 << 20, 3):
            patch.setattr(hamming_plan, "candidates_most", lambda *of, most=most: most)
            hits = index_of(codes).search(queries, radius_bits, plan="probe")
            assert triples(hits) == expected, most


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_ways_agree_on_many_codes(shape: str, threads: int) -> None:
    random = np.random.default_rng(7)
    codes = made(shape, 6000, random)
    queries = queries_for(codes, 2100, random)[:: 1 if shape != "zero" else 20]
    expected = None
    for plan in PLANS:
        hits = index_of(codes).search(queries, 31, plan=plan, threads=threads)
        if expected is None:
            expected = hits
            some = queries[:: len(queries) // 20]
            assert triples(index_of(codes).search(some, 31, plan=plan)) == twin(codes, some, 31)
        assert np.array_equal(hits.query, expected.query)
        assert np.array_equal(hits.id, expected.id)
        assert np.array_equal(hits.distance_bits, expected.distance_bits)


@given(st.integers(0, 256), seeds)
@settings(max_examples=60, deadline=None)
def test_a_code_is_found_at_its_distance_and_not_below(distance: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    codes = made("uniform", 50, random)
    query = changed(codes[20:21], np.array([distance]), random)
    for plan in PLANS:
        index = index_of(codes)
        assert (0, 20, distance) in triples(index.search(query, distance, plan=plan))
        if distance:
            assert 20 not in index.search(query, distance - 1, plan=plan).id


@given(st.sampled_from(SHAPES), seeds, st.lists(st.integers(0, 400), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_codes_are_found_as_soon_as_they_are_added(shape: str, seed: int, steps: list[int]) -> None:
    random = np.random.default_rng(seed)
    index = HammingIndex()
    codes = np.empty((0, 32), np.uint8)
    for number, count in enumerate(steps):
        more = made(shape, count, random)
        assert index.add(more) == len(codes)
        codes = np.concatenate([codes, more])
        assert len(index) == len(codes)
        if number % 3 == 1:
            index.build()
        queries = queries_for(codes, 12, random)
        expected = twin(codes, queries, 31)
        for plan in (None, "scan", "join"):
            assert triples(index.search(queries, 31, plan=plan)) == expected


def test_tables_are_built_when_that_pays_and_merged_as_they_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hamming_plan, "build_ns", lambda codes, widths: 0.0)
    probe_ns = hamming_plan.probe_ns
    monkeypatch.setattr(hamming_plan, "probe_ns", lambda *of: probe_ns(*of) / 1000)
    random = np.random.default_rng(3)
    index = HammingIndex()
    codes = np.empty((0, 32), np.uint8)
    spans = []
    for count in (60_000, 20_000, 10_000, 10_000, 30_000):
        more = made("clustered", count, random)
        index.add(more)
        codes = np.concatenate([codes, more])
        queries = queries_for(codes, 30, random)
        expected = twin(codes, queries, 31)
        for _ in range(3):
            assert triples(index.search(queries, 31)) == expected
        assert triples(index.search(queries, 31, plan="scan")) == expected
        spans.append([(run.begin, run.end) for run in index.parts[1]])
    assert spans[0] == [(0, 60_000)]
    assert any(len(runs) > 1 for runs in spans)
    for runs in spans:
        assert all(one[1] == other[0] for one, other in itertools.pairwise(runs))


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("most", [1, 3, 1000])
def test_the_nearest_are_kept(plan: Plan | None, most: int) -> None:
    random = np.random.default_rng(11)
    codes = np.concatenate([made("clustered", 400, random), made("duplicated", 400, random)])
    queries = queries_for(codes, 60, random)
    hits = index_of(codes).search(queries, 60, most_per_query=most, plan=plan)
    assert triples(hits) == twin(codes, queries, 60, most)


@pytest.mark.parametrize("plan", PLANS)
def test_the_nearest_are_kept_where_hits_are_thinned_on_the_way(
    plan: Plan | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming_hits, "_KEPT_LEAST", 500)
    random = np.random.default_rng(12)
    centre = made("uniform", 1, random)
    codes = changed(np.repeat(centre, 9000, axis=0), random.integers(0, 20, 9000), random)
    queries = changed(np.repeat(centre, 1100, axis=0), random.integers(0, 9, 1100), random)
    hits = index_of(codes).search(queries, 31, most_per_query=4, plan=plan, threads=2)
    some = slice(0, 1100, 50)
    expected = twin(codes, queries[some], 31, 4)
    mine = [(query // 50, code, bits) for query, code, bits in triples(hits) if query % 50 == 0]
    assert mine == expected


@pytest.mark.parametrize("most", [1, 2, 4])
def test_the_nearest_are_kept_whatever_is_found_first(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming_hits, "_KEPT_LEAST", 50)
    random = np.random.default_rng(13)
    centres = made("uniform", 200, random)
    codes = np.repeat(centres, 40, axis=0)
    codes = changed(codes, random.integers(0, 45, len(codes)), random)
    expected = twin(codes, centres, 40, most)
    for plan in PLANS:
        hits = index_of(codes).search(centres, 40, most_per_query=most, plan=plan)
        assert triples(hits) == expected, plan


@pytest.mark.parametrize("plan", PLANS)
def test_more_hits_than_the_room_for_them(plan: Plan | None) -> None:
    codes = np.zeros((3000, 32), np.uint8)
    codes[::3, 0] = 1
    queries = np.zeros((1500, 32), np.uint8)
    hits = index_of(codes).search(queries, 2, plan=plan)
    assert len(hits) == 4_500_000 > hamming_hits.ROOM
    assert np.array_equal(hits.query, np.repeat(np.arange(1500), 3000))
    assert np.array_equal(hits.id[:3000], np.argsort(codes[:, 0], kind="stable"))
    assert np.array_equal(hits.id.reshape(1500, 3000), np.tile(hits.id[:3000], (1500, 1)))


@given(st.sampled_from(SHAPES), st.integers(0, 300), st.integers(0, 60), seeds)
@settings(max_examples=30, deadline=None)
def test_pairs_are_all_pairs(shape: str, count: int, radius_bits: int, seed: int) -> None:
    codes = made(shape, count, np.random.default_rng(seed))
    pairs = index_of(codes).pairs(radius_bits)
    expected = [hit for hit in twin(codes, codes, radius_bits) if hit[0] < hit[1]]
    columns = (pairs.first.tolist(), pairs.second.tolist(), pairs.distance_bits.tolist())
    assert list(zip(*columns, strict=True)) == sorted(expected)


@given(st.sampled_from(SHAPES), st.integers(0, 200), st.integers(1, 6), seeds)
@settings(max_examples=30, deadline=None)
def test_pairs_with_a_cap_are_the_nearest_of_either(
    shape: str, count: int, most: int, seed: int
) -> None:
    codes = made(shape, count, np.random.default_rng(seed))
    pairs = index_of(codes).pairs(31, most_per_code=most)
    expected = set()
    for code in range(count):
        hits = [hit for hit in twin(codes, codes[code : code + 1], 31) if hit[1] != code]
        for _, other, distance in hits[:most]:
            expected.add((min(code, other), max(code, other), distance))
    columns = (pairs.first.tolist(), pairs.second.tolist(), pairs.distance_bits.tolist())
    assert list(zip(*columns, strict=True)) == sorted(expected)


def test_queries_beyond_one_packed_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.index.hamming.QUERIES_MOST", 7)
    random = np.random.default_rng(5)
    codes = made("clustered", 300, random)
    queries = queries_for(codes, 30, random)
    assert triples(index_of(codes).search(queries, 31)) == twin(codes, queries, 31)


def test_nothing_to_search() -> None:
    none = np.empty((0, 32), np.uint8)
    for plan in PLANS:
        for codes, queries in ((none, none), (none, none[:0]), (np.zeros((3, 32), np.uint8), none)):
            hits = index_of(codes).search(queries, 31, plan=plan)
            assert len(hits) == 0
            kinds = [column.dtype.name for column in (hits.query, hits.id, hits.distance_bits)]
            assert kinds == ["int64", "int64", "int16"]
    assert len(HammingIndex().search(np.zeros((2, 32), np.uint8), 256)) == 0
    assert len(HammingIndex().pairs(31)) == 0


def test_views_of_other_arrays_are_taken() -> None:
    random = np.random.default_rng(9)
    wide = random.integers(0, 256, (40, 64), dtype=np.uint8)
    codes, queries = wide[::2, :32], np.asfortranarray(wide[::4, :32])
    codes.flags.writeable = False
    assert triples(index_of(codes).search(queries, 10)) == twin(codes, queries, 10)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((3, 31), np.uint8),
        np.zeros(32, np.uint8),
        np.zeros((3, 32), np.int8),
        np.zeros((3, 4), np.uint64),
        [[0] * 32],
        b"\0" * 32,
    ],
)
def test_other_shapes_and_types_are_refused(codes: Any) -> None:
    index = index_of(np.zeros((1, 32), np.uint8))
    with pytest.raises(ValueError, match="codes must"):
        index.add(codes)
    with pytest.raises(ValueError, match="queries must"):
        index.search(codes, 31)
    assert len(index) == 1


@pytest.mark.parametrize("radius_bits", [-1, 257])
def test_radii_out_of_range_are_refused(radius_bits: int) -> None:
    with pytest.raises(ValueError, match="radius_bits must be 0 to 256"):
        HammingIndex().search(np.zeros((1, 32), np.uint8), radius_bits)
    with pytest.raises(ValueError, match="radius_bits must be 0 to 256"):
        HammingIndex(radius_bits=radius_bits)
    with pytest.raises(ValueError, match="radius_bits must be 0 to 256"):
        HammingIndex().pairs(radius_bits)


def test_other_arguments_out_of_range_are_refused() -> None:
    query = np.zeros((1, 32), np.uint8)
    with pytest.raises(ValueError, match="capacity"):
        HammingIndex(capacity=-1)
    with pytest.raises(ValueError, match="most_per_query"):
        HammingIndex().search(query, 31, most_per_query=0)
    with pytest.raises(ValueError, match="most_per_code"):
        HammingIndex().pairs(31, most_per_code=0)
    with pytest.raises(ValueError, match="threads"):
        HammingIndex().search(query, 31, threads=0)


class Vault:
    """Gives out memory that it remembers, filled with nonsense."""

    def __init__(self) -> None:
        self.given: list[npt.NDArray[Any]] = []

    def __call__(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        array = np.empty(shape, dtype)
        array.view(np.uint8)[...] = 0xA7
        self.given.append(array)
        return array

    def holds(self, array: npt.NDArray[Any]) -> bool:
        return any(np.shares_memory(array, given) for given in self.given)


@pytest.mark.parametrize("plan", PLANS)
def test_codes_and_tables_lie_in_the_given_memory(plan: Plan | None) -> None:
    random = np.random.default_rng(21)
    codes = made("clustered", 5000, random)
    queries = queries_for(codes, 200, random)
    vault = Vault()
    index = HammingIndex(capacity=1000, allocate=vault)
    for part in np.array_split(codes, 4):
        index.add(part)
    index.build()
    assert triples(index.search(queries, 31, plan=plan, threads=2)) == twin(codes, queries, 31)
    halves, runs = index.parts
    assert vault.holds(halves.front)
    assert vault.holds(halves.back)
    assert runs
    for run in runs:
        assert vault.holds(run.table.ids)
        assert vault.holds(run.table.offsets)
    assert sum(array.nbytes for array in vault.given) > index.nbytes >= 5000 * 32


@pytest.mark.parametrize("plan", ["scan", "probe", "join"])
def test_no_code_is_left_in_other_memory(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever numpy itself allocates on the way is too small for the codes, or holds no code."""
    import tracemalloc

    random = np.random.default_rng(22)
    codes = random.integers(0, 256, (50_000, 32), dtype=np.uint8)
    queries = random.integers(0, 256, (64, 32), dtype=np.uint8)
    arena = np.empty(1 << 26, np.uint8)
    used = 0

    def allocate(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        nonlocal used
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        array: npt.NDArray[Any] = arena[used : used + size].view(dtype).reshape(shape)
        used += -(-size // 64) * 64
        return array

    monkeypatch.setattr(hamming_hits, "ROOM", 1 << 19)
    HammingIndex().search(queries, 31, plan=plan)  # whatever is imported or made once
    tracemalloc.start()
    index = HammingIndex(capacity=len(codes), allocate=allocate)
    index.add(codes)
    index.search(queries, 31, plan=plan)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The room for hits (4 MiB) and correlations of bits (256 x 256 numbers) are all there is.
    assert used > codes.nbytes
    assert peak < (4 << 20) + 8 * 256 * 256 * 8
