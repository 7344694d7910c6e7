"""What ThreatExchange and HMA exchange."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from headwater.lists.threatexchange import ThreatExchangeReader
from tests.lists.reading import (
    check_no_value_shown,
    check_resuming,
    check_truncation,
    read,
    read_well,
)

PDQ = hashlib.sha256(b"pdq").hexdigest()
MD5 = hashlib.md5(b"md5").hexdigest()


def record(**changes: Any) -> dict[str, Any]:
    whole = {
        "id": "2800",
        "indicator": PDQ,
        "type": "HASH_PDQ",
        "last_updated": 1593631875,
        "should_delete": False,
        "descriptors": {
            "data": [
                {
                    "id": "9",
                    "raw_indicator": PDQ,
                    "owner": {"id": "111"},
                    "status": "MALICIOUS",
                    "tags": ["b", "a"],
                    "added_on": "2020-07-01T18:31:15+0000",
                }
            ]
        },
    }
    return {key: value for key, value in (whole | changes).items() if value is not ...}


def descriptors(*statuses: str, **more: Any) -> dict[str, Any]:
    return {"data": [{"owner": {"id": str(n)}, "status": s} | more for n, s in enumerate(statuses)]}


def test_a_record_is_kept_with_what_its_descriptors_say() -> None:
    outcome = read_well(ThreatExchangeReader(), json.dumps([record()]))
    (entry,) = outcome.entries
    assert entry.pdq == bytes.fromhex(PDQ)
    assert (entry.media, entry.status, entry.category) == ("picture", "active", None)
    assert entry.labels == (
        ("owner", "111"),
        ("record_id", "2800"),
        ("tags", "a, b"),
        ("updated_at", "2020-07-01T19:31:15Z"),
    )
    assert outcome.lost == {"descriptors.added_on": 1}


@pytest.mark.parametrize(
    ("kind", "field", "media"),
    [
        ("HASH_MD5", "md5", None),
        ("HASH_VIDEO_MD5", "md5", "video"),
        ("HASH_SHA1", "sha1", None),
        ("HASH_SHA256", "sha256", None),
        ("hash_pdq", "pdq", "picture"),
    ],
)
def test_the_type_says_which_hash(kind: str, field: str, media: str | None) -> None:
    size = {"md5": 16, "sha1": 20}.get(field, 32)
    value = bytes(range(size))
    outcome = read_well(
        ThreatExchangeReader(), json.dumps([record(type=kind, indicator=value.hex())])
    )
    assert getattr(outcome.entries[0], field) == value
    assert outcome.entries[0].media == media


@pytest.mark.parametrize(
    ("changes", "status", "disputed"),
    [
        ({"should_delete": True}, "withdrawn", False),
        ({"descriptors": ...}, "withdrawn", False),
        ({"descriptors": descriptors("NON_MALICIOUS")}, "withdrawn", False),
        ({"descriptors": descriptors("NON_MALICIOUS", "NON_MALICIOUS")}, "withdrawn", False),
        ({"descriptors": descriptors("MALICIOUS", "NON_MALICIOUS")}, "active", True),
        ({"descriptors": descriptors("UNKNOWN")}, "active", False),
        (
            {
                "descriptors": descriptors(
                    "MALICIOUS", reactions=[{"key": "DISAGREE_WITH_TAGS", "value": "1,2"}]
                )
            },
            "active",
            True,
        ),
        (
            {"descriptors": descriptors("MALICIOUS", reactions=[{"key": "HELPFUL"}])},
            "active",
            False,
        ),
    ],
)
def test_deletions_and_negatives_are_withdrawn(
    changes: dict[str, Any], status: str, disputed: bool
) -> None:
    (entry,) = read_well(ThreatExchangeReader(), json.dumps([record(**changes)])).entries
    assert entry.status == status
    assert (("disputed", "yes") in entry.labels) == disputed


def test_the_first_descriptor_gives_a_hash_that_the_record_lacks() -> None:
    outcome = read_well(ThreatExchangeReader(), json.dumps([record(indicator=...)]))
    assert outcome.entries[0].pdq == bytes.fromhex(PDQ)


def test_banks_of_hma_are_read_in_each_form() -> None:
    contents = [
        {"id": 5, "signals": {"pdq": PDQ, "video_md5": MD5}, "bank": {"name": "DEMO"}, "note": "n"},
        {"pdq": PDQ},
        {"signal_type": "pdq", "signal": PDQ},
        {
            "id": 6,
            "signals": [
                {"signal_type": "pdq", "signal_val": PDQ},
                {"type": "raw_text", "signal": "x"},
            ],
        },
    ]
    outcome = read_well(ThreatExchangeReader(), json.dumps({"data": contents}))
    assert [entry.pdq for entry in outcome.entries] == [bytes.fromhex(PDQ)] * 4
    assert outcome.entries[0].md5 == bytes.fromhex(MD5)
    assert outcome.entries[0].labels == (("list", "DEMO"), ("record_id", "5"))
    assert outcome.lost == {"note": 1, "signal raw_text": 1}


def test_the_local_file_has_a_type_and_a_signal_a_line() -> None:
    text = f"pdq {PDQ}\r\n# note\n\nvideo_md5  {MD5}\nurl https://a.example\n"
    text += f"pdq {MD5}\nwhat {MD5}\n{PDQ}\n"
    outcome = read_well(ThreatExchangeReader(), text)
    assert [entry.spot.line for entry in outcome.entries] == [1, 4]
    assert outcome.entries[1].md5 == bytes.fromhex(MD5)
    assert outcome.lost == {"signal url": 1}
    assert [(f.spot.line, f.rule) for f in outcome.faults] == [
        (6, "not 64 hex digits"),
        (7, "not a signal type and a signal"),
        (8, "not a signal type and a signal"),
    ]
    check_no_value_shown(outcome, [PDQ, MD5])


def test_what_is_wrong_with_a_record_costs_it_alone() -> None:
    values: list[Any] = [
        record(indicator=PDQ[:-1]),
        record(type=...),
        record(indicator=12, descriptors={"data": "x"}),
        record(id=["x"]),
        record(last_updated="never"),
        record(type="HASH_TMK"),
        record(type="SOMETHING " + MD5),
        record(descriptors={"data": [{"tags": "x"}, 5]}),
        {},
        record(),
    ]
    outcome = read_well(ThreatExchangeReader(), json.dumps(values))
    assert len(outcome.entries) == 4
    assert len([fault for fault in outcome.faults if fault.whole]) == 4
    assert len([fault for fault in outcome.faults if not fault.whole]) == 3
    assert outcome.lost["signal tmk"] == 1
    assert outcome.lost["signal of another type"] == 1
    check_no_value_shown(outcome, [PDQ, MD5])


def test_unknown_fields_are_counted_unless_their_name_could_be_a_value() -> None:
    outcome = read_well(ThreatExchangeReader(), json.dumps([record(**{"extra": 1, PDQ: 2})]))
    assert outcome.lost == {"descriptors.added_on": 1, "record.(unknown)": 1, "record.extra": 1}


@pytest.mark.parametrize("shape", ["lines", "document", "text"])
def test_it_goes_on_at_every_cursor(shape: str) -> None:
    values = [
        record(id=str(n), indicator=hashlib.sha256(b"%d" % n).hexdigest()) for n in range(6000)
    ]
    if shape == "lines":
        text = "\n".join(map(json.dumps, values))
    elif shape == "document":
        text = json.dumps({"data": values})
    else:
        text = "".join(f"pdq {value['indicator']}\n" for value in values)
    check_resuming(ThreatExchangeReader, text.encode())


@pytest.mark.parametrize("shape", ["lines", "document", "text"])
def test_cut_anywhere_it_gives_what_came_before(shape: str) -> None:
    values = [record(id="1"), record(id="2")]
    if shape == "document":
        outcomes = check_truncation(ThreatExchangeReader, json.dumps({"data": values}).encode())
        assert all(outcome.error is not None for outcome in outcomes)
    elif shape == "lines":
        check_truncation(ThreatExchangeReader, "\n".join(map(json.dumps, values)).encode())
    else:
        check_truncation(ThreatExchangeReader, f"pdq {PDQ}\nmd5 {MD5}\n".encode())


def test_a_document_without_records_is_a_fault() -> None:
    assert read(ThreatExchangeReader(), b'{"other": []}\n \n').entries == []
    assert read(ThreatExchangeReader(), b'{\n"other": []}').error is not None
