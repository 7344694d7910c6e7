"""The latest row on a thing: the condition for one, and look-ups for many things at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Select, Table, exists, select
from sqlalchemy.sql.elements import ColumnElement

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


_LATER_OUTCOME = schema.outcome.alias("later_outcome")


def latest_outcome() -> ColumnElement[bool]:
    """Return the condition that an outcome is not superseded."""
    return ~exists().where(_LATER_OUTCOME.c.supersedes == schema.outcome.c.id)


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
    for part in chunks(sorted(values)):
        query = select(key, key.table.c.id, *columns).where(key.in_(part))
        for value, row_id, *rest in _in_order(connection, query, 1):
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

    The first two columns of the key are looked up, which are those that have an index. SQLite
    searches no index for pairs in a list, so there is one statement for each first value.
    """
    second_by_first: dict[Value, set[Value]] = {}
    for first, second, *_ in values:
        second_by_first.setdefault(first, set()).add(second)
    outer, inner = table.c[key[0]], table.c[key[1]]
    wanted = [table.c[name] for name in (*key, "id", *columns)]
    found: dict[tuple[Value, ...], Earlier] = {}
    for first, seconds in second_by_first.items():
        for part in chunks(sorted(seconds)):  # type: ignore[type-var]
            query = select(*wanted).where(outer == first, inner.in_(part))
            for row in _in_order(connection, query, len(key)):
                rest = row[len(key) :]
                found[row[: len(key)]] = Earlier(rest[0], rest[1:])
    return found


def stored_problems(
    connection: Connection, owner: str, owner_ids: Collection[int]
) -> dict[int, list[ProblemRow]]:
    """Return the problems of each owner, in their order; `owner` names the column."""
    found: dict[int, list[ProblemRow]] = {}
    column = schema.problem.c[owner]
    for part in chunks(sorted(owner_ids)):
        query = select(column, schema.problem.c.id, *_PROBLEM).where(column.in_(part))
        for owner_id, _id, code, where, reason, limit, reproducible in _in_order(
            connection, query, 1
        ):
            found.setdefault(owner_id, []).append((code, where, reason, limit, reproducible))
    return found


def _in_order(connection: Connection, query: Select[Any], id_at: int) -> list[tuple[Any, ...]]:
    """Return rows by their id. An ORDER BY would tempt SQLite to read the whole table by it."""
    rows = (tuple(row) for row in connection.execute(query))
    return sorted(rows, key=lambda row: row[id_at])
