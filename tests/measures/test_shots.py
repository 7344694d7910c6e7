"""Cuts between made frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.measures.shots import block_distance, histogram_distance, is_cut, look
from tests.pictures import texture


def luma(seed: int, width: int = 320, height: int = 240) -> np.ndarray:
    return np.asarray(texture(seed, width, height).convert("L"))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_frame_is_no_cut_from_itself_and_distances_are_symmetric(seed: int) -> None:
    one, other = look(luma(seed)), look(luma(seed + 1))
    assert histogram_distance(one, one) == block_distance(one, one) == 0
    assert histogram_distance(one, other) == histogram_distance(other, one)
    assert block_distance(one, other) == block_distance(other, one)
    assert 0 <= histogram_distance(one, other) <= 1
    assert 0 <= block_distance(one, other) <= 2


@pytest.mark.parametrize("light", [-60, -20, 20, 60])
def test_a_change_of_light_is_no_cut(light: int) -> None:
    for seed in range(10):
        frame = np.clip(luma(seed) // 2 + 64, 64, 190)
        assert not is_cut(look(frame), look((frame.astype(int) + light).astype(np.uint8)))


def test_small_movements_are_no_cut() -> None:
    for seed in range(10):
        wide = luma(seed, 400, 240)
        for shift in (2, 8, 16):
            assert not is_cut(
                look(np.ascontiguousarray(wide[:, :320])),
                look(np.ascontiguousarray(wide[:, shift : shift + 320])),
            )


def test_other_scenes_of_other_light_are_cuts() -> None:
    for seed in range(20):
        dark = look((luma(seed) * 0.5).astype(np.uint8))
        bright = look((127 + luma(seed + 100) * 0.5).astype(np.uint8))
        assert is_cut(dark, bright)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (7, 3), (23, 24), (24, 23), (100, 100)])
def test_frames_of_any_size(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    one = look(random.integers(0, 256, shape, dtype=np.uint8))
    other = look(random.integers(0, 256, (64, 64), dtype=np.uint8))
    assert one.histogram.sum() == pytest.approx(1)
    is_cut(one, other)


def test_flat_frames_are_compared_by_light_alone() -> None:
    black, white = np.zeros((90, 90), np.uint8), np.full((90, 90), 255, np.uint8)
    assert block_distance(look(black), look(white)) == 0.0
    assert not is_cut(look(black), look(black))
    assert is_cut(look(black), look(luma(4)))
