"""Rows of delimited text: quotes, their ends, and what a stray one costs."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists.contract import Fault, ListFault
from headwater.lists.rows import DELIMITERS, RECORD_LINES, Row, RowBlock, Rows
from tests.lists.reading import BytesStream

cells = st.text(
    st.characters(exclude_characters="\r\ufeff\0", exclude_categories=["Cs"]), max_size=8
)
tables = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=9)
)


def rows_of(data: str, delimiter: str = ",", width: int = 3) -> tuple[list[Row], list[Fault]]:
    rows: list[Row] = []
    faults: list[Fault] = []
    for block in Rows(BytesStream(data.encode()), delimiter, width).blocks():
        rows += block.rows
        faults += block.faults
    return rows, faults


def is_blank(row: list[str], delimiter: str) -> bool:
    """Whether a row is written as a line of blanks."""
    return delimiter.join(row).isspace() and not any("\n" in cell for cell in row)


@settings(deadline=None)
@given(tables, st.sampled_from(DELIMITERS), st.sampled_from(("\n", "\r\n")), st.booleans())
def test_what_a_csv_writer_writes_is_read(
    table: list[list[str]], delimiter: str, end: str, every: bool
) -> None:
    text = io.StringIO()
    csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=end,
        quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL,
    ).writerows(table)
    data = text.getvalue().encode()
    rows, faults = rows_of(text.getvalue(), delimiter, len(table[0]))
    assert faults == []
    wanted = [row for row in table if every or not is_blank(row, delimiter)]
    assert [row.cells for row in rows] == wanted
    for row in rows:
        assert data[: row.offset_bytes].count(b"\n") == row.line - 1


def test_a_quote_that_is_never_closed_costs_its_own_line_alone() -> None:
    rows, faults = rows_of('a,b,c\nd,"e,f\ng,h,i\nj,"k",l\n')
    assert [row.cells for row in rows] == [["a", "b", "c"], ["g", "h", "i"], ["j", "k", "l"]]
    assert [(fault.spot.line, fault.rule) for fault in faults] == [
        (2, "a quote that is not closed")
    ]


def test_text_behind_a_closing_quote_costs_the_line() -> None:
    rows, faults = rows_of('a,"b"x,c\nd,e,f\n')
    assert [row.line for row in rows] == [2]
    assert [fault.rule for fault in faults] == ["text between a closing quote and the next cell"]


def test_a_quote_inside_a_bare_cell_is_text() -> None:
    rows, faults = rows_of('a,12" wide,c\n')
    assert rows[0].cells == ["a", '12" wide', "c"]
    assert faults == []


def test_a_row_has_a_ceiling_of_lines() -> None:
    inside = '"' + "\n" * (RECORD_LINES - 1) + '",b,c\nd,e,f\n'
    assert [row.line for row in rows_of(inside)[0]] == [1, RECORD_LINES + 1]
    beyond = '"' + "\n" * RECORD_LINES + '",b,c\nd,e,f\n'
    rows, faults = rows_of(beyond)
    assert [row.cells for row in rows][-1] == ["d", "e", "f"]
    assert faults[0].spot.line == 1


def test_rows_of_several_lines_cross_blocks_and_reading_goes_on_between_them() -> None:
    text = "".join(f'{number},"two\nlines {"x" * (number % 70)}",c\n' for number in range(9000))
    blocks = list(Rows(BytesStream(text.encode()), ",", 3).blocks())
    assert len(blocks) > 3
    whole = [row for block in blocks for row in block.rows]
    assert [row.cells[0] for row in whole] == [str(number) for number in range(9000)]
    taken = 0
    for block in blocks:
        taken += len(block.rows)
        rest = Rows(BytesStream(text.encode()), ",", 3, block.after).blocks()
        assert [row for each in rest for row in each.rows] == whole[taken:]


def test_rows_before_a_wrong_byte_are_given_even_at_an_open_quote() -> None:
    blocks = Rows(BytesStream(b'a,b,c\nd,"e,f\n\xff,h,i\n'), ",", 3).blocks()
    given_blocks: list[RowBlock] = []
    with pytest.raises(ListFault, match="UTF-8"):
        given_blocks.extend(blocks)
    assert [row.line for block in given_blocks for row in block.rows] == [1]
    assert [fault.spot.line for block in given_blocks for fault in block.faults] == [2]


@settings(deadline=None)
@given(
    st.text(st.sampled_from('ab",;\t\n\r '), min_size=1, max_size=60), st.sampled_from(DELIMITERS)
)
def test_no_text_breaks_it_and_every_line_is_in_one_row_at_most(text: str, delimiter: str) -> None:
    rows, faults = rows_of(text, delimiter)
    numbers = [row.line for row in rows] + [fault.spot.line for fault in faults]
    assert len(set(numbers)) == len(numbers)
