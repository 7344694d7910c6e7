"""What the engine asks the case while it is writing it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, CursorResult, LargeBinary, Select, bindparam, func, select

from headwater.case import schema
from headwater.case.latest import stored_problems
from headwater.case.packed import extra_of, whole_number
from headwater.case.records import ItemState, Seen
from headwater.model import Method

_OCCURRENCE = schema.occurrence.c
_SEEN = (
    select(
        _OCCURRENCE.name,
        _OCCURRENCE.size_bytes,
        _OCCURRENCE.modified_ns,
        _OCCURRENCE.changed_ns,
        _OCCURRENCE.extra,
        _OCCURRENCE.item_id,
        schema.item.c.sha256,
        _OCCURRENCE.state,
        _OCCURRENCE.kind,
    )
    .select_from(schema.occurrence.outerjoin(schema.item, _OCCURRENCE.item_id == schema.item.c.id))
    .order_by(_OCCURRENCE.id)
)
_STATE = (
    select(
        schema.item.c.id,
        schema.outcome.c.id,
        schema.outcome.c.method_set_id,
        schema.outcome.c.reproducible,
        schema.category.c.state,
        schema.category.c.kind,
        schema.category.c.format,
    )
    .join(schema.outcome, schema.outcome.c.item_id == schema.item.c.id)
    .join(schema.category, schema.category.c.id == schema.outcome.c.category_id)
    .where(schema.item.c.sha256 == bindparam("key", type_=LargeBinary))
    .order_by(schema.outcome.c.id.desc())
)
_CODES = (
    select(schema.problem.c.code)
    .where(schema.problem.c.outcome_id == bindparam("key"))
    .order_by(schema.problem.c.id)
)


def seen(connection: Connection, directory_id: int, first: bytes, last: bytes) -> dict[bytes, Seen]:
    """Return the latest word on each place of a directory whose name is in [first, last]."""
    query = _SEEN.where(
        _OCCURRENCE.directory_id == directory_id, _OCCURRENCE.name.between(first, last)
    )
    found: dict[bytes, Seen] = {}
    rows = connection.execute(query).all()
    for name, size, modified, changed, more, item_id, sha256, state, kind in rows:
        extra = extra_of(more)
        found[name] = Seen(
            size_bytes=whole_number(size, "size_bytes", extra),
            modified_ns=whole_number(modified, "modified_ns", extra),
            changed_ns=whole_number(changed, "changed_ns", extra),
            item_id=item_id,
            item_sha256=sha256,
            state=state,
            kind=kind,
        )
    return found


def methods_of_set(connection: Connection, method_set_id: int | None) -> tuple[Method, ...]:
    """Return the methods of a set, sorted by name."""
    if method_set_id is None:
        return ()
    method, member = schema.method.c, schema.method_set_member.c
    query = (
        select(method.name, method.version, method.options_sha256, method.environment_sha256)
        .join(schema.method_set_member, member.method_id == method.id)
        .where(member.method_set_id == method_set_id)
        .order_by(member.ordinal)
    )
    return tuple(
        Method(name=name, version=version, options_sha256=options, environment_sha256=environment)
        for name, version, options, environment in connection.execute(query)
    )


class _ByKey:
    """A query with the one parameter `key`, rendered once: it is asked for every content."""

    def __init__(self, connection: Connection, query: Select[Any]) -> None:
        self._connection = connection
        self._sql = str(query.compile(dialect=connection.dialect))
        self._positional = connection.dialect.positional

    def rows(self, key: bytes | int) -> CursorResult[Any]:
        parameters = (key,) if self._positional else {"key": key}
        return self._connection.exec_driver_sql(self._sql, parameters)


class States:
    """Latest words on items. The methods of a set are remembered, for sets are few."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._methods: dict[int | None, tuple[Method, ...]] = {}
        self._state = _ByKey(connection, _STATE)
        self._codes = _ByKey(connection, _CODES)

    def item(self, sha256: bytes) -> ItemState | None:
        """Return the latest word on an item, None for one that the case does not have."""
        row: Any = self._state.rows(sha256).first()
        if row is None:
            return None
        item_id, outcome_id, method_set_id, reproducible, state, kind, item_format = row
        walk_id = self._walk(outcome_id) if kind == "archive" else None
        if method_set_id not in self._methods:
            self._methods[method_set_id] = methods_of_set(self._connection, method_set_id)
        return ItemState(
            item_id=item_id,
            state=state,
            kind=kind,
            format=item_format,
            methods=self._methods[method_set_id],
            finished=kind != "archive" or walk_id is not None or state in ("refused", "failed"),
            reproducible=bool(reproducible),
            problems=self._problem_codes(outcome_id, walk_id),
        )

    def _walk(self, outcome_id: int) -> int | None:
        walk = schema.walk.c
        query = select(func.max(walk.id)).where(walk.outcome_id == outcome_id)
        return self._connection.execute(query).scalar()

    def _problem_codes(self, outcome_id: int, walk_id: int | None) -> tuple[str, ...]:
        codes = list(self._codes.rows(outcome_id).scalars())
        if walk_id is not None:
            held = stored_problems(self._connection, "walk_id", [walk_id])
            codes += [problem[0] for problem in held.get(walk_id, [])]
        return tuple(codes)


def attempts(connection: Connection, key: bytes) -> int:
    """Return how often a try of `key` ended with the death of its worker."""
    table = schema.attempt
    query = select(func.count()).select_from(table).where(table.c.key == key)
    return int(connection.execute(query).scalar_one())
