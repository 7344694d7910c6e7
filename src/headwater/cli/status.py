"""`headwater status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def status(
    case: Annotated[Path, typer.Option(help="The case folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a case holds and the runs that made it."""
    from typing import Any  # noqa: PLC0415

    import msgspec  # noqa: PLC0415

    from headwater.case.query import Case  # noqa: PLC0415
    from headwater.cli.show_status import say_status  # noqa: PLC0415
    from headwater.exchange.known_lists import known_tally  # noqa: PLC0415
    from headwater.exchange.text import named  # noqa: PLC0415

    with Case.open(case) as opened:
        facts: dict[str, Any] = {
            "schema": "headwater/status/1",
            "case": msgspec.to_builtins(opened.info),
            "sources": [
                {
                    "kind": source.kind,
                    **named("path", source.path),
                    "added_at": source.first_seen_at,
                }
                for source in opened.sources()
            ],
            "counts": msgspec.to_builtins(opened.counts()),
            "runs": msgspec.to_builtins(opened.runs()),
            "known": msgspec.to_builtins(known_tally(opened)),
            "checkpoint": msgspec.to_builtins(opened.latest_checkpoint()),
        }
    if as_json:
        typer.echo(msgspec.json.encode(facts).decode())
        return
    say_status(facts)
