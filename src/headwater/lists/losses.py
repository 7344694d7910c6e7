"""What a list says and an entry has no field for, counted by the field's name.

The names come from the file. One that could itself be a value (a hash that stands where a header
should, say) is not shown, and only so many are told apart.
"""

from __future__ import annotations

import re
from collections import defaultdict

UNNAMED = "(unknown)"
OTHERS = "(other fields)"

_MOST_NAMES = 512
_NAME = re.compile(r"[A-Za-z_@.$][A-Za-z0-9_@.$:/()\[\]# -]{0,63}")
_VALUE_LIKE = re.compile(r"[0-9A-Fa-f]{8}|[A-Za-z0-9]{32}|[0-9]{6}")


def shown(name: str) -> str:
    """Return the name of a field where it surely is no value."""
    name = name.strip()
    if _NAME.fullmatch(name) is None or _VALUE_LIKE.search(name):
        return UNNAMED
    return name


class Losses:
    """Counts values until they are taken into a batch."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)

    def add(self, name: str, values: int = 1) -> None:
        """Count values of a field; `name` has to be safe to show."""
        if name not in self._counts and len(self._counts) >= _MOST_NAMES:
            name = OTHERS
        self._counts[name] += values

    def take(self) -> dict[str, int]:
        """Return the counts, sorted by name, and begin anew."""
        taken = dict(sorted(self._counts.items()))
        self._counts.clear()
        return taken
