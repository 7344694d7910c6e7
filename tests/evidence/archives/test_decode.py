"""Decoders give the same bytes however they are fed and asked, and never more than asked."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import zlib
from collections.abc import Callable

import inflate64
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import Malformed
from headwater.evidence.archives.decode import (
    SMALL_PIECE,
    Decoded,
    Decoder,
    Deflate,
    Deflate64,
    Zstandard,
    after_zeros,
    bzip2,
    pull_from,
    xz,
)
from headwater.evidence.content import Content


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def deflate64(data: bytes) -> bytes:
    packer = inflate64.Deflater()
    packed: bytes = packer.deflate(data) + packer.flush()
    return packed


KINDS: dict[str, tuple[Callable[[], Decoder], Callable[[bytes], bytes]]] = {
    "deflate": (Deflate, deflate),
    "gzip": (lambda: Deflate(31), gzip.compress),
    "deflate64": (Deflate64, deflate64),
    "bzip2": (bzip2, bz2.compress),
    "xz": (lambda: xz(1 << 26), lzma.compress),
    "zstd": (lambda: Zstandard(1 << 26), lambda data: zstandard.ZstdCompressor().compress(data)),
}
ALL = pytest.mark.parametrize("kind", sorted(KINDS))
DATA = st.lists(st.binary(max_size=60) | st.builds(bytes, st.integers(0, 30_000)), max_size=5).map(
    b"".join
)


@ALL
@given(
    data=DATA,
    behind=st.binary(max_size=40),
    fed=st.lists(st.integers(1, 2000), min_size=1, max_size=5),
    asked=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
)
def test_any_way_of_feeding_and_asking(
    kind: str, data: bytes, behind: bytes, fed: list[int], asked: list[int]
) -> None:
    make, pack = KINDS[kind]
    packed = pack(data)
    whole = pull_from(Content.from_bytes(packed + behind))
    sizes = itertools.cycle(fed)
    decoded = Decoded(make(), lambda size: whole(min(size, next(sizes))), kind)
    got = []
    for size in itertools.cycle(asked):
        piece = decoded.read(size)
        assert len(piece) <= size
        if not piece:
            break
        got.append(piece)
    assert b"".join(got) == data
    assert decoded.eof
    if kind == "deflate64":
        assert len(packed) <= decoded.taken <= len(packed) + SMALL_PIECE
    else:
        assert decoded.taken == len(packed)
    assert decoded.read(10) == b""


@ALL
def test_an_end_that_comes_too_soon_is_said_again_and_again(kind: str) -> None:
    make, pack = KINDS[kind]
    packed = pack(b"some bytes to pack")
    decoded = Decoded(make(), pull_from(Content.from_bytes(packed[:-1])), kind)
    errors = 0
    for _ in range(40):
        try:
            assert decoded.read(7)
        except Malformed:
            errors += 1
    assert errors >= 30


@given(
    st.lists(st.binary(max_size=3) | st.builds(bytes, st.integers(0, 100_000)), max_size=4),
    st.integers(0, 50),
)
def test_zeros_are_passed_over(parts: list[bytes], start: int) -> None:
    data = b"".join(parts)
    start = min(start, len(data))
    found = after_zeros(Content.from_bytes(data), start)
    assert data[start:found].strip(b"\0") == b""
    assert found == len(data) or data[found]
