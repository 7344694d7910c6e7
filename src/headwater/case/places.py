"""Places of items, expanded: every way from a source through containers to a content.

A containment is stored once for each container, however often the container occurs. Here the
chains are put together again, and counted without putting them together. No way goes through the
same content twice, so a forged case with a cycle ends too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, bindparam, exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from headwater.case import schema
from headwater.case.latest import stored_problems
from headwater.case.packed import extra_of, whole_number
from headwater.case.problems import problems_of
from headwater.case.records import Place, Step
from headwater.model import Problem

_FILE = schema.occurrence.c
_MEMBER = schema.containment.c
_LATER_FILE = schema.occurrence.alias("later_occurrence")
_LATER_MEMBER = schema.containment.alias("later_containment")


def latest_file() -> ColumnElement[bool]:
    """Return the condition that an occurrence is not superseded."""
    return ~exists().where(_LATER_FILE.c.supersedes == _FILE.id)


def latest_member() -> ColumnElement[bool]:
    """Return the condition that a containment is not superseded."""
    return ~exists().where(_LATER_MEMBER.c.supersedes == _MEMBER.id)


_FILES = (
    select(
        _FILE.id,
        schema.source.c.id,
        schema.source.c.path,
        schema.directory.c.path,
        _FILE.name,
        _FILE.size_bytes,
        _FILE.modified_ns,
        _FILE.changed_ns,
        _FILE.accessed_ns,
        _FILE.created_ns,
        _FILE.extra,
    )
    .select_from(schema.occurrence)
    .join(schema.directory, schema.directory.c.id == _FILE.directory_id)
    .join(schema.source, schema.source.c.id == schema.directory.c.source_id)
    .where(_FILE.item_id == bindparam("item_id"), latest_file())
    .order_by(schema.source.c.path, schema.source.c.id, schema.directory.c.path, _FILE.name)
    .execution_options(yield_per=200)
)
_MEMBERS = (
    select(
        _MEMBER.id,
        _MEMBER.parent_item_id,
        schema.item.c.sha256,
        _MEMBER.ordinal,
        _MEMBER.name,
        _MEMBER.size_bytes,
        _MEMBER.offset_bytes,
        _MEMBER.extra,
    )
    .select_from(schema.containment)
    .join(schema.item, schema.item.c.id == _MEMBER.parent_item_id)
    .where(_MEMBER.child_item_id == bindparam("item_id"), latest_member())
    .order_by(schema.item.c.sha256, _MEMBER.ordinal, _MEMBER.name)
    .execution_options(yield_per=200)
)


_FILE_COUNT = (
    select(func.count())
    .select_from(schema.occurrence)
    .where(_FILE.item_id == bindparam("item_id"), latest_file())
)
_CONTAINER_COUNTS = (
    select(_MEMBER.parent_item_id, func.count())
    .where(_MEMBER.child_item_id == bindparam("item_id"), latest_member())
    .group_by(_MEMBER.parent_item_id)
)


@dataclass(slots=True)
class _Around:
    """One content on the way up, with the containers around it still to be looked at."""

    item_id: int
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    containers: Iterator[tuple[int, int, Step]]
    found: bool = field(default=False)


def places(connection: Connection, item_id: int) -> Iterator[Place]:
    """Yield all places of an item: files first, then members of containers.

    Files come by source, directory and name; members by the container's SHA-256 and ordinal.
    """
    top = _Around(item_id, (), (), _containers(connection, item_id))
    yield from _files(connection, top)
    way, on_way, nowhere = [top], {item_id}, set[int]()
    while way:
        inner = way[-1]
        container = next(inner.containers, None)
        if container is None:
            way.pop()
            on_way.discard(inner.item_id)
            if not inner.found:
                nowhere.add(inner.item_id)
            elif way:
                way[-1].found = True
            continue
        member_id, parent_id, step = container
        if parent_id in on_way or parent_id in nowhere:
            continue
        problems = inner.problems
        if not inner.steps:
            problems = _problems(connection, "containment_id", member_id)
        steps = (step, *inner.steps)
        outer = _Around(parent_id, steps, problems, _containers(connection, parent_id))
        for place in _files(connection, outer):
            outer.found = True
            yield place
        way.append(outer)
        on_way.add(parent_id)


def _files(connection: Connection, around: _Around) -> Iterator[Place]:
    for row in connection.execute(_FILES, {"item_id": around.item_id}):
        file_id, source_id, source_path, directory, name, size, *clocks, more = row
        extra = extra_of(more)
        modified, changed, accessed, created = clocks
        problems = around.problems
        if not around.steps:
            problems = _problems(connection, "occurrence_id", file_id)
        yield Place(
            source_id=source_id,
            source_path=source_path,
            directory=directory,
            name=name,
            size_bytes=whole_number(size, "size_bytes", extra),
            modified_ns=whole_number(modified, "modified_ns", extra),
            changed_ns=whole_number(changed, "changed_ns", extra),
            accessed_ns=whole_number(accessed, "accessed_ns", extra),
            created_ns=whole_number(created, "created_ns", extra),
            steps=around.steps,
            problems=problems,
        )


def _containers(connection: Connection, item_id: int) -> Iterator[tuple[int, int, Step]]:
    """Yield the containment, its container and the step into it."""
    for row in connection.execute(_MEMBERS, {"item_id": item_id}):
        member_id, parent_id, sha256, ordinal, name, size, offset, more = row
        extra = extra_of(more)
        yield (
            member_id,
            parent_id,
            Step(
                parent_sha256=sha256,
                ordinal=ordinal,
                name=name,
                size_bytes=whole_number(size, "size_bytes", extra),
                offset_bytes=whole_number(offset, "offset_bytes", extra),
                times=extra.times,
                notes=extra.notes,
            ),
        )


def _problems(connection: Connection, owner: str, owner_id: int) -> tuple[Problem, ...]:
    return problems_of(stored_problems(connection, owner, [owner_id]).get(owner_id, []))


class PlaceCounter:
    """Counts places of items, each content on the way up once. Counts are whole numbers without
    a ceiling, for containers multiply."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._counts: dict[int, int] = {}

    def count(self, item_id: int) -> int:
        """Return in how many places an item is."""
        ways: list[tuple[int, list[tuple[int, int]]]] = []
        on_way = set[int]()
        ahead = [item_id]
        while ahead:
            current = ahead[-1]
            if current in self._counts:
                ahead.pop()
            elif current in on_way:
                ahead.pop()
                on_way.discard(current)
                _, containers = ways.pop()
                self._counts[current] = self._files(current) + sum(
                    times * self._counts.get(parent, 0) for parent, times in containers
                )
            else:
                on_way.add(current)
                containers = self._containers(current)
                ways.append((current, containers))
                ahead += [
                    parent
                    for parent, _ in containers
                    if parent not in on_way and parent not in self._counts
                ]
        return self._counts[item_id]

    def total(self) -> int:
        """Return how many places all items and all unread places together have."""
        files = self._number(select(func.count()).select_from(schema.occurrence))
        superseded = _FILE.supersedes.is_not(None)
        files -= self._number(select(func.count()).select_from(schema.occurrence).where(superseded))
        return files + sum(
            members * (self.count(parent) if nested else occurrences)
            for parent, members, occurrences, nested in self._connection.execute(
                _containers_query()
            )
        )

    def _files(self, item_id: int) -> int:
        return int(self._connection.execute(_FILE_COUNT, {"item_id": item_id}).scalar_one())

    def _containers(self, item_id: int) -> list[tuple[int, int]]:
        rows = self._connection.execute(_CONTAINER_COUNTS, {"item_id": item_id})
        return [(parent, times) for parent, times in rows]

    def _number(self, query: Select[int]) -> int:
        return int(self._connection.execute(query).scalar_one())


def _containers_query() -> Select[int, int, int, bool]:
    """Return per container: its members, its own files, and whether it lies in another one."""
    outer = schema.containment.alias("outer_containment")
    files = (
        select(func.count())
        .select_from(schema.occurrence)
        .where(_FILE.item_id == _MEMBER.parent_item_id, latest_file())
        .scalar_subquery()
    )
    nested = exists().where(outer.c.child_item_id == _MEMBER.parent_item_id)
    return (
        select(_MEMBER.parent_item_id, func.count(), files, nested)
        .where(latest_member())
        .group_by(_MEMBER.parent_item_id)
        .execution_options(yield_per=500)
    )
