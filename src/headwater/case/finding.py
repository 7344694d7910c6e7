"""Which items lie at a path, or at a part of one.

A path is that of a file below its source; a member of a container lies at a path of the container
and its own stored name, with `//` between them. As a stored name may hold `//` itself, each `//`
of what is looked for is read both ways: as that border, and as part of a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import CTE, Select, Subquery, func, literal, or_, select, true, union, union_all
from sqlalchemy.sql.elements import ColumnElement

from headwater.case import schema
from headwater.case.places import latest_file, latest_member
from headwater.errors import UsageError

BORDER = b"//"
MOST_BORDERS = 16
"""`//` in one path that is looked for. Each may be a step into a container, or part of a name."""

_FILE = schema.occurrence.c
_DIRECTORY = schema.directory.c
_MEMBER = schema.containment.c

Condition = ColumnElement[bool]


def items_at(path: bytes) -> Select[int]:
    """Return the query for the ids of the items with a place whose path holds `path`.

    Where `path` reaches over a `//` between a container and a member, the member is meant; where
    it lies in the container's path alone, the container is. Raises UsageError where it holds more
    than `MOST_BORDERS` times `//`.
    """
    parts = [_files(_holds_path(path)), _members(func.instr(_MEMBER.name, path) > 0)]
    if path.startswith(b"/"):
        # The second slash of a border, whatever lies around it.
        parts.append(_members(_begins(_MEMBER.name, path[1:])))
    if borders := _borders(path):
        parts.append(_members_behind(path, borders))
    found = union(*parts).subquery()
    return select(found.c.item_id)


def _borders(path: bytes) -> list[int]:
    last = len(path) - len(BORDER)
    found = [at for at in range(last + 1) if path.startswith(BORDER, at)]
    if len(found) > MOST_BORDERS:
        raise UsageError(
            f"the path holds more than {MOST_BORDERS} times //; name a shorter part of it, or the "
            "item's SHA-256"
        )
    return found


def _members_behind(path: bytes, borders: list[int]) -> Select[Any]:
    """Return the members whose name begins with what is behind a border, where the container has
    a place that ends in what is before it."""
    around = _containers(path, borders)
    behind = _rows((at, path[at + len(BORDER) :]) for at in borders)
    begins = func.substr(_MEMBER.name, 1, func.length(behind.c.name)) == behind.c.name
    return (
        _members(begins)
        .join(around, around.c.item_id == _MEMBER.parent_item_id)
        .join(behind, behind.c.at == around.c.at)
    )


def _containers(path: bytes, borders: list[int]) -> CTE:
    """Return the ids of the items with a place that ends in what is before a border, and `at`,
    the border. Whole names between two borders are followed from container to member."""
    ends: list[Select[Any]] = []
    for at in borders:
        head = path[:at]
        found = [_files(_path_ends(head)), _members(_ends(_MEMBER.name, head))]
        if head.startswith(b"/"):
            found.append(_members(_MEMBER.name == head[1:]))
        ends += [part.add_columns(literal(at).label("at")) for part in found]
    first = union(*ends).subquery()
    around = select(first.c.item_id, first.c.at).cte("around", recursive=True)
    whole = [
        (outer, path[outer + len(BORDER) : at], at)
        for outer in borders
        for at in borders
        if outer + len(BORDER) <= at
    ]
    if not whole:
        return around
    between = _rows(whole)
    inner = _members(_MEMBER.name == between.c.name).add_columns(between.c.to_at)
    return around.union(
        inner.join(around, around.c.item_id == _MEMBER.parent_item_id).join(
            between, between.c.at == around.c.at
        )
    )


def _rows(rows: Iterable[tuple[int, bytes] | tuple[int, bytes, int]]) -> Subquery:
    """Return rows of a border, a name and, where given, the border behind it, as a table."""
    names = ("at", "name", "to_at")
    selects = [
        select(*(literal(value).label(name) for value, name in zip(row, names, strict=False)))
        for row in rows
    ]
    return union_all(*selects).subquery()


def _files(condition: Condition) -> Select[Any]:
    return (
        select(_FILE.item_id.label("item_id"))
        .join(schema.directory, _DIRECTORY.id == _FILE.directory_id)
        .where(condition, latest_file(), _FILE.item_id.is_not(None))
    )


def _members(condition: Condition) -> Select[Any]:
    return select(_MEMBER.child_item_id.label("item_id")).where(
        condition, latest_member(), _MEMBER.child_item_id.is_not(None)
    )


def _holds_path(text: bytes) -> Condition:
    """Return the condition that a directory, a name, or both with the slash between hold text."""
    within = [func.instr(_FILE.name, text) > 0, func.instr(_DIRECTORY.path, text) > 0]
    if b"/" in text:
        within.append(_across_slash(text, _begins))
    return or_(*within)


def _path_ends(text: bytes) -> Condition:
    """Return the condition that the path of a file ends in text."""
    if b"/" not in text:
        return _ends(_FILE.name, text)
    return _across_slash(text, lambda column, name: column == name)


def _across_slash(text: bytes, name_is: Callable[[Any, bytes], Condition]) -> Condition:
    """Return the condition that a directory ends in what is before the last slash of text, and
    that the name is to what is behind it as `name_is` says."""
    before, _, behind = text.rpartition(b"/")
    return (_DIRECTORY.path != b"") & _ends(_DIRECTORY.path, before) & name_is(_FILE.name, behind)


def _begins(column: Any, text: bytes) -> Condition:
    return func.substr(column, 1, len(text)) == text if text else true()


def _ends(column: Any, text: bytes) -> Condition:
    return func.substr(column, -len(text)) == text if text else true()
