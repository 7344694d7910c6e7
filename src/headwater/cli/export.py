"""`headwater export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def export(
    case: Annotated[Path, typer.Option(help="The case folder.")],
    file_format: Annotated[str, typer.Option("--format", help="`jsonl` or `csv`.")] = "jsonl",
    output: Annotated[
        Path | None, typer.Option(help="File to write; standard output where it is left out.")
    ] = None,
) -> None:
    """Write one line for each item, sorted by SHA-256; the same case gives the same bytes.

    Places whose bytes could not be read come last. CSV has a line for each place instead.
    """
    from headwater.case.query import Case  # noqa: PLC0415
    from headwater.errors import UsageError  # noqa: PLC0415
    from headwater.exchange.lines import write_csv, write_jsonl  # noqa: PLC0415

    writers = {"jsonl": write_jsonl, "csv": write_csv}
    if file_format not in writers:
        raise UsageError(f"there is no export format {file_format!r}; use jsonl or csv")
    with Case.open(case) as opened:
        if output is None:
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
            writers[file_format](opened, sys.stdout)
            return
        try:
            out = output.open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror}") from error
        with out:
            writers[file_format](opened, out)
