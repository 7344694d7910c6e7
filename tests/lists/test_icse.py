"""ICSE's CSV."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest

from headwater.lists.icse import IcseReader
from tests.lists.reading import (
    check_no_value_shown,
    check_resuming,
    check_truncation,
    read,
    read_well,
)

HEADER = (
    "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series name;"
    "Number of submissions;File Available;Media Type;Baseline"
)
PHOTODNA = base64.b64encode(bytes(range(144))).decode()
MD5 = hashlib.md5(b"one").hexdigest()
SHA1 = hashlib.sha1(b"one").hexdigest()


def test_every_column_that_an_entry_can_hold_is_kept() -> None:
    row = f"{MD5.upper()};{SHA1.upper()};{PHOTODNA};4711;y;t;no;Blue;3;True;Image;yes"
    outcome = read_well(IcseReader(), f"{HEADER}\n{row}\n")
    (entry,) = outcome.entries
    assert entry.md5 == bytes.fromhex(MD5)
    assert entry.sha1 == bytes.fromhex(SHA1)
    assert entry.photodna == bytes(range(144))
    assert entry.category == "Baseline"
    assert entry.media == "picture"
    assert entry.labels == (
        ("distributed", "yes"),
        ("record_id", "4711"),
        ("series", "Blue"),
        ("victim_identified", "yes"),
    )
    assert outcome.lost == {"File Available": 1, "Number of submissions": 1}


@pytest.mark.parametrize("no", ["n", "no", "F", "false", ""])
def test_an_entry_without_the_flag_has_no_category(no: str) -> None:
    outcome = read_well(IcseReader(), f"{HEADER}\n{MD5};;;;;;;;;;Video;{no}\n")
    assert outcome.entries[0].category is None
    assert outcome.entries[0].media == "video"


def test_rows_with_too_few_or_too_many_cells_are_read_as_far_as_they_go() -> None:
    text = f"{HEADER}\n{MD5};{SHA1}\n{MD5};;;;;;;;;;;y;more;\n{MD5[:9]}\n{MD5};;;;;;;;;;;maybe\n"
    outcome = read_well(IcseReader(), text)
    assert [entry.spot.line for entry in outcome.entries] == [2, 3, 5]
    assert [(f.spot.line, f.whole) for f in outcome.faults] == [
        (2, False),
        (3, False),
        (4, False),
        (4, True),
        (5, False),
    ]
    assert outcome.lost["cells beyond the last column"] == 1
    check_no_value_shown(outcome, [MD5, SHA1])


def test_columns_are_found_by_name() -> None:
    text = f"Baseline;Victim Identified;New column;md5\ny;n;x;{MD5}\n"
    outcome = read_well(IcseReader(), text)
    assert (outcome.entries[0].category, outcome.lost) == ("Baseline", {"New column": 1})


def test_another_header_is_a_fault() -> None:
    outcome = read(IcseReader(), f"MD5;SHA1\n{MD5};{SHA1}\n")
    assert str(outcome.error) == "the header is not that of an ICSE list at line 1"


def test_it_goes_on_at_every_cursor_and_survives_every_cut() -> None:
    chance = random.Random(3)
    rows = [f"{chance.randbytes(16).hex()};;;{n};y;n;n;S {n};;;Image;n" for n in range(4000)]
    text = "\n".join([HEADER, *rows])
    check_resuming(IcseReader, text.encode())
    check_resuming(IcseReader, text.encode("utf-16"))
    check_truncation(IcseReader, "\n".join([HEADER, *rows[:3]]).encode())
