"""The first lines of a table: its delimiter, its header, and where its rows begin."""

from __future__ import annotations

import re
from typing import NamedTuple

from headwater.lists.contract import ListFault, Spot
from headwater.lists.lines import LINE_BYTES
from headwater.lists.rows import DELIMITERS, row_of
from headwater.lists.stream import PEEK_BYTES, PeekedStream, from_start
from headwater.lists.text_encoding import text_of

_SEPARATOR = re.compile(r'"?sep=([,;\t])"?', re.IGNORECASE)


class Header(NamedTuple):
    """The first row that is not blank, in each way of splitting it."""

    line: int
    """Where it stands, from 1."""
    text: str
    told: str | None
    """The delimiter, where a line `sep=;` before it says so, as spreadsheets write it."""

    def cells(self, delimiter: str) -> list[str]:
        """Return its cells."""
        return [cell.strip() for cell in row_of(self.text, delimiter)]

    @property
    def delimiters(self) -> tuple[str, ...]:
        """The delimiters that may be meant."""
        return DELIMITERS if self.told is None else (self.told,)


def first_row(stream: PeekedStream) -> Header | None:
    """Return the first row of a table that is read from its beginning; None of an empty file.

    Raises ListFault where the file is not text, or its first line is too long.
    """
    head = from_start(stream).peek(PEEK_BYTES)
    return first_row_of(head, whole=len(head) < PEEK_BYTES)


def first_row_of(head: bytes, *, whole: bool, comments: bool = False) -> Header | None:
    """Return the first row of a table by the beginning of its file.

    `comments` says that lines which begin with `#` are none.
    """
    text = text_of(head, whole=whole)
    told = None
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip(" \r\ufeff")
        separator = _SEPARATOR.fullmatch(bare)
        if separator is not None and told is None:
            told = separator[1]
        elif bare.strip() and not (comments and bare.startswith("#")):
            if not whole and "\n" not in text:
                raise ListFault(
                    f"a line is longer than {LINE_BYTES >> 20} MiB", Spot(offset_bytes=0, line=1)
                )
            return Header(number, bare, told)
    return None
