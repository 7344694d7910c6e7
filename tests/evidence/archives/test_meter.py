"""Limits hold on what is unpacked."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import LimitExceeded, Malformed
from headwater.evidence.archives.meter import (
    MemberStream,
    Meter,
    Pull,
    counted,
    exactly,
    verified,
)
from headwater.limits import Limits


def pieces(*parts: bytes) -> Pull:
    """A pull that gives one part after the other, whatever is asked for, within that."""
    left = list(parts)

    def pull(size: int) -> bytes:
        if not left:
            return b""
        data, rest = left[0][:size], left[0][size:]
        left[:1] = [rest] if rest else []
        return data

    return pull


def drain(stream: MemberStream) -> None:
    while stream.read(7):
        pass


def test_members_are_counted_and_the_limit_stays_reached() -> None:
    meter = Meter(Limits(archive_members=2), 10)
    meter.member()
    meter.member()
    for _ in range(2):
        with pytest.raises(LimitExceeded) as caught:
            meter.member()
        assert caught.value.limit == "archive_members"
    with pytest.raises(LimitExceeded):
        meter.unpacked(0)


@given(
    st.integers(0, 1000),
    st.integers(1, 20),
    st.integers(0, 1000),
    st.integers(0, 5000),
    st.lists(st.integers(0, 300), max_size=40),
)
def test_total_and_ratio(packed: int, ratio: int, floor: int, total: int, sizes: list[int]) -> None:
    limits = Limits(archive_ratio=ratio, archive_ratio_floor_bytes=floor, archive_total_bytes=total)
    meter = Meter(limits, packed)
    seen = 0
    for size in sizes:
        seen += size
        over_total = seen > total
        over_ratio = seen > floor and seen > ratio * packed
        if not over_total and not over_ratio:
            meter.unpacked(size)
            continue
        with pytest.raises(LimitExceeded) as caught:
            meter.unpacked(size)
        assert caught.value.limit == ("archive_total_bytes" if over_total else "archive_ratio")
        return


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 70))
def test_a_stream_gives_full_reads_until_the_end(parts: list[bytes], step: int) -> None:
    meter = Meter(Limits(), 1)
    stream = MemberStream(counted(pieces(*parts), meter), meter)
    whole = b"".join(parts)
    got = []
    while piece := stream.read(step):
        got.append(piece)
    assert b"".join(got) == whole
    assert all(len(piece) == step for piece in got[:-1])
    assert stream.read() == b""
    assert stream.tell() == len(whole)


def test_bytes_before_an_error_are_given_and_the_error_is_raised_after_them_each_time() -> None:
    meter = Meter(Limits(), 1)
    stream = MemberStream(exactly(pieces(b"abc", b"de"), 9, "it"), meter)
    assert stream.read(100) == b"abcde"
    for _ in range(2):
        with pytest.raises(Malformed, match="4 bytes early"):
            stream.read(100)
    assert stream.read(0) == b""


def test_one_member_too_large_leaves_the_container_going() -> None:
    meter = Meter(Limits(archive_member_bytes=4), 1)
    stream = MemberStream(counted(pieces(b"abc", b"de"), meter), meter)
    assert stream.read(3) == b"abc"
    with pytest.raises(LimitExceeded) as caught:
        stream.read(3)
    assert caught.value.limit == "archive_member_bytes"
    meter.check()


def test_a_stream_is_of_no_use_after_the_next_member_was_taken() -> None:
    meter = Meter(Limits(), 1)
    stream = MemberStream(pieces(b"abc"), meter)
    stream.close()
    with pytest.raises(ValueError, match="next member"):
        stream.read(1)


@given(st.binary(max_size=100), st.integers(-3, 3), st.booleans(), st.booleans())
def test_sizes_and_sums_are_verified(
    data: bytes, off_by: int, wrong_sum: bool, no_sum: bool
) -> None:
    stated = max(0, len(data) + off_by)
    crc32 = None if no_sum else zlib.crc32(data) ^ wrong_sum
    stream = MemberStream(verified(pieces(data), crc32, stated), Meter(Limits(), 1))
    if stated == len(data) and (no_sum or not wrong_sum):
        assert stream.read() == data
        return
    with pytest.raises(Malformed):
        drain(stream)
