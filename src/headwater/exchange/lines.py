"""A whole case as lines: JSON Lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol, TextIO, get_args

import msgspec

from headwater.case.query import Case
from headwater.case.records import Facts
from headwater.exchange.document import Document, item_document, unread_document
from headwater.exchange.text import cell
from headwater.model import Kind, State


class Column(NamedTuple):
    """One column of the CSV; an empty cell means that there is no value."""

    name: str
    type: Literal["string", "integer", "number"]
    described: str
    pattern: str | None = None
    """What each value that is not empty matches, as a regular expression."""


def _digest(name: str, digits: int, described: str) -> Column:
    return Column(name, "string", described, f"[0-9a-f]{{{digits}}}")


def _one_of(name: str, values: tuple[str, ...], described: str) -> Column:
    return Column(name, "string", described, "|".join(values))


CSV_COLUMNS = (
    _digest("sha256", 64, "SHA-256 of the content; empty where no bytes were read."),
    _digest("md5", 32, "MD5 of the content."),
    _digest("sha1", 40, "SHA-1 of the content."),
    Column("size_bytes", "integer", "Size of the content."),
    Column("media_type", "string", "IANA media type, by the content."),
    _one_of("kind", get_args(Kind), "What the content is."),
    _one_of("state", get_args(State), "How the item, or the place that was not read, ended."),
    Column("source", "string", "The source as it was given."),
    Column("path", "string", "Path of the file below its source."),
    Column("inside", "string", "Names of the members inside it, with `//` between them."),
    Column("width_px", "integer", "Width as it is stored."),
    Column("height_px", "integer", "Height as it is stored."),
    Column("duration_seconds", "number", "Duration of a film."),
    Column("taken_at", "string", "When it says that it was taken, RFC 3339; no offset: unknown."),
    Column("taken_basis", "string", "The clock that says so."),
    Column("latitude_degrees", "number", "Latitude that it names, north positive."),
    Column("longitude_degrees", "number", "Longitude that it names, east positive."),
    Column("make", "string", "Make of the device that it names."),
    Column("model", "string", "Model of the device that it names."),
    _digest("pdq", 64, "PDQ perceptual hash. Treat it as content."),
    Column("pdq_quality", "integer", "Quality of the hash, 0 to 100."),
    Column("category", "string", "What a person decided, or else the gravest of the lists says."),
    Column("matched_lists", "string", "Known lists that the item matches, divided by `; `."),
    Column("problems", "string", "Step and reason of each problem of the content."),
)


class Writer(Protocol):
    """What `csv.writer` returns."""

    def writerow(self, row: list[str | int | float], /) -> object: ...


def documents(case: Case) -> Iterator[Document]:
    """Yield every item in order of its SHA-256, then the places without a content."""
    for item in case.all_items():
        yield item_document(case, item)
    for row in case.unread_places():
        yield unread_document(case, row)


def write_jsonl(case: Case, out: TextIO) -> None:
    """Write one JSON object a line (schema `headwater/item/1`)."""
    for document in documents(case):
        out.write(msgspec.json.encode(document).decode())
        out.write("\n")


def write_csv(case: Case, out: TextIO) -> None:
    """Write one line for each place, with the columns that people sort by (RFC 4180)."""
    writer = csv.writer(out)
    writer.writerow([column.name for column in CSV_COLUMNS])
    for item in case.all_items():
        facts = _columns(case.facts(item.item_id))
        _write_places(writer, item_document(case, item), facts)
    for row in case.unread_places():
        _write_places(writer, unread_document(case, row), {})


def _write_places(writer: Writer, document: Document, facts: dict[str, Any]) -> None:
    shared = {
        **document["item"],
        **facts,
        "category": (document["category"] or {}).get("code"),
        "matched_lists": _lists(document),
        "problems": _reasons(document),
    }
    for place in document["occurrences"]:
        row = {**shared, **_where(place)}
        writer.writerow([_cell(row.get(column.name)) for column in CSV_COLUMNS])


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    return cell(value) if isinstance(value, str) else value


def _columns(facts: Facts) -> dict[str, Any]:
    columns: dict[str, Any] = msgspec.structs.asdict(facts)
    return columns | {"pdq": facts.pdq.hex() if facts.pdq else None}


def _reasons(document: Document) -> str:
    return "; ".join(f"{problem['where']}: {problem['reason']}" for problem in document["problems"])


def _lists(document: Document) -> str:
    held = (match for match in document["matches"] if match["standing"] == "match")
    return "; ".join(sorted({match["list"] for match in held if "list" in match}))


def _where(place: Document) -> dict[str, str]:
    return {
        "source": place["source"],
        "path": place["path"],
        "inside": "//".join(step["name"] for step in place["inside"]),
    }
