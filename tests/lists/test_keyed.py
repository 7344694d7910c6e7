"""Keyed digests are HMAC-SHA256, cut to 16 bytes."""

from __future__ import annotations

import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lists.keyed import keyed, keyed_digests


def plain(key: bytes, digest: bytes) -> tuple[int, int]:
    code = hmac.new(key, digest, "sha256").digest()
    return int.from_bytes(code[:8], "big"), int.from_bytes(code[8:16], "big")


@given(
    key=st.binary(max_size=64),
    digests=st.sampled_from([1, 16, 20, 32, 63, 64, 65]).flatmap(
        lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=5)
    ),
)
def test_they_are_those_of_the_standard_library(key: bytes, digests: list[bytes]) -> None:
    made = keyed(key, digests)
    assert made.dtype == np.uint64
    assert made.shape == (len(digests), 2)
    assert [tuple(row) for row in made.tolist()] == [plain(key, one) for one in digests]
    if digests:
        array = np.array([list(one) for one in digests], np.uint8)
        assert (keyed_digests(key, array) == made).all()
        assert (keyed_digests(key, np.asfortranarray(array)) == made).all()


def test_a_known_answer() -> None:
    # RFC 4231, test case 2.
    made = keyed(b"Jefe", [b"what do ya want for nothing?"])
    assert made.tolist() == [[0x5BDCC146BF60754E, 0x6A042426089575C7]]


def test_none_gives_none_and_a_long_key_is_refused() -> None:
    assert keyed_digests(bytes(32), np.zeros((0, 16), np.uint8)).shape == (0, 2)
    with pytest.raises(ValueError, match="64 bytes"):
        keyed(bytes(65), [])
