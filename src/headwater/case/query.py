"""A case as its readers see it: questions, answered from the latest word on everything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, select

from headwater.case import checkpoint as checkpoints
from headwater.case import known_lists, matches, schema
from headwater.case.counting import count_case
from headwater.case.database import DATABASE_NAME, case_errors, check_revision, sqlite_engine
from headwater.case.facts import facts_of
from headwater.case.finding import items_at
from headwater.case.ids import chunks
from headwater.case.latest import latest_outcome, stored_problems
from headwater.case.lookups import methods_of_set
from headwater.case.packed import identity_of, measurements_of
from headwater.case.packs import Location, read_blob
from headwater.case.places import PlaceCounter, places
from headwater.case.problems import problems_of
from headwater.case.records import (
    CaseInfo,
    Checkpoint,
    Comparable,
    Counts,
    Decision,
    Facts,
    Found,
    FoundMatch,
    ItemFilter,
    ItemRow,
    ListVersion,
    Place,
    Rehash,
    RunEvent,
    RunInfo,
    RunRow,
    SourceRow,
    UnreadPlace,
)
from headwater.case.store import CHECKPOINTS, PACKS, case_info
from headwater.case.stored_places import stored_files, stored_members, unread_places
from headwater.errors import CaseDamaged, CaseError, UsageError
from headwater.model import Containment, Identity, Kind, Method, Occurrence, Problem

_ITEM = schema.item.c
_OUTCOME = schema.outcome.c
_CATEGORY = schema.category.c
_PREFIX = re.compile(r"[0-9a-f]{1,64}")
_PAGE = 500


_ITEMS = (
    select(
        _ITEM.id,
        _ITEM.sha256,
        _ITEM.sha1,
        _ITEM.md5,
        _ITEM.size_bytes,
        _CATEGORY.state,
        _CATEGORY.kind,
        _CATEGORY.format,
        _CATEGORY.media_type,
    )
    .select_from(schema.item)
    .join(schema.outcome, _OUTCOME.item_id == _ITEM.id)
    .join(schema.category, _CATEGORY.id == _OUTCOME.category_id)
    .where(latest_outcome())
    .order_by(_ITEM.sha256)
)
_OF_ITEM = (_OUTCOME.item_id == bindparam("item_id")) & latest_outcome()
_IDENTITY = (
    select(_CATEGORY.kind, _CATEGORY.format, _CATEGORY.media_type, _OUTCOME.identity)
    .join(schema.category, _CATEGORY.id == _OUTCOME.category_id)
    .where(_OF_ITEM)
)
_RECORD = (
    select(schema.record.c.data)
    .join(schema.outcome, _OUTCOME.id == schema.record.c.outcome_id)
    .where(_OF_ITEM)
)
_METHOD_SET = select(_OUTCOME.method_set_id).where(_OF_ITEM)
_FACT = (
    select(schema.fact)
    .join(schema.outcome, _OUTCOME.id == schema.fact.c.outcome_id)
    .where(_OF_ITEM)
)
_VISIT = select(
    _OUTCOME.id,
    select(func.max(schema.walk.c.id))
    .where(schema.walk.c.outcome_id == _OUTCOME.id)
    .scalar_subquery(),
).where(_OF_ITEM)
_BLOBS = (
    select(schema.blob.c.sha256)
    .join(schema.item_blob, schema.item_blob.c.blob_id == schema.blob.c.id)
    .join(schema.outcome, _OUTCOME.id == schema.item_blob.c.outcome_id)
    .where(_OF_ITEM)
    .order_by(schema.item_blob.c.ordinal)
)


class Case:
    """Reads one case; any number of readers, beside a writer or without one.

    Raises CaseError where the folder is not a case, CaseDamaged where what is stored cannot be
    read as what was written. Lists are bounded by a `limit`, and iterators hold a bounded part.
    """

    def __init__(self, folder: Path, connection: Connection) -> None:
        self.folder = folder
        self.info: CaseInfo = case_info(connection)
        self._connection = connection
        self._lists: tuple[int | None, dict[int, ListVersion]] | None = None

    @classmethod
    def open(cls, folder: Path) -> Case:
        """Open a case for reading. Nothing that is stored is changed."""
        folder = folder.absolute()
        if not (folder / DATABASE_NAME).is_file():
            raise CaseError(f"{folder} is not a case; give the folder of one")
        with case_errors(f"open the case {folder}"):
            connection = sqlite_engine(folder / DATABASE_NAME, "ro").connect()
            try:
                check_revision(connection)
                return cls(folder, connection)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    # The whole.

    def counts(self) -> Counts:
        """Return how much the case holds."""
        with _reading():
            return count_case(self._connection)

    def sources(self) -> list[SourceRow]:
        """Return the sources in the order in which they were first seen."""
        table = schema.source.c
        query = select(table.id, table.kind, table.path, table.first_seen_at).order_by(table.id)
        with _reading():
            rows = self._connection.execute(query).all()
        return [SourceRow(source_id=i, kind=k, path=p, first_seen_at=at) for i, k, p, at in rows]

    def runs(self) -> list[RunRow]:
        """Return all runs in the order in which they began."""
        with _reading():
            rows = self._connection.execute(select(schema.run).order_by(schema.run.c.id))
            return [self._run(dict(row)) for row in rows.mappings()]

    def methods(self) -> list[Method]:
        """Return every method that any result of the case came from, by name and version."""
        table = schema.method.c
        columns = (table.name, table.version, table.options_sha256, table.environment_sha256)
        with _reading():
            rows = sorted(tuple(row) for row in self._connection.execute(select(*columns)))
        return [
            Method(name=n, version=v, options_sha256=o, environment_sha256=e) for n, v, o, e in rows
        ]

    def latest_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint of the largest size, None where there is none yet.

        Raises CaseDamaged where its file is not what was signed.
        """
        folder = self.folder / CHECKPOINTS
        with _reading():
            names = {checkpoints.file_size(path.name): path for path in folder.iterdir()}
            sizes = [size for size in names if size is not None]
            if not sizes:
                return None
            note = names[max(sizes)].read_bytes()
            keys = self._connection.execute(select(schema.signing_key.c.public_key)).scalars()
            public = [bytes.fromhex(key) for key in keys]
        try:
            return checkpoints.read(note, public)
        except CaseError as error:
            raise CaseDamaged(f"{names[max(sizes)].name}: {error}") from error

    # Items.

    def items(
        self,
        after_sha256: bytes | None = None,
        limit: int = _PAGE,
        filters: ItemFilter | None = None,
    ) -> list[ItemRow]:
        """Return one page of items in the order of their SHA-256."""
        query = _filtered(_ITEMS, filters or ItemFilter())
        # The condition is there for the first page too: it makes SQLite walk along the index.
        query = query.where(_ITEM.sha256 > (after_sha256 or b""))
        return self._rows(query.limit(limit))

    def all_items(self, filters: ItemFilter | None = None) -> Iterator[ItemRow]:
        """Yield all items in the order of their SHA-256, read in pages."""
        after: bytes | None = None
        while page := self.items(after, _PAGE, filters):
            yield from page
            after = page[-1].sha256

    def outdated(self, expected: Mapping[Kind, frozenset[Method]]) -> Iterator[ItemRow]:
        """Yield the items whose results lack a method that their kind is expected to have.

        Items that a crash or a limit of the machine cut short are left out.
        """
        kinds = select(_CATEGORY.kind, _OUTCOME.category_id, _OUTCOME.method_set_id).distinct()
        with _reading():
            query = kinds.join(schema.category, _CATEGORY.id == _OUTCOME.category_id)
            sets = self._connection.execute(query).all()
            old = [
                (category, method_set)
                for kind, category, method_set in sets
                if not expected.get(kind, frozenset())
                <= set(methods_of_set(self._connection, method_set))
            ]
        for category, method_set in old:
            same_set = (
                _OUTCOME.method_set_id.is_(None)
                if method_set is None
                else _OUTCOME.method_set_id == method_set
            )
            of_set = (_OUTCOME.category_id == category) & same_set & (_OUTCOME.reproducible == 1)
            after = b""
            while page := self._rows(_ITEMS.where(of_set, _ITEM.sha256 > after).limit(_PAGE)):
                yield from page
                after = page[-1].sha256

    def item(self, sha256: bytes) -> ItemRow | None:
        """Return one item, None where the case does not have it."""
        found = self._rows(_ITEMS.where(_ITEM.sha256 == sha256))
        return found[0] if found else None

    def find(self, prefix_hex: str, limit: int = _PAGE) -> Found:
        """Return the items whose SHA-256 begins with `prefix_hex`.

        Raises UsageError where that is not 1 to 64 lower-case hex digits.
        """
        if not _PREFIX.fullmatch(prefix_hex):
            raise UsageError(f"{prefix_hex!r} is not the beginning of a SHA-256 in hex digits")
        first = bytes.fromhex(prefix_hex.ljust(64, "0"))
        last = bytes.fromhex(prefix_hex.ljust(64, "f"))
        return self._found(_ITEMS.where(_ITEM.sha256.between(first, last)), limit)

    def find_path(self, path: bytes, limit: int = _PAGE) -> Found:
        """Return the items with a place whose path holds `path`, byte for byte.

        A path is that of a file below its source; a member lies at a path of its container and
        its own stored name, with `//` between them. Nothing lies at an empty path.
        """
        if not path:
            return Found(items=(), total=0)
        return self._found(_ITEMS.where(_ITEM.id.in_(items_at(path))), limit)

    # One item.

    def places(self, item_id: int, limit: int | None = None) -> list[Place]:
        """Return the places of an item, containers expanded, the first `limit` if one is given.

        Containers multiply: see `place_count` before asking for all.
        """
        with _reading():
            return list(islice(places(self._connection, item_id), limit))

    def place_count(self, item_id: int) -> int:
        """Return in how many places an item is, containers expanded."""
        with _reading():
            return PlaceCounter(self._connection).count(item_id)

    def identity(self, item_id: int) -> Identity:
        """Return what an item is. Raises UsageError where there is no such item."""
        with _reading():
            row = self._connection.execute(_IDENTITY, {"item_id": item_id}).first()
            if row is None:
                raise UsageError(f"the case has no item {item_id}")
            return identity_of(*row)

    def measurements(self, item_id: int) -> dict[str, Any]:
        """Return the measurements of an item by name, as plain values."""
        return {name: _said(raw, Any) for name, raw in self.measured(item_id).items()}

    def measured(self, item_id: int) -> dict[str, bytes]:
        """Return the measurements of an item by name, as the canonical JSON that was stored."""
        with _reading():
            data = self._connection.execute(_RECORD, {"item_id": item_id}).scalar()
        return {} if data is None else measurements_of(bytes(data))

    def methods_of(self, item_id: int) -> tuple[Method, ...]:
        """Return the methods behind the measurements of an item, by name."""
        with _reading():
            set_id = self._connection.execute(_METHOD_SET, {"item_id": item_id}).scalar()
            return methods_of_set(self._connection, set_id)

    def facts(self, item_id: int) -> Facts:
        """Return the measurements of an item that are columns."""
        with _reading():
            row = self._connection.execute(_FACT, {"item_id": item_id}).mappings().first()
        return Facts() if row is None else facts_of(dict(row))

    def problems(self, item_id: int) -> tuple[Problem, ...]:
        """Return the problems of an item's content, those of its walk last."""
        with _reading():
            row = self._connection.execute(_VISIT, {"item_id": item_id}).first()
            if row is None:
                return ()
            found = stored_problems(self._connection, "outcome_id", [row[0]]).get(row[0], [])
            if row[1] is not None:
                found += stored_problems(self._connection, "walk_id", [row[1]]).get(row[1], [])
        return problems_of(found)

    def members(self, item_id: int) -> Iterator[Containment]:
        """Yield the members of a container in stored order."""
        with _reading():
            yield from stored_members(self._connection, item_id=item_id)

    def files(self) -> Iterator[tuple[bytes, Occurrence]]:
        """Yield source path and file of every place in a source, in the order of their paths."""
        with _reading():
            yield from stored_files(self._connection)

    def blobs_of(self, item_id: int) -> list[bytes]:
        """Return the SHA-256 of the blobs of an item, in the order in which they were given."""
        with _reading():
            return list(self._connection.execute(_BLOBS, {"item_id": item_id}).scalars())

    def blob(self, sha256: bytes) -> bytes:
        """Return a blob. Raises UsageError where the case has none with this digest."""
        blob = schema.blob.c
        query = select(blob.pack, blob.offset_bytes, blob.size_bytes).where(blob.sha256 == sha256)
        with _reading():
            row = self._connection.execute(query).first()
        if row is None:
            raise UsageError(f"the case has no blob {sha256.hex()}")
        return read_blob(self.folder / PACKS, Location(*row), sha256)

    # Known lists and matches.

    def lists(self) -> list[ListVersion]:
        """Return every list that was ever imported, in that order."""
        with _reading():
            return known_lists.list_versions(self._connection)

    def lists_by_id(self) -> dict[int, ListVersion]:
        """Return every list that was ever imported, by id; read once for each state of them."""
        newest = select(func.max(schema.list_event.c.id))
        with _reading():
            event = self._connection.execute(newest).scalar()
        if self._lists is None or self._lists[0] != event:
            self._lists = event, {one.version_id: one for one in self.lists()}
        return self._lists[1]

    def digests_of(self, item_ids: Sequence[int]) -> dict[int, bytes]:
        """Return the SHA-256 of items, by id."""
        found: dict[int, bytes] = {}
        for part in chunks(sorted(item_ids)):
            with _reading():
                rows = self._connection.execute(
                    select(_ITEM.id, _ITEM.sha256).where(_ITEM.id.in_(part))
                )
                found.update((row[0], bytes(row[1])) for row in rows)
        return found

    def matches(self, item_id: int) -> list[FoundMatch]:
        """Return the matches of an item that were not ended, in the order they were found.

        Those with a list that serves no more are among them: `lists` tells.
        """
        with _reading():
            return matches.matches_of(self._connection, item_id)

    def matched_items(self, version_id: int) -> list[int]:
        """Return the ids of the items that match a list."""
        with _reading():
            return matches.matched_items(self._connection, version_id)

    def list_matches(self) -> Iterator[tuple[int, list[FoundMatch]]]:
        """Yield every item that has matches with lists, by id, with those that were not ended.

        Lists that serve no more are among them.
        """
        with _reading():
            yield from matches.list_matches(self._connection)

    def partner_pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the ids of every two items that match each other, each pair once."""
        with _reading():
            yield from matches.partner_pairs(self._connection)

    def match_passes(self) -> dict[tuple[int | None, str], int]:
        """Return, by list (None: each other) and rule, up to which outcome all was compared.

        Of each list the rule of its latest pass alone is there.
        """
        with _reading():
            return matches.passes(self._connection)

    def partners_of(self, item_ids: Sequence[int]) -> set[int]:
        """Return the ids of the items that any of these has a match with."""
        with _reading():
            return matches.partners_of(self._connection, item_ids)

    def any_measured_again(self, after: int) -> bool:
        """Return whether an outcome later than `after` supersedes one that is not."""
        with _reading():
            return matches.any_measured_again(self._connection, after)

    def last_outcome(self) -> int:
        """Return the id of the newest outcome, 0 in an empty case."""
        with _reading():
            return matches.last_outcome(self._connection)

    def comparables(self, after: int, up_to: int) -> Iterator[Comparable]:
        """Yield what items can be compared by, of the latest outcomes with ids (after, up_to]."""
        with _reading():
            yield from matches.comparables(self._connection, after, up_to)

    def rehashes(self, outcome_ids: Sequence[int]) -> dict[int, Rehash]:
        """Return the hashes of full decodes that were made of these outcomes."""
        with _reading():
            return matches.rehashes(self._connection, outcome_ids)

    def items_of_outcomes(self, outcome_ids: Sequence[int]) -> dict[int, ItemRow]:
        """Return the items of outcomes that are the latest of theirs, by outcome."""
        found: dict[int, ItemRow] = {}
        for part in chunks(sorted(outcome_ids)):
            query = _ITEMS.add_columns(_OUTCOME.id.label("outcome_id"))
            with _reading():
                rows = self._connection.execute(query.where(_OUTCOME.id.in_(part))).mappings()
                found.update((row["outcome_id"], _item_row(row)) for row in rows)
        return found

    def decisions(self) -> dict[int, Decision]:
        """Return what people decided, by item."""
        with _reading():
            return matches.decisions(self._connection)

    def decision(self, item_id: int) -> Decision | None:
        """Return what a person decided of an item, None where nobody has."""
        with _reading():
            return matches.decision_of(self._connection, item_id)

    # What was not read, and what a report says of all items.

    def unread_places(self) -> Iterator[UnreadPlace]:
        """Yield the files, then the members, whose bytes were not read.

        Files come by source, directory and name, members by container and ordinal.
        """
        with _reading():
            yield from unread_places(self._connection)

    def facts_of_items(self) -> Iterator[tuple[bytes, Facts]]:
        """Yield SHA-256 and facts of every item that has some, by SHA-256, read in pages."""
        after = b""
        query = (
            select(_ITEM.sha256, schema.fact)
            .select_from(schema.item)
            .join(schema.outcome, _OUTCOME.item_id == _ITEM.id)
            .join(schema.fact, schema.fact.c.outcome_id == _OUTCOME.id)
            .where(latest_outcome())
            .order_by(_ITEM.sha256)
            .limit(_PAGE)
        )
        while True:
            with _reading():
                page = self._connection.execute(query.where(_ITEM.sha256 > after)).mappings().all()
            if not page:
                return
            for row in page:
                yield row["sha256"], facts_of(dict(row))
            after = page[-1]["sha256"]

    def days(self) -> list[tuple[str, int]]:
        """Return the days on which items say that they were taken, with how many."""
        day = func.substr(schema.fact.c.taken_at, 1, 10)
        query = (
            select(day, func.count())
            .select_from(schema.fact)
            .join(schema.outcome, _OUTCOME.id == schema.fact.c.outcome_id)
            .where(schema.fact.c.taken_at.is_not(None), latest_outcome())
            .group_by(day)
        )
        with _reading():
            return sorted((name, number) for name, number in self._connection.execute(query))

    def locations(self, decimals: int = 2) -> list[tuple[float, float, int]]:
        """Return rounded latitude and longitude in degrees, with how many items are there.

        Two decimals are about a kilometre, four about ten metres.
        """
        fact = schema.fact.c
        latitude = func.round(fact.latitude_degrees, decimals)
        longitude = func.round(fact.longitude_degrees, decimals)
        query = (
            select(latitude, longitude, func.count())
            .select_from(schema.fact)
            .join(schema.outcome, _OUTCOME.id == fact.outcome_id)
            .where(
                fact.latitude_degrees.is_not(None),
                fact.longitude_degrees.is_not(None),
                latest_outcome(),
            )
            .group_by(latitude, longitude)
        )
        with _reading():
            return sorted((a, b, number) for a, b, number in self._connection.execute(query))

    def _found(self, query: Select[Any], limit: int) -> Found:
        items = self._rows(query.limit(limit))
        if len(items) < limit:
            return Found(items=tuple(items), total=len(items))
        with _reading():
            counted = select(func.count()).select_from(query.order_by(None).subquery())
            return Found(items=tuple(items), total=self._connection.execute(counted).scalar_one())

    def _rows(self, query: Select[Any]) -> list[ItemRow]:
        with _reading():
            rows = self._connection.execute(query).mappings().all()
        return [_item_row(row) for row in rows]

    def _run(self, row: dict[str, Any]) -> RunRow:
        table = schema.run_event.c
        query = select(table.event, table.at, table.detail).where(table.run_id == row["id"])
        events = [
            RunEvent(event=event, at=at, detail=_said(detail, dict[str, Any]))
            for event, at, detail in self._connection.execute(query.order_by(table.id))
        ]
        fields: dict[str, Any] = {name: row[name] for name in RunInfo.__struct_fields__}
        fields |= {name: bool(row[name]) for name in ("uncaged", "accept_atime")}
        fields |= {name: _said(row[name], dict[str, str]) for name in ("cage", "versions")}
        return RunRow(
            run_id=row["id"],
            started_at=row["started_at"],
            info=RunInfo(**fields),
            events=tuple(events),
        )


def _item_row(row: Mapping[Any, Any]) -> ItemRow:
    return ItemRow(item_id=row["id"], **{name: row[name] for name in _ITEM_FIELDS})


_ITEM_FIELDS = tuple(name for name in ItemRow.__struct_fields__ if name != "item_id")


@contextmanager
def _reading() -> Iterator[None]:
    with case_errors("read the case"):
        yield


def _filtered(query: Select[Any], filters: ItemFilter) -> Select[Any]:
    if filters.states:
        query = query.where(_CATEGORY.state.in_(filters.states))
    if filters.kinds:
        query = query.where(_CATEGORY.kind.in_(filters.kinds))
    if filters.formats:
        query = query.where(_CATEGORY.format.in_(filters.formats))
    if filters.problem_codes:
        problem, walk = schema.problem.c, schema.walk.c
        coded = problem.code.in_(filters.problem_codes)
        visited = select(problem.outcome_id).where(coded, problem.outcome_id.is_not(None))
        walked = select(walk.outcome_id).join(schema.problem, problem.walk_id == walk.id)
        query = query.where(_OUTCOME.id.in_(visited.union(walked.where(coded))))
    return query


def _said(data: bytes | str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaseDamaged(f"a row is not JSON ({error}); run `verify` on the case") from error
