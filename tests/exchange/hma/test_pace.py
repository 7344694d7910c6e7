"""Pace: never more than the burst and what time has filled in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.exchange.hma.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.floats(1, 6000),
    st.integers(1, 50),
    st.lists(st.floats(0, 30), min_size=1, max_size=200),
)
def test_no_window_holds_more_than_burst_and_rate(
    rate: float, burst: int, pauses: list[float]
) -> None:
    clock = Clock()
    pace = Pace(rate, burst, clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        if pace.wait_seconds("tool") == 0:
            passed.append(clock.now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            allowed = burst + (passed[last] - passed[first]) * rate / 60
            assert last - first + 1 <= allowed + 1e-6


@given(st.floats(1, 6000), st.integers(1, 50))
def test_the_wait_that_is_told_is_enough(rate: float, burst: int) -> None:
    clock = Clock()
    pace = Pace(rate, burst, clock)
    for _ in range(burst):
        assert pace.wait_seconds("tool") == 0
    told = pace.wait_seconds("tool")
    assert told >= 1
    clock.now += told
    assert pace.wait_seconds("tool") == 0


def test_one_token_does_not_use_up_another_ones() -> None:
    clock = Clock()
    pace = Pace(60, 1, clock)
    assert pace.wait_seconds("one") == 0
    assert pace.wait_seconds("one") > 0
    assert pace.wait_seconds("two") == 0
