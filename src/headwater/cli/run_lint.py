"""What `lists lint` does: deviations of a VICS file, one by one, and their repair."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import typer

from headwater.cli.terminal import say
from headwater.errors import UsageError
from headwater.lists.stream import open_stream
from headwater.lists.vics.deviation import Deviation, Summary
from headwater.lists.vics.lint import lint
from headwater.lists.vics.repair import repair


def run_lint(file: str, repaired: Path | None, most: int, *, as_json: bool) -> bool:
    """Print deviations and their counts; return whether nothing is left to mend."""
    shown = _Shown(most, as_json=as_json)
    with open_stream(file) as stream:
        if repaired is None:
            deviations = lint(stream)
            while True:
                try:
                    shown.tell(next(deviations))
                except StopIteration as end:
                    summary: Summary = end.value
                    break
        else:
            summary = _repaired(stream, repaired, shown.tell)
    _say_summary(summary, repaired, shown, as_json=as_json)
    left = [outcome for _rule, outcome in summary.counts if repaired is None or outcome != "mended"]
    return not left


class _Shown:
    def __init__(self, most: int, *, as_json: bool) -> None:
        self._most = most
        self._as_json = as_json
        self.met = 0

    def tell(self, deviation: Deviation) -> None:
        self.met += 1
        if self._most and self.met > self._most:
            return
        if self._as_json:
            typer.echo(msgspec.json.encode(deviation).decode())
            return
        place = f"byte {deviation.spot.offset_bytes}"
        where = f"{deviation.path}: " if deviation.path else ""
        say(f"{place}: {where}{deviation.rule} ({deviation.outcome})")

    @property
    def hidden(self) -> int:
        return max(0, self.met - self._most) if self._most else 0


def _repaired(stream: object, path: Path, tell: Callable[[Deviation], None]) -> Summary:
    """Write the repaired file beside its place, and put it there when it is whole."""
    making = path.with_name(f".{path.name}.making")
    try:
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as out:
            summary = repair(stream, out, tell=tell)  # type: ignore[arg-type]
            out.flush()
            os.fsync(out.fileno())
        os.link(making, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            making.unlink()
    return summary


def _say_summary(summary: Summary, repaired: Path | None, shown: _Shown, *, as_json: bool) -> None:
    counts = [
        {"rule": rule, "outcome": outcome, "count": count}
        for (rule, outcome), count in summary.counts.items()
    ]
    if as_json:
        said = {
            "schema": "headwater/lint/1",
            "structure": summary.structure,
            "entries": summary.entries,
            "cases": summary.cases,
            "deviations": counts,
        }
        typer.echo(msgspec.json.encode(said).decode())
        return
    if shown.hidden:
        say(f"... and {shown.hidden:,} more; --most 0 shows all")
    say(f"{summary.entries:,} entries, #{summary.structure}: {shown.met:,} deviations")
    for one in counts:
        say(f"  {one['count']:,} x {one['rule']} ({one['outcome']})")
    if repaired is not None:
        say(f"repaired file: {repaired}")
