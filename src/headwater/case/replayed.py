"""Reads the log of a case again: every leaf from its rows, and every root from the leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Table

from headwater.case import merkle, schema
from headwater.case.database import select_all
from headwater.case.rows import counts_text, encode_row, leaf_entry, rows_sha256

_BUFFERED_ROWS = 500

Tell = Callable[[str, str, str], None]
"""Takes a code, a place and words: one thing that is not as it was written."""


class _TableRows:
    """Rows of one table in the order of their key, taken leaf by leaf."""

    def __init__(self, connection: Connection, table: Table, tell: Tell) -> None:
        self.name = str(table.name)
        self._leaf_at = list(table.columns.keys()).index("leaf")
        self._tell = tell
        self._rows: Iterator[Any] = iter(
            connection.exec_driver_sql(
                select_all(connection, table), execution_options={"yield_per": _BUFFERED_ROWS}
            )
        )
        self._next: tuple[Any, ...] | None = None
        self._advance()

    def of_leaf(self, number: int) -> Iterator[bytes]:
        """Yield the canonical bytes of the rows of one leaf; called with rising numbers."""
        while self._next is not None:
            leaf = self._next[self._leaf_at]
            if not isinstance(leaf, int) or leaf < number:
                self._tell("row_out_of_order", self.name, f"row {self._next[:2]!r:.80}")
            elif leaf > number:
                return
            else:
                yield encode_row(self.name, self._next)
            self._advance()

    def rest(self) -> None:
        """Tell of rows that belong to no leaf."""
        if self._next is not None:
            self._tell("row_without_leaf", self.name, f"row {self._next[:2]!r:.80} and on")

    def _advance(self) -> None:
        row = next(self._rows, None)
        self._next = None if row is None else tuple(row)


class Replay:
    """The log as it follows from the rows.

    `roots` holds the root (32 bytes) at each of the sizes asked for; `size_of_root` the size at
    which the log had `wanted_root`, None where it never had. Memory does not grow with the case.
    """

    def __init__(self, sizes: Collection[int], wanted_root: bytes | None) -> None:
        self._sizes = set(sizes)
        self._wanted_root = wanted_root
        self._range = merkle.CompactRange()
        self.roots: dict[int, bytes] = {}
        self.size_of_root: int | None = None

    def ask(self, size: int) -> None:
        """Ask for the root at one more size, before `read`."""
        self._sizes.add(size)

    @property
    def size(self) -> int:
        """Leaves."""
        return self._range.size

    def root(self) -> bytes:
        """Return the root over all leaves, 32 bytes."""
        return self._range.root()

    def read(self, connection: Connection, tell: Tell) -> None:
        """Read all rows once, and tell of everything that does not fit its leaf."""
        tables = [_TableRows(connection, table, tell) for table in schema.TABLES]
        leaves = connection.exec_driver_sql(
            select_all(connection, schema.leaf), execution_options={"yield_per": _BUFFERED_ROWS}
        )
        for number, at, digest, counts in leaves:
            if number != self.size:
                tell("leaf_missing", "leaf", f"leaf {self.size} is followed by {number!r:.40}")
                return
            self._check(tables, number, digest, counts, tell)
            self._range.append(merkle.leaf_hash(leaf_entry(number, at, digest, counts)))
            self._note_root()
        for table in tables:
            table.rest()

    def _check(
        self, tables: list[_TableRows], number: int, digest: object, counts: object, tell: Tell
    ) -> None:
        found: dict[str, int] = {}
        encoded: list[bytes] = []
        for table in tables:
            before = len(encoded)
            encoded.extend(table.of_leaf(number))
            if len(encoded) > before:
                found[table.name] = len(encoded) - before
        if rows_sha256(encoded) != digest:
            tell("rows_changed", f"leaf {number}", f"its rows are not those written: {found}")
        elif counts_text(found) != counts:
            tell("rows_changed", f"leaf {number}", "its counts are not those of its rows")

    def _note_root(self) -> None:
        if self.size in self._sizes:
            self.roots[self.size] = self.root()
        if self._wanted_root is not None and self.root() == self._wanted_root:
            self.size_of_root = self.size
