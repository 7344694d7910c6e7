"""The CSV that INTERPOL's ICSE database exports: `icse`.

Source: the header that an open reader of it expects, with `;` between the columns, which vary and
are found by name. Rows with too many or too few cells occur, and are read as far as they go.
`Baseline` marks the worst category, as agreed internationally; that meaning is remembered, not
confirmed. An entry with that flag has the category `Baseline`, any other has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from headwater.lists import values
from headwater.lists.columns import (
    HASH_COLUMNS,
    Entries,
    Known,
    flag,
    label,
    layout,
    plain_name,
)
from headwater.lists.contract import Batch, ListFault, Spot, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.header import first_row
from headwater.lists.lines import LinePlace
from headwater.lists.rows import Rows
from headwater.lists.stream import from_start
from headwater.lists.table import batches

BASELINE = "Baseline"


def _baseline(text: str) -> str | None:
    return BASELINE if values.flag(text) else None


_KNOWN: dict[str, Known] = {
    "md5": HASH_COLUMNS["md5"],
    "sha1": HASH_COLUMNS["sha1"],
    "sha256": HASH_COLUMNS["sha256"],
    "photodna": HASH_COLUMNS["photodna"],
    "imageid": Known("record_id", values.record_id, is_label=True),
    "isdistributed": flag("distributed"),
    "victimidentified": flag("victim_identified"),
    "offenderidentified": flag("offender_identified"),
    "seriesname": label("series"),
    "mediatype": Known("media", values.media),
    "baseline": Known("category", _baseline),
}


def is_header(names: list[str]) -> bool:
    """Whether a row is the header of such a file."""
    plain = {plain_name(name) for name in names}
    return "baseline" in plain and bool(plain & {"md5", "sha1"}) and "victimidentified" in plain


class IcseReader:
    """Implements `lists.contract.Reader` for ICSE's CSV."""

    FORMAT: ClassVar[str] = "icse"

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault: see `Lines.blocks`, and where the header is not that of such a file.
        """
        place = decoded(cursor, LinePlace)
        stream = from_start(stream)
        header = first_row(stream)
        for delimiter in () if header is None else header.delimiters:
            assert header is not None
            names = header.cells(delimiter)
            if is_header(names):
                entries = Entries(layout(names, _KNOWN), tolerant=True)
                rows = Rows(stream, delimiter, len(names), place)
                yield from batches(rows, entries, header.line, encoded)
                return
        raise ListFault("the header is not that of an ICSE list", Spot(line=1))
