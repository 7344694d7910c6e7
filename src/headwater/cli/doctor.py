"""`headwater doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    try_cage: Annotated[bool, typer.Option(help="Start a caged worker and probe it.")] = True,
) -> None:
    """Show every library that opens evidence, with its licence, and what this machine can cage."""
    import msgspec  # noqa: PLC0415

    from headwater.cli.machine import examine_machine  # noqa: PLC0415
    from headwater.cli.show_machine import say_machine  # noqa: PLC0415

    found = examine_machine(try_cage=try_cage)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        say_machine(found)
    if found.problems:
        raise typer.Exit(1)
