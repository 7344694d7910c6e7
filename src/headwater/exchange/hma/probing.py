"""Telling look-ups of pictures from probing: many unequal signals close together.

Whoever walks towards a value of a list, bit by bit, asks many PDQ signals near each other, and
more than a few of them match. What a token has asked is remembered in memory that is locked,
under a mask that is drawn anew for each server: distances stay as they are, signals do not.

Two generations of signals are held for each token. When the younger is full, the older is
forgotten, so at least `GENERATION` and at most twice as many are compared with.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

GENERATION = 16_384
_CODE_BYTES = 32

Allocate = Callable[[tuple[int, ...], Any], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A token has asked so many unequal signals near one that it asked now."""

    token: str
    neighbours: int
    matched_neighbours: int


@dataclass(slots=True)
class _Generation:
    codes: npt.NDArray[np.uint64]
    """Shape (GENERATION, 4)."""
    matched: npt.NDArray[np.bool_]
    count: int = 0


@dataclass(slots=True)
class _Asked:
    """What one token has asked."""

    younger: _Generation
    older: _Generation | None = None
    next_alarm: int = 0


@dataclass(slots=True)
class Prober:
    """Watches what tokens ask. Not for several threads at once."""

    radius_bits: int
    alarm_at: int
    """As many near signals raise an alarm; the next comes at twice as many."""
    allocate: Allocate
    _mask: npt.NDArray[np.uint64] = field(init=False)
    _asked: dict[str, _Asked] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._mask = self.allocate((4,), np.uint64)
        self._mask[:] = np.frombuffer(secrets.token_bytes(_CODE_BYTES), np.uint64)

    def note(self, token: str, signal: bytes, *, matched: bool) -> Alarm | None:
        """Remember a PDQ signal of 32 bytes that a token asked; return an alarm if it is time.

        Near are signals within the radius of each other and, of those that both matched, within
        twice the radius: any two signals that match one entry are.
        """
        asked = self._asked.get(token)
        if asked is None:
            asked = self._asked[token] = _Asked(self._generation(), next_alarm=self.alarm_at)
        code = self.allocate((4,), np.uint64)
        code[:] = np.frombuffer(signal, np.uint64)
        code ^= self._mask
        near = near_matched = 0
        held = [part for part in (asked.younger, asked.older) if part is not None]
        for part in held:
            apart = self._distances(part, code)
            if (apart == 0).any():
                return None
            both = part.matched[: part.count] & matched
            close = (apart <= self.radius_bits) | (both & (apart <= 2 * self.radius_bits))
            near += int(close.sum())
            near_matched += int((close & part.matched[: part.count]).sum())
        self._remember(asked, code, matched=matched)
        if near < asked.next_alarm:
            return None
        asked.next_alarm = 2 * near
        return Alarm(token, near, near_matched)

    def _distances(self, part: _Generation, code: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        apart = self.allocate((part.count, 4), np.uint64)
        np.bitwise_xor(part.codes[: part.count], code, out=apart)
        distances: npt.NDArray[np.int64] = np.bitwise_count(apart).sum(axis=1, dtype=np.int64)
        return distances

    def _remember(self, asked: _Asked, code: npt.NDArray[np.uint64], *, matched: bool) -> None:
        if asked.younger.count == GENERATION:
            asked.older, asked.younger = asked.younger, self._generation()
            asked.next_alarm = self.alarm_at
        part = asked.younger
        part.codes[part.count] = code
        part.matched[part.count] = matched
        part.count += 1

    def _generation(self) -> _Generation:
        codes = self.allocate((GENERATION, 4), np.uint64)
        return _Generation(codes, np.zeros(GENERATION, np.bool_))
