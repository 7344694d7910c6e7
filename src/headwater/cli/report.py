"""`headwater report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    case: Annotated[Path, typer.Option(help="The case folder.")],
    html: Annotated[Path, typer.Option(help="The page to write; it works offline.")],
    force: Annotated[bool, typer.Option(help="Replace a page that exists.")] = False,
) -> None:
    """Write one page that shows what the case holds. Pictures are covered until pressed."""
    from headwater.case.query import Case  # noqa: PLC0415
    from headwater.errors import UsageError  # noqa: PLC0415
    from headwater.report.page import write_page  # noqa: PLC0415

    if html.exists() and not force:
        raise UsageError(f"{html} exists; choose another name or add --force")
    with Case.open(case) as opened:
        write_page(opened, html)
    typer.echo(f"wrote {html}")
