"""Places as they are stored, once for each source or container, read back into records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, select, true
from sqlalchemy.sql.elements import ColumnElement

from headwater.case import schema
from headwater.case.latest import stored_problems
from headwater.case.packed import extra_of, whole_number
from headwater.case.places import latest_file, latest_member
from headwater.case.problems import problems_of
from headwater.case.records import UnreadPlace
from headwater.model import Containment, Occurrence, Problem

_FILE = schema.occurrence.c
_DIRECTORY = schema.directory.c
_MEMBER = schema.containment.c
_NUMBERS = ("size_bytes", "modified_ns", "changed_ns", "accessed_ns", "created_ns")
_PAGE = 400

Row = Mapping[Any, Any]


def stored_files(
    connection: Connection, *, unread: bool = False
) -> Iterator[tuple[bytes, Occurrence]]:
    """Yield source path and file, by source, directory and name; only the unread ones if asked."""
    names = (
        schema.source.c.path.label("source_path"),
        _DIRECTORY.source_id,
        _DIRECTORY.path.label("directory_path"),
        schema.item.c.sha256,
    )
    query: Select[Any] = select(schema.occurrence, *names)
    query = (
        query.select_from(schema.occurrence)
        .join(schema.directory, _DIRECTORY.id == _FILE.directory_id)
        .join(schema.source, schema.source.c.id == _DIRECTORY.source_id)
        .outerjoin(schema.item, schema.item.c.id == _FILE.item_id)
        .where(_FILE.item_id.is_(None) if unread else true(), latest_file())
        .order_by(schema.source.c.path, _DIRECTORY.source_id, _DIRECTORY.path, _FILE.name)
    )
    for row, problems in _with_problems(connection, query, "occurrence_id"):
        extra = extra_of(row["extra"])
        yield (
            row["source_path"],
            Occurrence(
                source_id=row["source_id"],
                directory=row["directory_path"],
                name=row["name"],
                kind=row["kind"],
                item_sha256=row["sha256"],
                state=row["state"],
                problems=problems,
                **{name: whole_number(row[name], name, extra) for name in _NUMBERS},
            ),
        )


def stored_members(
    connection: Connection, *, item_id: int | None = None, unread: bool = False
) -> Iterator[Containment]:
    """Yield members by container and ordinal: of one container, or only the unread ones."""
    child = schema.item.alias("child")
    names = (schema.item.c.sha256.label("parent_sha256"), child.c.sha256.label("child_sha256"))
    conditions: list[ColumnElement[bool]] = [latest_member()]
    if item_id is not None:
        conditions.append(_MEMBER.parent_item_id == item_id)
    if unread:
        conditions.append(_MEMBER.child_item_id.is_(None))
    query: Select[Any] = select(schema.containment, *names)
    query = (
        query.select_from(schema.containment)
        .join(schema.item, schema.item.c.id == _MEMBER.parent_item_id)
        .outerjoin(child, child.c.id == _MEMBER.child_item_id)
        .where(*conditions)
        .order_by(schema.item.c.sha256, _MEMBER.ordinal, _MEMBER.name)
    )
    for row, problems in _with_problems(connection, query, "containment_id"):
        extra = extra_of(row["extra"])
        yield Containment(
            parent_sha256=row["parent_sha256"],
            ordinal=row["ordinal"],
            name=row["name"],
            child_sha256=row["child_sha256"],
            state=row["state"],
            size_bytes=whole_number(row["size_bytes"], "size_bytes", extra),
            offset_bytes=whole_number(row["offset_bytes"], "offset_bytes", extra),
            times=extra.times,
            notes=extra.notes,
            problems=problems,
        )


def unread_places(connection: Connection) -> Iterator[UnreadPlace]:
    """Yield the files, then the members, whose bytes were not read."""
    for _source, file in stored_files(connection, unread=True):
        yield UnreadPlace(state=file.state, occurrence=file, problems=file.problems)
    for member in stored_members(connection, unread=True):
        yield UnreadPlace(state=member.state, containment=member, problems=member.problems)


def _with_problems(
    connection: Connection, query: Select[Any], owner: str
) -> Iterator[tuple[Row, tuple[Problem, ...]]]:
    rows = connection.execute(query.execution_options(yield_per=_PAGE)).mappings()
    for page in rows.partitions():
        problems = stored_problems(connection, owner, [row["id"] for row in page])
        for row in page:
            yield row, problems_of(problems.get(row["id"], []))
