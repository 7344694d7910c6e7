"""Columns of a table, and the entries that its rows make.

Every table format is read by the names in its header, or by names that the caller gives. What an
entry has no field for is counted, never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.lists import values
from headwater.lists.contract import Entry, Fault, Spot
from headwater.lists.losses import Losses, shown
from headwater.lists.rows import Row
from headwater.lists.values import Convert

HASHES = frozenset(("md5", "sha1", "sha256", "pdq", "photodna"))


class Column(NamedTuple):
    """One column that is kept."""

    place: int
    """From 0."""
    name: str
    """As the format spells it, safe to show."""
    target: str
    """A field of `Entry`, or a label."""
    convert: Convert
    is_label: bool


class Known(NamedTuple):
    """What a column of a known name holds."""

    target: str
    convert: Convert
    is_label: bool = False


def flag(target: str) -> Known:
    """Return a column that holds a flag, for a label."""
    return Known(target, values.flag, is_label=True)


def label(target: str) -> Known:
    """Return a column that holds a text for a person."""
    return Known(target, values.label, is_label=True)


def moment(target: str) -> Known:
    """Return a column that holds a time."""
    return Known(target, values.moment, is_label=True)


HASH_COLUMNS: dict[str, Known] = {
    **{name: Known(name, values.digest(name)) for name in values.HASH_TYPES},
    "photodna": Known("photodna", values.photodna),
}


def plain_name(name: str) -> str:
    """Return a column's name without what spellings differ in: `sha1` of ` SHA-1`."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


class Layout(NamedTuple):
    """Which columns of a table are kept, and which are counted."""

    kept: tuple[Column, ...]
    lost: tuple[tuple[int, str], ...]
    cells: int
    """The number of cells of a row."""

    @property
    def has_hash(self) -> bool:
        """Whether a column holds hashes."""
        return any(column.target in HASHES for column in self.kept)


def layout(names: Sequence[str], known: dict[str, Known], prefix: str = "") -> Layout:
    """Return what the columns of these names hold; of two for one field, the first is kept.

    `known` is keyed by `plain_name`. `prefix` stands before the name of a column that is lost.
    """
    kept: list[Column] = []
    lost: list[tuple[int, str]] = []
    taken: set[str] = set()
    for index, name in enumerate(names):
        column = known.get(plain_name(name))
        if column is None or column.target in taken:
            if name.strip() != IGNORED:
                lost.append((index, prefix + shown(name)))
            continue
        taken.add(column.target)
        convert = column.convert if column.target in HASHES else _repeated(column.convert)
        kept.append(Column(index, name.strip(), column.target, convert, column.is_label))
    return Layout(tuple(kept), tuple(lost), len(names))


def _repeated(convert: Convert) -> Convert:
    """Return the same function, quick where a cell says what the one above it says."""
    last_text: str | None = None
    last_value: object = None

    def again(text: str) -> object:
        nonlocal last_text, last_value
        if text != last_text:
            last_value = convert(text)
            last_text = text
        return last_value

    return again


IGNORED = "-"
"""The name of a column that is to be left out without being counted."""


class Entries:
    """Turns rows into entries; keeps what could not be read and what was lost until it is taken.

    `tolerant` reads rows with too few or too many cells as far as they go, and notes it.
    """

    def __init__(self, columns: Layout, *, tolerant: bool = False) -> None:
        self._layout = columns
        self._tolerant = tolerant
        self.faults: list[Fault] = []
        self.losses = Losses()

    def of(self, row: Row) -> Entry | None:
        """Return the entry that a row makes; None where it makes none, and that is a fault."""
        cells = row.cells
        spot = Spot(row.offset_bytes, row.line)
        if len(cells) != self._layout.cells and not self._fits(spot, cells):
            return None
        faults: list[Fault] = []
        found: dict[str, Any] = {}
        labels: list[tuple[str, str]] = []
        for place, name, target, convert, is_label in self._layout.kept:
            if not (text := cells[place]):
                continue
            try:
                value = convert(text)
            except ValueError as error:
                faults.append(Fault(spot=spot, field=name, rule=str(error), whole=False))
                continue
            if value is None:
                continue
            if is_label:
                labels.append((target, str(value)))
            else:
                found[target] = value
        if HASHES.isdisjoint(found):
            self.faults.append(_no_hash(spot, faults))
            return None
        self.faults += faults
        for place, name in self._layout.lost:
            if cells[place]:
                self.losses.add(name)
        if len(labels) > 1:
            labels.sort()
        return Entry(spot=spot, labels=tuple(labels), **found)

    def _fits(self, spot: Spot, cells: list[str]) -> bool:
        """Make the number of cells right; False, with a fault, where that may not be."""
        wanted = self._layout.cells
        extra = [cell for cell in cells[wanted:] if cell]
        if len(cells) > wanted and not extra:
            del cells[wanted:]
            return True
        rule = f"{len(cells)} cells in place of {wanted}"
        self.faults.append(Fault(spot=spot, field="row", rule=rule, whole=not self._tolerant))
        if not self._tolerant:
            return False
        if extra:
            self.losses.add("cells beyond the last column", len(extra))
        del cells[wanted:]
        cells += [""] * (wanted - len(cells))
        return True


def _no_hash(spot: Spot, faults: list[Fault]) -> Fault:
    """Return the one fault of a row without a hash: the first hash that could not be read."""
    for fault in faults:
        if plain_name(fault.field) in HASHES or "hex digits" in fault.rule:
            return Fault(spot=spot, field=fault.field, rule=fault.rule)
    return Fault(spot=spot, field="row", rule="no hash")
