"""What an import did not keep, counted: faults by rule and field, fields that were lost, codes.

Nothing here is a value of the list. Names of fields come from the file, so what could be a value
in the place of a name is withheld, and there is a ceiling on how many are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.errors import UsageError
from headwater.lists.contract import Batch, Entry, Fault

MOST_SPOTS = 1_000
"""Faults that are kept one by one; all are counted."""
MOST_NAMES = 1_000
"""Fields, and rules of a field, that are told apart."""
MOST_CODES = 1_000
"""A list with more category codes has something else in that field."""
MOST_CODE_CHARACTERS = 64

_OTHERS = "(others)"
_WITHHELD = "(withheld: it looks like a value)"
_MOST_NAME_CHARACTERS = 120
_LIKE_A_VALUE = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Za-z+/]{43}|[0-9A-Za-z+/_-]{22}=")
"""Digests as hex, or as base64."""


class KeptFault(msgspec.Struct, array_like=True):
    """One fault with its place."""

    field: str
    rule: str
    whole: bool
    offset_bytes: int | None
    line: int | None


class Tally(msgspec.Struct):
    """The counts of one import so far; kept with its state, they go on from there."""

    entries: int = 0
    broken: int = 0
    """Entries that were left out as a whole."""
    withdrawn: int = 0
    """Entries that the list itself calls withdrawn."""
    faults: dict[str, dict[str, int]] = {}
    """By field and rule."""
    spots: list[KeptFault] = []
    lost: dict[str, int] = {}
    codes: dict[str, int] = {}
    """Entries by category code; without one: under the empty text."""

    def take(self, batch: Batch) -> None:
        """Count a batch. Raises UsageError where the categories cannot be category codes."""
        self.entries += len(batch.entries)
        for entry in batch.entries:
            self._take_entry(entry)
        for fault in batch.faults:
            self._take_fault(fault)
        for field, count in batch.lost.items():
            _add(self.lost, shown(field), count)

    @property
    def broken_share(self) -> float:
        """Broken entries among all, 0.0..1.0."""
        return self.broken / max(1, self.entries + self.broken)

    def report(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return the report of an import; `counts` are the hashes by kind."""
        return {
            "entries": self.entries,
            "broken_entries": self.broken,
            "withdrawn_entries": self.withdrawn,
            "hashes": dict(sorted(counts.items())),
            "categories": dict(sorted(self.codes.items())),
            "faults": [
                {"field": field, "rule": rule, "count": count}
                for field, rules in sorted(self.faults.items())
                for rule, count in sorted(rules.items())
            ],
            "first_faults": [
                {
                    "field": one.field,
                    "rule": one.rule,
                    "whole_entry": one.whole,
                    "offset_bytes": one.offset_bytes,
                    "line": one.line,
                }
                for one in self.spots
            ],
            "lost": dict(sorted(self.lost.items())),
        }

    def _take_entry(self, entry: Entry) -> None:
        code = entry.category or ""
        if code not in self.codes and (
            len(self.codes) >= MOST_CODES
            or len(code) > MOST_CODE_CHARACTERS
            or _LIKE_A_VALUE.search(code)
        ):
            raise UsageError(
                "what this list has for categories are no category codes (too many, too long, or "
                "like hashes); say which field holds the category, or that none does"
            )
        self.codes[code] = self.codes.get(code, 0) + 1
        self.withdrawn += entry.status == "withdrawn"

    def _take_fault(self, fault: Fault) -> None:
        field, rule = shown(fault.field), shown(fault.rule)
        if field not in self.faults and len(self.faults) >= MOST_NAMES:
            field = _OTHERS
        _add(self.faults.setdefault(field, {}), rule, 1)
        self.broken += fault.whole
        if len(self.spots) < MOST_SPOTS:
            spot = fault.spot
            kept = KeptFault(field, rule, fault.whole, spot.offset_bytes, spot.line)
            self.spots.append(kept)


def shown(name: str) -> str:
    """Return a name as a report may show it: withheld where a value could stand in its place."""
    if _LIKE_A_VALUE.search(name):
        return _WITHHELD
    return name[:_MOST_NAME_CHARACTERS]


def _add(counts: dict[str, int], name: str, count: int) -> None:
    if name not in counts and len(counts) >= MOST_NAMES:
        name = _OTHERS
    counts[name] = counts.get(name, 0) + count
