"""Look-ups of the latest row on a thing, for many things at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Table, select, tuple_

from headwater.case import schema
from headwater.case.ids import chunks
from headwater.case.rows import Value

ProblemRow = tuple[str, str, str, str | None, int]
"""Code, where, reason, limit, reproducible (0 or 1)."""

_PROBLEM = (
    schema.problem.c.code,
    schema.problem.c.where,
    schema.problem.c.reason,
    schema.problem.c.limit,
    schema.problem.c.reproducible,
)


class Earlier(NamedTuple):
    """The latest row on a thing: its id, and the columns that were asked for."""

    row_id: int
    columns: tuple[Value, ...]


def latest_rows(
    connection: Connection,
    key: Column[Any],
    columns: Sequence[Column[Any]],
    values: Collection[int],
) -> dict[int, Earlier]:
    """Return the latest row for each value of `key`, by that value."""
    found: dict[int, Earlier] = {}
    table = key.table
    for part in chunks(sorted(values)):
        query = select(key, table.c.id, *columns).where(key.in_(part)).order_by(table.c.id)
        for value, row_id, *rest in connection.execute(query):
            found[value] = Earlier(row_id, tuple(rest))
    return found


def latest_places(
    connection: Connection,
    table: Table,
    key: Sequence[str],
    columns: Sequence[str],
    values: Collection[tuple[Value, ...]],
) -> dict[tuple[Value, ...], Earlier]:
    """Return the latest row for each tuple of the `key` columns, by that tuple.

    Only the first two columns of the key are looked up, which are those that have an index.
    """
    found: dict[tuple[Value, ...], Earlier] = {}
    indexed = tuple_(*(table.c[name] for name in key[:2]))
    wanted = [table.c[name] for name in (*key, "id", *columns)]
    pairs = sorted({value[:2] for value in values})
    for part in chunks(pairs):
        query = select(*wanted).where(indexed.in_(part)).order_by(table.c.id)
        for row in connection.execute(query):
            values_of_row = tuple(row)
            rest = values_of_row[len(key) :]
            found[values_of_row[: len(key)]] = Earlier(rest[0], rest[1:])
    return found


def stored_problems(
    connection: Connection, owner: str, owner_ids: Collection[int]
) -> dict[int, list[ProblemRow]]:
    """Return the problems of each owner, in their order; `owner` names the column."""
    found: dict[int, list[ProblemRow]] = {}
    column = schema.problem.c[owner]
    for part in chunks(sorted(owner_ids)):
        query = select(column, *_PROBLEM).where(column.in_(part)).order_by(schema.problem.c.id)
        for owner_id, code, where, reason, limit, reproducible in connection.execute(query):
            found.setdefault(owner_id, []).append((code, where, reason, limit, reproducible))
    return found
