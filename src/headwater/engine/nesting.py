"""How contents lie in each other, as the case has it once all places were met.

Which place of a content is met first is chance, and two things follow the first place: how deep a
container lies (`archive_depth`), and which of two containers that hold each other is found inside
the other. Both are settled here from what was stored, so that the case is the same in every order,
after a stop, and where a source was added later. Contents are named by their ids in the case.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Select, select, union

from headwater.case import schema
from headwater.case.database import DATABASE_NAME, case_errors, sqlite_engine
from headwater.case.ids import chunks, ids_by_digest
from headwater.case.latest import latest_outcome
from headwater.case.places import latest_file, latest_member
from headwater.case.query import Case
from headwater.model import REFUSED, Containment, Problem

_FILE = schema.occurrence.c
_MEMBER = schema.containment.c
_OUTCOME = schema.outcome.c
_PROBLEM = schema.problem.c
_WALK = schema.walk.c
_LATER_WALK = schema.walk.alias("later_walk")

_LOOP = "contains_itself"
_SHA256_DIGITS = 64

Edge = tuple[int, int]
"""A container, and a content that lies in it."""
Rank = tuple[float, bytes]
"""Depth and SHA-256. In a circle, contents lie in those of lower rank."""


@dataclass(frozen=True, slots=True)
class Way:
    """A shortest way from a source to a content: a file, then the contents one in another.

    `contents` are SHA-256, that of the file first.
    """

    source_id: int
    directory: bytes
    name: bytes
    contents: tuple[bytes, ...]

    @property
    def file(self) -> tuple[int, bytes, bytes]:
        """Source, directory and name of the file."""
        return self.source_id, self.directory, self.name


def loop_problem(sha256: bytes) -> Problem:
    """Return the problem of a place whose content holds the container that it lies in.

    It names the content in full, for the place itself is then recorded without one.
    """
    reason = f"this content contains itself (sha256 {sha256.hex()})"
    return Problem(code="contains_itself", where="walk", reason=reason)


def _content_of(reason: str) -> bytes:
    return bytes.fromhex(reason.removesuffix(")")[-_SHA256_DIGITS:])


class Nesting:
    """Reads a case beside its writer."""

    def __init__(self, case: Case, connection: Connection) -> None:
        self._case = case
        self._connection = connection

    @classmethod
    @contextmanager
    def of(cls, folder: Path) -> Iterator[Nesting]:
        """Read the case in a folder. Raises CaseError where that fails."""
        with (
            case_errors("read the case"),
            Case.open(folder) as case,
            sqlite_engine(folder / DATABASE_NAME, "ro").connect() as connection,
        ):
            yield cls(case, connection)

    # Depth.

    def to_open(
        self, sources: Collection[int], depth_limit: int, tried: Collection[int]
    ) -> dict[int, Way]:
        """Return ways to contents that were closed for their depth and lie less deep elsewhere.

        Only files of these sources count, and contents that were `tried` are left out. There may
        be more of them once these were opened.
        """
        for part in chunks([one for one in self._closed() if one not in tried]):
            around = self._around(part, sources)
            depths = around.depths()
            wanted = [one for one in part if depths.get(one, depth_limit) < depth_limit]
            if wanted:
                return {one: self._way(around, depths, one) for one in wanted}
        return {}

    def _closed(self) -> list[int]:
        """Return the items whose latest visit or walk ended at `archive_depth`."""
        of_depth = (_PROBLEM.code == "limit") & (_PROBLEM.limit == "archive_depth")
        later = select(_LATER_WALK.c.id).where(_LATER_WALK.c.supersedes == _WALK.id)
        visited = select(_OUTCOME.item_id).join(schema.problem, _PROBLEM.outcome_id == _OUTCOME.id)
        walked = (
            select(_OUTCOME.item_id)
            .join(schema.walk, _WALK.outcome_id == _OUTCOME.id)
            .join(schema.problem, _PROBLEM.walk_id == _WALK.id)
            .where(~later.exists())
        )
        both = union(*(query.where(of_depth, latest_outcome()) for query in (visited, walked)))
        return sorted(self._connection.execute(both).scalars())

    def _way(self, around: _Around, depths: dict[int, int], item_id: int) -> Way:
        way = [item_id]
        while depths[way[-1]]:
            wanted = depths[way[-1]] - 1
            way.append(min(one for one in around.parents[way[-1]] if depths.get(one) == wanted))
        way.reverse()
        digests = self._digests(way)
        return Way(*around.files[way[0]], contents=tuple(digests[one] for one in way))

    # Circles.

    def circles(self) -> list[Containment]:
        """Return the places inside circles of containers that are to be recorded otherwise.

        In a circle, a place is recorded with its content where that is of higher rank than the
        container, and as `contains_itself` where not. So every content keeps a shortest way, no
        way is endless, and no order of walking is to be seen.
        """
        cut = self._cut()
        if not cut:
            return []
        around = self._around({one for edge in cut for one in edge}, None, cut)
        circles = around.circles({container for container, _ in cut})
        depths, digests = around.depths(), self._digests(around.parents)
        ranks = {
            sha256: (depths.get(item_id, math.inf), sha256) for item_id, sha256 in digests.items()
        }
        rows: list[Containment] = []
        for container, circle in sorted(circles.items()):
            beside = {digests[item_id] for item_id in circle}
            for row in self._case.members(container):
                rows.extend(_settled(row, beside, ranks))
        return rows

    def _cut(self) -> set[Edge]:
        """Return where a content was found inside itself."""
        query = (
            select(_MEMBER.parent_item_id, _PROBLEM.reason)
            .join(schema.problem, _PROBLEM.containment_id == _MEMBER.id)
            .where(_PROBLEM.code == _LOOP, latest_member())
        )
        found = [(row[0], _content_of(row[1])) for row in self._connection.execute(query)]
        ids = ids_by_digest(self._connection, schema.item.c.sha256, {held for _, held in found})
        return {(container, ids[held]) for container, held in found if held in ids}

    # What lies around.

    def _around(
        self, items: Iterable[int], sources: Collection[int] | None, cut: Collection[Edge] = ()
    ) -> _Around:
        """Return the containers around some items, all the way up. `cut` adds places."""
        around = _Around()
        ahead = set(items)
        while ahead:
            around.parents.update((item_id, set()) for item_id in ahead)
            for query in _by_chunks(_CONTAINERS, _MEMBER.child_item_id, ahead):
                for container, content in self._connection.execute(query):
                    around.parents[content].add(container)
            for container, content in cut:
                if content in ahead:
                    around.parents[content].add(container)
            above = set[int]().union(*(around.parents[item_id] for item_id in ahead))
            ahead = above - around.parents.keys()
        for query in _by_chunks(_FILES, _FILE.item_id, around.parents):
            for item_id, source_id, directory, name in self._connection.execute(query):
                if sources is None or source_id in sources:
                    place = (source_id, directory, name)
                    around.files[item_id] = min(place, around.files.get(item_id, place))
        return around

    def _digests(self, items: Iterable[int]) -> dict[int, bytes]:
        item = schema.item.c
        found: dict[int, bytes] = {}
        for query in _by_chunks(select(item.id, item.sha256), item.id, items):
            found.update((row[0], row[1]) for row in self._connection.execute(query))
        return found


_CONTAINERS = select(_MEMBER.parent_item_id, _MEMBER.child_item_id).where(latest_member())
_FILES = (
    select(_FILE.item_id, schema.directory.c.source_id, schema.directory.c.path, _FILE.name)
    .join(schema.directory, schema.directory.c.id == _FILE.directory_id)
    .where(latest_file())
)


def _by_chunks(
    query: Select[Any], column: Column[Any], values: Iterable[int]
) -> Iterator[Select[Any]]:
    for part in chunks(sorted(values)):
        yield query.where(column.in_(part))


@dataclass(slots=True)
class _Around:
    """Contents and all containers around them."""

    parents: dict[int, set[int]] = field(default_factory=dict)
    files: dict[int, tuple[int, bytes, bytes]] = field(default_factory=dict)
    """The first file of each content that is one: source, directory, name."""

    def depths(self) -> dict[int, int]:
        """Return the fewest containers around each content; those in no file are left out."""
        children = self._children()
        depths = dict.fromkeys(self.files, 0)
        level, depth = list(self.files), 0
        while level:
            depth += 1
            below = {child for one in level for child in children.get(one, ())} - depths.keys()
            depths.update(dict.fromkeys(below, depth))
            level = list(below)
        return depths

    def circles(self, items: Iterable[int]) -> dict[int, set[int]]:
        """Return, for the items and all that share a circle with one, what is in that circle."""
        found: dict[int, set[int]] = {}
        children = self._children()
        for item_id in items:
            if item_id not in found:
                above = _reached(item_id, self.parents)
                circle = (_reached(item_id, children) & above) | {item_id}
                found.update(dict.fromkeys(circle, circle))
        return found

    def _children(self) -> dict[int, set[int]]:
        children: dict[int, set[int]] = {}
        for content, containers in self.parents.items():
            for container in containers:
                children.setdefault(container, set()).add(content)
        return children


def _reached(start: int, steps: Mapping[int, set[int]]) -> set[int]:
    """Return all that is one or more steps from `start`."""
    reached, ahead = set[int](), {start}
    while ahead:
        ahead = set[int]().union(*(steps.get(one, set()) for one in ahead)) - reached
        reached |= ahead
    return reached


def _settled(row: Containment, beside: set[bytes], ranks: dict[bytes, Rank]) -> list[Containment]:
    """Return a place in a container as it is to be, nothing where it is so already.

    `beside` are the contents in the container's circle.
    """
    loops = [problem for problem in row.problems if problem.code == _LOOP]
    content = _content_of(loops[0].reason) if loops else row.child_sha256
    if content is None or content not in ranks:
        return []
    is_kept = content not in beside or ranks[content] > ranks[row.parent_sha256]
    if is_kept == (not loops):
        return []
    if is_kept:
        problems = tuple(problem for problem in row.problems if problem.code != _LOOP)
        return [msgspec.structs.replace(row, child_sha256=content, state=None, problems=problems)]
    problems = (*row.problems, loop_problem(content))
    return [msgspec.structs.replace(row, child_sha256=None, state=REFUSED, problems=problems)]
