"""NSRL's SQLite databases, and hostile ones."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from headwater.lists.contract import ListFault
from headwater.lists.nsrl3 import Nsrl3Reader
from headwater.lists.stream import FileStream, PeekedStream
from tests.lists.reading import BytesStream, Outcome, check_no_value_shown, gathered

FILE = (
    "CREATE TABLE FILE (sha256 VARCHAR NOT NULL, sha1 VARCHAR NOT NULL, md5 VARCHAR NOT NULL, "
    "crc32 VARCHAR NOT NULL, file_name VARCHAR NOT NULL, file_size INTEGER NOT NULL, "
    "package_id INTEGER NOT NULL, PRIMARY KEY (sha256, sha1, md5, file_name, package_id))"
)
VIEW = "CREATE VIEW DISTINCT_HASH AS SELECT DISTINCT sha256, sha1, md5, crc32 FROM FILE"


def hashes(data: bytes) -> tuple[str, str, str]:
    return (
        hashlib.sha256(data).hexdigest().upper(),
        hashlib.sha1(data).hexdigest().upper(),
        hashlib.md5(data).hexdigest().upper(),
    )


def row(number: int) -> tuple[object, ...]:
    return (*hashes(b"%d" % number), f"{number:08X}", f"file{number}", number, number % 5)


def make(
    path: Path, statements: list[str], rows: Sequence[tuple[object, ...]], table: str = "FILE"
) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        if rows:
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        connection.commit()
    return path


def read(path: Path, cursor: bytes = b"") -> Outcome:
    with FileStream(path) as stream:
        return gathered(Nsrl3Reader().read(PeekedStream(stream), cursor))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make(
        tmp_path / "RDS 2026 #1?.db", [FILE, VIEW], [row(number) for number in range(10_000)]
    )


def test_all_rows_of_file_are_read_in_order_and_the_rest_is_counted(database: Path) -> None:
    outcome = read(database)
    assert outcome.error is None
    assert outcome.faults == []
    assert [entry.size_bytes for entry in outcome.entries] == list(range(10_000))
    last = outcome.entries[-1]
    assert last.sha256 == hashlib.sha256(b"9999").digest()
    assert last.sha1 == hashlib.sha1(b"9999").digest()
    assert last.md5 == hashlib.md5(b"9999").digest()
    assert last.spot.line == 10_000
    assert outcome.lost == {
        "FILE.crc32": 10_000,
        "FILE.file_name": 10_000,
        "FILE.package_id": 10_000,
    }


def test_it_goes_on_at_every_cursor(database: Path) -> None:
    whole = read(database)
    assert len(whole.cursors) == 3
    for index, cursor in enumerate(whole.cursors):
        rest = read(database, cursor)
        assert rest.entries == whole.entries[4096 * (index + 1) :]


def test_nothing_is_written_and_nothing_appears_beside_it(database: Path) -> None:
    before = database.stat()
    database.chmod(0o400)
    read(database)
    after = database.stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert os.listdir(database.parent) == [database.name]


def test_a_table_without_row_ids_is_read_and_gone_on_with(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.db",
        [FILE + " WITHOUT ROWID"],
        [row(number) for number in range(9000)],
    )
    whole = read(path)
    assert {entry.size_bytes for entry in whole.entries} == set(range(9000))
    assert read(path, whole.cursors[0]).entries == whole.entries[4096:]


def test_the_older_build_has_metadata(tmp_path: Path) -> None:
    create = "CREATE TABLE METADATA (id INTEGER PRIMARY KEY, extension, bytes, md5, sha1, sha256)"
    sha256, sha1, md5 = hashes(b"x")
    path = make(tmp_path / "a.db", [create], [(7, "exe", 12, md5, sha1, sha256)], "METADATA")
    (entry,) = read(path).entries
    assert (entry.size_bytes, entry.md5, entry.spot.line) == (12, bytes.fromhex(md5), 7)


def test_file_comes_before_metadata_and_any_table_of_hashes_after_them(tmp_path: Path) -> None:
    other = "CREATE TABLE aaa (md5)"
    metadata = "CREATE TABLE metadata (md5)"
    rows = [(hashes(b"other")[2],)]
    one = make(tmp_path / "a.db", [other, "CREATE TABLE bare (x)"], rows, "aaa")
    assert len(read(one).entries) == 1
    two = make(tmp_path / "b.db", [other, metadata], rows, "aaa")
    assert read(two).entries == []
    three = make(tmp_path / "c.db", [metadata, FILE], rows, "metadata")
    assert read(three).entries == []


def test_the_empty_file_is_left_out_by_any_of_its_hashes(tmp_path: Path) -> None:
    empty, full = hashes(b""), hashes(b"full")
    rows = [(empty[0], full[1], full[2], "", "a", 0, 1)]
    rows += [
        (full[0], empty[1], full[2], "", "b", 0, 1),
        (full[0], full[1], empty[2], "", "c", 0, 1),
    ]
    path = make(tmp_path / "a.db", [FILE], [*rows, (*full, "", "d", 4, 1)])
    outcome = read(path)
    assert [entry.size_bytes for entry in outcome.entries] == [4]
    assert outcome.lost["entries of the empty file"] == 3


def test_what_is_no_hash_costs_it_and_a_row_without_one_costs_the_row(tmp_path: Path) -> None:
    sha256, sha1, md5 = hashes(b"x")
    rows: list[tuple[object, ...]] = [
        (sha256, sha1[:-1], md5, "", "a", "big", 1),
        ("zz" * 32, 5, b"\xff\xfe", "", "a", 1, 1),
        ("", "", "", "", "a", 1, 1),
        (sha256.encode(), f" {sha1.lower()} ", md5, "", b"\xff", b"12", 1),
        (sha256, sha1, md5, "", "b", -1, 1),
    ]
    outcome = read(make(tmp_path / "a.db", [FILE], rows))
    assert [entry.spot.line for entry in outcome.entries] == [1, 4, 5]
    assert [(f.spot.line, f.field, f.whole) for f in outcome.faults] == [
        (1, "sha1", False),
        (1, "file_size", False),
        (2, "sha256", True),
        (3, "row", True),
        (5, "file_size", False),
    ]
    check_no_value_shown(outcome, [sha256, sha1, md5])


def test_views_virtual_tables_and_generated_columns_are_not_read(tmp_path: Path) -> None:
    view = make(
        tmp_path / "view.db",
        [
            "CREATE TABLE t (x)",
            "CREATE VIEW FILE AS SELECT x AS sha256, x AS sha1, x AS md5 FROM t",
        ],
        [],
    )
    assert "no table with a column of hashes" in str(read(view).error)
    virtual = make(tmp_path / "virtual.db", ["CREATE VIRTUAL TABLE FILE USING fts5(sha1, md5)"], [])
    assert "no table with a column of hashes" in str(read(virtual).error)
    generated = make(
        tmp_path / "generated.db",
        ["CREATE TABLE FILE (x, sha1 GENERATED ALWAYS AS (hex(x)), md5)"],
        [],
    )
    with closing(sqlite3.connect(generated)) as connection:
        connection.execute("INSERT INTO FILE (x, md5) VALUES ('x', ?)", (hashes(b"x")[2],))
        connection.commit()
    outcome = read(generated)
    assert [entry.sha1 for entry in outcome.entries] == [None]
    assert outcome.lost == {"FILE.x": 1}


def test_a_column_that_is_called_like_the_row_id_does_no_harm(tmp_path: Path) -> None:
    create = "CREATE TABLE FILE (rowid, _rowid_, oid, md5)"
    rows: list[tuple[object, ...]] = [(1, 1, 1, hashes(b"%d" % n)[2]) for n in range(5000)]
    path = make(tmp_path / "a.db", [create], rows)
    whole = read(path)
    assert len(whole.entries) == 5000
    assert read(path, whole.cursors[0]).entries == whole.entries[4096:]


def test_a_truncated_or_damaged_database_is_a_fault_after_what_came_before(database: Path) -> None:
    data = database.read_bytes()
    whole = read(database).entries
    for size in range(0, len(data), 4096 * 37):
        path = database.with_name("cut.db")
        path.write_bytes(data[:size])
        outcome = read(path)
        assert outcome.error is not None, size
        assert outcome.entries == []
    hurt = bytearray(data)
    for place in range(len(data) // 2, len(data) // 2 + 8192):
        hurt[place] ^= 0x55
    path = database.with_name("hurt.db")
    path.write_bytes(hurt)
    outcome = read(path)
    assert outcome.error is not None or len(outcome.entries) + len(outcome.faults) >= 9_000
    assert outcome.entries[:100] == whole[:100]


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0", b"no database" * 100])
def test_what_is_no_database_is_a_fault(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(data)
    assert "not an SQLite database" in str(read(path).error)


def test_a_pipe_is_refused() -> None:
    with pytest.raises(ListFault, match="give it as a file"):
        list(Nsrl3Reader().read(BytesStream(b"SQLite format 3\0" * 100)))


def test_a_log_beside_the_database_is_not_left_out_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(FILE)
        connection.execute("INSERT INTO FILE VALUES (?,?,?,?,?,?,?)", row(1))
        connection.commit()
        assert "-wal lies beside" in str(read(path).error)
    assert len(read(path).entries) == 1


def test_a_value_beyond_the_ceiling_is_a_fault(tmp_path: Path) -> None:
    rows = [row(1), (*hashes(b"x"), "", "n" * (2 << 20), 1, 1), row(2)]
    outcome = read(make(tmp_path / "a.db", [FILE], rows))
    assert len(outcome.entries) == 1
    assert str(outcome.error).endswith("at line 2")
