"""Markup cannot be broken out of, and hides nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.report.markup import Html, element, joined, quoted, said, spoken, text
from tests.report.payloads import ODD, PAYLOADS
from tests.report.reading import Reading

ANY = st.text(st.characters(codec=None))
"""Any text, lone surrogates included."""


def shown(markup: str) -> str:
    found = Reading(markup)
    assert not found.open
    return found.text


@given(ANY)
@example("".join(ODD))
@example("</bdi><script>")
def test_evidence_text_is_one_element_of_text(value: str) -> None:
    found = Reading(said(value, 10_000))
    assert found.elements[0] == ("bdi", {"class": "said"})
    assert {tag for tag, _ in found.elements[1:]} <= {"b"}
    assert not found.other


@given(ANY)
def test_nothing_that_hides_or_steers_is_left(value: str) -> None:
    for markup in (said(value, 10_000), text(value), quoted(value), spoken(value, 10_000)):
        markup.encode("utf-8")
        for letter in markup:
            assert unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
            assert letter in (" ", "\u3000") or not letter.isspace()


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M"))))
def test_letters_are_shown_as_they_are(value: str) -> None:
    assert shown(said(value, 10_000)) == value


@pytest.mark.parametrize("value", PAYLOADS)
def test_payloads_stay_text(value: str) -> None:
    assert shown(element("p", value)) == value
    found = Reading(element("p", title=value, data_x=value))
    assert found.elements == [("p", {"title": value, "data-x": value})]


def test_a_name_cannot_be_imitated() -> None:
    hidden, spelt = said("a\u202eb"), said("aU+202Eb")
    assert hidden != spelt
    assert shown(hidden) == shown(spelt) == "aU+202Eb"
    assert '<b class="letter">U+202E</b>' in hidden
    assert "<b " not in spelt


def test_bytes_that_are_no_text_are_named() -> None:
    assert shown(said(b"caf\xe9.jpg")) == "cafbyte E9.jpg"
    assert shown(said("café.jpg".encode())) == "café.jpg"


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=50), st.integers(1, 60))
def test_what_is_cut_is_said(value: str, most: int) -> None:
    rest = len(value) - most
    expected = value if rest <= 0 else f"{value[:most]} … {rest} more characters"
    assert shown(said(value, most)) == expected


def test_children_and_attributes() -> None:
    made = element("a", "<", None, Html("<b></b>"), 3, href="#x", hidden=True, title=None, id="")
    assert made == '<a href="#x" hidden id="">&lt;<b></b>3</a>'
    assert joined(["<", Html("<i></i>")], " & ") == "&lt; &amp; <i></i>"
