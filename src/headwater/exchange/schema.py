"""Schemas of what leaves Headwater: JSON Schema (draft 2020-12) of documents, Table Schema of CSV.

The envelope of an item is written out here, beside `exchange.document` which fills it; everything
else follows from the records themselves, so a schema cannot say what the program does not print.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from headwater.case.records import (
    CaseInfo,
    Checkpoint,
    Counts,
    ListRole,
    MatchKind,
    RunRow,
)
from headwater.exchange.document import SCHEMA as ITEM
from headwater.exchange.known_lists import KnownTally
from headwater.exchange.lines import CSV_COLUMNS
from headwater.match.standing import Category
from headwater.model import Kind, PlaceKind, Problem, Record, State, Time

Schema = dict[str, Any]

STATUS = "headwater/status/1"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE = "#/$defs/{name}"
_TEXT: Schema = {"type": "string"}
_SIZE: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}
_BASE64: Schema = {
    "description": "The raw bytes in base64, where the text beside it cannot give them back.",
    "type": "string",
    "contentEncoding": "base64",
}


def item_schema(records: Mapping[str, type[Record]]) -> Schema:
    """Return the schema of `headwater/item/1`.

    `records` gives the record of each known measure by its name. A measure that is not among them
    (an installed package's) may have any object under its name.
    """
    shared, definitions = _components(Problem, Time, Category, *records.values())
    problem, time, category, *of_measures = shared
    measured = {
        name: _measured(reference) for name, reference in zip(records, of_measures, strict=True)
    }
    definitions |= {
        "item": _item(),
        "place": _place(problem, time),
        "step": _step(time),
        "cannot_measure": _cannot_measure(),
        "match": _match(),
    }
    envelope = _object(
        {
            "schema": {"const": ITEM},
            "item": _reference("item"),
            "occurrences": _list(_reference("place")),
            "measurements": {
                "description": "By measure: its record, or why it could not give one.",
                "type": "object",
                "properties": measured,
                "additionalProperties": {"type": "object"},
            },
            "matches": _list(_reference("match")),
            "category": {"anyOf": [category, {"type": "null"}]},
            "problems": _list(problem),
        },
        {
            "occurrences_left_out": {
                "description": "How many further places there are, where not all are listed.",
                "type": "integer",
                "minimum": 1,
            }
        },
    )
    return _document(ITEM, "One item, or a place whose bytes were not read.", envelope, definitions)


def status_schema() -> Schema:
    """Return the schema of `headwater/status/1`."""
    records = (CaseInfo, Counts, RunRow, Checkpoint, KnownTally)
    (info, counts, run, checkpoint, known), definitions = _components(*records)
    source = _object(
        {"kind": {"enum": ["folder", "file"]}, "path": _TEXT, "added_at": _TEXT},
        {"path_bytes": _BASE64},
    )
    envelope = _object(
        {
            "schema": {"const": STATUS},
            "case": info,
            "sources": _list(source),
            "counts": counts,
            "known": known,
            "runs": _list(run),
            "checkpoint": {"anyOf": [checkpoint, {"type": "null"}]},
        }
    )
    return _document(STATUS, "What a case holds and the runs that made it.", envelope, definitions)


def csv_schema() -> Schema:
    """Return what the columns of a CSV export hold, as a Table Schema (version 1.0)."""
    fields: list[Schema] = []
    for column in CSV_COLUMNS:
        field: Schema = {"name": column.name, "type": column.type}
        field["description"] = column.described
        if column.pattern is not None:
            field["constraints"] = {"pattern": column.pattern}
        fields.append(field)
    return {"fields": fields, "missingValues": [""]}


def struct_schema(name: str, described: str, answer: type[msgspec.Struct]) -> Schema:
    """Return the schema of an answer that is one struct, all of whose fields are always printed.

    Where the struct has a field `schema`, `name` is its only value.
    """
    (reference,), definitions = _components(answer)
    own = definitions.pop(reference["$ref"].rpartition("/")[2])
    for definition in (own, *definitions.values()):
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
    if "schema" in own["properties"]:
        own["properties"]["schema"] = {"const": name}
    return _document(name, described, own | {"additionalProperties": False}, definitions)


def _components(*records: type[msgspec.Struct]) -> tuple[list[Schema], Schema]:
    references, definitions = msgspec.json.schema_components(
        records, schema_hook=_of_any, ref_template=_TEMPLATE
    )
    return list(references), definitions


def _of_any(kind: type) -> Schema:
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError


def _document(name: str, described: str, envelope: Schema, definitions: Schema) -> Schema:
    head = {"$schema": _DIALECT, "title": name, "description": described}
    body = {key: value for key, value in envelope.items() if key not in ("title", "description")}
    return head | body | {"$defs": dict(sorted(definitions.items()))}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _reference(name: str) -> Schema:
    return {"$ref": _TEMPLATE.format(name=name)}


def _measured(record: Schema) -> Schema:
    return {"anyOf": [record, _reference("cannot_measure")]}


def _cannot_measure() -> Schema:
    described = "An expected failure: the item has nothing of the kind, or cannot give it."
    return {"description": described} | _object({"cannot_measure": _TEXT})


def _match() -> Schema:
    described = "One match: with a known list, or with another item of the case."
    anything: Schema = {"type": "object"}
    required = {
        "kind": {"enum": list(get_args(MatchKind))},
        "standing": {"enum": ["match", "unconfirmed", "suppressed"]},
        "score": _object({"value": {"type": "integer", "minimum": 0}, "unit": _TEXT}),
        "how": anything,
    }
    optional: Schema = {
        "item": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "list": _TEXT,
        "list_version": _TEXT,
        "role": {"enum": list(get_args(ListRole))},
        "signed": {"type": "boolean"},
        "entries": {"type": "integer", "minimum": 1},
        "categories": _list(
            _object(
                {
                    "code": _TEXT,
                    "meaning": {"type": ["string", "null"]},
                    "entries": {"type": "integer", "minimum": 1},
                }
            )
        ),
        "labels": {"type": "object", "additionalProperties": _list(_TEXT)},
        "suppressed_by": _TEXT,
    }
    with_one_of = {"oneOf": [{"required": ["list"]}, {"required": ["item"]}]}
    return {"description": described} | _object(required, optional) | with_one_of


def _digest(digits: int) -> Schema:
    of_content: Schema = {"type": "string", "pattern": f"^[0-9a-f]{{{digits}}}$"}
    return {"anyOf": [of_content, {"type": "null"}]}


def _item() -> Schema:
    described = "The content; its digests, kind and format are null where no bytes were read."
    kinds: list[str | None] = [*get_args(Kind), None]
    fields = {
        "sha256": _digest(64),
        "md5": _digest(32),
        "sha1": _digest(40),
        "size_bytes": _SIZE,
        "media_type": {"type": ["string", "null"]},
        "kind": {"enum": kinds},
        "format": {"type": ["string", "null"]},
        "state": {"enum": list(get_args(State))},
    }
    return {"description": described} | _object(fields)


def _place(problem: Schema, time: Schema) -> Schema:
    described = "One place of the content: a file of a source, then the steps inside it, if any."
    required = {
        "source": _TEXT,
        "path": _TEXT,
        "inside": _list(_reference("step")),
        "size_bytes": _SIZE,
        "times": _list(time),
        "extension_agrees": {"type": ["boolean", "null"]},
        "problems": _list(problem),
    }
    optional = {
        "source_bytes": _BASE64,
        "path_bytes": _BASE64,
        "place_kind": {"enum": list(get_args(PlaceKind))},
    }
    return {"description": described} | _object(required, optional)


def _step(time: Schema) -> Schema:
    described = "One step inwards: the member, or the embedded media, of the content around it."
    required = {
        "container_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "ordinal": {"type": "integer", "minimum": 0},
        "name": _TEXT,
        "size_bytes": _SIZE,
        "offset_bytes": _SIZE,
        "times": _list(time),
        "notes": _list(_TEXT),
    }
    return {"description": described} | _object(required, {"name_bytes": _BASE64})
