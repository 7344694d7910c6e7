"""Places where a test can kill the program, between the steps that make a commit durable.

`reached` does nothing unless `HEADWATER_KILL_AT` was set to `POINT:N` when this module was
imported. Then the process kills its own process group at the N-th passage of that point.
"""

from __future__ import annotations

import os
import signal

POINTS: tuple[str, ...] = (
    "create.before-first-leaf",
    "create.after-first-leaf",
    "create.before-rename",
    "create.after-rename",
    "create.after-sync",
    "key.before-link",
    "key.after-link",
    "pack.before-write",
    "pack.after-write",
    "pack.before-sync",
    "pack.after-sync",
    "pack.before-truncate",
    "pack.after-truncate",
    "pack.before-remove",
    "pack.after-remove",
    "commit.before-insert",
    "commit.before",
    "commit.after",
    "checkpoint.before-write",
    "checkpoint.before-sync",
    "checkpoint.before-rename",
    "checkpoint.after-rename",
    "checkpoint.after-sync",
)
"""Every name that `reached` is called with."""


class _Trigger:
    """Counts the passages of one point."""

    def __init__(self, point: str = "", passage: int = 0) -> None:
        self._point = point
        self._left = passage

    def passed(self, point: str) -> bool:
        """Return whether this is the passage to die at."""
        if point != self._point:
            return False
        self._left -= 1
        return self._left == 0


def _from_environment() -> _Trigger:
    point, _, passage = os.environ.get("HEADWATER_KILL_AT", "").partition(":")
    if point in POINTS and passage.isdigit():
        return _Trigger(point, int(passage))
    return _Trigger()


_trigger = _from_environment()


def arm(point: str, passage: int) -> None:
    """Do what the environment would have asked for; for a test in a process of its own."""
    global _trigger  # noqa: PLW0603
    _trigger = _Trigger(point, passage)


def reached(point: str) -> None:
    """Die here, if this point and passage were asked for."""
    if _trigger.passed(point):
        os.killpg(0, signal.SIGKILL)
