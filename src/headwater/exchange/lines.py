"""A whole case as lines: JSON Lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, Protocol, TextIO

import msgspec

from headwater.case.query import Case
from headwater.case.records import Facts
from headwater.exchange.document import Document, item_document, unread_documents
from headwater.exchange.text import cell

CSV_COLUMNS = (
    "sha256",
    "md5",
    "sha1",
    "size_bytes",
    "media_type",
    "kind",
    "state",
    "source",
    "path",
    "inside",
    "width_px",
    "height_px",
    "duration_seconds",
    "taken_at",
    "taken_basis",
    "latitude_degrees",
    "longitude_degrees",
    "make",
    "model",
    "pdq",
    "pdq_quality",
    "problems",
)


class Writer(Protocol):
    """What `csv.writer` returns."""

    def writerow(self, row: list[str | int | float], /) -> object: ...


def documents(case: Case) -> Iterator[Document]:
    """Yield every item in order of its SHA-256, then the places without a content."""
    for item in case.all_items():
        yield item_document(case, item)
    for row in case.placeless():
        yield unread_documents(case, row)


def write_jsonl(case: Case, out: TextIO) -> None:
    """Write one JSON object a line (schema `headwater/item/1`)."""
    for document in documents(case):
        out.write(msgspec.json.encode(document).decode())
        out.write("\n")


def write_csv(case: Case, out: TextIO) -> None:
    """Write one line for each place, with the columns that people sort by (RFC 4180)."""
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for item in case.all_items():
        facts = _columns(case.facts(item.item_id))
        _write_places(writer, item_document(case, item), facts)
    for row in case.placeless():
        _write_places(writer, unread_documents(case, row), {})


def _write_places(writer: Writer, document: Document, facts: dict[str, Any]) -> None:
    shared = {**document["item"], **facts, "problems": _reasons(document)}
    for place in document["occurrences"]:
        row = {**shared, **_where(place)}
        writer.writerow([_cell(row.get(name)) for name in CSV_COLUMNS])


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    return cell(value) if isinstance(value, str) else value


def _columns(facts: Facts) -> dict[str, Any]:
    columns: dict[str, Any] = msgspec.structs.asdict(facts)
    return columns | {"pdq": facts.pdq.hex() if facts.pdq else None}


def _reasons(document: Document) -> str:
    return "; ".join(f"{problem['where']}: {problem['reason']}" for problem in document["problems"])


def _where(place: Document) -> dict[str, str]:
    return {
        "source": place["source"],
        "path": place["path"],
        "inside": "//".join(step["name"] for step in place["inside"]),
    }
