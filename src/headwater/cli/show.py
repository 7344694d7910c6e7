"""`headwater show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="At least 8 digits of an item's SHA-256, or `path:TEXT`, where TEXT is any part "
            "of a path as it is printed.",
        ),
    ],
    case: Annotated[Path, typer.Option(help="The case folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show everything the case holds of one item.

    A reference that fits several items lists them, and the exit code is 1.
    """
    import msgspec  # noqa: PLC0415

    from headwater.case.query import Case  # noqa: PLC0415
    from headwater.cli.reference import resolve  # noqa: PLC0415
    from headwater.cli.show_item import say_candidates, say_item  # noqa: PLC0415
    from headwater.exchange.document import item_document  # noqa: PLC0415

    with Case.open(case) as opened:
        found = resolve(opened, reference)
        document = None if found.item is None else item_document(opened, found.item)
    if as_json:
        typer.echo(msgspec.json.encode(document or found.candidates).decode())
    elif document is None:
        say_candidates(found.candidates)
    else:
        say_item(document)
    if document is None:
        raise typer.Exit(1)
