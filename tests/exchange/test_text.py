"""Evidence text survives, and cannot steer a terminal or a spreadsheet."""

from __future__ import annotations

import base64
import csv
import datetime
import io
import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from headwater.exchange.text import bytes_of, cell, escaped, named, rfc3339, text_of


@given(st.binary(max_size=64))
def test_a_name_of_any_bytes_survives_json(raw: bytes) -> None:
    told = json.loads(json.dumps(named("path", raw)))
    if "path_bytes" in told:
        assert base64.b64decode(told["path_bytes"]) == raw
    else:
        assert told["path"].encode() == raw
    assert told["path"] == text_of(raw)


LOOK_ALIKES = st.lists(
    st.sampled_from(
        [
            b"\\",
            b"x",
            b"u",
            b"U",
            b"e9",
            b"5c",
            b"0010fffd",
            b"\xe9",
            b"\n",
            b"/",
            b"\xf3\xa0\x80\x81",
        ]
    )
)
"""Names that look like what is printed of others, with letters that are escaped among them."""


@given(st.one_of(st.binary(max_size=64), st.text().map(str.encode), LOOK_ALIKES.map(b"".join)))
def test_a_name_of_any_bytes_is_given_back_by_what_is_printed_of_it(raw: bytes) -> None:
    assert bytes_of(text_of(raw)) == raw
    assert bytes_of(escaped(text_of(raw))) == raw


def test_names_that_look_alike_are_printed_apart() -> None:
    assert text_of(b"caf\xe9.jpg") == "caf\\xe9.jpg"
    assert text_of(b"caf\\xe9.jpg") == "caf\\x5cxe9.jpg"
    assert text_of(b"C:\\pictures\\new.jpg") == "C:\\pictures\\new.jpg"
    assert escaped("\U000e0001") == "\\U000e0001"
    assert bytes_of("\\U0011ffff \\xg0 \\u12") == b"\\U0011ffff \\xg0 \\u12"


@given(st.text())
def test_nothing_that_steers_reaches_a_terminal(text: str) -> None:
    shown = escaped(text)
    assert all(unicodedata.category(letter)[0] != "C" for letter in shown if letter not in text)
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in shown)


def test_colours_titles_and_turned_names_are_shown_as_text() -> None:
    assert (
        escaped("\x1b[31mred\x07 \u202egpj.exe\n") == "\\u001b[31mred\\u0007 \\u202egpj.exe\\u000a"
    )


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell(text).endswith(text)
    out = io.StringIO()
    csv.writer(out).writerow([cell(text), "next"])
    assert next(csv.reader(io.StringIO(out.getvalue(), newline="")))[1] == "next"


@given(
    st.datetimes(min_value=datetime.datetime(1, 1, 2), max_value=datetime.datetime(9999, 12, 30))
)
def test_times_are_what_datetime_says(moment: datetime.datetime) -> None:
    since = moment - datetime.datetime(1970, 1, 1)
    nanoseconds = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000
    told = rfc3339(nanoseconds)
    assert told.endswith("Z")
    assert datetime.datetime.fromisoformat(told.removesuffix("Z")) == moment


def test_nanoseconds_are_kept_and_times_beyond_the_calendar_said_in_seconds() -> None:
    assert rfc3339(1) == "1970-01-01T00:00:00.000000001Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999999999Z"
    assert "since 1970" in rfc3339(10**30)
