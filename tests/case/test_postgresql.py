"""The same tables, commits and dump on a PostgreSQL server as in a case folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.pool import NullPool

from headwater.case import schema
from headwater.case.database import (
    DATABASE_NAME,
    one_state,
    revision,
    sqlite_engine,
    transaction,
)
from headwater.case.dump import dump_lines
from headwater.case.intake import Intake
from headwater.case.ledger import Ledger
from headwater.case.packs import PackWriter
from headwater.case.query import Case
from headwater.case.replayed import Replay
from headwater.case.rows import Value, encode_row
from headwater.case.store import CaseStore, first_leaf
from headwater.case.upgrade import upgrade
from tests.case import building

TIMED = {"case_info", "signing_key", "source", "run", "run_event", "attempt"}
"""Tables that hold a clock reading."""


@pytest.fixture
def server() -> Iterator[Connection]:
    """A connection to an empty schema of the server that HEADWATER_TEST_POSTGRES names."""
    url = os.environ.get("HEADWATER_TEST_POSTGRES")
    if not url:
        pytest.skip("HEADWATER_TEST_POSTGRES is not set")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS headwater_test CASCADE"))
        connection.execute(text("CREATE SCHEMA headwater_test"))
        connection.execute(text("SET search_path TO headwater_test"))
        yield connection
        connection.execute(text("DROP SCHEMA headwater_test CASCADE"))


def test_the_migrations_make_these_tables(server: Connection) -> None:
    with transaction(server):
        upgrade(server)
    assert revision(server) == schema.REVISION
    assert compare_metadata(MigrationContext.configure(server), schema.metadata) == []


def test_the_same_commits_give_the_same_rows_and_the_same_dump(
    server: Connection, tmp_path: Path
) -> None:
    packs = tmp_path / "server" / "packs"
    packs.mkdir(parents=True)
    with transaction(server):
        upgrade(server)
    first_leaf(server, building.INFO, "00" * 32)
    ledger = Ledger(server)
    rows = ledger.new_rows()
    source_id = rows.add("source", "folder", b"/evidence/\xff", "2026-01-01T00:00:00Z")
    ledger.append(rows)
    on_server = Case(tmp_path / "server", server)
    intake = Intake(server, PackWriter(packs, on_server.info.case_id, None), ledger)
    with closing(CaseStore.create(tmp_path / "folder", building.INFO)) as store:
        assert store.source("folder", b"/evidence/\xff") == source_id
        for batch in building.small_batches(source_id):
            store.commit(batch)
            intake.commit(batch)
    with sqlite_engine(tmp_path / "folder" / DATABASE_NAME, "ro").connect() as on_disk:
        assert rows_by_table(server) == rows_by_table(on_disk)
    with Case.open(tmp_path / "folder") as in_folder, one_state(server):
        assert list(dump_lines(in_folder)) == list(dump_lines(on_server))
    found: list[tuple[str, str, str]] = []
    replay = Replay((), None)
    with one_state(server):
        replay.read(server, lambda *words: found.append(words))
    assert found == []
    assert replay.root() == ledger.root() == Ledger(server).root()


def rows_by_table(connection: Connection) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for table in schema.TABLES:
        if table.name not in TIMED:
            query = select(table).order_by(*table.primary_key)
            held: list[tuple[Value, ...]] = [tuple(row) for row in connection.execute(query)]
            found[str(table.name)] = [encode_row(str(table.name), row) for row in held]
    return found
