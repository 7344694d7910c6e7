"""Pages of StopNCII."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from headwater.lists.stopncii import StopNciiReader
from tests.lists.reading import check_no_value_shown, check_resuming, check_truncation, read_well

PDQ = hashlib.sha256(b"pdq").hexdigest()
MD5 = hashlib.md5(b"md5").hexdigest()


def record(**changes: Any) -> dict[str, Any]:
    return {
        "lastModtimestamp": 1625167804,
        "hashValue": PDQ,
        "hashStatus": "Active",
        "caseNumbers": {"27664732-76e1-4a17-8099-455798e67022": "Received"},
        "signalType": "ImagePDQ",
        "CSPFeedbacks": [
            {"source": "X", "feedbackValue": "NotBlocked", "tags": ["t"]},
            {"source": "Y", "feedbackValue": "Blocked", "tags": []},
            {"source": "Z", "feedbackValue": "None"},
        ],
    } | changes


def page(*records: dict[str, Any]) -> dict[str, Any]:
    return {
        "count": len(records),
        "nextSetTimestamp": 1625175071,
        "nextPageToken": "x",
        "hasMoreRecords": True,
        "hashRecords": list(records),
    }


def test_a_record_is_kept_with_what_providers_answered() -> None:
    outcome = read_well(StopNciiReader(), json.dumps(page(record())))
    (entry,) = outcome.entries
    assert (entry.pdq, entry.media, entry.status) == (bytes.fromhex(PDQ), "picture", "active")
    assert entry.labels == (
        ("feedback", "Blocked, NotBlocked"),
        ("updated_at", "2021-07-01T19:30:04Z"),
    )
    assert outcome.lost == {
        "hashRecords.CSPFeedbacks.source": 3,
        "hashRecords.CSPFeedbacks.tags": 1,
        "hashRecords.caseNumbers": 1,
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Active", "active"),
        ("Received", "active"),
        ("Withdrawn", "withdrawn"),
        ("deleted", "withdrawn"),
    ],
)
def test_the_status_tells_what_is_withdrawn(word: str, status: str) -> None:
    (entry,) = read_well(StopNciiReader(), json.dumps(page(record(hashStatus=word)))).entries
    assert entry.status == status


def test_every_shape_of_a_file_gives_the_same() -> None:
    records = [record(hashValue=hashlib.sha256(b"%d" % n).hexdigest()) for n in range(4)]
    wanted = [bytes.fromhex(each["hashValue"]) for each in records]
    pages = [page(*records[:2]), page(*records[2:])]
    for text in (
        json.dumps(page(*records)),
        json.dumps(pages, indent=1),
        json.dumps(records),
        "\n".join(map(json.dumps, pages)),
        "\n".join(map(json.dumps, records)),
    ):
        assert [entry.pdq for entry in read_well(StopNciiReader(), text).entries] == wanted


def test_other_signals_are_lost_and_broken_records_cost_themselves() -> None:
    outcome = read_well(
        StopNciiReader(),
        json.dumps(
            page(
                record(signalType="VideoMD5", hashValue=MD5),
                record(signalType="VideoTMK"),
                record(signalType="Odd " + MD5),
                record(signalType=None),
                record(hashValue=PDQ[2:]),
                record(hashValue=None),
                record(hashStatus="Maybe"),
                record(CSPFeedbacks="x"),
            )
        ),
    )
    assert [entry.media for entry in outcome.entries] == ["video", "picture", "picture"]
    assert outcome.lost["signal VideoTMK"] == 1
    assert outcome.lost["signal of another type"] == 1
    assert [(fault.field, fault.whole) for fault in outcome.faults] == [
        ("signalType", True),
        ("hashValue", True),
        ("hashValue", True),
        ("hashStatus", False),
        ("hashRecords", False),
    ]
    check_no_value_shown(outcome, [PDQ, MD5])


def test_it_goes_on_at_every_cursor_and_survives_every_cut() -> None:
    records = [record(hashValue=hashlib.sha256(b"%d" % n).hexdigest()) for n in range(5000)]
    check_resuming(StopNciiReader, json.dumps(page(*records)).encode())
    for outcome in check_truncation(StopNciiReader, json.dumps(page(*records[:2])).encode()):
        assert outcome.error is not None
