"""Connections to the tables of a case, and how transactions and errors are handled on them.

Connections are in autocommit mode, so that a look-up holds no transaction; `transaction` makes
one explicitly. The same code runs on SQLite (a case folder) and on PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from headwater.case import schema
from headwater.case.faultpoints import reached
from headwater.case.rows import Value
from headwater.errors import CaseDamaged, CaseError

DATABASE_NAME = "case.sqlite"

Mode = Literal["rw", "ro"]

_WRITER_PRAGMAS = (
    "PRAGMA page_size=8192",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=4096",
    "PRAGMA cache_size=-131072",
)
_READER_PRAGMAS = ("PRAGMA query_only=ON", "PRAGMA cache_size=-65536")
_COMMON_PRAGMAS = (
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA busy_timeout=10000",
)


def sqlite_engine(path: Path, mode: Mode) -> Engine:
    """Return an engine on a SQLite file; `ro` changes nothing that is stored.

    A finished case on a medium that cannot be written is read as immutable.
    """

    def connect() -> sqlite3.Connection:
        uri = f"{path.resolve().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        if mode != "ro":
            return connection
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if _has_bytes(path.with_name(path.name + "-wal")):
                raise
            return sqlite3.connect(
                uri + "&immutable=1", uri=True, isolation_level=None, check_same_thread=False
            )
        return connection

    engine = create_engine(
        "sqlite+pysqlite://", creator=connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    pragmas = _COMMON_PRAGMAS + (_READER_PRAGMAS if mode == "ro" else _WRITER_PRAGMAS)

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma)

    event.listen(engine, "connect", prepare)
    return engine


def _has_bytes(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run the block in one transaction: all of it is stored, or none."""
    begin = "BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "BEGIN"
    connection.exec_driver_sql(begin)
    try:
        yield
        reached("commit.before")
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise
    reached("commit.after")


@contextmanager
def one_state(connection: Connection) -> Iterator[None]:
    """See one state of the database throughout the block, whatever a writer adds meanwhile."""
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    finally:
        _roll_back(connection)


def _roll_back(connection: Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:
        # Some errors (a full disk) roll back by themselves; if this one did not, closing will.
        connection.invalidate()


@contextmanager
def case_errors(doing: str) -> Iterator[None]:
    """Turn errors of the database and the file system into errors of the case.

    `doing` completes "could not ...". Raises CaseDamaged where the database says that its file
    is not what it wrote, else CaseError.
    """
    try:
        yield
    except DBAPIError as error:
        raise _case_error(doing, error.orig or error) from error
    except UnicodeDecodeError as error:
        # SQLite quotes bytes of a damaged file in its messages.
        raise CaseDamaged(f"could not {doing}: the database is damaged; run `verify`") from error
    except (sqlite3.Error, SQLAlchemyError) as error:
        raise _case_error(doing, error) from error
    except OSError as error:
        advice = "free some space" if error.errno in _FULL else "look at the folder and the disk"
        words = error.strerror or error
        raise CaseError(
            f"could not {doing}: {words}; {advice}, then go on with the same command"
        ) from error


_FULL = (27, 28, 122)
"""EFBIG, ENOSPC, EDQUOT."""


def _case_error(doing: str, error: BaseException) -> CaseError:
    words = str(error)
    if isinstance(error, sqlite3.DatabaseError) and any(
        sign in words for sign in ("malformed", "not a database", "decode to UTF-8")
    ):
        return CaseDamaged(f"could not {doing}: {words}; run `verify`, and restore from a copy")
    return CaseError(
        f"could not {doing}: {words}; look at the folder, its permissions and the free space, "
        "then go on with the same command"
    )


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Value, ...]]) -> None:
    """Insert rows whose values are in the order of the table's columns."""
    quote_name = connection.dialect.identifier_preparer.quote
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    names = ", ".join(quote_name(column.name) for column in table.columns)
    marks = ", ".join(mark for _ in table.columns)
    statement = f"INSERT INTO {quote_name(table.name)} ({names}) VALUES ({marks})"  # noqa: S608
    connection.exec_driver_sql(statement, list(rows))


def select_all(connection: Connection, table: Table) -> str:
    """Return the statement that reads a table in the order of its primary key."""
    quote_name = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote_name(column.name) for column in table.columns)
    keys = ", ".join(quote_name(column.name) for column in table.primary_key)
    return f"SELECT {names} FROM {quote_name(table.name)} ORDER BY {keys}"  # noqa: S608


def revision(connection: Connection) -> str | None:
    """Return the alembic revision of the tables, None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return found[0] if len(found) == 1 else None


def check_revision(connection: Connection) -> None:
    """Raise CaseError where the tables are not those of this program."""
    found = revision(connection)
    if found == schema.REVISION:
        return
    if found is None:
        raise CaseDamaged("case.sqlite holds no case; restore it from a copy")
    if found in schema.EARLIER_REVISIONS:
        raise CaseError(
            "the case was made by an earlier version; `headwater match` on it, or any other "
            "command that writes, adds the tables that it lacks and changes nothing it holds"
        )
    raise CaseError(
        f"the case has tables of revision {found} and this program works on {schema.REVISION}; "
        "open it with the version of the program that made it, or upgrade a copy of it"
    )
