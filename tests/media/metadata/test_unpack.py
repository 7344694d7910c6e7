"""Unpacking gives what was packed, or says why not, and never more than its ceiling."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ContentError, LimitExceeded, Malformed
from headwater.media.metadata.unpack import inflate, unbrotli

Pair = tuple[Callable[[bytes], bytes], Callable[[bytes, int], bytes]]
PAIRS: list[Pair] = [(zlib.compress, inflate), (brotli.compress, unbrotli)]


@pytest.mark.parametrize("pair", PAIRS)
@given(data=st.binary(max_size=3000), spare=st.integers(0, 10))
def test_round_trip(pair: Pair, data: bytes, spare: int) -> None:
    pack, unpack = pair
    assert unpack(pack(data), max(1, len(data)) + spare) == data


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("ceiling", [0, 1, 1000, 1 << 16, (1 << 20) - 1])
def test_the_ceiling_holds(pair: Pair, ceiling: int) -> None:
    pack, unpack = pair
    packed = pack(bytes(1 << 20))
    with pytest.raises(LimitExceeded):
        unpack(packed, ceiling)
    assert len(unpack(packed, 1 << 20)) == 1 << 20


@pytest.mark.parametrize("pair", PAIRS)
@given(data=st.binary(min_size=20, max_size=400), cut=st.integers(1, 15))
def test_what_is_cut_off_is_malformed(pair: Pair, data: bytes, cut: int) -> None:
    pack, unpack = pair
    packed = pack(data)
    with pytest.raises(Malformed):
        unpack(packed[: len(packed) - min(cut, len(packed) - 1)], 1000)


@pytest.mark.parametrize("pair", PAIRS)
@given(noise=st.binary(max_size=300))
def test_noise_raises_nothing_else(pair: Pair, noise: bytes) -> None:
    _, unpack = pair
    try:
        out = unpack(noise, 5000)
    except ContentError:
        return
    assert len(out) <= 5000
