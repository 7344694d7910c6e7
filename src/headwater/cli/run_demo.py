"""The demo: evidence that is made here, examined like any other, and a few things worth seeing."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import typer

from headwater.case.query import Case
from headwater.case.records import ItemFilter
from headwater.cli.layout import say_heading, say_pairs, say_wrapped
from headwater.cli.run_examine import ExamineRequest, run_examine
from headwater.cli.show_summary import print_summary
from headwater.cli.terminal import say
from headwater.demo.evidence import make_evidence
from headwater.demo.manifest import Size
from headwater.errors import UsageError
from headwater.exchange.document import Document, item_document
from headwater.model import FAILED, REFUSED
from headwater.report.page import write_page

_AUTHORITY = "none needed: every file was made by `headwater demo`"
_LONGEST_BAR = 60
_REASONS = 8
"""Refused items that are named, and failed ones."""


def run_demo(folder: Path, *, workers: int, uncaged: bool, small: bool) -> None:
    """Make the evidence unless it is there, examine it, and say what was found."""
    evidence, case, page = folder / "evidence", folder / "case", folder / "report.html"
    if not evidence.exists():
        typer.echo(f"making benign evidence in {evidence} ...")
        try:
            _make(evidence, "small" if small else "normal")
        except OSError as error:
            raise UsageError(f"cannot make {evidence}: {error.strerror}") from error
    request = ExamineRequest(
        sources=(evidence,),
        case=case,
        name="Demonstration",
        examiner="headwater demo",
        organisation="Headwater",
        authority=_AUTHORITY,
        workers=workers,
        uncaged=uncaged,
    )
    summary = run_examine(request)
    with Case.open(case) as opened:
        _show_finds(opened)
        write_page(opened, page)
    typer.echo("")
    print_summary(summary, as_json=False)
    typer.echo("")
    program = _program()
    typer.echo(f"look at it:   {page}")
    typer.echo(f"one item:     {program} show path:MVIMG --case {case}")
    typer.echo(f"everything:   {program} export --case {case}")
    typer.echo(f"prove it:     {program} verify --case {case} --expect {summary.root}")


def _make(evidence: Path, size: Size) -> None:
    making = evidence.with_name("evidence.making")
    if making.exists():
        # An earlier demonstration was stopped while it made this.
        shutil.rmtree(making)
    make_evidence(making, size=size)
    making.rename(evidence)


def _program() -> str:
    """Return what to type for this program, as it was typed."""
    return sys.argv[0] if Path(sys.argv[0]).name == "headwater" else "headwater"


def _show_finds(case: Case) -> None:
    say_heading("What was found")
    counts = case.counts()
    states = sorted(counts.items_by_state.items())
    formats = sorted(counts.items_by_format.items(), key=lambda pair: (-pair[1], pair[0]))
    say_pairs(
        [
            *((state.replace("_", " "), f"{count:>4,} items") for state, count in states),
            ("by format", ", ".join(f"{name} {count}" for name, count in formats)),
        ]
    )
    say_heading("Cameras, by what the files say of themselves")
    cameras = Counter((facts.make, facts.model) for _, facts in case.facts_of_items())
    for (make, model), count in sorted(cameras.items(), key=lambda pair: (-pair[1], str(pair))):
        if make or model:
            say(f"  {count:>5,}  {' '.join(filter(None, (make, model)))}")
    say_heading("Days on which pictures were taken, by the cameras' clocks")
    for day, count in case.days():
        say(f"  {day}  {'#' * min(count, _LONGEST_BAR)} {count}")
    say_heading("Places that pictures and films name, to about a kilometre")
    for latitude, longitude, count in case.locations():
        say(f"  {latitude:>8.2f} {longitude:>8.2f}  {count}")
    say_heading("Refused or failed, with the reason")
    for state in (REFUSED, FAILED):
        for item in case.items(limit=_REASONS, filters=ItemFilter(states=(state,))):
            _say_reason(item_document(case, item))


def _say_reason(document: Document) -> None:
    state, places = document["item"]["state"], document["occurrences"]
    reasons = [problem["reason"] for problem in document["problems"]]
    where = "//".join([places[0]["path"], *(step["name"] for step in places[0]["inside"])])
    say_wrapped(f"{state}  {where}: {'; '.join(reasons)}", further="    ")
