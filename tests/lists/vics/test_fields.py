"""Single values of VICS files."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lists.vics import fields


@given(st.binary(min_size=16, max_size=16))
def test_digests_in_either_case(value: bytes) -> None:
    for text in (value.hex(), value.hex().upper(), f" {value.hex()}\n"):
        assert fields.digest(text, 16) == value


@pytest.mark.parametrize(
    "text",
    ["", "a" * 31, "a" * 33, "g" * 32, "aa " * 10 + "aa", "é" * 32, "0x" + "a" * 30, "a" * 40],
)
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(ValueError, match="not 32 hex digits"):
        fields.digest(text, 16)


@given(st.binary(min_size=144, max_size=144))
def test_photodna_in_base64_and_hex(value: bytes) -> None:
    for text in (base64.b64encode(value).decode(), value.hex(), value.hex().upper()):
        assert fields.photodna(text) == value


@given(st.binary(max_size=200).filter(lambda value: len(value) != 144))
def test_photodna_of_another_length(value: bytes) -> None:
    with pytest.raises(ValueError, match="144 bytes"):
        fields.photodna(base64.b64encode(value).decode())


@pytest.mark.parametrize(
    "text", ["A" * 191, "A" * 191 + "!", "A" * 96 + "\n" + "A" * 95, "é" * 192]
)
def test_what_is_no_photodna(text: str) -> None:
    with pytest.raises(ValueError, match="144 bytes"):
        fields.photodna(text)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0, 0),
        (2835, 2835),
        ("2835", 2835),
        (" 007 ", 7),
        ("", None),
        ((1 << 63) - 1, (1 << 63) - 1),
    ],
)
def test_sizes(value: int | str, size: int | None) -> None:
    assert fields.size(value) == size


@pytest.mark.parametrize("value", [-1, "-1", "1.5", "1e3", 1 << 63, "9" * 30, "٣", "12 kB", True])
def test_what_is_no_size(value: int | str) -> None:
    with pytest.raises(ValueError, match="number of bytes"):
        fields.size(value)


@pytest.mark.parametrize(
    ("value", "code"), [(1, "1"), ("1", "1"), ("01", "1"), ("000", "0"), (" A2 ", "A2"), ("", None)]
)
def test_categories_in_one_spelling(value: int | str, code: str | None) -> None:
    assert fields.category(value) == code


@pytest.mark.parametrize("value", ["x" * 65, "a\nb", "\x00"])
def test_what_is_no_category(value: str) -> None:
    with pytest.raises(ValueError, match="code"):
        fields.category(value)


@pytest.mark.parametrize("no", [False, "false", "False", "FALSE", " no ", "0", 0, ""])
@pytest.mark.parametrize("yes", [True, "true", "True", "TRUE", "yes", "1", 1])
def test_false_is_not_true(no: bool | str | int, yes: bool | str | int) -> None:
    assert fields.flag(no) is False
    assert fields.flag(yes) is True


@pytest.mark.parametrize("value", ["maybe", 2, "t" * 5000])
def test_what_is_no_flag(value: str | int) -> None:
    with pytest.raises(ValueError, match="neither"):
        fields.flag(value)
