"""`headwater show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    reference: Annotated[
        str,
        typer.Argument(metavar="REF", help="At least 8 digits of an item's SHA-256, or path:TEXT."),
    ],
    case: Annotated[Path, typer.Option(help="The case folder.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the item as one JSON line.")
    ] = False,
) -> None:
    """Show everything the case holds of one item.

    A reference that fits several items lists them, and the exit code is 1.
    """
    import msgspec  # noqa: PLC0415

    from headwater.case.query import Case  # noqa: PLC0415
    from headwater.cli.reference import candidates_of  # noqa: PLC0415
    from headwater.cli.terminal import say, say_value  # noqa: PLC0415
    from headwater.exchange.document import item_document  # noqa: PLC0415

    with Case.open(case) as opened:
        candidates = candidates_of(opened, reference)
        if len(candidates) == 1:
            document = item_document(opened, candidates[0].item)
            if as_json:
                typer.echo(msgspec.json.encode(document).decode())
                return
            for key, value in document.items():
                say_value(key, value)
            return
    if as_json:
        found = [{"sha256": one.item.sha256.hex(), "path": one.path} for one in candidates]
        typer.echo(msgspec.json.encode({"reference": reference, "candidates": found}).decode())
    elif not candidates:
        say(f"nothing in this case fits {reference}", err=True)
    else:
        say(f"{len(candidates)} items fit {reference}; name one of them:", err=True)
        for one in candidates:
            say(f"{one.item.sha256.hex()}  {one.path}")
    raise typer.Exit(1)
