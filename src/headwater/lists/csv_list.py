"""Tables with a header row, or with columns that the caller names: `csv`.

The delimiter is `,`, `;` or a tab. Columns are found by name: md5, sha1, sha256, pdq, photodna,
category, list, list_version, source, added (the columns that Headwater suggests) and the names
that other tools write, such as `set` and `status` (IPED) or `SHA-1` and `Bookmarks` (Griffeye).
Every other column is counted as lost. A column `hash` holds one kind of hash, told by the option
`hash_type` or by its number of digits; 64 digits are SHA-256 or PDQ, and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import msgspec

from headwater.errors import UsageError
from headwater.lists import values
from headwater.lists.ambiguity import Ambiguous
from headwater.lists.columns import (
    HASH_COLUMNS,
    HASHES,
    Entries,
    Known,
    Layout,
    flag,
    label,
    layout,
    moment,
    plain_name,
)
from headwater.lists.contract import Batch, ListFault, Spot, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.header import Header, first_row
from headwater.lists.lines import LinePlace
from headwater.lists.rows import DELIMITERS, Row, Rows, row_of
from headwater.lists.stream import PEEK_BYTES, PeekedStream, from_start
from headwater.lists.table import batches
from headwater.lists.text_encoding import text_of
from headwater.lists.values import HashType

SUGGESTED = (
    "md5",
    "sha1",
    "sha256",
    "pdq",
    "category",
    "list",
    "list_version",
    "source",
    "added",
)
"""The columns of a list as Headwater would write it."""

_ANY_HASH = frozenset(("hash", "hashvalue", "hashes", "digest"))
"""Names of columns that hold some hash."""

_KNOWN: dict[str, Known] = {
    **HASH_COLUMNS,
    "pdna": HASH_COLUMNS["photodna"],
    "md5hash": HASH_COLUMNS["md5"],
    "sha1hash": HASH_COLUMNS["sha1"],
    "sha256hash": HASH_COLUMNS["sha256"],
    "pdqhash": HASH_COLUMNS["pdq"],
    "pdqquality": Known("pdq_quality", values.quality),
    "category": Known("category", values.category),
    "categorycode": Known("category", values.category),
    "size": Known("size_bytes", values.size),
    "sizebytes": Known("size_bytes", values.size),
    "filesize": Known("size_bytes", values.size),
    "mediasize": Known("size_bytes", values.size),
    "mediatype": Known("media", values.media),
    "list": label("list"),
    "listversion": label("list_version"),
    "source": label("source"),
    "added": moment("added_at"),
    "updated": moment("updated_at"),
    "dateupdated": moment("updated_at"),
    "series": label("series"),
    "tags": label("tags"),
    "bookmarks": label("tags"),
    "set": label("set"),
    "status": label("status"),
    "isdistributed": flag("distributed"),
    "victimidentified": flag("victim_identified"),
    "offenderidentified": flag("offender_identified"),
    "selfgenerated": flag("self_generated"),
}


class _Place(msgspec.Struct, frozen=True, array_like=True):
    lines: LinePlace = LinePlace()
    hash_type: HashType | None = None
    """What the column `hash` holds."""


class _Table(msgspec.Struct, frozen=True):
    """How a file is split."""

    delimiter: str
    names: tuple[str, ...]
    skipped_lines: int


class CsvReader:
    """Implements `lists.contract.Reader` for tables.

    `columns` are the names of all columns of a file without a header, `-` for one to leave out;
    over a header they replace it. Reading raises Ambiguous, before any entry, where neither says
    what the columns hold, or 64 hex digits could be either hash.
    """

    FORMAT: ClassVar[str] = "csv"

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        hash_type: HashType | None = None,
        delimiter: str | None = None,
    ) -> None:
        self._columns = None if columns is None else tuple(columns)
        self._hash_type = hash_type
        self._delimiter = delimiter
        if delimiter is not None and delimiter not in DELIMITERS:
            raise UsageError("the delimiter of a table is a comma, a semicolon or a tab")
        if columns is not None and not any(names_hash(name) for name in columns):
            raise UsageError("none of the named columns holds hashes: name one md5, sha1, ...")

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault (see `Lines.blocks`) and Ambiguous.
        """
        place = decoded(cursor, _Place)
        stream = from_start(stream)
        header = first_row(stream)
        if header is None:
            raise ListFault("the file is empty", Spot(offset_bytes=0))
        table = self._table(header)
        hash_type = place.hash_type or self._hash_of(table, stream)
        rows = Rows(stream, table.delimiter, len(table.names), place.lines)
        entries = Entries(_layout(table, hash_type))
        yield from batches(
            rows,
            entries,
            table.skipped_lines,
            lambda after: encoded(_Place(after, hash_type)),
        )

    def _table(self, header: Header) -> _Table:
        delimiters = header.delimiters if self._delimiter is None else (self._delimiter,)
        if self._columns is not None:
            return _by_columns(header, self._columns, delimiters)
        return by_header(header, delimiters)

    def _hash_of(self, table: _Table, stream: PeekedStream) -> HashType | None:
        """Return what the column `hash` holds, by the option or by its first hash."""
        indices = [i for i, name in enumerate(table.names) if plain_name(name) in _ANY_HASH]
        if not indices or self._hash_type is not None:
            return self._hash_type
        for row in _first_rows(table, stream):
            types = values.types_of_length("".join(row.cells[indices[0] : indices[0] + 1]))
            if len(types) > 1:
                reason = "the column of 64 hex digits holds SHA-256 or PDQ, and nothing says which"
                raise Ambiguous(reason, "hash_type", types)
            if types:
                return types[0]
        raise Ambiguous("nothing says which hash the column holds", "hash_type", values.HASH_TYPES)


def names_hash(name: str) -> bool:
    """Whether a column of this name holds hashes."""
    plain = plain_name(name)
    return plain in _ANY_HASH or (plain in _KNOWN and _KNOWN[plain].target in HASHES)


def by_header(header: Header, delimiters: Sequence[str] = DELIMITERS) -> _Table:
    """Return how a file is split that has a header. Raises Ambiguous where it has none."""
    best: tuple[int, str] | None = None
    for delimiter in delimiters:
        names = header.cells(delimiter)
        known = sum(plain_name(name) in _KNOWN or names_hash(name) for name in names)
        if any(names_hash(name) for name in names) and (best is None or known > best[0]):
            best = (known, delimiter)
    if best is None:
        reason = "no header row names a column of hashes, so nothing says what the columns hold"
        raise Ambiguous(reason, "columns", ("names, divided by commas, such as md5,category,-",))
    return _Table(best[1], tuple(header.cells(best[1])), header.line)


def _by_columns(header: Header, columns: tuple[str, ...], delimiters: Sequence[str]) -> _Table:
    fitting = [each for each in delimiters if len(header.cells(each)) == len(columns)]
    if not fitting:
        raise UsageError(f"{len(columns)} columns are named, and the first row has another number")
    cells = header.cells(fitting[0])
    is_header = any(names_hash(cell) for cell in cells)
    skipped = header.line if is_header else header.line - 1
    return _Table(fitting[0], columns, skipped)


def _layout(table: _Table, hash_type: HashType | None) -> Layout:
    known = dict(_KNOWN)
    if hash_type is not None:
        known |= dict.fromkeys(_ANY_HASH, HASH_COLUMNS[hash_type])
    return layout(table.names, known)


def _first_rows(table: _Table, stream: PeekedStream) -> Iterator[Row]:
    """Yield the rows in the first bytes of a file, without taking them from the stream."""
    head = stream.peek(PEEK_BYTES)
    lines = text_of(head, whole=len(head) < PEEK_BYTES).split("\n")
    for number, line in enumerate(lines, 1):
        if number > table.skipped_lines and line.strip():
            yield Row(0, number, row_of(line.removesuffix("\r"), table.delimiter))
