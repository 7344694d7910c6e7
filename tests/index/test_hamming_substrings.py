"""Substrings: what the pigeonhole needs, keys as their definition has them, the same each time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.index import hamming_plan, hamming_substrings, hamming_table
from headwater.index.hamming_substrings import Substrings
from headwater.index.hamming_words import Halves, copy_codes, room_for
from tests.index.made_codes import SHAPES, made


def halves(codes: npt.NDArray[np.uint8]) -> Halves:
    room = room_for(np.empty, len(codes))
    copy_codes(codes, room, 0)
    return room


def substrings_of(shape: str, count: int, widths: tuple[int, ...]) -> tuple[Substrings, Halves]:
    codes = halves(made(shape, count, np.random.default_rng(count)))
    return hamming_substrings.chosen(codes, widths, np.empty), codes


def plain_keys(codes: Halves, places: list[int]) -> list[int]:
    whole = np.concatenate([codes.front, codes.back], axis=1).tolist()
    numbers = [sum(word << (64 * row) for row, word in enumerate(words)) for words in whole]
    return [sum((n >> bit & 1) << at for at, bit in enumerate(places)) for n in numbers]


@given(st.integers(0, 256), st.integers(1, 32))
def test_radii_satisfy_the_pigeonhole(radius_bits: int, count: int) -> None:
    radii = hamming_substrings.radii(radius_bits, count)
    assert sum(radii + 1) == radius_bits + 1
    assert list(radii) == sorted(radii, reverse=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [0, 1, 63, 64, 900])
def test_substrings_are_disjoint_and_have_their_widths(shape: str, count: int) -> None:
    widths = hamming_substrings.even_widths(13, 24)
    substrings, _ = substrings_of(shape, count, widths)
    places = substrings.places
    bits = [bit for row in places for bit in row]
    assert tuple(map(len, places)) == widths == substrings.widths
    assert len(set(bits)) == len(bits) == sum(widths) == 256
    assert np.bitwise_or.reduce(substrings.masks, axis=0).tolist() == [2**64 - 1] * 4
    assert np.bitwise_count(substrings.masks).sum(axis=1).tolist() == list(widths)
    again, _ = substrings_of(shape, count, widths)
    assert again.places == places
    assert hamming_substrings.of_places(places).masks.tolist() == substrings.masks.tolist()


@pytest.mark.parametrize("width", [1, 7, 12, 13, 20])
@pytest.mark.parametrize("count", [1, 1023, 1024, 3000])
def test_codes_are_sorted_by_their_keys(width: int, count: int) -> None:
    substrings, codes = substrings_of("clustered", count, (width,) * (256 // 20))
    sorter = hamming_table.Sorter(substrings, count, np.empty)
    offsets = np.empty((1 << width) + 1, np.uint32)
    ids = np.empty(count, np.uint32)
    words = np.empty(hamming_substrings.SCRATCH, np.uint64)
    keys = np.empty((count, len(substrings.masks)), np.uint32)
    hamming_substrings.fill_keys(*codes, substrings.shifts, substrings.stops, words, keys)
    for number, places in enumerate(substrings.places):
        expected = np.array(plain_keys(codes, places))
        assert np.array_equal(keys[:, number], expected)
        sorter.sort(codes, number, offsets, ids)
        assert np.array_equal(ids, np.argsort(expected, kind="stable"))
        begins = np.searchsorted(np.sort(expected), np.arange((1 << width) + 1))
        assert np.array_equal(offsets, begins)


def test_bits_that_go_together_are_kept_apart() -> None:
    random = np.random.default_rng(4)
    # Sixteen bits of each block of sixteen follow one another nine times in ten.
    leaders = random.random((4096, 16)) < 0.5
    strays = random.random((4096, 256)) < 0.1
    codes = halves(np.packbits(np.repeat(leaders, 16, axis=1) ^ strays, axis=1))
    places = hamming_substrings.chosen(codes, (16,) * 16, np.empty).places
    most = max(len({(bit ^ 7) // 16 for bit in row}) for row in places)
    fewest = min(len({(bit ^ 7) // 16 for bit in row}) for row in places)
    assert (fewest, most) == (16, 16)


@given(st.integers(1, 12), st.integers(-1, 4))
@settings(deadline=None)
def test_flips_are_all_keys_within_the_radius(width: int, radius: int) -> None:
    flips = hamming_substrings.flips(width, radius).tolist()
    assert sorted(flips) == [key for key in range(1 << width) if key.bit_count() <= radius]
    assert len(flips) == hamming_substrings.probe_count(width, radius)


@given(st.integers(1, 1 << 32), st.integers(0, 256))
@settings(deadline=None, max_examples=50)
def test_layouts_have_disjoint_substrings(codes: int, radius_bits: int) -> None:
    for layout in (
        hamming_plan.table_layout(codes, radius_bits),
        hamming_plan.join_layout(codes, 1000, radius_bits),
    ):
        assert 0 < sum(layout.widths) <= 256
        assert max(layout.widths) <= hamming_substrings.WIDEST
        assert list(layout.widths) == sorted(layout.widths, reverse=True)
