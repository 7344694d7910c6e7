"""What an import counts holds no value."""

from __future__ import annotations

import base64

import msgspec
import pytest

from headwater.errors import UsageError
from headwater.lists.contract import Batch, Entry, Fault, Spot
from headwater.lists.tally import MOST_CODES, MOST_NAMES, MOST_SPOTS, Tally, shown


def entry(category: str | None) -> Entry:
    return Entry(spot=Spot(line=1), md5=bytes(16), category=category)


def fault(field: str, line: int = 1, *, whole: bool = True) -> Fault:
    return Fault(spot=Spot(line=line), field=field, rule="not 32 hex digits", whole=whole)


def test_everything_is_counted() -> None:
    tally = Tally()
    entries = [entry("1"), entry("1"), entry(None)]
    tally.take(Batch(entries=entries, faults=[fault("MD5", 9)], lost={"a": 2}))
    tally.take(Batch(entries=[], faults=[fault("MD5", 11, whole=False)], lost={"a": 3, "b": 1}))
    assert tally.broken_share == 0.25
    assert tally.report({"md5": 3}) == {
        "entries": 3,
        "broken_entries": 1,
        "withdrawn_entries": 0,
        "hashes": {"md5": 3},
        "categories": {"": 1, "1": 2},
        "faults": [{"field": "MD5", "rule": "not 32 hex digits", "count": 2}],
        "first_faults": [
            {
                "field": "MD5",
                "rule": "not 32 hex digits",
                "whole_entry": whole,
                "offset_bytes": None,
                "line": line,
            }
            for line, whole in ((9, True), (11, False))
        ],
        "lost": {"a": 5, "b": 1},
    }


def test_it_goes_on_from_what_was_kept() -> None:
    batches = [
        Batch(entries=[entry(str(n % 3))] * n, faults=[fault(f"f{n % 2}")] * n, lost={"x": n})
        for n in range(1, 9)
    ]
    whole, part = Tally(), Tally()
    for batch in batches:
        whole.take(batch)
        part.take(batch)
        part = msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=Tally)
    assert part == whole


def test_it_is_bounded_however_the_file_names_its_fields() -> None:
    tally = Tally()
    for number in range(3 * MOST_NAMES):
        tally.take(Batch(entries=[], faults=[fault(f"field {number}")], lost={f"lost {number}": 1}))
    report = tally.report({})
    assert len(report["faults"]) == len(report["lost"]) == MOST_NAMES + 1
    assert sum(one["count"] for one in report["faults"]) == 3 * MOST_NAMES
    assert sum(report["lost"].values()) == 3 * MOST_NAMES
    assert len(report["first_faults"]) == MOST_SPOTS


def test_a_value_in_the_place_of_a_name_is_withheld() -> None:
    value = bytes(range(200, 232))
    for size in (16, 20, 32):
        for text in (
            value[:size].hex(),
            value[:size].hex().upper(),
            base64.b64encode(value[:size]).decode(),
            f"Media.{value[:size].hex()}.MD5",
        ):
            assert text not in shown(text)
            assert "withheld" in shown(text)
    for name in ("Media.Exifs.PropertyValue", "MediaFilesUnallocatedOverwrittenPhysical", "Größe"):
        assert shown(name) == name


@pytest.mark.parametrize("code", ["a" * 65, "d41d8cd98f00b204e9800998ecf8427e"])
def test_what_is_no_category_code_is_refused_unnamed(code: str) -> None:
    with pytest.raises(UsageError, match="no category codes") as caught:
        Tally().take(Batch(entries=[entry(code)], faults=[]))
    assert code not in str(caught.value)


def test_too_many_codes_are_refused() -> None:
    entries = [entry(str(number)) for number in range(MOST_CODES)]
    tally = Tally()
    tally.take(Batch(entries=entries, faults=[]))
    with pytest.raises(UsageError, match="no category codes"):
        tally.take(Batch(entries=[entry("one more")], faults=[]))
