"""Progress says how far, how fast and how long still."""

from __future__ import annotations

import time

from headwater.cli.progress import Progress
from headwater.engine.examine import Tally


def line(tally: Tally, after_seconds: float, places: int = 100, size: int = 1_000_000) -> str:
    progress = Progress(places, size, quiet=True)
    return progress.line(tally, time.monotonic() + after_seconds)


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
