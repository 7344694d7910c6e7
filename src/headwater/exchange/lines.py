"""A whole case as lines: JSON Lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, TextIO

import msgspec

from headwater.case.query import Case
from headwater.exchange.document import Document, item_document, placeless_document
from headwater.exchange.text import cell

_PAGE = 500

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


def documents(case: Case) -> Iterator[Document]:
    """Yield every item in order of its SHA-256, then the places without a content."""
    after = b""
    while page := case.items(after_sha256=after, limit=_PAGE):
        for item in page:
            yield item_document(case, item)
        after = page[-1].sha256
    for row in case.placeless():
        yield placeless_document(case, row)


def write_jsonl(case: Case, out: TextIO) -> None:
    """Write one JSON object a line (schema `headwater/item/1`)."""
    for document in documents(case):
        out.write(msgspec.json.encode(document).decode())
        out.write("\n")


def write_csv(case: Case, out: TextIO) -> None:
    """Write one line for each place, with the columns that people sort by (RFC 4180)."""
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for document in documents(case):
        facts = _facts(document)
        for place in document["occurrences"]:
            writer.writerow([_cell({**facts, **_where(place)}.get(name)) for name in CSV_COLUMNS])


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    return cell(value) if isinstance(value, str) else value


def _facts(document: Document) -> dict[str, Any]:
    facts: dict[str, Any] = dict(document["item"])
    facts |= document["facts"]
    facts["problems"] = "; ".join(
        f"{problem['where']}: {problem['reason']}" for problem in document["problems"]
    )
    return facts


def _where(place: Document) -> dict[str, str]:
    return {
        "source": place["source"],
        "path": place["path"],
        "inside": "//".join(step["name"] for step in place["inside"]),
    }
