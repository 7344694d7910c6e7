"""What the engine asks the case while it is writing it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

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
    .order_by(schema.outcome.c.id.desc())
    .limit(1)
)


def seen(connection: Connection, directory_id: int, first: bytes, last: bytes) -> dict[bytes, Seen]:
    """Return the latest word on each place of a directory whose name is in [first, last]."""
    query = _SEEN.where(
        _OCCURRENCE.directory_id == directory_id, _OCCURRENCE.name.between(first, last)
    )
    found: dict[bytes, Seen] = {}
    for name, size, modified, changed, more, item_id, sha256, state, kind in connection.execute(
        query
    ):
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


class States:
    """Latest words on items. The methods of a set are remembered, for sets are few."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._methods: dict[int | None, tuple[Method, ...]] = {}

    def item(self, sha256: bytes) -> ItemState | None:
        """Return the latest word on an item, None for one that the case does not have."""
        query = _STATE.where(schema.item.c.sha256 == sha256)
        row = self._connection.execute(query).first()
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
        problems = stored_problems(self._connection, "outcome_id", [outcome_id])
        held = problems.get(outcome_id, [])
        if walk_id is not None:
            held += stored_problems(self._connection, "walk_id", [walk_id]).get(walk_id, [])
        return tuple(problem[0] for problem in held)


def attempts(connection: Connection, key: bytes) -> int:
    """Return how often a try of `key` ended with the death of its worker."""
    table = schema.attempt
    query = select(func.count()).select_from(table).where(table.c.key == key)
    return int(connection.execute(query).scalar_one())
