"""`headwater demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the evidence, case and report.")] = (
        Path("headwater-demo")
    ),
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one a core.")] = 0,
    uncaged: Annotated[
        bool, typer.Option(help="Go on where the cage cannot be made; the report will say so.")
    ] = False,
    small: Annotated[bool, typer.Option(help="Fewer and smaller pictures.")] = False,
) -> None:
    """Make benign evidence, examine it, and show what was found."""
    from headwater.cli.run_demo import run_demo  # noqa: PLC0415

    run_demo(folder, workers=workers, uncaged=uncaged, small=small)
