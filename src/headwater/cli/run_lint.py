"""What `lists lint` does: deviations of a VICS file, one by one, and their repair."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
import typer

from headwater.cli.terminal import say
from headwater.errors import UsageError
from headwater.exchange.text import text_of
from headwater.lists.stream import open_stream
from headwater.lists.vics.deviation import Deviation, Outcome, Summary
from headwater.lists.vics.lint import lint
from headwater.lists.vics.repair import repair
from headwater.report.words import amount


class DeviationLine(msgspec.Struct, frozen=True, kw_only=True):
    """One deviation of a VICS file. It carries no value."""

    schema: str = "headwater/deviation/1"
    offset_bytes: int | None
    """From the start of the file."""
    path: str
    """Such as `value[12].Media[3].MD5`; empty for the file as a whole."""
    rule: str
    """What does not hold."""
    outcome: Outcome
    """What a repair makes of it: `mended` without loss; `replaced` by what says less; `kept` as it
    is, because what is meant cannot be known; `left out` of the repaired file."""


class DeviationCount(msgspec.Struct, frozen=True, kw_only=True):
    """Deviations of one rule."""

    rule: str
    outcome: Outcome
    count: int


class LintAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole VICS file held."""

    schema: str = "headwater/lint/1"
    structure: Literal["Cases", "Media"]
    entries: int
    """Elements of the media arrays, those that are left out included."""
    cases: int
    deviations: list[DeviationCount]
    repaired: str | None
    """Path of the repaired file, None where none was asked for."""


def run_lint(file: str, repaired: Path | None, most: int, *, as_json: bool) -> bool:
    """Print deviations and their counts; return whether nothing is left to mend."""
    if repaired is not None and os.path.lexists(repaired):
        raise UsageError(f"{repaired} is there already; name another file for the repaired list")
    shown = _Shown(most, _WOULD_BE if repaired is None else _WAS, as_json=as_json)
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


_WOULD_BE: dict[str, str] = {
    "mended": "can be mended",
    "replaced": "can be replaced by what says less",
    "kept": "cannot be mended",
    "left out": "would be left out",
}
"""What a repair would make of a deviation."""
_WAS: dict[str, str] = {
    "mended": "mended",
    "replaced": "replaced by what says less",
    "kept": "kept as it is",
    "left out": "left out",
}
"""What a repair made of it."""


class _Shown:
    def __init__(self, most: int, words: Mapping[str, str], *, as_json: bool) -> None:
        self._most = most
        self.words = words
        self._as_json = as_json
        self.met = 0

    def tell(self, deviation: Deviation) -> None:
        self.met += 1
        if self._most and self.met > self._most:
            return
        if self._as_json:
            line = DeviationLine(
                offset_bytes=deviation.spot.offset_bytes,
                path=deviation.path,
                rule=deviation.rule,
                outcome=deviation.outcome,
            )
            typer.echo(msgspec.json.encode(line).decode())
            return
        place = f"byte {deviation.spot.offset_bytes}"
        where = f"{deviation.path}: " if deviation.path else ""
        say(f"{place}: {where}{deviation.rule} ({self.words[deviation.outcome]})")

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
        DeviationCount(rule=rule, outcome=outcome, count=count)
        for (rule, outcome), count in summary.counts.items()
    ]
    if as_json:
        answer = LintAnswer(
            structure=summary.structure,
            entries=summary.entries,
            cases=summary.cases,
            deviations=counts,
            repaired=None if repaired is None else text_of(os.fsencode(repaired)),
        )
        typer.echo(msgspec.json.encode(answer).decode())
        return
    if shown.hidden:
        say(f"... and {shown.hidden:,} more; --most 0 shows all")
    entries = amount(summary.entries, "entry", "entries")
    deviations = amount(shown.met, "deviation") if shown.met else "no deviation"
    say(f"{entries}, #{summary.structure}: {deviations}")
    for one in counts:
        say(f"  {one.count:,} x {one.rule} ({shown.words[one.outcome]})")
    if repaired is not None:
        say(f"repaired file: {text_of(os.fsencode(repaired))}")
