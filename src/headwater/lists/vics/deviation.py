"""What in a VICS file is not as version 2.0 writes it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from headwater.lists.contract import Spot

Outcome = Literal["mended", "replaced", "kept", "left out"]
"""What a repair makes of it: `mended` without loss; `replaced` by what says less; `kept` as it is,
because what is meant cannot be known; `left out` of the repaired file."""


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a file deviates. It carries no value."""

    spot: Spot
    path: str
    """Such as `value[12].Media[3].MD5`; empty for the file as a whole."""
    rule: str
    """What does not hold, in a few words."""
    outcome: Outcome


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole file held."""

    structure: Literal["Cases", "Media"]
    entries: int
    """Elements of the media arrays, those that are left out included."""
    cases: int
    counts: dict[tuple[str, Outcome], int]
    """Deviations by rule and outcome, sorted."""


def counted(counts: Counter[tuple[str, Outcome]]) -> dict[tuple[str, Outcome], int]:
    """Return counts in the order of their rules."""
    return dict(sorted(counts.items()))
