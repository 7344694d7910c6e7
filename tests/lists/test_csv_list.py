"""Tables of hashes: by header, and by columns that are named."""

from __future__ import annotations

import csv
import hashlib
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.lists.ambiguity import Ambiguous
from headwater.lists.csv_list import SUGGESTED, CsvReader
from tests.lists.reading import (
    check_no_value_shown,
    check_resuming,
    read,
    read_well,
)


def md5(number: int) -> str:
    return hashlib.md5(str(number).encode()).hexdigest()


def sha1(number: int) -> str:
    return hashlib.sha1(str(number).encode()).hexdigest()


def sha256(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_the_suggested_columns_are_all_kept() -> None:
    row = [md5(1), sha1(1), sha256(1), sha256(2), "01", "Demo", "3", "Lab", "2026-01-02T03:04:05Z"]
    outcome = read_well(CsvReader(), ",".join(SUGGESTED) + "\n" + ",".join(row) + "\n")
    (entry,) = outcome.entries
    assert entry.md5 == bytes.fromhex(md5(1))
    assert entry.sha1 == bytes.fromhex(sha1(1))
    assert entry.sha256 == bytes.fromhex(sha256(1))
    assert entry.pdq == bytes.fromhex(sha256(2))
    assert entry.category == "1"
    assert entry.labels == (
        ("added_at", "2026-01-02T03:04:05.000Z"),
        ("list", "Demo"),
        ("list_version", "3"),
        ("source", "Lab"),
    )
    assert (entry.spot.line, entry.spot.offset_bytes) == (2, len(",".join(SUGGESTED)) + 1)
    assert outcome.lost == {}


def test_tables_of_other_tools_are_read() -> None:
    stash = read_well(CsvReader(), f"md5,category,source\n{md5(1)},2,stash\n")
    assert (stash.entries[0].category, stash.entries[0].labels) == ("2", (("source", "stash"),))
    iped = read_well(
        CsvReader(), f'MD5,SHA1,SHA512,set,status,photo\n{md5(1)},{sha1(1)},abc,"A, B",known,x\n'
    )
    assert iped.entries[0].labels == (("set", "A, B"), ("status", "known"))
    assert iped.lost == {"SHA512": 1, "photo": 1}
    griffeye = read_well(
        CsvReader(),
        "\ufeffCategory;File Path;File Type;Created Date;MD5;SHA-1;Bookmarks\r\n"
        f"1;C:\\x\\y.jpg;JPEG;01.01.0001;{md5(2).upper()};{sha1(2).upper()};;\r\n",
    )
    assert griffeye.entries[0].sha1 == bytes.fromhex(sha1(2))
    assert griffeye.lost == {"Created Date": 1, "File Path": 1, "File Type": 1}
    assert "y.jpg" not in repr(griffeye)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("head", ["", "sep={}\n", "\n\n"])
def test_the_delimiter_is_found(delimiter: str, head: str) -> None:
    text = f"{head.format(delimiter)}sha1{delimiter}a,b;c\td{delimiter}category\n"
    text = text.replace("a,b;c\td", "notes")
    outcome = read_well(CsvReader(), text + f"{sha1(1)}{delimiter}n{delimiter}5\n")
    assert outcome.entries[0].category == "5"
    assert outcome.faults == []


def test_a_column_hash_is_told_by_its_digits_but_64_are_not() -> None:
    assert read_well(CsvReader(), f"Hash,Category\n{md5(1)},1\n").entries[0].md5
    for text in (f"hash\tset\n{sha256(1)}\tA\n", f'"hash";"set"\n;\n"{sha256(1)}";A\n'):
        with pytest.raises(Ambiguous, match="SHA-256 or PDQ") as caught:
            read(CsvReader(), text)
        assert caught.value.option == "hash_type"
        assert sha256(1) not in str(caught.value)
        assert read_well(CsvReader(hash_type="pdq"), text).entries[0].pdq
    with pytest.raises(Ambiguous) as caught:
        read(CsvReader(), "hash,category\nnothing,1\n")
    assert caught.value.choices == ("md5", "sha1", "sha256", "pdq")


def test_columns_may_be_named_where_no_header_does() -> None:
    text = f"{sha256(1)},x,3\n{sha256(2)},y,4\n"
    with pytest.raises(Ambiguous) as caught:
        read(CsvReader(), text)
    assert caught.value.option == "columns"
    assert sha256(1) not in str(caught.value)
    outcome = read_well(CsvReader(columns=("sha256", "-", "category")), text)
    assert [entry.category for entry in outcome.entries] == ["3", "4"]
    assert outcome.lost == {}
    over_header = read_well(CsvReader(columns=("sha256", "-", "category")), "sha256,a,b\n" + text)
    assert len(over_header.entries) == 2
    assert over_header.faults == []


def test_columns_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="holds hashes"):
        CsvReader(columns=("category", "source"))
    with pytest.raises(UsageError, match="another number"):
        read(CsvReader(columns=("md5", "category")), f"{md5(1)},1,2\n")
    with pytest.raises(UsageError, match="delimiter"):
        CsvReader(delimiter="|")


def test_what_is_wrong_with_a_cell_costs_it_and_a_row_without_a_hash_costs_the_row() -> None:
    text = (
        "md5,sha1,size,category,source\n"
        f"{md5(1)},nope,12,1,a\n"
        f"nope,,12,1,a\n"
        f",,12,1,a\n"
        f"{md5(2)},{sha1(2)},-4,1,a\n"
        f"{md5(3)},{sha1(3)},1\n"
        f"{md5(4)},{sha1(4)},1,2,3,4\n"
        f"{md5(5)},,1,2,{sha256(5)}\n"
        f"{md5(6)},,1,2,C:\\somewhere\\x.jpg\n"
        f"{md5(7)},,1,2,b,,\n"
    )
    outcome = read_well(CsvReader(), text)
    assert [entry.spot.line for entry in outcome.entries] == [2, 5, 8, 9, 10]
    told = [(f.spot.line, f.field, f.rule, f.whole) for f in outcome.faults]
    assert told == [
        (2, "sha1", "not 40 hex digits", False),
        (3, "md5", "not 32 hex digits", True),
        (4, "row", "no hash", True),
        (5, "size", "not a number of bytes", False),
        (6, "row", "3 cells in place of 5", True),
        (7, "row", "6 cells in place of 5", True),
        (8, "source", "a text that could hold a hash or a path", False),
        (9, "source", "a text that could hold a hash or a path", False),
    ]
    check_no_value_shown(outcome, [md5(n) for n in range(8)] + [sha256(5)])


def test_a_header_that_is_a_hash_is_never_shown() -> None:
    outcome = read_well(CsvReader(), f"md5,{md5(9)},12345678\n{md5(1)},x,y\n")
    assert outcome.lost == {"(unknown)": 2}
    check_no_value_shown(outcome, [md5(9)])


texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@settings(deadline=None)
@given(
    st.permutations(("md5", "sha1", "category", "source")),
    st.lists(st.tuples(st.integers(0, 999), texts), min_size=1, max_size=8),
    st.sampled_from((",", ";", "\t")),
    st.sampled_from(("utf-8-sig", "utf-16", "utf-8")),
)
def test_any_order_of_columns_gives_the_same_entries(
    order: tuple[str, ...], rows: list[tuple[int, str]], delimiter: str, encoding: str
) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, order, delimiter=delimiter)
    writer.writeheader()
    for number, source in rows:
        values = {"md5": md5(number), "sha1": sha1(number), "category": number, "source": source}
        writer.writerow(values)
    outcome = read_well(CsvReader(), text.getvalue().encode(encoding))
    assert [entry.md5 for entry in outcome.entries] == [bytes.fromhex(md5(n)) for n, _ in rows]
    assert [entry.category for entry in outcome.entries] == [str(n) for n, _ in rows]
    for entry, (_, source) in zip(outcome.entries, rows, strict=True):
        if not set(source) & {"/", "\\"}:
            assert dict(entry.labels)["source"] == source


def table(rows: int) -> str:
    chance = random.Random(rows)
    lines = ["hash;category;source"]
    for number in range(rows):
        source = '"two\nlines; and more"' if chance.random() < 0.1 else "Lab"
        value = "broken" if chance.random() < 0.05 else md5(number)
        lines.append(f"{value};{number % 6};{source}")
    return "\n".join(lines) + "\n"


def test_it_goes_on_at_every_cursor() -> None:
    check_resuming(CsvReader, table(9000).encode())
    check_resuming(CsvReader, table(5000).encode("utf-16"))


def test_cut_anywhere_it_gives_what_came_before() -> None:
    text = f"md5,category\n{md5(1)},1\n{md5(2)},2\n"
    for size, outcome in enumerate(_cut(text)):
        assert len(outcome) == sum(size >= end for end in (46, 81)), size


def _cut(text: str) -> list[list[object]]:
    cut: list[list[object]] = []
    for size in range(len(text)):
        try:
            cut.append([*read(CsvReader(), text[:size]).entries])
        except Ambiguous:
            cut.append([])
    return cut


def test_a_stray_quote_costs_one_row() -> None:
    text = f'md5,category,source\n{md5(1)},1,"open\n{md5(2)},2,x\n{md5(3)},3,"y"\n'
    outcome = read_well(CsvReader(), text)
    assert [entry.category for entry in outcome.entries] == ["2", "3"]
    assert [fault.spot.line for fault in outcome.faults] == [2]
