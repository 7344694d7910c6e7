"""How many bytes a case keeps for each item, by table, and what that comes to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bench.report import Report

PROJECTED = 50_000_000
_SHOWN = 1 / 500
"""Share of the whole from which a table has a row of its own."""


def open_case(case: Path) -> sqlite3.Connection:
    """Return a connection that reads the tables of a case, also while it is written."""
    return sqlite3.connect(f"{(case / 'case.sqlite').as_uri()}?mode=ro", uri=True)


def case_bytes(case: Path) -> dict[str, int]:
    """Return the bytes of each table and index of a case, and of its packs, largest first."""
    with closing(open_case(case)) as connection:
        query = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
        sizes = dict(connection.execute(query).fetchall())
    sizes["packs"] = sum(path.stat().st_size for path in (case / "packs").iterdir())
    return dict(sorted(sizes.items(), key=lambda entry: -entry[1]))


def bytes_table(report: Report, case: Path, things: int, thing: str) -> None:
    """Write what is kept for each of so many places or items; small tables are put together."""
    sizes = case_bytes(case)
    shown = {name: size for name, size in sizes.items() if size >= _SHOWN * sum(sizes.values())}
    shown["all others"] = sum(sizes.values()) - sum(shown.values())
    shown["all"] = sum(sizes.values())
    rows = [
        (
            name,
            f"{size / 2**20:.1f}",
            f"{size / things:,.1f}",
            f"{size / things * PROJECTED / 1e9:,.1f}",
        )
        for name, size in shown.items()
    ]
    head = ("kept", "MiB", f"bytes a {thing}", f"GB at {PROJECTED // 1_000_000} million")
    report.table(head, rows)
