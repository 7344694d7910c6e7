"""The program `headwater`: which verbs there are, and what its exit codes mean.

0    done
1    done, and the answer is no: a check failed, nothing was found
2    the command was used wrongly
3    evidence cannot be read, or not without altering it
4    the case cannot be used
5    the cage cannot be made
6    any other expected failure
7    a known list cannot be read, or its signature does not hold
130  stopped by the user; the same command goes on
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import typer

from headwater.cli import (
    decide,
    demo,
    doctor,
    examine,
    export,
    lists,
    match,
    report,
    serve_match,
    show,
    status,
    verify,
)
from headwater.cli.terminal import say, until_unread
from headwater.errors import CageError, CaseError, EvidenceError, HeadwaterError, UsageError
from headwater.version import VERSION

app = typer.Typer(
    name="headwater",
    help="Trace media to its source: examine pictures and video, and say where they came from.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_VERBS: tuple[tuple[Callable[..., None], str], ...] = (
    (examine.examine, "Examine folders and files into a case."),
    (match.match, "Match a case with known lists and within itself."),
    (serve_match.serve_match, "Answer look-ups in the lists as HMA does."),
    (decide.decide, "Keep what a person decided of an item."),
    (show.show, "Show everything the case holds of one item."),
    (export.export, "Write a case as JSON Lines or CSV."),
    (report.report, "Write one page that shows what the case holds."),
    (status.status, "Show what a case holds and the runs that made it."),
    (verify.verify, "Check the record, the sources and the results."),
    (doctor.doctor, "Show libraries, licences, and what can be caged."),
    (demo.demo, "Make benign evidence, examine it, show the finds."),
)
for _verb, _in_short in _VERBS:
    app.command(short_help=_in_short)(until_unread(_verb))
app.add_typer(lists.app, name="lists", short_help="Known lists: import, show, remove, check.")

_EXIT_CODES: tuple[tuple[type[HeadwaterError], int], ...] = (
    (UsageError, 2),
    (EvidenceError, 3),
    (CaseError, 4),
    (CageError, 5),
    (HeadwaterError, 6),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headwater {VERSION}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None: ...


def _open_standard_streams() -> None:
    """Put the null device where a standard stream was closed.

    Otherwise the case's own files would get their numbers, and what a library prints would be
    written into them.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def run() -> None:
    """Run the program; expected failures are one line on stderr and a documented exit code."""
    _open_standard_streams()
    try:
        app()
    except HeadwaterError as error:
        say(f"headwater: {error}", err=True)
        sys.exit(_exit_code(error))


def _exit_code(error: HeadwaterError) -> int:
    from headwater.lists.contract import ListFault  # noqa: PLC0415
    from headwater.lists.signature import BadSignature  # noqa: PLC0415

    if isinstance(error, ListFault | BadSignature):
        return 7
    return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
