"""Any measured value as tables: keys as they are exported, values escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headwater.report.markup import Html, element, joined, said, text

_DEEPEST = 10
_NUMBERS_MOST = 128
_ROWS_MOST = 500
_COLUMNS_MOST = 10


def value_of(value: Any, depth: int = 0) -> Html:
    """Return a decoded JSON value as markup.

    Objects become tables of keys and values, rows of objects become tables with a column for each
    key. What is cut says how much is missing.
    """
    if depth > _DEEPEST:
        return said(msgspec.json.encode(value).decode(), 400)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, list):
        return _array(value, depth)
    return _scalar(value)


def _scalar(value: Any) -> Html:
    if value is None:
        return element("span", "–", class_="none")
    if isinstance(value, bool):
        return element("span", "yes" if value else "no")
    if isinstance(value, int | float):
        return text(str(value))
    if value == "":
        return element("span", "empty", class_="none")
    return said(str(value))


def _object(value: Mapping[Any, Any], depth: int) -> Html:
    if not value:
        return element("span", "empty", class_="none")
    records = list(value.values())
    if len(value) > 1 and _is_rows(records):
        return _columns(list(map(str, value)), records, depth)
    rows = [
        element(
            "tr", element("th", _key(key), scope="row"), element("td", value_of(entry, depth + 1))
        )
        for key, entry in list(value.items())[:_ROWS_MOST]
    ]
    return joined((element("table", element("tbody", *rows), class_="value"), _cut(len(value))))


def _array(value: Sequence[Any], depth: int) -> Html:
    if not value:
        return element("span", "none", class_="none")
    if len(value) > 1 and _is_rows(value):
        return _columns([str(place) for place in range(1, len(value) + 1)], value, depth)
    if all(isinstance(entry, int | float | str | bool | None) for entry in value):
        shown = joined([_scalar(entry) for entry in value[:_NUMBERS_MOST]], ", ")
        rest = len(value) - _NUMBERS_MOST
        return joined((shown, f" … {rest:,} more" if rest > 0 else None))
    entries = [element("li", value_of(entry, depth + 1)) for entry in value[:_ROWS_MOST]]
    return joined((element("ol", *entries), _cut(len(value))))


def _is_rows(records: Sequence[Any]) -> bool:
    """Whether all are objects of a few simple fields, and so are read best as one table."""
    names: set[str] = set()
    for record in records:
        if not isinstance(record, Mapping) or not record:
            return False
        names.update(record)
        if len(names) > _COLUMNS_MOST or any(isinstance(part, Mapping) for part in record.values()):
            return False
    return True


def _columns(labels: Sequence[str], records: Sequence[Any], depth: int) -> Html:
    names = list(dict.fromkeys(name for record in records for name in record))
    head = element("tr", element("td"), *(element("th", _key(n), scope="col") for n in names))
    rows = [
        element(
            "tr",
            element("th", _key(label), scope="row"),
            *(
                element("td", value_of(record[name], depth + 1) if name in record else None)
                for name in names
            ),
        )
        for label, record in list(zip(labels, records, strict=True))[:_ROWS_MOST]
    ]
    inside = element("table", element("thead", head), element("tbody", *rows), class_="value")
    return joined((inside, _cut(len(records))))


def _key(key: object) -> Html:
    name = str(key)
    return element("code", name) if name.isidentifier() and name.isascii() else said(name, 200)


def _cut(length: int) -> Html | None:
    rest = length - _ROWS_MOST
    return element("p", f"… {rest:,} more rows", class_="none") if rest > 0 else None
