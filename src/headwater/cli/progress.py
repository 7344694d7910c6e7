"""Progress of long work on stderr: how far, how fast, how long still."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Self

from headwater.engine.examine import Tally

_PLAIN_SECONDS = 15.0
_COUNTING_SECONDS = 0.02
"""Of each tenth of a second, while it is not known how much lies ahead."""
_STEPS_AT_ONCE = 200


class Ahead:
    """Counts what there is to do, a little at a time, beside the work itself.

    `steps` yields the bytes of one place after the other. A run that finds everything done
    before never counts at all.
    """

    def __init__(self, steps: Iterator[int]) -> None:
        self._steps = steps
        self.places = 0
        self.bytes = 0
        self.is_complete = False

    def count_for(self, seconds: float) -> None:
        """Go on counting for about so long."""
        until = time.monotonic() + seconds
        while not self.is_complete and time.monotonic() < until:
            some = list(islice(self._steps, _STEPS_AT_ONCE))
            self.places += len(some)
            self.bytes += sum(some)
            self.is_complete = len(some) < _STEPS_AT_ONCE


class Progress:
    """A bar where stderr is a terminal, else a line every quarter of a minute."""

    def __init__(self, ahead: Ahead, *, quiet: bool) -> None:
        self._ahead = ahead
        self._quiet = quiet
        self._began = time.monotonic()
        self._printed = self._began
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_terminal and not self._quiet:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, tally: Tally) -> None:
        """Show how far the run has come."""
        if self._quiet:
            return
        self._ahead.count_for(_COUNTING_SECONDS)
        now = time.monotonic()
        if self._is_terminal:
            sys.stderr.write("\r\x1b[K" + self.line(tally, now))
            sys.stderr.flush()
        elif now - self._printed >= _PLAIN_SECONDS:
            self._printed = now
            sys.stderr.write(self.line(tally, now) + "\n")

    def line(self, tally: Tally, now: float) -> str:
        """Return one line that says it all."""
        seconds = max(now - self._began, 1e-6)
        done = tally.bytes_done - tally.resumed_bytes
        places = tally.places_done - tally.resumed
        ahead = max(0, self._ahead.bytes - tally.bytes_done)
        places_ahead = max(0, self._ahead.places - tally.places_done)
        total = f" of {self._ahead.places:,}" if self._ahead.is_complete else ""
        parts = [
            f"{tally.places_done:,}{total} places",
            f"{places / seconds:,.0f}/s",
            f"{done / seconds / 1e6:,.1f} MB/s",
        ]
        if tally.problems:
            parts.append(f"{tally.problems:,} problems")
        left = _left(places, places_ahead, done, ahead, seconds)
        if left is not None and self._ahead.is_complete:
            parts.append(f"{duration_text(left)} left")
        return " · ".join(parts)


def _left(places: int, places_ahead: int, done: int, ahead: int, seconds: float) -> float | None:
    """Return the longer of the times that places and bytes still ahead would take."""
    by_places = seconds * places_ahead / places if places else None
    by_bytes = seconds * ahead / done if done else None
    known = [value for value in (by_places, by_bytes) if value is not None]
    return max(known) if known else None


def duration_text(seconds: float) -> str:
    """Return a span of time as minutes and seconds, with hours before them where there are any."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
