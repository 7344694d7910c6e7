"""Progress of long work on stderr: how far, how fast, how long still."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from headwater.engine.examine import Tally

_PLAIN_SECONDS = 15.0


class Progress:
    """A bar where stderr is a terminal, else a line every quarter of a minute.

    `total_bytes` and `total_places` are what lies ahead at the start.
    """

    def __init__(self, total_places: int, total_bytes: int, *, quiet: bool) -> None:
        self._total_places = total_places
        self._total_bytes = total_bytes
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
        ahead = max(0, self._total_bytes - tally.bytes_done)
        places_ahead = max(0, self._total_places - tally.places_done)
        parts = [
            f"{tally.places_done:,} of {self._total_places:,} places",
            f"{places / seconds:,.0f}/s",
            f"{done / seconds / 1e6:,.1f} MB/s",
        ]
        if tally.problems:
            parts.append(f"{tally.problems:,} problems")
        left = _left(places, places_ahead, done, ahead, seconds)
        if left is not None:
            parts.append(f"{_duration(left)} left")
        return " · ".join(parts)


def _left(places: int, places_ahead: int, done: int, ahead: int, seconds: float) -> float | None:
    """Return the longer of the times that places and bytes still ahead would take."""
    by_places = seconds * places_ahead / places if places else None
    by_bytes = seconds * ahead / done if done else None
    known = [value for value in (by_places, by_bytes) if value is not None]
    return max(known) if known else None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
