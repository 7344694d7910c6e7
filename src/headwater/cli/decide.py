"""`headwater decide`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def decide(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="An item, as for `show`; it must be one alone.")
    ],
    case: Annotated[Path, typer.Option(help="The case folder.")],
    category: Annotated[str, typer.Option(help="The category that you hold the item to be.")],
    by: Annotated[str, typer.Option(envvar="HEADWATER_EXAMINER", help="Who decides.")],
    note: Annotated[str, typer.Option(help="Why; kept in the case.")] = "",
) -> None:
    """Keep what a person decided of an item: it stands above every match, now and later.

    An earlier decision stays in the record, and is superseded.
    """
    from contextlib import closing  # noqa: PLC0415

    from headwater.case.query import Case  # noqa: PLC0415
    from headwater.case.store import CaseStore  # noqa: PLC0415
    from headwater.cli.reference import resolve  # noqa: PLC0415
    from headwater.cli.show_item import say_candidates  # noqa: PLC0415
    from headwater.cli.terminal import say  # noqa: PLC0415
    from headwater.errors import UsageError  # noqa: PLC0415

    if not category.strip() or not by.strip():
        raise UsageError("a decision needs a category and a name: --category and --by")
    with Case.open(case) as opened:
        found = resolve(opened, reference)
    if found.item is None:
        say_candidates(found.candidates)
        raise typer.Exit(1)
    with closing(CaseStore.open(case)) as store:
        store.decide(found.item.item_id, category.strip(), by.strip(), note)
    say(f"{found.item.sha256.hex()}: category {category.strip()}, decided by {by.strip()}")
