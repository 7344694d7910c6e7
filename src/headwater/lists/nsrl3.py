"""The SQLite database of the NSRL reference data set, version 3: `nsrl3`.

Tables as its readers know them: `FILE(sha256, sha1, md5, crc32, file_name, file_size, ...)`, or
`METADATA(..., bytes, md5, sha1, sha256, ...)` of an older build; else the first table by name that
has columns of hashes. Entries are known, which does not mean good. The empty file is left out and
counted, and so is everything else a row says.

The database is foreign: it is opened read-only and as it is (no journal beside it is taken up,
nothing is locked), no view, virtual table or generated column is read, no function of SQL runs,
and one value is limited in size.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from binascii import unhexlify
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar, NamedTuple

import msgspec

from headwater.lists import values
from headwater.lists.contract import Batch, Entry, Fault, ListFault, Spot, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.empty_file import EMPTY_FILE, is_empty_file
from headwater.lists.losses import Losses, shown
from headwater.lists.stream import FileStream, PeekedStream, go_to, read_full
from headwater.lists.values import HASH_BYTES, HashType

MAGIC = b"SQLite format 3\x00"
_TABLES = ("file", "metadata")
_HASHES: tuple[HashType, ...] = ("sha256", "sha1", "md5")
_SIZES = ("file_size", "bytes", "size")
_BATCH_ROWS = 4096
_LONGEST_VALUE = 1 << 20
_MOST_COLUMNS = 64
_MOST_TABLES = 1000
_ROW_NAMES = ("rowid", "_rowid_", "oid")
_REASON = "the database cannot be read"


class _Place(msgspec.Struct, frozen=True, array_like=True):
    row: int | None = None
    """The row id of the last row that was read, or how many rows were, in a table without ids."""


class _Table(NamedTuple):
    name: str
    hashes: tuple[tuple[HashType, str], ...]
    """Kind of hash, and column."""
    size: str | None
    row_id: str | None
    others: tuple[str, ...]
    """Columns that are not kept."""


class Nsrl3Reader:
    """Implements `lists.contract.Reader` for the database of NSRL version 3.

    It has to be a regular file: SQLite does not read from pipes.
    """

    FORMAT: ClassVar[str] = "nsrl3"

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the database, or go on after the batch that gave `cursor`.

        Raises ListFault where it is a pipe, truncated, damaged, or has no table of hashes.
        """
        place = decoded(cursor, _Place)
        file = _file_of(stream)
        _check_header(file)
        with closing(_connect(file)) as connection:
            try:
                table = _table(connection)
                last = _last_row(connection, table)
                yield from _batches(connection, table, place, last, file.size_bytes or 0)
            except (sqlite3.Error, OverflowError) as error:
                raise ListFault(f"{_REASON} ({_named(error)})") from None


def _named(error: Exception) -> str:
    """Return what SQLite calls an error; its text may hold names that the file chose."""
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


def _file_of(stream: Stream) -> FileStream:
    beneath = stream.beneath if isinstance(stream, PeekedStream) else stream
    if not isinstance(beneath, FileStream):
        raise ListFault("a database is not read from a pipe: give it as a file")
    return beneath


def _check_header(file: FileStream) -> None:
    """Raise ListFault where the file is no database, truncated, or not all of it."""
    go_to(file, 0)
    header = read_full(file, 100)
    if len(header) < 100 or not header.startswith(MAGIC):
        raise ListFault("the file is not an SQLite database, or truncated", Spot(offset_bytes=0))
    page_bytes = struct.unpack_from(">H", header, 16)[0]
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    changes, pages = struct.unpack_from(">II", header, 24)
    valid_for = struct.unpack_from(">I", header, 92)[0]
    size_bytes = file.size_bytes or 0
    if changes == valid_for and pages * page_bytes > size_bytes:
        raise ListFault("the database is truncated", Spot(offset_bytes=size_bytes))
    for suffix in ("-wal", "-journal"):
        beside = f"{file.path}{suffix}"
        if os.path.exists(beside) and os.path.getsize(beside) > 0:
            raise ListFault(
                f"a file {suffix} lies beside the database, so it is not complete by itself: "
                "close it in the program that wrote it"
            )


def _connect(file: FileStream) -> sqlite3.Connection:
    address = f"{file.path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(address, uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise ListFault(f"{_REASON} ({_named(error)})") from None
    connection.text_factory = bytes
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, _MOST_COLUMNS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    try:
        for setting in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON", "mmap_size=0"):
            connection.execute(f"PRAGMA {setting}").fetchall()
    except sqlite3.Error as error:
        connection.close()
        raise ListFault(f"{_REASON} ({_named(error)})") from None
    facts = os.stat(file.path)
    if (facts.st_dev, facts.st_ino) != file.identity:
        connection.close()
        raise ListFault("the file was replaced while it was opened")
    connection.set_authorizer(_authorized)
    return connection


def _authorized(action: int, first: str | None, *_: str | None) -> int:
    """Allow reading and looking at columns; no function, no other statement."""
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first in ("table_xinfo", "table_list"):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _table(connection: sqlite3.Connection) -> _Table:
    """Return the table to read. Raises ListFault where none has hashes."""
    rows = connection.execute("PRAGMA main.table_list").fetchmany(_MOST_TABLES)
    ordinary = {row[1]: bool(row[4]) for row in rows if row[0] == b"main" and row[2] == b"table"}
    names = sorted(ordinary, key=lambda name: (_rank(name), name))
    for name in names:
        table = _described(connection, _text(name), without_ids=ordinary[name])
        if table is not None:
            return table
    raise ListFault("the database has no table with a column of hashes")


def _rank(name: bytes) -> int:
    lower = _text(name).lower()
    return _TABLES.index(lower) if lower in _TABLES else len(_TABLES)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _described(connection: sqlite3.Connection, name: str, *, without_ids: bool) -> _Table | None:
    columns = connection.execute(f"PRAGMA main.table_xinfo({_quoted(name)})").fetchall()
    # Generated columns run expressions of the file.
    stored = [_text(row[1]) for row in columns if row[6] == 0]
    named = {column.lower(): column for column in stored}
    hashes = tuple((kind, named[kind]) for kind in _HASHES if kind in named)
    if not hashes:
        return None
    size = next((named[each] for each in _SIZES if each in named), None)
    kept = {column for _, column in hashes} | {size}
    every = {_text(row[1]).lower() for row in columns}
    row_id = None
    if not without_ids:
        row_id = next((each for each in _ROW_NAMES if each not in every), None)
    others = tuple(column for column in stored if column not in kept)
    return _Table(name, hashes, size, row_id, others)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _last_row(connection: sqlite3.Connection, table: _Table) -> int | None:
    """Return the highest row id, for progress; None in a table without ids."""
    if table.row_id is None:
        return None
    query = f"SELECT {table.row_id} FROM main.{_quoted(table.name)} ORDER BY 1 DESC LIMIT 1"  # noqa: S608
    found = connection.execute(query).fetchone()
    return None if found is None else int(found[0])


def _batches(
    connection: sqlite3.Connection,
    table: _Table,
    place: _Place,
    last: int | None,
    size_bytes: int,
) -> Iterator[Batch]:
    number = place.row
    rows = _selected(connection, table, place)
    losses = Losses()
    reading = _Rows(table, losses)
    while True:
        taken: list[tuple[Any, ...]] = []
        fault: sqlite3.Error | None = None
        try:
            for row in rows:
                taken.append(row)
                if len(taken) == _BATCH_ROWS:
                    break
        except sqlite3.Error as error:
            fault = error
            taken += _last_good(connection, table, number, taken)
        entries: list[Entry] = []
        faults: list[Fault] = []
        for row in taken:
            number = int(row[0]) if table.row_id is not None else (number or 0) + 1
            entry = reading.entry(row, number, faults)
            if entry is not None:
                entries.append(entry)
        if taken:
            share = (number or 0) / last if last else 0.0
            yield Batch(
                entries=entries,
                faults=faults,
                lost=losses.take(),
                cursor=encoded(_Place(number)),
                position_bytes=int(size_bytes * min(max(share, 0.0), 1.0)),
            )
        if fault is not None:
            reason = f"{_REASON} on ({_named(fault)}): it is truncated or damaged"
            raise ListFault(reason, Spot(line=(number or 0) + 1))
        if len(taken) < _BATCH_ROWS:
            return


def _last_good(
    connection: sqlite3.Connection,
    table: _Table,
    before: int | None,
    taken: Sequence[tuple[Any, ...]],
) -> list[tuple[Any, ...]]:
    """Return the row before one that cannot be read.

    Python's module steps ahead, and drops a row it has where the next one fails.
    """
    if table.row_id is None:
        reached: int | None = (before or 0) + len(taken)
    else:
        reached = int(taken[-1][0]) if taken else before
    try:
        return _selected(connection, table, _Place(reached), most=1).fetchall()
    except sqlite3.Error:
        return []


def _selected(
    connection: sqlite3.Connection, table: _Table, place: _Place, most: int = -1
) -> sqlite3.Cursor:
    columns = [column for _, column in table.hashes]
    columns += [table.size] if table.size is not None else []
    wanted = ", ".join(_quoted(column) for column in (*columns, *table.others))
    source = f"FROM main.{_quoted(table.name)}"
    if table.row_id is None:
        query = f"SELECT 0, {wanted} {source} LIMIT ? OFFSET ?"
        return connection.execute(query, (most, place.row or 0))
    name = table.row_id
    if place.row is None:
        query = f"SELECT {name}, {wanted} {source} ORDER BY {name} LIMIT ?"
        return connection.execute(query, (most,))
    query = f"SELECT {name}, {wanted} {source} WHERE {name} > ? ORDER BY {name} LIMIT ?"
    return connection.execute(query, (place.row, most))


class _Rows:
    """Turns rows into entries."""

    def __init__(self, table: _Table, losses: Losses) -> None:
        self._hashes = [(kind, column, HASH_BYTES[kind]) for kind, column in table.hashes]
        self._size = table.size
        self._first_other = 1 + len(table.hashes) + (table.size is not None)
        self._others = [f"{shown(table.name)}.{shown(name)}" for name in table.others]
        self._losses = losses

    def entry(self, row: Sequence[Any], number: int, faults: list[Fault]) -> Entry | None:
        """Return the entry of a row; None where it is none or the empty file."""
        spot = Spot(line=number)
        found: dict[str, Any] = {}
        wrong: list[Fault] = []
        for place, (kind, column, size_bytes) in enumerate(self._hashes, 1):
            given = row[place]
            if not given:
                continue
            value = _digest(given)
            if len(value) == size_bytes:
                found[kind] = value
            else:
                rule = values.not_digits(kind)
                wrong.append(Fault(spot=spot, field=column, rule=rule, whole=False))
        if not found:
            field, rule = (wrong[0].field, wrong[0].rule) if wrong else ("row", "no hash")
            faults.append(Fault(spot=spot, field=field, rule=rule))
            return None
        if self._size is not None:
            given = row[1 + len(self._hashes)]
            if isinstance(given, int) and given >= 0:
                found["size_bytes"] = given
            elif given is not None:
                self._size_of(given, spot, found, wrong)
        faults += wrong
        entry = Entry(spot=spot, **found)
        if is_empty_file(entry):
            self._losses.add(EMPTY_FILE)
            return None
        for name, given in zip(self._others, row[self._first_other :], strict=True):
            if given is not None and given != b"":
                self._losses.add(name)
        return entry

    def _size_of(
        self, given: object, spot: Spot, found: dict[str, Any], wrong: list[Fault]
    ) -> None:
        assert self._size is not None
        try:
            text = given.decode("ascii") if isinstance(given, bytes) else str(given)
            size_bytes = values.size(text)
        except ValueError:
            rule = "not a number of bytes"
            wrong.append(Fault(spot=spot, field=self._size, rule=rule, whole=False))
            return
        if size_bytes is not None:
            found["size_bytes"] = size_bytes


def _digest(given: object) -> bytes:
    if not isinstance(given, bytes):
        return b""
    try:
        return unhexlify(given.strip())
    except ValueError:
        return b""
