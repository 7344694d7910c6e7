"""`headwater verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(
    case: Annotated[Path, typer.Option(help="The case folder.")],
    expect: Annotated[
        str | None, typer.Option(metavar="ROOT", help="A root that was written down, as anchor.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint file kept outside the case, as anchor.")
    ] = None,
    replay: Annotated[
        str, typer.Option(help="Items to measure again: `all`, `none`, a number, or a share (5%).")
    ] = "5%",
    sources: Annotated[
        str, typer.Option(help="`all` reads every source file again; `none` leaves them.")
    ] = "all",
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one a core.")] = 0,
    uncaged: Annotated[bool, typer.Option(help="Replay without a cage.")] = False,
    accept_atime: Annotated[
        bool, typer.Option(help="Read even where that changes access times.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check that the record is what was written, the sources what they were, results repeatable.

    Without an anchor (--expect or --checkpoint) a case can be shown to be consistent, but not
    that nobody rewrote all of it. The exit code is 1 where anything is wrong.
    """
    from headwater.cli.run_verify import VerifyRequest, run_verify, say_verdict  # noqa: PLC0415

    request = VerifyRequest(
        case=case,
        expect=expect,
        checkpoint=checkpoint,
        replay=replay,
        sources=sources,
        workers=workers,
        uncaged=uncaged,
        accept_atime=accept_atime,
    )
    verdict = run_verify(request)
    say_verdict(verdict, as_json=as_json)
    if not verdict.ok:
        raise typer.Exit(1)
