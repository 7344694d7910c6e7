"""Single values of lists, from text to bytes; and the names of what is lost."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists import values
from headwater.lists.losses import OTHERS, Losses, shown
from headwater.lists.values import HASH_BYTES, HASH_TYPES, HashType


@settings(deadline=None)
@given(
    st.sampled_from(HASH_TYPES), st.binary(max_size=40), st.booleans(), st.sampled_from(("", " "))
)
def test_only_as_many_digits_as_a_hash_has_are_one(
    hash_type: HashType, value: bytes, upper: bool, blank: str
) -> None:
    text = blank + (value.hex().upper() if upper else value.hex()) + blank
    convert = values.digest(hash_type)
    if len(value) == HASH_BYTES[hash_type]:
        assert convert(text) == value
    elif not value:
        assert convert(text) is None
    else:
        with pytest.raises(ValueError, match=f"^not {2 * HASH_BYTES[hash_type]} hex digits$"):
            convert(text)


@pytest.mark.parametrize(
    "text",
    [
        "0x" + "0" * 30,
        "g" * 32,
        "0" * 16 + " " + "0" * 15,
        "٠" * 32,
        "-" + "0" * 31,
        "0" * 31 + "\0",
        "0" * 15 + "\n" + "0" * 16,
        "０" * 32,
    ],
)
def test_what_only_looks_like_digits_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not 32 hex digits"):
        values.digest("md5")(text)


@given(st.binary(min_size=144, max_size=144))
@settings(deadline=None)
def test_photodna_in_both_spellings(value: bytes) -> None:
    assert values.photodna(base64.b64encode(value).decode()) == value
    assert values.photodna(f" {value.hex()} ") == value
    assert values.photodna(" ") is None
    for text in (base64.b64encode(value[:-1]).decode(), value.hex()[:-2], "-" * 192):
        with pytest.raises(ValueError, match="144 bytes"):
            values.photodna(text)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("MD5", "md5"),
        ("SHA-1", "sha1"),
        ("sha_256", "sha256"),
        (" PDQ ", "pdq"),
        ("MD5 Hash", "md5"),
        ('"SHA1"', "sha1"),
        ("sha512", None),
        ("", None),
        ("hash", None),
        ("md5 of file", None),
    ],
)
def test_words_that_name_a_hash(word: str, name: str | None) -> None:
    assert values.type_named(word) == name


@pytest.mark.parametrize(
    ("digits", "types"),
    [
        (32, ("md5",)),
        (40, ("sha1",)),
        (64, ("sha256", "pdq")),
        (31, ()),
        (128, ()),
        (0, ()),
    ],
)
def test_digits_alone_leave_these_kinds(digits: int, types: tuple[str, ...]) -> None:
    assert values.types_of_length("aB3" * 50 if digits > 150 else ("aB3" * 50)[:digits]) == types


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1593631875", "2020-07-01T19:31:15Z"),
        ("0", "1970-01-01T00:00:00Z"),
        ("253402300799", "9999-12-31T23:59:59Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        (" ", None),
    ],
)
def test_moments_have_one_spelling(text: str, told: str | None) -> None:
    assert values.moment(text) == told


@pytest.mark.parametrize("text", ["253402300800", "yesterday", "1e9", "2026-13-01", "٣"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        values.moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1025,
        "tab\there",
        "\x1b[31m",
        "ab" * 16,
        "C:\\x",
        "/home/x",
        "a/b/c",
        "\ud800",
        base64.b64encode(bytes(144)).decode(),
    ],
)
def test_a_label_holds_no_hash_no_path_and_nothing_unprintable(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(not a text|a text that)"):
        values.label(text)
    assert values.record_id(text) is None


def test_a_label_is_kept_as_it_is() -> None:
    for text in ("Series 4", "N/A", "größer, 2", "4a5b6c7d"):
        assert values.label(f" {text} ") == text
        assert values.record_id(text) == text


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("100", 100), ("", None)])
def test_a_quality(text: str, value: int | None) -> None:
    assert values.quality(text) == value
    for wrong in ("101", "-1", "5.5", "x"):
        with pytest.raises(ValueError, match="quality"):
            values.quality(wrong)


def test_media_by_word_and_by_media_type() -> None:
    assert [values.media(word) for word in ("Image", "images", "image/jpeg", "VIDEO", " ")] == [
        "picture",
        "picture",
        "picture",
        "video",
        None,
    ]
    with pytest.raises(ValueError, match="neither"):
        values.media("audio")


@pytest.mark.parametrize("name", ["Media.FilePath", "@odata.context", "Image ID", "a/b", "crc32"])
def test_names_of_fields_are_shown(name: str) -> None:
    assert shown(name) == name


@pytest.mark.parametrize(
    "name", ["0" * 32, "deadbeef", "x" * 65, "123456", "", "é", "a\x1bb", "A1B2" * 8]
)
def test_names_that_could_be_values_are_not(name: str) -> None:
    assert shown(name) == "(unknown)"


def test_losses_tell_only_so_many_names_apart() -> None:
    losses = Losses()
    for number in range(100_000):
        losses.add(f"field {number}")
    taken = losses.take()
    assert len(taken) == 513
    assert taken[OTHERS] == 100_000 - 512
    assert losses.take() == {}
