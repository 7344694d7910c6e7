"""`headwater examine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def examine(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Folders and files to examine.")
    ],
    case: Annotated[Path, typer.Option(help="The case folder; made when it does not exist.")],
    name: Annotated[str, typer.Option(help="Name of a new case.")] = "",
    examiner: Annotated[
        str, typer.Option(envvar="HEADWATER_EXAMINER", help="Who examines (new case).")
    ] = "",
    organisation: Annotated[
        str, typer.Option(envvar="HEADWATER_ORGANISATION", help="For whom (new case).")
    ] = "",
    authority: Annotated[
        str, typer.Option(envvar="HEADWATER_AUTHORITY", help="Under which authority (new case).")
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, help="Worker processes; 0 for one for each core.")
    ] = 0,
    engine: Annotated[
        str, typer.Option(help="`pool`, or `inline` (one process, only with --uncaged).")
    ] = "pool",
    accept_atime: Annotated[
        bool, typer.Option(help="Read even where that changes access times; reports will say so.")
    ] = False,
    uncaged: Annotated[
        bool, typer.Option(help="Open evidence without a cage; reports will say so.")
    ] = False,
    thumbnails: Annotated[bool, typer.Option(help="Keep small pictures in a new case.")] = True,
    retry_limits: Annotated[
        bool, typer.Option(help="Try again what a limit of this machine ended before.")
    ] = False,
    accept_swap: Annotated[
        bool, typer.Option(help="Open known lists even where memory may be swapped to disk.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option(help="Show no progress.")] = False,
) -> None:
    """Find every picture and video in the sources, and measure each distinct one into a case.

    The sources are opened read-only and stay as they are. Stop at any moment; the same command
    goes on where it was.
    """
    from headwater.cli.run_examine import ExamineRequest, run_examine  # noqa: PLC0415
    from headwater.cli.show_summary import STOPPED, print_summary  # noqa: PLC0415

    request = ExamineRequest(
        sources=tuple(sources),
        case=case,
        name=name,
        examiner=examiner,
        organisation=organisation,
        authority=authority,
        workers=workers,
        engine=engine,
        accept_atime=accept_atime,
        uncaged=uncaged,
        thumbnails=thumbnails,
        retry_limits=retry_limits,
        accept_swap=accept_swap,
        quiet=quiet,
    )
    try:
        summary = run_examine(request)
    except KeyboardInterrupt:
        typer.echo(STOPPED)
        raise typer.Exit(130) from None
    print_summary(summary, as_json=as_json)
    if not summary.complete:
        raise typer.Exit(130)
