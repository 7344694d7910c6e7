"""The audit log of a case: every commit is one transaction, and one leaf over all its rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, func, select

from headwater.case import merkle, schema
from headwater.case.clock import now_utc
from headwater.case.database import insert_rows, one_state, transaction
from headwater.case.faultpoints import reached
from headwater.case.rows import Value, counts_text, encode_row, leaf_entry, rows_sha256

_COUNTED = tuple(table for table in schema.TABLES if "id" in table.c)


class NewRows:
    """Rows of one commit, with ids counted on from those of the ledger."""

    def __init__(self, leaf: int, last_ids: dict[str, int]) -> None:
        self.leaf = leaf
        self.last_ids = dict(last_ids)
        self.by_table: dict[str, list[tuple[Value, ...]]] = {
            str(table.name): [] for table in schema.TABLES
        }

    def add(self, table: str, *values: Value) -> int:
        """Add a row of a table with an `id`: `values` are what follows `id` and `leaf`."""
        row_id = self.last_ids[table] + 1
        self.last_ids[table] = row_id
        self.by_table[table].append((row_id, self.leaf, *values))
        return row_id

    def add_part(self, table: str, *values: Value) -> None:
        """Add a row of a table with a key of its own: `values` are all its columns."""
        self.by_table[table].append(values)

    def is_empty(self) -> bool:
        """Return whether there is nothing to commit."""
        return not any(self.by_table.values())


class Ledger:
    """Appends leaves over one connection; there is one writer at a time.

    After an error in `append` the ledger is as it was before, or no longer usable (`broken`),
    where it cannot be told whether the transaction was committed.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.broken = False
        self._range = merkle.CompactRange()
        with one_state(connection):
            for entry in _entries(connection):
                self._range.append(merkle.leaf_hash(entry))
            self._last_ids = {str(table.name): _last_id(connection, table) for table in _COUNTED}

    @property
    def size(self) -> int:
        """Leaves."""
        return self._range.size

    def root(self) -> bytes:
        """Return the root over all leaves, 32 bytes."""
        return self._range.root()

    def new_rows(self) -> NewRows:
        """Return an empty set of rows for the next leaf."""
        return NewRows(self.size, self._last_ids)

    def append(self, rows: NewRows) -> None:
        """Store rows and their leaf in one transaction."""
        at = now_utc()
        counts = {name: len(held) for name, held in rows.by_table.items() if held}
        digest = rows_sha256(
            encode_row(table, values) for table, held in rows.by_table.items() for values in held
        )
        counted = counts_text(counts)
        reached("commit.before-insert")
        self.broken = True
        with transaction(self._connection):
            insert_rows(self._connection, schema.leaf, [(rows.leaf, at, digest, counted)])
            for table in schema.TABLES:
                if held := rows.by_table[table.name]:
                    insert_rows(self._connection, table, held)
        self.broken = False
        self._last_ids = rows.last_ids
        self._range.append(merkle.leaf_hash(leaf_entry(rows.leaf, at, digest, counted)))


def _entries(connection: Connection) -> Iterator[bytes]:
    query = select(schema.leaf).order_by(schema.leaf.c.number).execution_options(yield_per=1000)
    for number, at, digest, counts in connection.execute(query):
        yield leaf_entry(number, at, digest, counts)


def _last_id(connection: Connection, table: Table) -> int:
    found = connection.execute(select(func.max(table.c.id))).scalar()
    return 0 if found is None else int(found)
