"""Ids of things that rows refer to: found in the case, or made with the rows of a commit.

What was looked up is kept in caches of bounded size. Ids made by a commit enter the caches only
when `keep` says that it succeeded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Column, Connection, Select, select

from headwater.case import schema
from headwater.case.ledger import NewRows
from headwater.case.packed import must_fit
from headwater.case.rows import storable_text
from headwater.model import Identity, Method, State

CHUNK = 400
"""Values in one IN list."""
_CACHED = 8192

Key = TypeVar("Key")
Element = TypeVar("Element")


def chunks(values: Sequence[Element]) -> Iterator[Sequence[Element]]:
    """Yield `values` in parts that fit one statement."""
    for first in range(0, len(values), CHUNK):
        yield values[first : first + CHUNK]


def ids_by_digest(
    connection: Connection, digest: Column[bytes], digests: Collection[bytes]
) -> dict[bytes, int]:
    """Return the ids of the rows of a table that has `digest`, by digest."""
    found: dict[bytes, int] = {}
    table = digest.table
    for part in chunks(sorted(digests)):
        rows = connection.execute(select(digest, table.c.id).where(digest.in_(part)))
        found.update((bytes(row[0]), row[1]) for row in rows)
    return found


class Ids:
    """Ids of directories, categories, methods and sets of methods."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept: dict[object, int] = {}
        self._new: dict[object, int] = {}

    def keep(self) -> None:
        """Take over the ids that the commit made."""
        if len(self._kept) + len(self._new) > _CACHED:
            self._kept.clear()
        self._kept.update(self._new)
        self._new.clear()

    def forget(self) -> None:
        """Drop the ids that the commit would have made."""
        self._new.clear()

    def known_directory(self, source_id: int, path: bytes) -> int | None:
        """Return the id of a directory, None where the case has no row of it."""
        key = ("directory", source_id, path)
        cached = self._cached(key)
        if cached is None:
            table = schema.directory.c
            query = select(table.id).where(table.source_id == source_id, table.path == path)
            cached = self._found(key, query)
        return cached

    def directory(self, rows: NewRows, source_id: int, path: bytes) -> int:
        """Return the id of a directory, made if there is none."""
        known = self.known_directory(source_id, path)
        if known is not None:
            return known
        return self._made(("directory", source_id, path), rows.add("directory", source_id, path))

    def category(self, rows: NewRows, state: State, identity: Identity) -> int:
        """Return the id of the category of an outcome, made if there is none."""
        media_type = identity.media_type
        words = (
            state,
            identity.kind,
            storable_text(identity.format),
            None if media_type is None else storable_text(media_type),
        )
        key = ("category", *words)
        cached = self._cached(key)
        if cached is None:
            table = schema.category.c
            query = select(table.id).where(
                table.format == words[2],
                table.state == words[0],
                table.kind == words[1],
                table.media_type.is_not_distinct_from(words[3]),
            )
            cached = self._found(key, query)
        return self._made(key, rows.add("category", *words)) if cached is None else cached

    def method_set(self, rows: NewRows, methods: tuple[Method, ...]) -> int | None:
        """Return the id of the set of methods, made if there is none; None for no methods."""
        if not methods:
            return None
        ordered = tuple(sorted(methods, key=msgspec.structs.astuple))
        key = ("method_set", ordered)
        cached = self._cached(key)
        if cached is not None:
            return cached
        for method in ordered:
            must_fit(method.version, "version")
        digest = hashlib.sha256(msgspec.msgpack.encode(ordered)).digest()
        table = schema.method_set.c
        found = self._found(key, select(table.id).where(table.sha256 == digest))
        if found is not None:
            return found
        set_id = rows.add("method_set", digest)
        for ordinal, method in enumerate(ordered):
            member = self._method(rows, method)
            rows.add_part("method_set_member", set_id, ordinal, member, rows.leaf)
        return self._made(key, set_id)

    def _method(self, rows: NewRows, method: Method) -> int:
        key = ("method", method)
        cached = self._cached(key)
        if cached is None:
            table = schema.method.c
            query = select(table.id).where(
                table.name == method.name,
                table.version == method.version,
                table.options_sha256 == method.options_sha256,
                table.environment_sha256 == method.environment_sha256,
            )
            cached = self._found(key, query)
        if cached is not None:
            return cached
        return self._made(key, rows.add("method", *msgspec.structs.astuple(method)))

    def _cached(self, key: object) -> int | None:
        return self._new.get(key) or self._kept.get(key)

    def _found(self, key: object, query: Select[int]) -> int | None:
        row_id = self._connection.execute(query).scalar()
        if row_id is not None:
            if len(self._kept) > _CACHED:
                self._kept.clear()
            self._kept[key] = row_id
        return row_id

    def _made(self, key: object, row_id: int) -> int:
        self._new[key] = row_id
        return row_id
