"""`NSRLFile.txt` of the NSRL reference data set, version 2: `nsrl2`.

Quoted CSV with the columns SHA-1, MD5, CRC32, FileName, FileSize, ProductCode, OpSystemCode and
SpecialCode. Its entries are known, which does not mean good. Names of files come in any encoding,
and are not kept; rows that name the empty file are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from headwater.lists import values
from headwater.lists.columns import HASH_COLUMNS, Entries, Known, label, layout, plain_name
from headwater.lists.contract import Batch, Entry, ListFault, Spot, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.empty_file import EMPTY_FILE, is_empty_file
from headwater.lists.header import first_row
from headwater.lists.lines import LinePlace
from headwater.lists.rows import Rows
from headwater.lists.stream import from_start
from headwater.lists.table import batches

_KNOWN: dict[str, Known] = {
    "sha1": HASH_COLUMNS["sha1"],
    "md5": HASH_COLUMNS["md5"],
    "sha256": HASH_COLUMNS["sha256"],
    "filesize": Known("size_bytes", values.size),
    "specialcode": label("special_code"),
}
_OWN = frozenset(("productcode", "opsystemcode", "specialcode"))


def is_header(names: list[str]) -> bool:
    """Whether a row is the header of such a file."""
    plain = {plain_name(name) for name in names}
    return plain >= _OWN and bool(plain & {"md5", "sha1"})


class Nsrl2Reader:
    """Implements `lists.contract.Reader` for the file table of NSRL version 2."""

    FORMAT: ClassVar[str] = "nsrl2"

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault: see `Lines.blocks`, and where the header is not that of such a file.
        """
        place = decoded(cursor, LinePlace)
        stream = from_start(stream)
        header = first_row(stream)
        names = [] if header is None else header.cells(",")
        if header is None or not is_header(names):
            raise ListFault("the header is not that of NSRLFile.txt", Spot(line=1))
        entries = Entries(layout(names, _KNOWN))

        def keep(entry: Entry) -> bool:
            if is_empty_file(entry):
                entries.losses.add(EMPTY_FILE)
                return False
            return True

        rows = Rows(stream, ",", len(names), place, lenient=True)
        yield from batches(rows, entries, header.line, encoded, keep)
