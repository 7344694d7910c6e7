"""Places where a test can kill the program, between the steps that make a commit durable.

`reached` does nothing unless `HEADWATER_KILL_AT` was set to `POINT:N` when this module was
imported. Then the process kills its own process group at the N-th passage of that point.
"""

from __future__ import annotations

import itertools
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


def _armed() -> tuple[str, int] | None:
    value = os.environ.get("HEADWATER_KILL_AT", "")
    point, _, passage = value.partition(":")
    if point not in POINTS or not passage.isdigit():
        return None
    return point, int(passage)


_ARMED = _armed()
_PASSAGES = itertools.count(1)


def reached(point: str) -> None:
    """Die here, if the environment asked for this point and passage."""
    if _ARMED is not None and point == _ARMED[0] and next(_PASSAGES) == _ARMED[1]:
        os.killpg(0, signal.SIGKILL)
