"""Lists in a case: which serves, which did, and that a case of an earlier version gains them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from headwater.case import schema
from headwater.case.database import DATABASE_NAME, revision, sqlite_engine, transaction
from headwater.case.query import Case
from headwater.case.store import CaseStore
from headwater.case.verify import verify_record
from headwater.errors import CaseError, UsageError
from tests.case import building
from tests.case.building import LIST


@pytest.fixture
def store(tmp_path: Path) -> CaseStore:
    return CaseStore.create(tmp_path / "case", building.INFO)


def standings(folder: Path) -> list[tuple[str, str, str]]:
    with Case.open(folder) as case:
        return [(one.info.name, one.info.version, one.standing) for one in case.lists()]


def test_a_new_version_replaces_the_old_and_a_withdrawn_list_serves_no_more(
    store: CaseStore,
) -> None:
    with closing(store):
        store.serve_list(LIST)
        store.serve_list(msgspec.structs.replace(LIST, name="quay"))
        store.serve_list(msgspec.structs.replace(LIST, version="2026-12", signer="ab12"))
        withdrawn = store.withdraw_list("quay", "B. Lead", "the terms ended")
    assert withdrawn.info.name == "quay"
    assert standings(store.folder) == [
        ("harbour", "2026-11", "replaced"),
        ("quay", "2026-11", "withdrawn"),
        ("harbour", "2026-12", "served"),
    ]
    with Case.open(store.folder) as case:
        first, quay, last = case.lists()
    assert first.info == LIST
    assert last.info.signer == "ab12"
    assert quay.standing_reason == "the terms ended"
    assert verify_record(store.folder).intact


def test_what_does_not_serve_cannot_be_withdrawn(store: CaseStore) -> None:
    with closing(store):
        with pytest.raises(UsageError, match="no list named 'harbour'"):
            store.withdraw_list("harbour", "", "")
        store.serve_list(LIST)
        store.withdraw_list("harbour", "", "")
        with pytest.raises(UsageError):
            store.withdraw_list("harbour", "", "")


def test_a_case_of_an_earlier_version_gains_the_tables_when_it_is_written(
    store: CaseStore,
) -> None:
    """A case whose tables are those of revision 0001 is one that the later migrations undid."""
    with closing(store):
        store.begin_run(building.RUN)
    database = store.folder / DATABASE_NAME
    with sqlite_engine(database, "rw").connect() as connection, transaction(connection):
        for table in ("match", "match_pass", "rehash", "decision", "list_event", "list_version"):
            connection.exec_driver_sql(f'DROP TABLE "{table}"')
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(CaseError, match="made by an earlier version"):
        Case.open(store.folder)
    with closing(CaseStore.open(store.folder)) as later:
        later.serve_list(LIST)
    with sqlite_engine(database, "ro").connect() as connection:
        assert revision(connection) == schema.REVISION
    assert standings(store.folder) == [("harbour", "2026-11", "served")]
    with Case.open(store.folder) as case:
        assert len(case.runs()) == 1
    assert verify_record(store.folder).intact
