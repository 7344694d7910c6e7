"""Laid out for a person: all of it is there, no line is longer than it must be."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.cli.layout import say_columns, say_nested, say_pairs, say_wrapped, words

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
LEAVES = st.one_of(WORDS, st.integers(), st.booleans())
VALUES = st.recursive(
    LEAVES,
    lambda held: st.one_of(st.lists(held, max_size=4), st.dictionaries(WORDS, held, max_size=4)),
    max_leaves=20,
)
EACH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def leaves(value: Any) -> list[str]:
    """Return every word that stands in a value."""
    if isinstance(value, dict):
        return [word for held in value.values() for word in leaves(held)]
    if isinstance(value, list):
        return [word for held in value for word in leaves(held)]
    return [words(value)]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@given(value=VALUES)
@EACH
def test_nothing_of_a_value_is_left_out(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    say_nested("name", value)
    printed = capsys.readouterr().out
    for word in leaves(value):
        assert word in printed


@given(text=st.text(max_size=400))
@EACH
def test_lines_end_at_the_width_and_steer_nothing(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say_wrapped(text)
    for line in capsys.readouterr().out.splitlines():
        assert len(line) <= 80 or " " not in line.strip()
        assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in line)


def test_what_has_no_value_is_left_out_and_no_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    say_nested(
        "exif", {"make": None, "list": [], "in": {"x": None}, "flash": False, "lens": 0, "a": ""}
    )
    assert capsys.readouterr().out == "  exif:\n    flash: no\n    lens: 0\n"


def test_fractions_and_lists_are_said_in_words() -> None:
    assert words([[48, 1], [8, 1]]) == "48/1, 8/1"
    assert words({"text": "0232", "type": "UNDEFINED", "none": None}) == (
        "text 0232, type UNDEFINED"
    )


def test_columns_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    say_columns([["a", "longer", "x"], ["bbb", "c", "y " * 60]])
    first, second, *further = capsys.readouterr().out.splitlines()
    assert first.index("x") == second.index("y")
    assert all(line.startswith(" " * second.index("y") + "y") for line in further)
    say_pairs([("one", 1), ("three", None), ("eleven", True)])
    assert capsys.readouterr().out == "  one     1\n  eleven  yes\n"
