from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headwater.case import checkpoint as checkpoints
from headwater.case import schema
from headwater.case.records import Batch
from headwater.case.store import CaseStore
from headwater.case.verify import RecordReport, verify_record
from headwater.errors import CaseError, UsageError
from tests.case import building

Case = tuple[Path, str]


def codes(report: RecordReport) -> set[str]:
    return {finding.code for finding in report.findings}


def alter(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "case.sqlite", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_an_untouched_case_has_no_findings(small_case: Case) -> None:
    folder, root = small_case
    plain = verify_record(folder)
    assert plain.findings == ()
    assert plain.statement.startswith("consistent, not proven unaltered")
    assert plain.proven_leaves is None
    proven = verify_record(folder, expect_root=root)
    assert proven.findings == ()
    assert proven.proven_leaves == proven.leaves
    assert proven.root_hex == root
    assert proven.statement.startswith("unaltered since")
    assert (proven.checkpoints, proven.blobs) == (1, 3)


def test_the_small_case_fills_every_table(small_case: Case) -> None:
    with closing(sqlite3.connect(small_case[0] / "case.sqlite")) as connection:
        for table in schema.metadata.tables:
            query = f'SELECT count(*) FROM "{table}"'
            assert connection.execute(query).fetchone()[0], table


def flips(data: bytes, positions: list[int]) -> Iterator[tuple[int, bytes]]:
    chosen = random.Random(6962)
    for position in positions:
        yield position, bytes([data[position] ^ (1 << chosen.randrange(8))])


def used_positions(data: bytes, page_bytes: int = 8192) -> list[int]:
    """Return the bytes of a SQLite file that are not in a run of zeros: those that can matter.

    A byte counts as unused only where it and its eight neighbours are all zero.
    """
    assert len(data) % page_bytes == 0
    return [
        position for position in range(len(data)) if any(data[max(0, position - 4) : position + 5])
    ]


def assert_flips_show(folder: Path, root: str, share: float) -> int:
    database = folder / "case.sqlite"
    data = database.read_bytes()
    before = building.logical_dump(database)
    positions = used_positions(data)
    positions = random.Random(share).sample(positions, int(len(positions) * share))
    harmless = 0
    with database.open("r+b", buffering=0) as stream:
        for position, altered in flips(data, positions):
            os.pwrite(stream.fileno(), altered, position)
            if not verify_record(folder, expect_root=root).findings:
                # A byte that SQLite does not use: everything that can be read is as it was.
                assert building.logical_dump(database) == before, position
                harmless += 1
            os.pwrite(stream.fileno(), data[position : position + 1], position)
    assert verify_record(folder, expect_root=root).findings == ()
    assert harmless < len(positions) / 4
    return len(positions)


def test_flipped_bits_of_the_database_show(small_case: Case) -> None:
    assert assert_flips_show(*small_case, share=0.03) > 400


@pytest.mark.faults
def test_flipped_bits_in_every_used_byte_of_the_database_show(small_case: Case) -> None:
    assert assert_flips_show(*small_case, share=1.0) > 15_000


def test_a_flipped_bit_in_every_byte_of_packs_and_checkpoints_shows(small_case: Case) -> None:
    folder, root = small_case
    for path in [*(folder / "packs").iterdir(), *(folder / "checkpoints").iterdir()]:
        data = path.read_bytes()
        for position, altered in flips(data, list(range(len(data)))):
            path.write_bytes(data[:position] + altered + data[position + 1 :])
            found = verify_record(folder, expect_root=root)
            assert not found.intact, (path.name, position)
        for shorter in (data[:-1], b""):
            path.write_bytes(shorter)
            assert not verify_record(folder, expect_root=root).intact
        path.write_bytes(data + b"x")
        assert verify_record(folder, expect_root=root).findings
        path.write_bytes(data)
    assert verify_record(folder, expect_root=root).findings == ()


def tables_with(column: str) -> list[str]:
    return [str(table.name) for table in schema.TABLES if column in table.c]


@pytest.mark.parametrize("table", [str(table.name) for table in schema.TABLES])
def test_changed_added_and_removed_rows_show(small_case: Case, table: str) -> None:
    folder, root = small_case
    columns = [column.name for column in schema.metadata.tables[table].columns]
    kept = folder.with_name("kept.sqlite")
    shutil.copy(folder / "case.sqlite", kept)
    with closing(sqlite3.connect(kept)) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute(f'SELECT * FROM "{table}"').fetchone())
    keys = [column.name for column in schema.metadata.tables[table].primary_key]
    where = " AND ".join(f'"{key}" = {row[key]}' for key in keys)
    names = ", ".join(f'"{name}"' for name in columns)
    moved = ", ".join(f'"{n}" + 1000' if n == keys[-1] else f'"{n}"' for n in columns)
    changes = [
        f'DELETE FROM "{table}" WHERE {where}',
        f'INSERT INTO "{table}" ({names}) SELECT {moved} FROM "{table}" WHERE {where}',
    ]
    for name in columns:
        value = row[name]
        if isinstance(value, str):
            other = f"\"{name}\" || ' '"
        elif isinstance(value, bytes):
            other = "x'00'"
        else:
            other = "7777" if value is None or value != 7777 else "7778"
        if value is None and str(schema.metadata.tables[table].c[name].type) not in ("BIGINT",):
            other = "'x'" if "TEXT" in str(schema.metadata.tables[table].c[name].type) else "x'00'"
        changes.append(f'UPDATE "{table}" SET "{name}" = {other} WHERE {where}')
    for change in changes:
        try:
            alter(folder, change)
        except sqlite3.IntegrityError:
            continue
        found = verify_record(folder, expect_root=root)
        assert not found.intact, change
        assert not verify_record(folder).intact, change
        shutil.copy(kept, folder / "case.sqlite")
    assert verify_record(folder, expect_root=root).findings == ()


@pytest.mark.parametrize(
    ("table", "key", "column"),
    [("item", "id", "size_bytes"), ("record", "outcome_id", "data"), ("blob", "id", "pack")],
)
def test_swapped_values_show(small_case: Case, table: str, key: str, column: str) -> None:
    folder, root = small_case
    with closing(sqlite3.connect(folder / "case.sqlite", isolation_level=None)) as connection:
        query = f"SELECT {key}, {column} FROM {table} ORDER BY {key}"
        (first, one), *_, (last, other) = connection.execute(query)
        update = f"UPDATE {table} SET {column} = ? WHERE {key} = ?"
        connection.execute(update, (other, first))
        connection.execute(update, (one, last))
    assert ("rows_changed" in codes(verify_record(folder, expect_root=root))) == (one != other)


def test_rows_that_change_places_show(small_case: Case) -> None:
    folder, root = small_case
    alter(
        folder,
        "UPDATE problem SET id = 1000 WHERE id = 1",
        "UPDATE problem SET id = 1 WHERE id = 2",
        "UPDATE problem SET id = 2 WHERE id = 1000",
    )
    assert "rows_changed" in codes(verify_record(folder, expect_root=root))


def test_removing_the_last_leaf_with_its_rows_shows(small_case: Case) -> None:
    folder, root = small_case
    last = verify_record(folder).leaves - 1
    removals = [f"DELETE FROM {table} WHERE leaf = {last}" for table in tables_with("leaf")]
    alter(folder, *removals, f"DELETE FROM leaf WHERE number = {last}")
    anchored = verify_record(folder, expect_root=root)
    assert {"anchor_differs", "log_shortened"} <= codes(anchored)
    for path in (folder / "checkpoints").iterdir():
        path.unlink()
    assert verify_record(folder).intact
    assert not verify_record(folder, expect_root=root).intact


def test_a_forger_who_rewrites_everything_is_shown_by_the_anchor(
    small_case: Case, key_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole new case with another key, under the same case id, is consistent in itself."""
    folder, root = small_case
    anchor = tmp_path / "anchor"
    shutil.copy(next((folder / "checkpoints").iterdir()), anchor)
    case_id = verify_record(folder).case_id
    assert case_id is not None
    shutil.rmtree(folder)
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "other-keys"))
    store = CaseStore.create(folder, msgspec.structs.replace(building.INFO, case_id=case_id))
    store.end_run(store.begin_run(building.RUN), "finished", {})
    store.close()
    assert verify_record(folder).intact
    assert "anchor_differs" in codes(verify_record(folder, expect_root=root))
    assert "anchor_differs" in codes(verify_record(folder, checkpoint=anchor))


def test_going_back_to_an_older_copy_shows(small_case: Case, tmp_path: Path) -> None:
    folder, _root = small_case
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    with closing(CaseStore.open(folder)) as store:
        store.commit(Batch(outcomes=(building.outcome(77, blobs=(b"more",)),)))
        signed = store.end_run(store.begin_run(building.RUN), "finished", {})
    note = tmp_path / "note"
    note.write_text(signed.note)
    assert verify_record(folder, signed.root_hex, note).findings == ()
    rolled_back = verify_record(older, expect_root=signed.root_hex)
    assert codes(rolled_back) == {"anchor_differs"}
    assert rolled_back.proven_leaves == 0
    assert codes(verify_record(older, checkpoint=note)) == {"anchor_differs"}
    shutil.copy(older / "case.sqlite", folder / "case.sqlite")
    mixed = codes(verify_record(folder))
    assert {"log_shortened", "unfinished_commit"} <= mixed


def test_an_older_anchor_proves_what_was_there_then(small_case: Case) -> None:
    folder, root = small_case
    before = verify_record(folder).leaves
    with closing(CaseStore.open(folder)) as store:
        store.commit(Batch(outcomes=(building.outcome(77),)))
    grown = verify_record(folder, expect_root=root)
    assert grown.intact
    assert codes(grown) == {"case_has_grown"}
    assert (grown.proven_leaves, grown.leaves) == (before, before + 1)
    assert "the later ones are consistent, not proven" in grown.statement


def test_a_new_key_is_told_of_and_its_checkpoints_count(
    small_case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _root = small_case
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "second-machine"))
    with closing(CaseStore.open(folder)) as store:
        signed = store.end_run(store.begin_run(building.RUN), "finished", {})
    report = verify_record(folder, expect_root=signed.root_hex)
    assert codes(report) == {"several_keys"}
    assert report.intact
    assert report.checkpoints == 2


def test_a_checkpoint_by_a_key_that_is_not_the_case_s_shows(small_case: Case) -> None:
    folder, root = small_case
    report = verify_record(folder)
    assert report.case_id is not None
    forged = checkpoints.sign(
        report.case_id,
        report.leaves,
        bytes.fromhex(root),
        "2026-01-02T03:04:05.000000Z",
        Ed25519PrivateKey.generate(),
    )
    checkpoints.write(folder / "checkpoints", forged)
    assert codes(verify_record(folder)) == {"checkpoint_changed"}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE hidden (words TEXT)",
        "CREATE VIEW hidden AS SELECT * FROM item",
        "CREATE TRIGGER hidden AFTER INSERT ON item BEGIN DELETE FROM item; END",
        "CREATE INDEX hidden ON item (md5)",
        "ALTER TABLE item ADD COLUMN hidden TEXT",
        "DROP INDEX ix_occurrence_item_id",
        "UPDATE alembic_version SET version_num = '0000'",
        "INSERT INTO alembic_version VALUES ('0000')",
        "DROP TABLE alembic_version",
    ],
)
def test_a_changed_schema_shows(small_case: Case, statement: str) -> None:
    folder, root = small_case
    alter(folder, statement)
    assert "schema_changed" in codes(verify_record(folder, expect_root=root))


def test_files_that_do_not_belong_and_open_modes_are_told_of(small_case: Case) -> None:
    folder, root = small_case
    (folder / "notes.txt").write_text("x")
    (folder / "packs" / "odd").symlink_to("/dev/null")
    os.chmod(folder / "case.sqlite", 0o644)
    report = verify_record(folder, expect_root=root)
    assert report.intact
    assert codes(report) == {"unexpected_file", "readable_by_others"}


def test_an_exchanged_or_missing_pack_shows(small_case: Case, tmp_path: Path) -> None:
    folder, root = small_case
    building.small_case(tmp_path / "other")
    pack = folder / "packs" / "00000000.pack"
    shutil.copy(tmp_path / "other" / "packs" / pack.name, pack)
    assert "blob_changed" in codes(verify_record(folder, expect_root=root))
    pack.unlink()
    assert "blob_changed" in codes(verify_record(folder, expect_root=root))
    shutil.rmtree(folder / "packs")
    assert not verify_record(folder, expect_root=root).intact


def test_a_missing_checkpoint_is_told_of(small_case: Case) -> None:
    folder, root = small_case
    for path in (folder / "checkpoints").iterdir():
        path.unlink()
    report = verify_record(folder, expect_root=root)
    assert codes(report) == {"checkpoint_missing"}


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_database_is_damage_and_no_crash(small_case: Case, content: bytes) -> None:
    folder, root = small_case
    (folder / "case.sqlite").write_bytes(content)
    assert not verify_record(folder, expect_root=root).intact


def test_what_is_no_case_or_no_anchor_is_refused(small_case: Case, tmp_path: Path) -> None:
    with pytest.raises(CaseError):
        verify_record(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        verify_record(small_case[0], expect_root="abc")
    with pytest.raises(UsageError):
        verify_record(small_case[0], checkpoint=tmp_path / "nothing")


def test_verifying_changes_nothing(small_case: Case) -> None:
    folder, root = small_case
    paths = [path for path in folder.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in paths}
    verify_record(folder, expect_root=root)
    assert {path: path.read_bytes() for path in paths} == before
