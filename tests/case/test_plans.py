"""No look-up of one thing reads a whole table: the cost of a commit stays the same as a case grows.

SQLite keeps no statistics for a case, so its plans do not depend on how much is in the tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from headwater.case.query import Case
from headwater.case.records import Batch
from headwater.case.store import CaseStore
from tests.case import building

SMALL = {"source", "method", "method_set", "method_set_member", "category", "case_info", "run"}


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Collect what is sent to the database."""
    found: list[tuple[str, Any]] = []

    def note(_c: object, _r: object, statement: str, parameters: object, *_more: object) -> None:
        if statement.startswith("SELECT"):
            found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def scans(database: Path, found: list[tuple[str, Any]]) -> set[str]:
    """Return the steps of the plans that read a table or an index from end to end."""
    steps: set[str] = set()
    with closing(sqlite3.connect(database)) as connection:
        for statement, parameters in found:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps |= {row[3] for row in plan if row[3].startswith("SCAN")}
    return {step for step in steps if step.split()[1] not in SMALL}


def test_commits_and_the_engine_s_questions_use_indices(small_case: tuple[Path, str]) -> None:
    folder, _root = small_case
    with closing(CaseStore.open(folder)) as store:
        source_id = store.source("folder", b"/evidence/\xff")
        with statements() as found:
            for batch in building.small_batches(source_id):
                store.commit(batch)
            store.commit(
                Batch(occurrences=tuple(building.file(source_id, f"d/{n}", 1) for n in range(900)))
            )
            store.commit(
                Batch(occurrences=tuple(building.file(source_id, f"d/{n}", 2) for n in range(900)))
            )
            store.seen(source_id, b"DCIM", b"", b"\xff")
            store.item_state(building.sha256(4))
            store.attempts(b"key")
    assert len(found) > 30
    assert scans(folder / "case.sqlite", found) == set()


def test_questions_about_one_item_use_indices(small_case: tuple[Path, str]) -> None:
    folder, _root = small_case
    with Case.open(folder) as case, statements() as found:
        for page in (case.items(limit=2), case.items(building.sha256(1), 2)):
            for item in page:
                number = item.item_id
                case.places(number)
                case.place_count(number)
                case.measurements(number)
                case.methods_of(number)
                case.problems(number)
                case.facts(number)
                case.identity(number)
                list(case.members(number))
                for digest in case.blobs_of(number):
                    case.blob(digest)
        case.find("00")
        case.item(building.sha256(2))
        next(case.facts_of_items())
    assert len(found) > 30
    assert scans(folder / "case.sqlite", found) == set()
