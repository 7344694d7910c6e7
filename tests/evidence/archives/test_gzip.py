"""Single compressed files, one stream or many."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import LimitExceeded, Malformed
from headwater.limits import Limits

Walk = Callable[..., Any]

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}
FORMATS = pytest.mark.parametrize("name", sorted(PACKERS))


@FORMATS
@given(data=st.lists(st.binary(max_size=400), min_size=1, max_size=4), padding=st.integers(0, 3))
def test_streams_that_follow_each_other_are_one_member(
    walk: Walk, name: str, data: list[bytes], padding: int
) -> None:
    file = (b"\0" * padding * 4).join(PACKERS[name](part) for part in data) + bytes(padding * 4)
    walked = walk(file, name)
    assert walked.whole == [(b"", b"".join(data))]


@FORMATS
@pytest.mark.parametrize("only", [None, frozenset[int]()])
def test_what_follows_is_a_member_of_its_own(
    walk: Walk, name: str, only: frozenset[int] | None
) -> None:
    packed = PACKERS[name](b"packed" * 1000)
    walked = walk(packed + b"\0\0\0\0" + b"\xff\xd8 trailing", name, only=only)
    (first, second) = walked.members
    assert (first.ordinal, second.ordinal) == (0, 1)
    assert second.offset_bytes == len(packed) + 4
    assert second.notes == ("bytes after the end of the compressed stream",)
    assert second.size_bytes == len(b"\xff\xd8 trailing")
    expected = [b"packed" * 1000, b"\xff\xd8 trailing"] if only is None else [None, None]
    assert walked.data == expected
    assert walked.end is None


@FORMATS
def test_a_stream_that_breaks_off_gives_what_there_is(walk: Walk, name: str) -> None:
    data = random.Random(1).randbytes(200_000)
    packed = PACKERS[name](data)
    walked = walk(packed[:-20], name)
    assert isinstance(walked.errors[0], Malformed)
    assert data.startswith(walked.data[0])
    assert isinstance(walked.end, Malformed)


@pytest.mark.parametrize("size", [1000, 150_000_000])
@FORMATS
def test_bombs_end_at_the_limits(walk: Walk, name: str, size: int) -> None:
    limits = Limits(archive_ratio=10, archive_ratio_floor_bytes=2_000_000)
    file = PACKERS[name](bytes(size))
    walked = walk(file, name, limits)
    if size == 1000:
        assert walked.end is None
        assert walked.data == [bytes(1000)]
        return
    assert walked.errors[0].limit == "archive_ratio"
    assert len(walked.data[0]) <= max(2_000_000, 10 * len(file))
    assert isinstance(walked.end, LimitExceeded)


@FORMATS
def test_very_many_empty_streams_are_too_many(walk: Walk, name: str) -> None:
    walked = walk(PACKERS[name](b"") * 60, name, Limits(archive_members=50))
    assert walked.errors[0].limit == "archive_members"


def test_name_and_time_of_gzip(walk: Walk) -> None:
    out = io.BytesIO()
    with gzip.GzipFile("../\xfcber\x01.txt", "wb", fileobj=out, mtime=1_700_000_000) as file:
        file.write(b"x")
    (member,) = walk(out.getvalue(), "gzip").members
    # The standard library stores the last step of a path, in ISO 8859-1.
    assert member.name == b"\xfcber\x01.txt"
    assert member.notes == ("control characters", "not UTF-8")
    assert [(time.basis, time.at) for time in member.times] == [
        ("gzip:modified", "2023-11-14T22:13:20Z")
    ]
    assert walk(gzip.compress(b"x", mtime=0), "gzip").members[0].times == ()


def test_a_gzip_header_may_break_off_anywhere(walk: Walk) -> None:
    out = io.BytesIO()
    with gzip.GzipFile("name.txt", "wb", fileobj=out) as file:
        file.write(b"x")
    for length in range(len(out.getvalue())):
        walked = walk(out.getvalue()[:length], "gzip")
        assert isinstance(walked.end, Malformed)


@pytest.mark.parametrize("name", ["xz", "zstd"])
def test_a_dictionary_larger_than_memory_allows_is_a_limit(walk: Walk, name: str) -> None:
    data = random.Random(2).randbytes(1 << 20)
    if name == "xz":
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]
        file = lzma.compress(data, filters=filters)
    else:
        settings = zstandard.ZstdCompressionParameters(window_log=27)
        packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
        file = packer.compress(data) + packer.flush()
    assert walk(file, name).whole == [(b"", data)]
    walked = walk(file, name, Limits(worker_memory_bytes=64 << 20))
    assert walked.errors[0].limit == "worker_memory_bytes"
    assert walked.data == [b""]
