"""Schemes of categories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import UsageError
from headwater.lists import schemes
from headwater.lists.ambiguity import Ambiguous
from headwater.lists.readers import NAMES as FORMATS

OWN: dict[str, Any] = {
    "name": "our-own",
    "title": "Ours",
    "codes": {
        "0": {"meaning": "not_pertinent", "title": "Nothing"},
        "B": {"meaning": "related", "title": "Beside"},
    },
}


def write(folder: Path, value: object) -> Path:
    path = folder / "scheme.json"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


@pytest.mark.parametrize(
    ("scheme", "code", "meaning"),
    [
        ("vics-us", "1", "pertinent"),
        ("vics-us", "0", "uncategorised"),
        ("vics-us", "5", "not_pertinent"),
        ("vics-us", "9", "uncategorised"),
        ("vics-us", None, "uncategorised"),
        ("vics-uk", "1", "uncategorised"),
        ("vics-uk", "5", "uncategorised"),
        ("icse", "Baseline", "pertinent"),
        ("icse", None, "uncategorised"),
        ("ncmec", "A1", "pertinent"),
        ("ncmec", "B2", "pertinent"),
        ("ncmec", "C1", "uncategorised"),
        ("nsrl", None, "known"),
        ("none", "1", "uncategorised"),
    ],
)
def test_a_scheme_says_what_a_code_means(scheme: str, code: str | None, meaning: str) -> None:
    assert schemes.named(scheme).of(code).meaning == meaning


def test_a_code_that_a_scheme_lacks_is_shown_as_it_is() -> None:
    assert schemes.named("none").of("A7").title == "Code A7"


def test_codes_that_nothing_fixes_need_a_choice() -> None:
    for name in ("vics", "csv"):
        with pytest.raises(Ambiguous, match="--scheme") as caught:
            schemes.for_import(name, None, carries_codes=True)
        assert {"vics-us", "vics-uk", "none"} <= set(caught.value.choices)
        assert schemes.for_import(name, None, carries_codes=False).name == "none"
        chosen = schemes.named("vics-uk")
        assert schemes.for_import(name, chosen, carries_codes=True) is chosen


def test_every_format_either_fixes_its_scheme_or_asks_or_has_no_codes() -> None:
    asking = {"vics", "csv"}
    assert set(schemes.FIXED) | schemes.CODELESS | asking == set(FORMATS)
    for name, scheme in schemes.FIXED.items():
        assert schemes.for_import(name, None, carries_codes=True).name == scheme


def test_the_codes_of_built_in_schemes_are_in_the_spelling_of_entries() -> None:
    from headwater.lists.values import category

    for scheme in schemes.BUILT_IN:
        for code, meant in scheme.codes.items():
            assert category(code) == code
            assert meant.meaning in schemes.MEANINGS


def test_a_users_own_scheme_is_read(tmp_path: Path) -> None:
    scheme = schemes.from_file(write(tmp_path, OWN))
    assert scheme.of("0").meaning == "not_pertinent"
    assert scheme.of("B").title == "Beside"
    assert scheme.of(None).meaning == "uncategorised"
    known = OWN | {"without_code": {"meaning": "known", "title": "Seen"}}
    marked = b"\xef\xbb\xbf" + json.dumps(known).encode()
    assert schemes.from_file(write(tmp_path, marked)).of(None).meaning == "known"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a category scheme: Expected `object`"),
        (OWN | {"more": 1}, "unknown field `more`"),
        ({"name": "x", "title": "x"}, "missing required field `codes`"),
        (OWN | {"codes": {"1": {"meaning": "good", "title": "x"}}}, r"\$\.codes"),
        (OWN | {"codes": {"1": {"meaning": "known"}}}, "`title`"),
        (OWN | {"codes": {"01": {"meaning": "known", "title": "x"}}}, "without leading zeros"),
        (OWN | {"codes": {" 1": {"meaning": "known", "title": "x"}}}, "blanks"),
        (OWN | {"codes": {"1": {"meaning": "known", "title": ""}}}, "1 to 80 characters"),
        (OWN | {"codes": {}}, "codes is empty"),
        (OWN | {"name": "vics-us"}, "built-in"),
        (OWN | {"name": "Über"}, "lower-case letters"),
        (OWN | {"title": "x" * 81}, "1 to 80 characters"),
        (b" " * ((1 << 20) + 1), "larger than 1 MiB"),
    ],
)
def test_what_is_wrong_with_a_scheme_is_told(tmp_path: Path, value: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        schemes.from_file(write(tmp_path, value))


def test_a_scheme_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        schemes.from_file(tmp_path / "absent.json")
    with pytest.raises(UsageError, match="vics-us, vics-uk, icse, ncmec, nsrl, none"):
        schemes.named("absent")
