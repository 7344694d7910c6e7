"""`headwater match`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def match(
    case: Annotated[Path, typer.Option(help="The case folder.")],
    radius: Annotated[
        int, typer.Option(min=0, max=100, help="PDQ hashes so many bits apart match.")
    ] = 31,
    least_quality: Annotated[
        int, typer.Option(min=0, max=100, help="PDQ hashes of a lower quality are left out.")
    ] = 50,
    photodna: Annotated[
        bool,
        typer.Option("--photodna", help="Compare given PhotoDNA values too (none is computed)."),
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Compare everything anew, and try full decodes again that could not be made.",
        ),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Threads and worker processes; 0 for one for each core.")
    ] = 0,
    accept_atime: Annotated[
        bool, typer.Option(help="Read even where that changes access times; reports will say so.")
    ] = False,
    uncaged: Annotated[
        bool, typer.Option(help="Open evidence without a cage; reports will say so.")
    ] = False,
    accept_swap: Annotated[
        bool,
        typer.Option(help="Open lists even where memory may be swapped to disk."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option(help="Show no progress.")] = False,
) -> None:
    """Match the items of a case with its known lists, and with each other.

    `examine` does this at its end; do it again when lists have changed. Only what is new is
    compared. A match that hangs on a hash from a smaller decode is decided by the full one, which
    needs the sources.
    """
    from headwater.cli.run_match import MatchRequest, run_match, say_matched  # noqa: PLC0415
    from headwater.match.rule import PHOTODNA_DISTANCE, Rule  # noqa: PLC0415

    request = MatchRequest(
        case=case,
        rule=Rule(
            radius_bits=radius,
            least_quality=least_quality,
            photodna_distance=PHOTODNA_DISTANCE if photodna else None,
        ),
        again=again,
        workers=workers,
        accept_atime=accept_atime,
        uncaged=uncaged,
        accept_swap=accept_swap,
        quiet=quiet,
    )
    try:
        summary = run_match(request)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on")
        raise typer.Exit(130) from None
    say_matched(summary, as_json=as_json)
    if not summary.complete:
        raise typer.Exit(130)
