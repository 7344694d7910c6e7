"""The demo: evidence that is made here, examined like any other, and a few things worth seeing."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import typer

from headwater.case.query import Case
from headwater.case.records import ItemFilter
from headwater.cli.run_examine import ExamineRequest, run_examine
from headwater.cli.show_summary import print_summary
from headwater.cli.terminal import say
from headwater.demo.evidence import make_evidence
from headwater.exchange.document import item_document
from headwater.model import FAILED, REFUSED
from headwater.report.page import write_page

_AUTHORITY = "none needed: every file was made by `headwater demo`"


def run_demo(folder: Path, *, workers: int, uncaged: bool, small: bool) -> None:
    """Make the evidence unless it is there, examine it, and say what was found."""
    evidence, case, page = folder / "evidence", folder / "case", folder / "report.html"
    if not evidence.exists():
        typer.echo(f"making benign evidence in {evidence} ...")
        making = folder / "evidence.making"
        make_evidence(making, size="small" if small else "normal")
        making.rename(evidence)
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


def _program() -> str:
    """Return what to type for this program, as it was typed."""
    return sys.argv[0] if Path(sys.argv[0]).name == "headwater" else "headwater"


def _show_finds(case: Case) -> None:
    counts = case.counts()
    say("")
    say("What was found")
    for state, count in sorted(counts.items_by_state.items()):
        say(f"  {state.replace('_', ' '):<12} {count:>5,} items")
    formats = sorted(counts.items_by_format.items(), key=lambda pair: (-pair[1], pair[0]))
    say("  by format    " + ", ".join(f"{name} {count}" for name, count in formats))
    say("")
    say("Cameras, by what the files say of themselves")
    cameras = Counter((facts.make, facts.model) for _, facts in case.facts_of_items())
    for (make, model), count in sorted(cameras.items(), key=lambda pair: (-pair[1], str(pair))):
        if make or model:
            say(f"  {count:>5,}  {make or ''} {model or ''}")
    say("")
    say("Days on which pictures were taken, by the cameras' clocks")
    for day, count in case.days():
        say(f"  {day}  {'#' * min(count, 60)} {count}")
    say("")
    say("Places that pictures and films name, to about a kilometre")
    for latitude, longitude, count in case.locations():
        say(f"  {latitude:>8.2f} {longitude:>8.2f}  {count}")
    say("")
    say("Refused or failed, with the reason")
    for state in (REFUSED, FAILED):
        for item in case.items(limit=8, filters=ItemFilter(states=(state,))):
            document = item_document(case, item)
            where = document["occurrences"][0]["path"] if document["occurrences"] else ""
            reason = document["problems"][0]["reason"] if document["problems"] else ""
            say(f"  {state:<8} {where}: {reason}")
