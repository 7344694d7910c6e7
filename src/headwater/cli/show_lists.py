"""The known lists of a case, as a person or a program reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import typer

from headwater.case.query import Case
from headwater.case.records import ListRole, ListVersion
from headwater.case.store import LISTS
from headwater.cli.layout import say_heading, say_pairs
from headwater.cli.terminal import say
from headwater.errors import UsageError
from headwater.exchange.known_lists import ComparedWith, ListTally, known_tally
from headwater.lists.manifest import REPORT
from headwater.report.words import amount

_PLACES_SHOWN = 20
COMPARED = {
    "all": "all items of the case",
    "some": "a part of the items; run `headwater match`",
    "none": "nothing yet; run `headwater match`",
}
"""With how much a list was compared, in words."""


class FaultPlace(msgspec.Struct, frozen=True, kw_only=True):
    """One of the first places of the file where something could not be read."""

    field: str
    rule: str
    whole_entry: bool
    """Whether the entry was left out, or this field of it alone."""
    offset_bytes: int | None
    line: int | None

    @property
    def where(self) -> str:
        """The place, in words."""
        if self.line is not None:
            return f"line {self.line:,}"
        return f"byte {self.offset_bytes:,}"


class ListAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a list, and what became of it."""

    name: str
    version: str
    """The list's own version."""
    source: str
    purpose: str
    licence: str
    dated: str
    """The list's own date, in its own words."""
    format: str
    role: ListRole
    scheme: str
    signed: bool
    signer: str | None
    """Number of the key that signed the list file."""
    entries: int
    file_sha256: str
    """Of the list file, 64 hex digits."""
    folder: str
    """Name of the folder of its sealed files, below `lists` in the case."""
    manifest_sha256: str
    imported_at: str
    imported_by: str
    program_version: str
    standing: Literal["served", "replaced", "withdrawn"]
    standing_since: str
    standing_reason: str
    compared: ComparedWith | None
    """Whether it was compared with `all` items of the case, with `some` or with `none`; null where
    it does not serve, as are the next three."""
    items_matched: int | None
    items_unconfirmed: int | None
    """Items whose match hangs on a full decode that could not be made."""
    items_suppressed: int | None
    """Items whose every match with it a negative list suppresses."""
    first_faults: list[FaultPlace] | None
    """The first places of the list file where something could not be read, where one list alone is
    asked for and its files are there."""
    report: dict[str, Any]
    """Of the import: counts by kind of hash and by category code, what was left out by field and
    rule, what was not kept by field, the scheme, and how memory was kept from the disk."""


class ListsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The lists of a case."""

    schema: str = "headwater/lists/1"
    lists: list[ListAnswer]


def show_lists(folder: Path, *, name: str, every: bool, as_json: bool) -> None:
    """Print the lists that serve; with `every`, replaced and withdrawn ones too."""
    with Case.open(folder) as case:
        versions = case.lists()
        tallies = iter(known_tally(case).lists)
        said = [_answer(one, next(tallies) if one.serves else None) for one in versions]
    if name:
        said = [_with_places(folder, one) if one.name == name else one for one in said]
    shown = [one for one in said if name in ("", one.name) and (every or one.standing == "served")]
    if name and not shown:
        earlier = any(one.name == name for one in said)
        more = "; --all shows those that served before" if earlier else ""
        raise UsageError(f"no list named {name!r} serves in this case{more}")
    if as_json:
        typer.echo(msgspec.json.encode(ListsAnswer(lists=shown)).decode())
        return
    if not shown:
        say("no list serves in this case; `headwater lists import` brings one")
    for one in shown:
        _say_list(one)
        if name:
            _say_report(one.report, one.first_faults or [])


def _with_places(folder: Path, said: ListAnswer) -> ListAnswer:
    """Return what is said of a list, with the places of its faults if its files are there."""
    try:
        data = (folder / LISTS / said.folder / REPORT).read_bytes()
        places = msgspec.json.decode(data, type=_Places).first_faults
    except (OSError, msgspec.DecodeError):
        return said
    return msgspec.structs.replace(said, first_faults=places)


class _Places(msgspec.Struct, frozen=True):
    """The part of a list's report that lies beside its sealed files alone."""

    first_faults: list[FaultPlace]


def _answer(version: ListVersion, tally: ListTally | None) -> ListAnswer:
    info = version.info
    return ListAnswer(
        name=info.name,
        version=info.version,
        source=info.source,
        purpose=info.purpose,
        licence=info.licence,
        dated=info.dated,
        format=info.format,
        role=info.role,
        scheme=info.scheme,
        signed=info.signer is not None,
        signer=info.signer,
        entries=info.entries,
        file_sha256=info.file_sha256.hex(),
        folder=info.folder,
        manifest_sha256=info.manifest_sha256.hex(),
        imported_at=version.imported_at,
        imported_by=info.imported_by,
        program_version=version.program_version,
        standing=version.standing,
        standing_since=version.standing_since,
        standing_reason=version.standing_reason,
        compared=None if tally is None else tally.compared,
        items_matched=None if tally is None else tally.matched,
        items_unconfirmed=None if tally is None else tally.unconfirmed,
        items_suppressed=None if tally is None else tally.suppressed,
        first_faults=None,
        report=info.report,
    )


def _say_list(said: ListAnswer) -> None:
    hashes = {kind: count for kind, count in said.report.get("hashes", {}).items() if count}
    say_heading(f"{said.name}: {amount(said.entries, 'entry', 'entries')}, {said.standing}")
    say_pairs(
        [
            ("role", said.role),
            ("version", said.version),
            ("dated", said.dated),
            ("source", said.source),
            ("purpose", said.purpose),
            ("licence", said.licence),
            ("format", said.format),
            ("categories by", said.scheme),
            ("signed", f"with key {said.signer}" if said.signer else "no"),
            ("imported", f"{said.imported_at} by {said.imported_by or 'nobody named'}"),
            ("hashes", ", ".join(f"{kind} {count:,}" for kind, count in hashes.items())),
            (
                "left out",
                amount(said.report.get("broken_entries", 0), "broken entry", "broken entries"),
            ),
            ("compared with", said.compared and COMPARED[said.compared]),
            ("items matched", said.compared and matched_words(said)),
            (said.standing, None if said.compared else said.standing_since),
            ("because", said.standing_reason),
        ]
    )


def matched_words(said: ListAnswer | ListTally) -> str | None:
    """Return how many items a list matches, in words; None where it was compared with none."""
    matched, unconfirmed, suppressed = (
        (said.matched, said.unconfirmed, said.suppressed)
        if isinstance(said, ListTally)
        else (said.items_matched, said.items_unconfirmed, said.items_suppressed)
    )
    if said.compared == "none":
        return None
    rest = ((unconfirmed, "unconfirmed"), (suppressed, "suppressed"))
    more = "".join(f", {count:,} {word}" for count, word in rest if count)
    return f"{matched:,}{more}"


def _say_report(report: dict[str, Any], places: list[FaultPlace]) -> None:
    if report.get("memory", "locked") != "locked":
        say_heading("while it was imported")
        say_pairs([("memory", report["memory"].replace("_", " "))])
    faults = report.get("faults", [])
    if faults:
        say_heading("left out")
        say_pairs([(f"{one['count']:,}", f"{one['field']}: {one['rule']}") for one in faults])
        if places:
            say_heading("the first of them")
        say_pairs((one.where, f"{one.field}: {one.rule}") for one in places[:_PLACES_SHOWN])
    if lost := report.get("lost"):
        say_heading("read and not kept")
        say_pairs([(f"{count:,}", field) for field, count in lost.items()])
    if codes := report.get("categories"):
        say_heading("categories")
        scheme = report["scheme"]["codes"]
        say_pairs([(code or "none", _category(code, codes[code], scheme)) for code in codes])


def _category(code: str, count: int, scheme: dict[str, Any]) -> str:
    """Return how many entries have a code, and what it means by the scheme."""
    known = scheme.get(code)
    entries = amount(count, "entry", "entries")
    if known is None:
        return entries
    return f"{entries}  {known['title']} ({known['meaning'].replace('_', ' ')})"
