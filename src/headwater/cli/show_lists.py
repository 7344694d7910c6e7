"""The known lists of a case, as a person or a program reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import typer

from headwater.case.query import Case
from headwater.case.records import ListVersion
from headwater.cli.layout import say_heading, say_pairs
from headwater.cli.terminal import say
from headwater.errors import UsageError

SCHEMA = "headwater/lists/1"


def show_lists(folder: Path, *, name: str, every: bool, as_json: bool) -> None:
    """Print the lists that serve; with `every`, replaced and withdrawn ones too."""
    with Case.open(folder) as case:
        versions = [one for one in case.lists() if every or one.serves]
        matched = {one.version_id: len(case.matched_items(one.version_id)) for one in versions}
    if name:
        versions = [one for one in versions if one.info.name == name]
        if not versions:
            raise UsageError(f"no list named {name!r} serves in this case")
    said = [_said(one, matched[one.version_id]) for one in versions]
    if as_json:
        typer.echo(msgspec.json.encode({"schema": SCHEMA, "lists": said}).decode())
        return
    if not said:
        say("no list serves in this case; `headwater lists import` brings one")
    for one in said:
        _say_list(one, whole=bool(name))


def _said(version: ListVersion, matched: int) -> dict[str, Any]:
    info = version.info
    said = {field: getattr(info, field) for field in info.__struct_fields__}
    return {
        **said,
        "file_sha256": info.file_sha256.hex(),
        "manifest_sha256": info.manifest_sha256.hex(),
        "signed": info.signer is not None,
        "imported_at": version.imported_at,
        "program_version": version.program_version,
        "standing": version.standing,
        "standing_since": version.standing_since,
        "standing_reason": version.standing_reason,
        "items_matched": matched,
    }


def _say_list(said: dict[str, Any], *, whole: bool) -> None:
    report = said["report"]
    hashes = {kind: count for kind, count in report.get("hashes", {}).items() if count}
    say_heading(f"{said['name']}: {said['entries']:,} entries, {said['standing']}")
    say_pairs(
        [
            ("role", said["role"]),
            ("version", said["version"]),
            ("dated", said["dated"]),
            ("source", said["source"]),
            ("purpose", said["purpose"]),
            ("licence", said["licence"]),
            ("format", said["format"]),
            ("categories by", said["scheme"]),
            ("signed", f"with key {said['signer']}" if said["signer"] else "no"),
            ("imported", f"{said['imported_at']} by {said['imported_by'] or 'nobody named'}"),
            ("hashes", ", ".join(f"{kind} {count:,}" for kind, count in hashes.items())),
            ("broken entries", f"{report.get('broken_entries', 0):,}"),
            ("items matched", f"{said['items_matched']:,}"),
            ("because", said["standing_reason"]),
        ]
    )
    if whole:
        _say_report(report)


def _say_report(report: dict[str, Any]) -> None:
    faults = report.get("faults", [])
    if faults:
        say_heading("left out")
        say_pairs([(f"{one['count']:,}", f"{one['field']}: {one['rule']}") for one in faults])
    if lost := report.get("lost"):
        say_heading("read and not kept")
        say_pairs([(f"{count:,}", field) for field, count in lost.items()])
    if codes := report.get("categories"):
        say_heading("categories")
        meanings = report["scheme"]["codes"]
        say_pairs(
            [
                (code or "none", f"{count:,}  {meanings.get(code, {}).get('title', '')}".rstrip())
                for code, count in codes.items()
            ]
        )
