"""How often one token may ask: a bucket that fills with time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Pace:
    """A token bucket for each name: `per_minute` on average, `burst` at once."""

    def __init__(
        self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_minute / 60
        self._burst = float(max(1, burst))
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_seconds(self, name: str) -> int:
        """Take one request of a name: 0 where it may go on, else whole seconds until it may."""
        now = self._clock()
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
        filled = bucket.level + (now - bucket.at) * self._per_second
        bucket.level, bucket.at = min(self._burst, filled), now
        if bucket.level >= 1:
            bucket.level -= 1
            return 0
        return max(1, math.ceil((1 - bucket.level) / self._per_second))
