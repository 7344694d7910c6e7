"""`headwater lists`: the known lists of a case."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.terminal import say, until_unread

app = typer.Typer(help="Known lists: import, show, remove, check.", no_args_is_help=True)

CaseOption = Annotated[Path, typer.Option(help="The case folder.")]
ByOption = Annotated[str, typer.Option(envvar="HEADWATER_EXAMINER", help="Who does this.")]
SwapOption = Annotated[
    bool,
    typer.Option(help="Open lists even where memory may be swapped to disk; the case will say so."),
]


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The list file, or - for standard input.")
    ],
    case: CaseOption,
    name: Annotated[str, typer.Option(help="Name of the list in the case.")],
    list_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="`vics`, `icse`, `ncmec`, `threatexchange`, `stopncii`, `nsrl2`, `nsrl3`, `csv` "
            "or `plain`; recognised by its content if left out.",
        ),
    ] = "",
    role: Annotated[
        str,
        typer.Option(
            help="`watch` (look for these), `known` (known, never good) or `negative` (confirmed "
            "false matches, which suppress). `watch` if left out, `known` of NSRL."
        ),
    ] = "",
    scheme: Annotated[
        str,
        typer.Option(
            help="What category codes mean: `vics-us`, `vics-uk`, `icse`, `ncmec`, `nsrl`, `none`, "
            "or a JSON file of your own."
        ),
    ] = "",
    hash_type: Annotated[str, typer.Option(help="Of bare hashes: md5, sha1, sha256 or pdq.")] = "",
    columns: Annotated[
        str, typer.Option(help="Of a table without a header: names, divided by commas.")
    ] = "",
    delimiter: Annotated[str, typer.Option(help="Of a table: `,`, `;` or `tab`.")] = "",
    version: Annotated[str, typer.Option(help="The list's own version.")] = "",
    source: Annotated[str, typer.Option(help="Who made the list.")] = "",
    purpose: Annotated[str, typer.Option(help="What it may be used for.")] = "",
    licence: Annotated[str, typer.Option(help="Under which terms it is held.")] = "",
    dated: Annotated[str, typer.Option(help="The list's own date.")] = "",
    signature: Annotated[
        Path | None,
        typer.Option(help="Its minisign signature; with a key, FILE.minisig if that is there."),
    ] = None,
    public_key: Annotated[
        str, typer.Option(help="minisign public key of who signs: a .pub file, or its text.")
    ] = "",
    broken: Annotated[
        float, typer.Option(min=0, max=1, help="Largest share of entries that may be broken.")
    ] = 0.1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget an unfinished import of this name.")
    ] = False,
    by: ByOption = "",
    case_name: Annotated[str, typer.Option(help="Name of a new case.")] = "",
    organisation: Annotated[
        str, typer.Option(envvar="HEADWATER_ORGANISATION", help="Kept in a new case.")
    ] = "",
    authority: Annotated[
        str,
        typer.Option(
            envvar="HEADWATER_AUTHORITY", help="Order, warrant or policy; kept in a new case."
        ),
    ] = "",
    accept_swap: SwapOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option(help="Show no progress.")] = False,
) -> None:
    """Import a known list; the version that served goes on serving until the new one is complete.

    What the list says is kept sealed in the case, under a key outside it; the case is made where
    there is none. Stop at any moment; the same command goes on where it was, but for a list from a
    pipe. Run `headwater match` to match the case with it.
    """
    from headwater.cli.run_import import (  # noqa: PLC0415
        ImportRequest,
        run_import,
        say_imported,
        say_stopped,
    )

    given = {"hash_type": hash_type, "columns": columns, "delimiter": delimiter}
    request = ImportRequest(
        file=file,
        case=case,
        name=name,
        format=list_format,
        role=role,
        scheme=scheme,
        reader_options={option: text for option, text in given.items() if text},
        version=version,
        source=source,
        purpose=purpose,
        licence=licence,
        dated=dated,
        signature=signature,
        public_key=public_key,
        broken_share=broken,
        fresh=fresh,
        by=by,
        case_name=case_name,
        organisation=organisation,
        authority=authority,
        accept_swap=accept_swap,
        quiet=quiet,
    )
    try:
        imported = run_import(request)
    except KeyboardInterrupt:
        say_stopped(request)
        raise typer.Exit(130) from None
    say_imported(imported, as_json=as_json)


def show(
    case: CaseOption,
    name: Annotated[str, typer.Option(help="One list alone, with its report.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Replaced and withdrawn ones too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show which lists serve, where they came from, what they match, and what was not kept."""
    from headwater.cli.show_lists import show_lists  # noqa: PLC0415

    show_lists(case, name=name, every=every, as_json=as_json)


def remove(
    name: Annotated[str, typer.Argument(help="Name of the list.")],
    case: CaseOption,
    reason: Annotated[str, typer.Option(help="Why; kept in the case.")] = "",
    by: ByOption = "",
) -> None:
    """Withdraw a list: its sealed files are deleted, and its matches hold no more.

    That it served, from when to when, and who withdrew it stays in the record.
    """
    from headwater.cli.run_import import remove_list  # noqa: PLC0415

    removed = remove_list(case, name, by, reason)
    say(f"withdrawn: {removed.info.name}, entries: {removed.info.entries:,}")


def lint(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The VICS file.")],
    repair: Annotated[
        Path | None, typer.Option(help="Write a repaired VICS 2.0 file here.")
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="Deviations shown one by one; 0: all.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON each.")] = False,
) -> None:
    """Report each deviation of a VICS file with its place, and repair it into another file.

    No unknown field is lost. The exit code is 1 where there is a deviation that was not repaired.
    """
    from headwater.cli.run_lint import run_lint  # noqa: PLC0415

    if not run_lint(file, repair, most, as_json=as_json):
        raise typer.Exit(1)


for _verb, _name, _in_short in (
    (import_, "import", "Import a list, or a new version of one."),
    (show, "show", "Show the lists of a case."),
    (remove, "remove", "Withdraw a list, and its matches with it."),
    (lint, "lint", "Report each deviation of a VICS file, and repair it."),
):
    app.command(_name, short_help=_in_short)(until_unread(_verb))
