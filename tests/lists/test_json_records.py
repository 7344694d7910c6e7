"""Records in JSON documents and on lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists.contract import Fault
from headwater.lists.json_records import JsonRecords, Object, list_member, text_member
from tests.lists.reading import BytesStream

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | names
objects = st.dictionaries(names.map(lambda name: f"k{name}"), plain, max_size=3)


def records() -> JsonRecords:
    return JsonRecords(
        ("data[]", "[].data[]", "[]"), "record", lambda page: page.get("data", (page,))
    )


def read(data: bytes) -> tuple[list[Object], list[Fault]]:
    found: list[Object] = []
    faults: list[Fault] = []
    for block in records().blocks(BytesStream(data)):
        found += [record.members for record in block.records]
        faults += block.faults
    return found, faults


@settings(deadline=None)
@given(st.lists(objects, min_size=1, max_size=6), st.sampled_from(("utf-8", "utf-8-sig", "utf-16")))
def test_every_shape_of_a_file_gives_the_same_records(values: list[Object], encoding: str) -> None:
    lines = "\n".join(map(json.dumps, values))
    pages = "\n".join(json.dumps({"data": values[n : n + 2]}) for n in range(0, len(values), 2))
    shapes = {
        "array": json.dumps(values),
        "indented": json.dumps(values, indent=1),
        "page": json.dumps({"data": values, "paging": {"next": "x"}}),
        "indented page": json.dumps({"data": values}, indent=2),
        "array of pages": json.dumps([{"data": values[:1]}, {"data": values[1:]}]),
        "lines": lines,
        "lines, ended": lines + "\r\n",
        "lines of pages": pages,
    }
    for name, text in shapes.items():
        assert read(text.encode(encoding)) == (values, []), name


def test_what_is_no_record_costs_itself() -> None:
    found, faults = read(b'{"a":1}\nnonsense\n[1]\n{"b":}\n\n{"c":3}\n{"data":[4,{"d":5}]}')
    assert found == [{"a": 1}, {"c": 3}, {"d": 5}]
    assert [(fault.spot.line, fault.rule) for fault in faults] == [
        (2, "not valid JSON"),
        (3, "not an object"),
        (4, "not valid JSON"),
        (7, "not an object"),
    ]
    found, faults = read(b'[{"a":1}, 2, {"b":01}, {"c":3}]')
    assert found == [{"a": 1}, {"c": 3}]
    assert [fault.spot.offset_bytes for fault in faults] == [10, 13]


def test_deep_nesting_on_a_line_costs_that_line() -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    found, faults = read(b'{"b":1}\n' + deep + b'\n{"c":1}\n')
    assert found == [{"b": 1}, {"c": 1}]
    assert len(faults) == 1


@pytest.mark.parametrize("text", ["lines", "document"])
def test_reading_goes_on_at_every_cursor(text: str) -> None:
    values = [{"number": number, "text": "ä" * (number % 50)} for number in range(12_000)]
    whole = "\n".join(map(json.dumps, values)) if text == "lines" else json.dumps({"data": values})
    taken: list[Any] = []
    for block in records().blocks(BytesStream(whole.encode())):
        taken += [record.members for record in block.records]
        for pieces in (None, 5000):
            stream = BytesStream(whole.encode(), piece_bytes=pieces)
            rest = [
                record.members
                for each in records().blocks(stream, block.cursor)
                for record in each.records
            ]
            assert taken + rest == values
    assert taken == values


def test_members_are_taken_as_what_they_should_be() -> None:
    members = {"a": "x", "b": 7, "c": True, "d": None, "e": [1], "f": 1.5, "g": 10**40}
    assert [text_member(members, key) for key in "abdhg"] == ["x", "7", "", "", "?"]
    assert list_member(members, "e") == [1]
    assert list_member(members, "d") == []
    for key in "cef":
        with pytest.raises(ValueError, match="not a text"):
            text_member(members, key)
    with pytest.raises(ValueError, match="not an array"):
        list_member(members, "a")
