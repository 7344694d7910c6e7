from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

import headwater.case.migrations
from headwater.case import schema
from headwater.case.database import revision
from headwater.case.upgrade import upgrade


def definitions(connection: Connection) -> dict[str, list[str]]:
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"
    )
    return {name: sorted(line.strip(" \t,") for line in sql.splitlines()) for name, sql in rows}


def test_the_migrations_make_exactly_these_tables() -> None:
    with create_engine("sqlite://").connect() as made, create_engine("sqlite://").connect() as told:
        upgrade(made)
        schema.metadata.create_all(told)
        assert definitions(made) == definitions(told)
        assert len(definitions(made)) > 30
        found = compare_metadata(MigrationContext.configure(made), schema.metadata)
        assert found == []
        assert revision(made) == schema.REVISION
        assert revision(told) is None


def test_the_newest_migration_is_the_revision_of_this_program() -> None:
    scripts = ScriptDirectory(headwater.case.migrations.__path__[0])
    assert scripts.get_heads() == [schema.REVISION]


def test_every_table_is_covered_by_the_log_in_the_order_of_its_key() -> None:
    assert {*schema.TABLES, schema.leaf} == set(schema.metadata.tables.values())
    for table in schema.TABLES:
        assert "leaf" in table.c
        assert not table.c.leaf.nullable
        first_key = next(iter(table.primary_key))
        assert first_key.name in ("id", "outcome_id", "method_set_id")


def test_tables_come_after_those_they_refer_to() -> None:
    seen: set[str] = set()
    for table in schema.TABLES:
        for key in table.foreign_keys:
            assert key.column.table.name in seen, (table.name, key.column.table.name)
        seen.add(table.name)
