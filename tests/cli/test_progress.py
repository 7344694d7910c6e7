"""Progress says how far, how fast and how long still."""

from __future__ import annotations

import time

from headwater.cli.progress import Ahead, Progress
from headwater.engine.examine import Tally


def line(tally: Tally, after_seconds: float, *, counted: bool = True) -> str:
    """Return the line about 100 places of a million bytes in all."""
    ahead = Ahead(iter([10_000] * 100))
    if counted:
        ahead.count_for(60.0)
    return Progress(ahead, quiet=True).line(tally, time.monotonic() + after_seconds)


def test_half_way_there_is_as_much_time_left_as_was_used() -> None:
    told = line(Tally(places_done=50, bytes_done=500_000), 60.0)
    assert "50 of 100 places" in told
    assert "1:00 left" in told


def test_the_slower_of_bytes_and_places_counts() -> None:
    told = line(Tally(places_done=90, bytes_done=100_000), 60.0)
    assert "9:00 left" in told


def test_what_earlier_runs_did_does_not_flatter_the_rate() -> None:
    resumed = Tally(places_done=60, bytes_done=600_000, resumed=50, resumed_bytes=500_000)
    assert "4:00 left" in line(resumed, 60.0)


def test_nothing_is_promised_before_anything_is_done() -> None:
    assert "left" not in line(Tally(), 1.0)


def test_no_total_is_named_before_it_is_counted() -> None:
    told = line(Tally(places_done=50, bytes_done=500_000), 60.0, counted=False)
    assert "50 places" in told
    assert "left" not in told


def test_counting_takes_its_turn_and_comes_to_its_end() -> None:
    ahead = Ahead(iter(range(100_000)))
    turns = 0
    while not ahead.is_complete:
        ahead.count_for(0.0005)
        turns += 1
    assert turns > 1
    assert (ahead.places, ahead.bytes) == (100_000, sum(range(100_000)))
