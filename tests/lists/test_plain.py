"""Bare hashes, one a line."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists.ambiguity import Ambiguous
from headwater.lists.contract import ListFault
from headwater.lists.plain import PlainReader
from headwater.lists.values import HASH_BYTES, HASH_TYPES, HashType
from tests.lists.reading import (
    BytesStream,
    check_no_value_shown,
    check_resuming,
    check_truncation,
    read,
    read_well,
)

MD5 = "0cc175b9c0f1b6a831c399e269772661"
SHA1 = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
SHA256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afeb48bb"


def hashes(number: int, size_bytes: int = 16) -> list[bytes]:
    chance = random.Random(size_bytes)
    return [chance.randbytes(size_bytes) for _ in range(number)]


@pytest.mark.parametrize(("text", "field"), [(MD5, "md5"), (SHA1, "sha1")])
def test_the_number_of_digits_tells_md5_and_sha_1(text: str, field: str) -> None:
    entries = read_well(PlainReader(), f"{text}\n{text.upper()}\r\n").entries
    assert [getattr(entry, field) for entry in entries] == [bytes.fromhex(text)] * 2
    assert [(e.spot.line, e.spot.offset_bytes) for e in entries] == [(1, 0), (2, len(text) + 1)]


@pytest.mark.parametrize("head", ["", "# a comment\n\n", "not a hash\n"])
def test_64_digits_are_never_guessed(head: str) -> None:
    batches = PlainReader().read(BytesStream(f"{head}{SHA256}\n".encode()))
    with pytest.raises(Ambiguous, match="--hash-type") as caught:
        assert not any(batch.entries for batch in batches)
    assert caught.value.choices == ("sha256", "pdq")
    assert SHA256 not in str(caught.value)


@pytest.mark.parametrize("hash_type", ["sha256", "pdq"])
def test_the_option_or_the_first_line_says_which(hash_type: HashType) -> None:
    by_option = read_well(PlainReader(hash_type), SHA256)
    by_word = read_well(PlainReader(), f"{hash_type.upper()}\n{SHA256}\n")
    for outcome in (by_option, by_word):
        assert [getattr(e, hash_type) for e in outcome.entries] == [bytes.fromhex(SHA256)]
        assert outcome.faults == []


@pytest.mark.parametrize("word", ["MD5", "md5", '"MD5"', "MD-5", "Md5 Hash", "\ufeffMD5"])
def test_a_first_line_may_name_the_type(word: str) -> None:
    outcome = read_well(PlainReader(), f"{word}\r\n{MD5}\r\n")
    assert [entry.md5 for entry in outcome.entries] == [bytes.fromhex(MD5)]
    assert outcome.faults == []


def test_a_line_of_another_kind_costs_that_line() -> None:
    text = (
        f"{MD5}\n{SHA1}\n{MD5[:-1]}\n \n{MD5[:-1]}g\n  {MD5}\t\n{MD5[:16]} {MD5[16:]}\nMD5\n{MD5}"
    )
    outcome = read_well(PlainReader(), text)
    assert [entry.spot.line for entry in outcome.entries] == [1, 6, 9]
    assert [fault.spot.line for fault in outcome.faults] == [2, 3, 5, 7, 8]
    assert {fault.rule for fault in outcome.faults} == {"not 32 hex digits"}
    check_no_value_shown(outcome, [MD5, SHA1])


def test_a_repeated_hash_goes_through_as_it_is() -> None:
    assert len(read_well(PlainReader(), f"{MD5}\n" * 5).entries) == 5


@settings(deadline=None)
@given(
    st.sampled_from(HASH_TYPES),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    st.lists(st.integers(0, 3), max_size=8),
)
def test_every_encoding_gives_the_same(
    hash_type: HashType, encoding: str, blanks: list[int]
) -> None:
    values = hashes(len(blanks) + 1, HASH_BYTES[hash_type])
    text = "".join(
        " " * blank + value.hex() + "\n" for blank, value in zip([0, *blanks], values, strict=True)
    )
    outcome = read_well(PlainReader(hash_type), text.encode(encoding))
    assert [getattr(entry, hash_type) for entry in outcome.entries] == values


def test_it_goes_on_at_every_cursor() -> None:
    lines = [value.hex() for value in hashes(20_000)]
    lines[::101] = ["broken"] * len(lines[::101])
    text = "MD5\n" + "\n".join(lines)
    check_resuming(PlainReader, text.encode())
    check_resuming(PlainReader, text.encode("utf-16"))


def test_the_kind_that_a_first_line_told_holds_after_a_cursor() -> None:
    text = "PDQ\n" + "\n".join(value.hex() for value in hashes(9000, 32))
    check_resuming(PlainReader, text.encode())


def test_a_cut_list_never_gives_a_shorter_hash() -> None:
    text = "\n".join(value.hex() for value in hashes(4, 20)) + "\n"
    whole = read_well(PlainReader("sha1"), text).entries
    for outcome in check_truncation(lambda: PlainReader("sha1"), text.encode()):
        assert outcome.entries == whole[: len(outcome.entries)]


def test_a_cursor_of_another_reader_is_refused() -> None:
    assert isinstance(read(PlainReader(), MD5, b"\xc1nonsense").error, ListFault)
