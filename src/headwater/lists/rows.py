"""Rows of delimited text (RFC 4180, and what is met of it), a block of them at a time.

A quoted cell may hold the delimiter, doubled quotes, and ends of lines within narrow bounds: a
quote that is never closed costs the line it stands in, not what follows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

from headwater.lists.contract import Fault, ListFault, Spot, Stream
from headwater.lists.lines import LineBlock, LinePlace, Lines

RECORD_LINES = 32
"""Ceiling for the lines of one row."""
RECORD_CHARACTERS = 1 << 16
"""Ceiling for a row of several lines."""

DELIMITERS = (",", ";", "\t")
_OPEN = "a quote that is not closed"
_BROKEN = "text between a closing quote and the next cell"


class Row(NamedTuple):
    """One row and its place."""

    offset_bytes: int
    line: int
    cells: list[str]


class RowBlock(NamedTuple):
    """Some rows, one after the other."""

    rows: list[Row]
    faults: list[Fault]
    after: LinePlace
    """Where the next block begins."""


class Rows:
    """The rows of a stream from a place on.

    `cells` is the number of cells of a row; where joining lines at an open quote gives another
    number, the quote is taken for a stray one. Rows of another number are given as they are.
    """

    def __init__(
        self,
        stream: Stream,
        delimiter: str,
        cells: int,
        place: LinePlace | None = None,
        *,
        lenient: bool = False,
    ) -> None:
        self._lines = Lines(stream, place, lenient=lenient)
        self._delimiter = delimiter
        self._cells = cells

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows but blank ones. Raises ListFault as `Lines.blocks` does."""
        held: LineBlock | None = None
        broken: ListFault | None = None
        blocks = self._lines.blocks()
        while True:
            try:
                block = next(blocks, None)
            except ListFault as fault:
                block, broken = None, fault
            if block is None:
                break
            joined = block if held is None else _joined(held, block)
            rows, used = self._rows(joined, final=False)
            held = _rest(joined, used)
            yield RowBlock(*rows, block.after if held is None else _place_of(held))
        if held is not None:
            rows, _ = self._rows(held, final=True)
            yield RowBlock(*rows, held.after)
        if broken is not None:
            raise broken

    def _rows(self, block: LineBlock, *, final: bool) -> tuple[tuple[list[Row], list[Fault]], int]:
        """Return the rows that are complete, what was wrong, and how many lines were used."""
        rows: list[Row] = []
        faults: list[Fault] = []
        texts, offsets, delimiter = block.texts, block.offsets, self._delimiter
        index = 0
        while index < len(texts):
            text = texts[index]
            line = block.first_line + index
            if '"' not in text:
                if text and not text.isspace():
                    rows.append(Row(offsets[index], line, text.split(delimiter)))
                index += 1
                continue
            cells, used = self._quoted(texts, index, final=final)
            if not used:
                break
            if isinstance(cells, str):
                faults.append(Fault(spot=Spot(offsets[index], line), field="row", rule=cells))
            else:
                rows.append(Row(offsets[index], line, cells))
            index += used
        return (rows, faults), index

    def _quoted(self, texts: list[str], index: int, *, final: bool) -> tuple[list[str] | str, int]:
        """Return the row that begins at a line, or what is wrong with it, and its lines.

        No lines where the row may go on behind the last line there is.
        """
        text = texts[index]
        used = 1
        while True:
            cells = self._parsed(text)
            if cells is not None:
                if used > 1 and len(cells) != self._cells:
                    return _OPEN, 1
                return cells, used
            if self._parsed(text + '"') is None:
                return (_BROKEN if used == 1 else _OPEN), 1
            if used == RECORD_LINES or len(text) > RECORD_CHARACTERS:
                return _OPEN, 1
            if index + used == len(texts):
                return (_OPEN, 1) if final else ([], 0)
            text = f"{text}\n{texts[index + used]}"
            used += 1

    def _parsed(self, text: str) -> list[str] | None:
        try:
            return next(csv.reader((text,), delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None


def row_of(text: str, delimiter: str) -> list[str]:
    """Return the cells of one line, as good as it goes."""
    try:
        return next(csv.reader((text,), delimiter=delimiter), [])
    except csv.Error:
        return text.split(delimiter)


def _joined(held: LineBlock, block: LineBlock) -> LineBlock:
    texts, offsets = held.texts + block.texts, held.offsets + block.offsets
    return LineBlock(texts, offsets, held.first_line, block.after)


def _rest(block: LineBlock, used: int) -> LineBlock | None:
    if used == len(block.texts):
        return None
    return LineBlock(block.texts[used:], block.offsets[used:], block.first_line + used, block.after)


def _place_of(block: LineBlock) -> LinePlace:
    return LinePlace(block.offsets[0], block.first_line, block.after.encoding)
