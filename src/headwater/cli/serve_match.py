"""`headwater serve-match`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve_match(
    case: Annotated[Path, typer.Option(help="The case folder.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any free one.")] = 5100,
    bind: Annotated[
        str, typer.Option(help="Loopback address to listen on; no other is taken.")
    ] = "127.0.0.1",
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File of names and tokens, readable by its owner alone. Left out: one beside the "
            "case's keys, made where it is not there."
        ),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=1, help="Requests a minute that one token may make.")
    ] = 600,
    burst: Annotated[
        int, typer.Option(min=1, help="Requests that one token may make at once.")
    ] = 60,
    alarm_at: Annotated[
        int, typer.Option(min=2, help="Unequal PDQ signals near each other that raise an alarm.")
    ] = 32,
    distances: Annotated[
        bool, typer.Option("--distances", help="Tell distances of near matches.")
    ] = False,
    uploads: Annotated[
        bool, typer.Option(help="Take uploads, and hash them in caged workers.")
    ] = True,
    workers: Annotated[
        int, typer.Option(min=0, help="Workers for uploads; 0 for one for each core.")
    ] = 0,
    uncaged: Annotated[bool, typer.Option(help="Open uploads without a cage.")] = False,
    accept_swap: Annotated[
        bool, typer.Option(help="Open lists even where memory may be swapped to disk.")
    ] = False,
    quiet: Annotated[bool, typer.Option(help="Write no line for each request.")] = False,
) -> None:
    """Answer look-ups in the case's watch lists as HMA (hasher-matcher-actioner) does.

    A token is required, and asks only so often. An answer says which list matches, and an opaque
    id: no value of a list is ever sent. Lists that are imported or withdrawn meanwhile come and go
    within seconds. Stop with Ctrl-C.
    """
    from headwater.cli.run_serve_match import ServeMatchRequest, run_serve_match  # noqa: PLC0415

    run_serve_match(
        ServeMatchRequest(
            case=case,
            port=port,
            bind=bind,
            token_file=token_file,
            rate_per_minute=rate,
            burst=burst,
            alarm_at=alarm_at,
            distances=distances,
            uploads=uploads,
            workers=workers,
            uncaged=uncaged,
            accept_swap=accept_swap,
            quiet=quiet,
        )
    )
