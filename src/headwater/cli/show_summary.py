"""The end of `examine` and `demo`: a few lines for a person, or one line of JSON."""

from __future__ import annotations

import msgspec
import typer

from headwater.cli.run_examine import Summary

STOPPED = "stopped early; run the same command again to go on"


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Print what a run left."""
    if as_json:
        typer.echo(msgspec.json.encode(summary).decode())
        return
    typer.echo(
        f"{summary.items:,} items in {summary.occurrences:,} places, "
        f"{summary.measurements:,} measurements, {summary.problems:,} problems"
    )
    before = f", {summary.resumed:,} places done before" if summary.resumed else ""
    typer.echo(
        f"{summary.bytes / 1e6:,.1f} MB read in {summary.seconds:,.1f} s "
        f"({summary.cpu_seconds:,.1f} s of CPU){before}"
    )
    if not summary.complete:
        typer.echo(STOPPED)
    typer.echo(f"checkpoint: {summary.log_size} {summary.root}")
    typer.echo("Write the checkpoint down: `headwater verify --expect` proves the case with it.")
