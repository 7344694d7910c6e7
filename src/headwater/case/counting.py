"""Totals over a case, read from indices: rows that are superseded are counted and taken off."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, Select, Table, func, select

from headwater.case import schema
from headwater.case.places import PlaceCounter
from headwater.case.records import Counts


def count_case(connection: Connection) -> Counts:
    """Return how much a case holds."""
    by_state, by_kind, by_format, by_method = _items(connection)
    files, unread_files = _places(connection, schema.occurrence, "item_id")
    members, unread_members = _places(connection, schema.containment, "child_item_id")
    codes = _problems(connection)
    blob = schema.blob.c
    blobs, blob_bytes = connection.execute(
        select(func.count(), func.coalesce(func.sum(blob.size_bytes), 0)).select_from(schema.blob)
    ).one()
    return Counts(
        occurrences=PlaceCounter(connection).total(),
        files=files,
        members=members,
        items=sum(by_state.values()),
        items_by_state=_ordered(by_state),
        items_by_kind=_ordered(by_kind),
        items_by_format=_ordered(by_format),
        measurements=sum(by_method.values()),
        measurements_by_method=_ordered(by_method),
        unread_places=unread_files + unread_members,
        problems=sum(codes.values()),
        problems_by_code=_ordered(codes),
        blobs=blobs,
        blob_bytes=int(blob_bytes),
        leaves=_number(connection, select(func.count()).select_from(schema.leaf)),
    )


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts) if counts[name]}


def _items(
    connection: Connection,
) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    outcome, category = schema.outcome.c, schema.category.c
    later = schema.outcome.alias("later")
    group = (outcome.category_id, outcome.method_set_id)
    total = select(*group, func.count()).group_by(*group)
    superseded = (
        select(*group, func.count())
        .join(later, later.c.supersedes == outcome.id)
        .where(later.c.supersedes.is_not(None))
        .group_by(*group)
    )
    counts: Counter[tuple[int, int | None]] = Counter()
    for sign, query in ((1, total), (-1, superseded)):
        for category_id, set_id, number in connection.execute(query):
            counts[category_id, set_id] += sign * number
    names = {
        row[0]: tuple(row[1:])
        for row in connection.execute(
            select(category.id, category.state, category.kind, category.format)
        )
    }
    sets = _set_names(connection)
    states, kinds, formats, methods = (Counter[str]() for _ in range(4))
    for (category_id, set_id), number in counts.items():
        state, kind, item_format = names[category_id]
        states[state] += number
        kinds[kind] += number
        formats[item_format] += number
        for name in sets.get(set_id, ()):
            methods[name] += number
    return states, kinds, formats, methods


def _set_names(connection: Connection) -> dict[int | None, list[str]]:
    member, method = schema.method_set_member.c, schema.method.c
    query = select(member.method_set_id, method.name).join(
        schema.method, method.id == member.method_id
    )
    names: dict[int | None, list[str]] = {}
    for set_id, name in connection.execute(query):
        names.setdefault(set_id, []).append(name)
    return names


def _places(connection: Connection, table: Table, content: str) -> tuple[int, int]:
    """Return how many places there are, and how many of them without a content."""
    earlier = table.alias("earlier")
    later = table.alias("later")
    superseded = (
        select(func.count())
        .select_from(later.join(earlier, later.c.supersedes == earlier.c.id))
        .where(later.c.supersedes.is_not(None))
    )
    all_rows = select(func.count()).select_from(table)
    unread = all_rows.where(table.c[content].is_(None))
    unread_before = superseded.where(earlier.c[content].is_(None))
    return (
        _number(connection, all_rows) - _number(connection, superseded),
        _number(connection, unread) - _number(connection, unread_before),
    )


def _problems(connection: Connection) -> Counter[str]:
    codes: Counter[str] = Counter()
    problem = schema.problem.c
    _add(codes, 1, connection, select(problem.code, func.count()).group_by(problem.code))
    for owner in (schema.outcome, schema.occurrence, schema.containment):
        past = select(owner.c.supersedes).where(owner.c.supersedes.is_not(None))
        gone = problem[f"{owner.name}_id"].in_(past)
        _add(
            codes,
            -1,
            connection,
            select(problem.code, func.count()).where(gone).group_by(problem.code),
        )
    walk, outcome = schema.walk.c, schema.outcome.c
    past_outcomes = select(outcome.supersedes).where(outcome.supersedes.is_not(None))
    past_walks = (
        select(walk.id)
        .where(walk.outcome_id.in_(past_outcomes))
        .union(select(walk.supersedes).where(walk.supersedes.is_not(None)))
    )
    gone = problem.walk_id.in_(past_walks)
    _add(
        codes,
        -1,
        connection,
        select(problem.code, func.count()).where(gone).group_by(problem.code),
    )
    return codes


def _add(codes: Counter[str], sign: int, connection: Connection, query: Select[str, int]) -> None:
    for code, number in connection.execute(query):
        codes[code] += sign * number


def _number(connection: Connection, query: Select[int]) -> int:
    return int(connection.execute(query).scalar_one())
