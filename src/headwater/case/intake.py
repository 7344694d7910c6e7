"""Turns a batch of the engine's records into rows, leaving out what the case already says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection, Table, select

from headwater.case import schema
from headwater.case.clock import now_utc
from headwater.case.facts import fact_columns
from headwater.case.ids import Ids, ids_by_digest
from headwater.case.latest import (
    Earlier,
    ProblemRow,
    latest_places,
    latest_rows,
    stored_problems,
)
from headwater.case.ledger import Ledger, NewRows
from headwater.case.packed import (
    Packer,
    column_number,
    extra_bytes,
    identity_rest,
    measurements_json,
    must_fit,
    unpack,
)
from headwater.case.packs import PackWriter
from headwater.case.records import Attempt, Batch, Walk
from headwater.case.rows import Value, storable_text
from headwater.errors import CaseError
from headwater.model import Containment, Occurrence, Outcome, Problem

Said = TypeVar("Said")
Before = tuple[Earlier, list[ProblemRow]]

_OUTCOME_COLUMNS = ("category_id", "method_set_id", "reproducible", "identity")
_FILE_KEY = ("directory_id", "name")
_FILE_NUMBERS = ("size_bytes", "modified_ns", "changed_ns", "accessed_ns", "created_ns")
_FILE_COLUMNS = ("kind", "item_id", "state", *_FILE_NUMBERS, "extra")
_MEMBER_KEY = ("parent_item_id", "ordinal", "name")
_MEMBER_COLUMNS = ("child_item_id", "state", "size_bytes", "offset_bytes", "extra")
_OWNERS = ("outcome_id", "walk_id", "occurrence_id", "containment_id")


class Intake:
    """Commits batches over the connection, the packs and the ledger of a case."""

    def __init__(self, connection: Connection, packs: PackWriter, ledger: Ledger) -> None:
        self._connection = connection
        self._packs = packs
        self._ledger = ledger
        self._packer = Packer()
        self.ids = Ids(connection)

    def commit(self, batch: Batch) -> None:
        """Add a batch in one transaction: one leaf of the log, or none if nothing is new.

        Raises CaseError where the batch names an item that is nowhere, holds a measurement that
        is not JSON, or a count that no real file has; then nothing was stored.
        """
        rows = self._ledger.new_rows()
        try:
            self._plan(batch, rows)
            self._packs.sync()
            if not rows.is_empty():
                self._ledger.append(rows)
            self._packs.keep()
            self.ids.keep()
        except BaseException:
            self.ids.forget()
            # Where the transaction may have been committed, its blobs must stay; the next
            # opening decides by what the case says.
            if not self._ledger.broken:
                with suppress(OSError):
                    self._packs.undo()
            raise

    def _plan(self, batch: Batch, rows: NewRows) -> None:
        """Add to `rows`, and blobs to the queue of the packs, what the case does not say yet."""
        outcomes = _OutcomePlan(self._connection, self._packs, self._packer, self.ids, rows)
        outcomes.add(_latest(batch.outcomes, lambda outcome: outcome.digests.sha256))
        places = _PlacePlan(self._connection, self.ids, rows, outcomes)
        places.refer_to(batch)
        places.add_files(_latest(batch.occurrences, _file_key))
        places.add_members(_latest(batch.containments, _member_key))
        places.add_walks(_latest(batch.walks, lambda walk: walk.parent_sha256))
        _add_attempts(batch.attempts, rows)


def _latest(said: Iterable[Said], key: Callable[[Said], tuple[object, ...] | bytes]) -> list[Said]:
    """Return the last word on each thing, in the order of the things."""
    last = {key(one): one for one in said}
    return [last[thing] for thing in sorted(last)]


def _file_key(occurrence: Occurrence) -> tuple[object, ...]:
    return occurrence.source_id, occurrence.directory, occurrence.name


def _member_key(containment: Containment) -> tuple[object, ...]:
    return containment.parent_sha256, containment.ordinal, containment.name


def _add_attempts(attempts: Iterable[Attempt], rows: NewRows) -> None:
    at = now_utc()
    for key, reason in sorted((attempt.key, attempt.reason) for attempt in attempts):
        rows.add("attempt", key, at, storable_text(reason))


def _problem_rows(problems: Sequence[Problem]) -> list[ProblemRow]:
    return [
        (
            storable_text(problem.code),
            storable_text(problem.where),
            storable_text(problem.reason),
            None if problem.limit is None else storable_text(problem.limit),
            int(problem.reproducible),
        )
        for problem in problems
    ]


def _add_problems(rows: NewRows, owner: str, owner_id: int, problems: list[ProblemRow]) -> None:
    owners = tuple(owner_id if name == owner else None for name in _OWNERS)
    for problem in problems:
        rows.add("problem", *owners, *problem)


class _OutcomePlan:
    """Items, outcomes and blobs of one batch."""

    def __init__(
        self,
        connection: Connection,
        packs: PackWriter,
        packer: Packer,
        ids: Ids,
        rows: NewRows,
    ) -> None:
        self._connection = connection
        self._packs = packs
        self._packer = packer
        self._ids = ids
        self._rows = rows
        self.items: dict[bytes, int] = {}
        self.new_items: set[int] = set()
        self.outcome_of: dict[int, int] = {}
        """Latest outcome by item, for the items of this batch."""

    def add(self, outcomes: list[Outcome]) -> None:
        digests = {outcome.digests.sha256 for outcome in outcomes}
        self.items = ids_by_digest(self._connection, schema.item.c.sha256, digests)
        columns = [schema.outcome.c[name] for name in _OUTCOME_COLUMNS]
        before = latest_rows(
            self._connection, schema.outcome.c.item_id, columns, self.items.values()
        )
        blobs = self._blobs(outcomes)
        for outcome, held in zip(outcomes, blobs, strict=True):
            item_id = self._item(outcome)
            self.outcome_of[item_id] = self._outcome(outcome, item_id, held, before.get(item_id))

    def _blobs(self, outcomes: list[Outcome]) -> list[list[int]]:
        """Return the ids of the blobs of each outcome; new ones go into the packs."""
        digests = [[hashlib.sha256(blob).digest() for blob in o.blobs] for o in outcomes]
        wanted = {digest for held in digests for digest in held}
        known = ids_by_digest(self._connection, schema.blob.c.sha256, wanted)
        for outcome, held in zip(outcomes, digests, strict=True):
            for digest, blob in zip(held, outcome.blobs, strict=True):
                if digest not in known:
                    at = self._packs.append(blob, digest)
                    known[digest] = self._rows.add(
                        "blob", digest, at.pack, at.offset_bytes, at.size_bytes
                    )
        return [[known[digest] for digest in held] for held in digests]

    def _item(self, outcome: Outcome) -> int:
        digests = outcome.digests
        item_id = self.items.get(digests.sha256)
        if item_id is None:
            size = must_fit(digests.size_bytes, "size_bytes")
            item_id = self._rows.add("item", digests.sha256, digests.sha1, digests.md5, size)
            self.items[digests.sha256] = item_id
            self.new_items.add(item_id)
        return item_id

    def _outcome(
        self, outcome: Outcome, item_id: int, held: list[int], earlier: Earlier | None
    ) -> int:
        problems = _problem_rows(outcome.problems)
        columns: tuple[Value, ...] = (
            self._ids.category(self._rows, outcome.state, outcome.identity),
            self._ids.method_set(self._rows, outcome.methods),
            int(all(problem.reproducible for problem in outcome.problems)),
            identity_rest(outcome.identity),
        )
        if earlier is not None and earlier.columns == columns:
            stored = stored_problems(self._connection, "outcome_id", [earlier.row_id])
            if stored.get(earlier.row_id, []) == problems and self._same_parts(
                earlier.row_id, outcome, held
            ):
                return earlier.row_id
        supersedes = None if earlier is None else earlier.row_id
        outcome_id = self._rows.add("outcome", item_id, *columns, supersedes)
        self._add_parts(outcome_id, outcome, held)
        _add_problems(self._rows, "outcome_id", outcome_id, problems)
        return outcome_id

    def _add_parts(self, outcome_id: int, outcome: Outcome, held: list[int]) -> None:
        leaf = self._rows.leaf
        if outcome.measurements:
            data = self._packer.pack(outcome.measurements)
            self._rows.add_part("record", outcome_id, leaf, data)
            facts = fact_columns(outcome.measurements)
            if facts is not None:
                self._rows.add_part("fact", outcome_id, leaf, *facts)
        for ordinal, blob_id in enumerate(held):
            self._rows.add_part("item_blob", outcome_id, ordinal, blob_id, leaf)

    def _same_parts(self, outcome_id: int, outcome: Outcome, held: list[int]) -> bool:
        blob = schema.item_blob.c
        blobs = select(blob.blob_id).where(blob.outcome_id == outcome_id).order_by(blob.ordinal)
        if list(self._connection.execute(blobs).scalars()) != held:
            return False
        record = schema.record.c
        query = select(record.data).where(record.outcome_id == outcome_id)
        data = self._connection.execute(query).scalar()
        if data is None or not outcome.measurements:
            return data is None and not outcome.measurements
        return unpack(bytes(data)) == measurements_json(outcome.measurements)


class _PlacePlan:
    """Places and walks of one batch, whose items are stored or among its outcomes."""

    def __init__(
        self, connection: Connection, ids: Ids, rows: NewRows, outcomes: _OutcomePlan
    ) -> None:
        self._connection = connection
        self._ids = ids
        self._rows = rows
        self._items = outcomes.items
        self._new_items = outcomes.new_items
        self._outcome_of = outcomes.outcome_of

    def refer_to(self, batch: Batch) -> None:
        """Look up the items that places name. Raises CaseError where one is nowhere."""
        named = {occurrence.item_sha256 for occurrence in batch.occurrences}
        named |= {containment.child_sha256 for containment in batch.containments}
        named |= {containment.parent_sha256 for containment in batch.containments}
        named |= {walk.parent_sha256 for walk in batch.walks}
        missing = {digest for digest in named if digest is not None} - self._items.keys()
        self._items |= ids_by_digest(self._connection, schema.item.c.sha256, missing)
        if unknown := sorted(missing - self._items.keys()):
            raise CaseError(f"a place names the item {unknown[0].hex()}, which has no outcome")

    def add_files(self, occurrences: list[Occurrence]) -> None:
        paths = sorted({(o.source_id, o.directory) for o in occurrences})
        known = {path: self._ids.known_directory(*path) for path in paths}
        asked = [(known[o.source_id, o.directory], o.name) for o in occurrences]
        stored = [key for key in asked if key[0] is not None]
        before = self._before(schema.occurrence, _FILE_KEY, _FILE_COLUMNS, stored)
        for occurrence in occurrences:
            directory = self._ids.directory(self._rows, occurrence.source_id, occurrence.directory)
            numbers = {name: getattr(occurrence, name) for name in _FILE_NUMBERS}
            columns = (
                occurrence.kind,
                self._item(occurrence.item_sha256),
                occurrence.state,
                *(column_number(number) for number in numbers.values()),
                extra_bytes(numbers),
            )
            key = directory, occurrence.name
            self._add("occurrence", key, columns, occurrence.problems, before.get(key))

    def add_members(self, containments: list[Containment]) -> None:
        asked = [
            (self._items[c.parent_sha256], must_fit(c.ordinal, "ordinal"), c.name)
            for c in containments
        ]
        stored = [key for key in asked if key[0] not in self._new_items]
        before = self._before(schema.containment, _MEMBER_KEY, _MEMBER_COLUMNS, stored)
        for key, containment in zip(asked, containments, strict=True):
            numbers = {
                "size_bytes": containment.size_bytes,
                "offset_bytes": containment.offset_bytes,
            }
            columns = (
                self._item(containment.child_sha256),
                containment.state,
                *(column_number(number) for number in numbers.values()),
                extra_bytes(numbers, containment.times, containment.notes),
            )
            self._add("containment", key, columns, containment.problems, before.get(key))

    def add_walks(self, walks: list[Walk]) -> None:
        outcomes = self._outcomes_of([self._items[walk.parent_sha256] for walk in walks])
        columns = (schema.walk.c.members, schema.walk.c.unpacked_bytes)
        found = latest_rows(self._connection, schema.walk.c.outcome_id, columns, outcomes)
        problems = stored_problems(
            self._connection, "walk_id", [earlier.row_id for earlier in found.values()]
        )
        for outcome_id, walk in zip(outcomes, walks, strict=True):
            earlier = found.get(outcome_id)
            before = None if earlier is None else (earlier, problems.get(earlier.row_id, []))
            counted = (
                must_fit(walk.members, "members"),
                must_fit(walk.unpacked_bytes, "unpacked_bytes"),
            )
            self._add("walk", (outcome_id,), counted, walk.problems, before)

    def _outcomes_of(self, items: list[int]) -> list[int]:
        """Return the latest outcome of each item, this batch's included."""
        others = [item for item in items if item not in self._outcome_of]
        found = latest_rows(self._connection, schema.outcome.c.item_id, (), others)
        return [
            self._outcome_of[item] if item in self._outcome_of else found[item].row_id
            for item in items
        ]

    def _item(self, sha256: bytes | None) -> int | None:
        return None if sha256 is None else self._items[sha256]

    def _before(
        self,
        table: Table,
        key: Sequence[str],
        columns: Sequence[str],
        values: Sequence[tuple[Value, ...]],
    ) -> dict[tuple[Value, ...], Before]:
        found = latest_places(self._connection, table, key, columns, values)
        problems = stored_problems(
            self._connection, f"{table.name}_id", [earlier.row_id for earlier in found.values()]
        )
        return {
            place: (earlier, problems.get(earlier.row_id, [])) for place, earlier in found.items()
        }

    def _add(
        self,
        table: str,
        key: tuple[Value, ...],
        columns: tuple[Value, ...],
        said: Sequence[Problem],
        before: Before | None,
    ) -> None:
        problems = _problem_rows(said)
        supersedes = None
        if before is not None:
            earlier, stored = before
            if earlier.columns == columns and stored == problems:
                return
            supersedes = earlier.row_id
        row_id = self._rows.add(table, *key, *columns, supersedes)
        _add_problems(self._rows, f"{table}_id", row_id, problems)
