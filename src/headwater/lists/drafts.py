"""One entry in the making, from a format that gives its fields one by one."""

from __future__ import annotations

from typing import Any

from headwater.lists.columns import HASHES
from headwater.lists.contract import Entry, Fault, Spot, Status
from headwater.lists.values import Convert

MOST_WORDS = 64
"""Words that one label is joined from."""


class Draft:
    """Collects the fields of an entry; what is wrong with one costs that one."""

    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.faults: list[Fault] = []
        self._fields: dict[str, Any] = {}
        self._labels: dict[str, str] = {}

    def set(self, target: str, field: str, convert: Convert, text: str) -> None:
        """Set a field of the entry; `field` is its name in the format's own words."""
        try:
            value = convert(text)
        except ValueError as error:
            self.fault(field, str(error))
            return
        if value is not None:
            self._fields[target] = value

    def label(self, name: str, field: str, convert: Convert, text: str) -> None:
        """Set a label."""
        try:
            value = convert(text)
        except ValueError as error:
            self.fault(field, str(error))
            return
        if value is not None:
            self._labels[name] = str(value)

    def fault(self, field: str, rule: str) -> None:
        """Note what is wrong with one field."""
        self.faults.append(Fault(spot=self.spot, field=field, rule=rule, whole=False))

    @property
    def has_hash(self) -> bool:
        """Whether a hash was set."""
        return not HASHES.isdisjoint(self._fields)

    def entry(self, status: Status = "active") -> Entry:
        """Return the entry."""
        labels = tuple(sorted(self._labels.items()))
        return Entry(spot=self.spot, labels=labels, status=status, **self._fields)

    def without_hash(self, field: str, rule: str) -> Fault:
        """Return the one fault of an entry that has no hash: the first found, or this."""
        if self.faults:
            field, rule = self.faults[0].field, self.faults[0].rule
        return Fault(spot=self.spot, field=field, rule=rule)


def joined(words: set[str]) -> str:
    """Return words as one text, sorted; only so many of them."""
    return ", ".join(sorted(words)[:MOST_WORDS])
