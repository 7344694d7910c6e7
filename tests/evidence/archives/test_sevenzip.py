"""7z: against py7zr, which shares no code with the reader, and against files made to deceive."""

from __future__ import annotations

import bz2
import io
import lzma
import random
import stat
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.limits import Limits

Walk = Callable[..., Any]

LZMA1 = {"id": py7zr.FILTER_LZMA}
LZMA2 = {"id": py7zr.FILTER_LZMA2, "preset": 1}
CHAINS: dict[str, list[dict[str, int]]] = {
    "copy": [{"id": py7zr.FILTER_COPY}],
    "lzma": [LZMA1],
    "lzma2": [LZMA2],
    "deflate": [{"id": py7zr.FILTER_DEFLATE}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "zstd": [{"id": py7zr.FILTER_ZSTD}],
    "x86 lzma2": [{"id": py7zr.FILTER_X86}, LZMA2],
    "arm lzma2": [{"id": py7zr.FILTER_ARM}, LZMA2],
    "delta lzma2": [{"id": py7zr.FILTER_DELTA, "dist": 4}, LZMA2],
    "delta lzma": [{"id": py7zr.FILTER_DELTA, "dist": 3}, LZMA1],
    "x86 lzma": [{"id": py7zr.FILTER_X86}, LZMA1],
    "powerpc bzip2": [{"id": py7zr.FILTER_POWERPC}, {"id": py7zr.FILTER_BZIP2}],
    "sparc deflate": [{"id": py7zr.FILTER_SPARC}, {"id": py7zr.FILTER_DEFLATE}],
    "thumb zstd": [{"id": py7zr.FILTER_ARMTHUMB}, {"id": py7zr.FILTER_ZSTD}],
}

REFUSED: dict[str, list[dict[str, int]]] = {
    "PPMd": [{"id": py7zr.FILTER_PPMD}],
    "Brotli": [{"id": py7zr.FILTER_BROTLI}],
}


def written(
    members: list[tuple[str, bytes]],
    filters: list[dict[str, int]] | None = None,
    password: str | None = None,
    *,
    hidden_header: bool = False,
) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=filters, password=password) as archive:
        if hidden_header:
            archive.set_encrypted_header(True)
        for name, data in members:
            archive.writestr(data, name)
    return out.getvalue()


NAMES = st.text(
    st.characters(exclude_characters="\0\\/:", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name.strip(".") == name)


@settings(deadline=None)
@given(
    st.dictionaries(NAMES, st.binary(max_size=500), min_size=1, max_size=5),
    st.sampled_from(sorted(CHAINS)),
)
def test_what_py7zr_writes(walk: Walk, members: dict[str, bytes], chain: str) -> None:
    walked = walk(written(list(members.items()), CHAINS[chain]), "7z")
    assert walked.whole == [(name.encode(), data) for name, data in members.items()]
    assert [member.size_bytes for member in walked.members] == [len(d) for d in members.values()]


@pytest.mark.parametrize("chain", sorted(CHAINS))
def test_each_chain_on_much_data(walk: Walk, chain: str) -> None:
    calls = b"".join(b"\xe8" + struct.pack("<i", at * 7) + b"\x90" * 5 for at in range(20_000))
    members = [
        ("code", calls),
        ("noise", random.Random(3).randbytes(300_000)),
        ("zeros", bytes(3_000_000)),
        ("after", b"x"),
    ]
    file = written(members, CHAINS[chain])
    assert walk(file, "7z").whole == [(name.encode(), data) for name, data in members]
    # The bytes of one member only, and what lies before it is unpacked and left.
    assert walk(file, "7z", only=frozenset([3])).data == [None, None, None, b"x"]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_other_methods_are_refused_by_name(walk: Walk, name: str) -> None:
    walked = walk(written([("a", b"x" * 99)], REFUSED[name]), "7z")
    assert walked.refused == [f"compression method {name} is not supported"]
    assert walked.members[0].problem.code == "refused"


def test_encrypted_members_and_headers_are_refused(walk: Walk) -> None:
    walked = walk(written([("a", b"x" * 99)], password="open sesame"), "7z")
    assert walked.names == [b"a"]
    assert walked.refused == ["encrypted"]
    walked = walk(written([("a", b"x" * 99)], password="open sesame", hidden_header=True), "7z")
    assert walked.members == []
    assert isinstance(walked.end, Refused)
    assert "encrypted" in str(walked.end)


UNITS = st.lists(st.integers(1, 0xFFFF), max_size=15).map(
    lambda units: struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "surrogatepass")
)


@given(st.lists(st.tuples(UNITS, st.binary(max_size=30)), max_size=6))
def test_names_are_kept_whatever_they_hold(
    walk: Walk, plain_7z: Any, members: list[tuple[str, bytes]]
) -> None:
    file = plain_7z([name for name, _ in members], [data for _, data in members]).build()
    walked = walk(file, "7z")
    assert walked.whole == [(name.encode("utf-8", "surrogatepass"), data) for name, data in members]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (0x8000 | stat.S_IFLNK << 16, "symbolic link"),
        (0x8000 | stat.S_IFCHR << 16, "character device"),
        (0x8000 | stat.S_IFBLK << 16, "block device"),
        (0x8000 | stat.S_IFIFO << 16, "FIFO"),
        (0x8000 | stat.S_IFSOCK << 16, "socket"),
        (0x400, "reparse point"),
        (0x410, "reparse point"),
    ],
)
def test_links_and_devices_are_refused(
    walk: Walk, plain_7z: Any, attributes: int, reason: str
) -> None:
    file = plain_7z(["it", "after"], [b"/etc/passwd", b"x"], [attributes, 0x20]).build()
    walked = walk(file, "7z")
    assert walked.refused == [reason, None]
    assert walked.data == [None, b"x"]


def test_directories_and_empty_files(walk: Walk, plain_7z: Any) -> None:
    file = plain_7z(["d", "empty", "a"], [b"", b"", b"1"])
    with_directory = file.files().replace(
        b"\x0f" + b"\x01" + file.bits([True, True]), b"\x0f" + b"\x01" + file.bits([False, True])
    )
    file.files = lambda: with_directory
    walked = walk(file.build(), "7z")
    assert [(member.ordinal, member.name) for member in walked.members] == [
        (1, b"empty"),
        (2, b"a"),
    ]
    assert walked.data == [b"", b"1"]


def test_times_are_utc(walk: Walk, plain_7z: Any) -> None:
    file = plain_7z(["a"], [b"1"])
    ticks = 133_444_736_000_000_001
    kinds = {0x12: ticks + 1, 0x13: ticks + 2, 0x14: ticks}
    records = b"".join(
        file.part(kind, b"\x01\x00" + struct.pack("<Q", value)) for kind, value in kinds.items()
    )
    plain = file.files()
    file.files = lambda: plain[:-1] + records + b"\x00"
    (member,) = walk(file.build(), "7z").members
    assert [(time.basis, time.at) for time in member.times] == [
        ("7z:modified", "2023-11-14T22:13:20.0000001Z"),
        ("7z:accessed", "2023-11-14T22:13:20.0000003Z"),
        ("7z:created", "2023-11-14T22:13:20.0000002Z"),
    ]


def test_py7zr_sets_the_time_of_writing(walk: Walk) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    (member,) = walk(written([("a", b"x")]), "7z").members
    (time,) = member.times
    assert time.basis == "7z:modified"
    assert before <= datetime.fromisoformat(time.at[:19] + "Z") <= datetime.now(UTC)


def folders(bodies: list[bytes], coder: bytes, sizes: list[int], sums: list[int]) -> bytes:
    """A 7z file of one folder for each member, all packed by one coder."""
    count = bytes([len(bodies)])

    def number(value: int) -> bytes:
        return b"\xff" + struct.pack("<Q", value)

    crcs = b"".join(struct.pack("<I", value) for value in sums)
    names = b"".join(f"m{at}".encode("utf-16-le") + b"\0\0" for at in range(len(bodies)))
    header = b"\x01\x04\x06\x00" + count + b"\x09" + b"".join(number(len(body)) for body in bodies)
    header += b"\x00\x07\x0b" + count + b"\x00" + (b"\x01" + coder) * len(bodies)
    header += b"\x0c" + b"".join(map(number, sizes)) + b"\x0a\x01" + crcs + b"\x00\x00"
    header += b"\x05" + count + b"\x11" + number(len(names) + 1) + b"\x00" + names + b"\x00\x00"
    body = b"".join(bodies)
    start = struct.pack("<QQI", len(body), len(header), zlib.crc32(header))
    signature = b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start))
    return signature + start + body + header


BZIP2 = b"\x03\x04\x02\x02"
AES = b"\x24\x06\xf1\x07\x01\x02\x13\x00"


def test_a_damaged_folder_costs_itself(walk: Walk) -> None:
    data = [bytes([65 + at]) * 5000 for at in range(4)]
    bodies = [bz2.compress(part) for part in data]
    bodies[1] = bodies[1][:10] + b"\xff" * 20 + bodies[1][30:]
    sums = [zlib.crc32(part) for part in data]
    sums[2] ^= 1
    walked = walk(folders(bodies, BZIP2, [5000] * 4, sums), "7z")
    assert walked.names == [b"m0", b"m1", b"m2", b"m3"]
    assert [error is None for error in walked.errors] == [True, False, False, True]
    assert walked.data[0] == data[0]
    assert walked.data[2] == data[2]
    assert walked.data[3] == data[3]
    assert walked.end is None


def test_a_folder_that_ends_early_costs_what_lies_behind(walk: Walk, plain_7z: Any) -> None:
    file = plain_7z(["a", "b", "c"], [b"1" * 50, b"2" * 50, b"3" * 50])
    stated = b"\x09\xff" + struct.pack("<Q", 150)
    header = file.header(150)
    assert header.count(stated) == 1
    short = file.around(header.replace(stated, b"\x09\x50"), b"1" * 50 + b"2" * 30)
    walked = walk(short, "7z")
    assert walked.data == [b"1" * 50, b"2" * 30, b""]
    assert [isinstance(error, Malformed) for error in walked.errors] == [False, True, True]
    assert walked.end is None


@pytest.mark.parametrize("claim", [1 << 20, 1 << 40, (1 << 63) + 5])
def test_claimed_sizes_cost_nothing(walk: Walk, claim: int) -> None:
    walked = walk(folders([bz2.compress(b"x")] * 2, BZIP2, [claim, 1], [0, zlib.crc32(b"x")]), "7z")
    assert walked.members[0].size_bytes == claim
    assert isinstance(walked.errors[0], Malformed)
    assert walked.data == [b"x", b"x"]


def test_a_dictionary_larger_than_memory_allows_is_a_limit(walk: Walk) -> None:
    coder = b"\x23\x03\x01\x01\x05\x5d" + struct.pack("<I", 0xFFFFFFF0)
    walked = walk(folders([b"\0" * 30], coder, [100], [0]), "7z")
    assert walked.errors[0].limit == "worker_memory_bytes"


class TestBombs:
    @pytest.mark.parametrize("chain", ["lzma", "lzma2", "deflate", "bzip2", "zstd", "x86 lzma"])
    def test_flat(self, walk: Walk, chain: str) -> None:
        file = written([("a", bytes(30 << 20)), ("b", b"x")], CHAINS[chain])
        limits = Limits(archive_ratio=10, archive_ratio_floor_bytes=4 << 20)
        for only in (None, frozenset([1])):
            walked = walk(file, "7z", limits, only=only)
            assert isinstance(walked.end, LimitExceeded)
            assert walked.end.limit == "archive_ratio"
            assert all(data is None or len(data) <= 4 << 20 for data in walked.data)

    def test_a_chain_of_packers_counts_what_lies_between(self, walk: Walk) -> None:
        nothing = b"\x00\x00\x00\xff\xff" * (12 << 20)  # stored blocks that hold no byte
        inside = nothing + b"\x01\x01\x00\xfe\xffx"
        outer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = outer.compress(inside) + outer.flush()
        chain = b"\x02" + b"\x03\x04\x01\x08" * 2 + b"\x00\x01"
        file = _one_folder(chain, packed, [1, len(inside)])
        assert walk(file, "7z").data == [b"x"]
        walked = walk(file, "7z", Limits(archive_ratio_floor_bytes=1 << 20, archive_ratio=100))
        assert walked.errors[0].limit == "archive_ratio"
        assert walked.data == [b""]

    def test_many_members(self, walk: Walk, plain_7z: Any) -> None:
        file = plain_7z([f"{at}" for at in range(30)], [b"x"] * 30).build()
        walked = walk(file, "7z", Limits(archive_members=20))
        assert walked.end.limit == "archive_members"

    @pytest.mark.parametrize("count", [1 << 16, 1 << 30, (1 << 64) - 1])
    def test_counts_are_not_believed(self, walk: Walk, plain_7z: Any, count: int) -> None:
        huge = b"\xff" + struct.pack("<Q", count)
        plain = plain_7z(["a"], [b"1"])
        header = plain.header(1)
        for old, new in (
            (b"\x06\x00\x01\x09", b"\x06\x00" + huge + b"\x09"),
            (b"\x0b\x01\x00", b"\x0b" + huge + b"\x00"),
            (b"\x08\x0d\x01", b"\x08\x0d" + huge),
            (b"\x05\x01\x11", b"\x05" + huge + b"\x11"),
            (b"\x00\x01\x01\x00\x0c", b"\x00" + huge + b"\x01\x00\x0c"),
        ):
            assert header.count(old) == 1
            walked = walk(plain.around(header.replace(old, new), b"1"), "7z")
            assert isinstance(walked.end, Malformed | LimitExceeded)
            assert walked.members == []

    def test_a_header_that_unpacks_to_very_much(self, walk: Walk) -> None:
        packed = bz2.compress(bytes(80 << 20))
        encoded = b"\x17\x06\x00\x01\x09\xff" + struct.pack("<Q", len(packed)) + b"\x00\x07\x0b\x01"
        encoded += b"\x00\x01" + BZIP2 + b"\x0c\xff" + struct.pack("<Q", 80 << 20) + b"\x00\x00"
        start = struct.pack("<QQI", len(packed), len(encoded), zlib.crc32(encoded))
        signature = b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start))
        walked = walk(signature + start + packed + encoded, "7z")
        assert walked.end.limit == "archive_ratio"
        small = walk(
            signature + start + packed + encoded, "7z", Limits(worker_memory_bytes=256 << 20)
        )
        assert small.end.limit == "worker_memory_bytes"

    def test_a_header_that_is_its_own_packed_header_ends(self, walk: Walk) -> None:
        encoded = b"\x17\x06\x00\x01\x09\xff%s\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\xff%s\x00\x00"
        size = len(encoded) - 4 + 16
        packed_size = struct.pack("<Q", size)
        encoded = encoded.replace(b"%s", packed_size)
        assert len(encoded) == size
        start = struct.pack("<QQI", 0, len(encoded), zlib.crc32(encoded))
        signature = b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start))
        walked = walk(signature + start + encoded, "7z")
        assert isinstance(walked.end, Malformed)
        assert "too often" in str(walked.end)


def _one_folder(chain: bytes, packed: bytes, sizes: list[int]) -> bytes:
    def number(value: int) -> bytes:
        return b"\xff" + struct.pack("<Q", value)

    names = b"\x00" + b"a\0\0\0"
    header = b"\x01\x04\x06\x00\x01\x09" + number(len(packed)) + b"\x00\x07\x0b\x01\x00" + chain
    header += b"\x0c" + b"".join(map(number, sizes)) + b"\x00\x00"
    header += b"\x05\x01\x11" + number(len(names)) + names + b"\x00\x00"
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    signature = b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start))
    return signature + start + packed + header


@pytest.mark.parametrize(
    "chain",
    [
        b"\x02" + b"\x01\x00" * 2 + b"\x00\x00",
        b"\x02" + b"\x01\x00" * 2 + b"\x01\x00" + b"\x00",
        b"\x02" + b"\x01\x00" * 2 + b"\x05\x01",
        b"\x02" + b"\x01\x00" * 2 + b"\x00\x07",
        b"\x01\x11\x00\x02\x01\x00\x01",
        b"\x01\x11\x00\x01\x02\x00\x00",
        b"\x21" + b"\x01\x00" * 33,
        b"\x00",
    ],
)
def test_coders_joined_in_no_chain(walk: Walk, chain: bytes) -> None:
    walked = walk(_one_folder(chain, b"abc", [3, 3]), "7z")
    broken = walked.end is not None or walked.errors[0] is not None
    assert broken or walked.refused[0] is not None


def test_an_empty_archive(walk: Walk) -> None:
    start = struct.pack("<QQI", 0, 0, 0)
    file = b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start
    assert walk(file, "7z").whole == []


def test_lzma_written_by_the_standard_library(walk: Walk) -> None:
    data = b"independent of py7zr " * 5000
    chain = [{"id": lzma.FILTER_LZMA1, "lc": 2, "lp": 1, "pb": 0, "dict_size": 1 << 16}]
    body = lzma.compress(data, lzma.FORMAT_RAW, filters=chain)
    coder = b"\x23\x03\x01\x01\x05" + bytes([(0 * 5 + 1) * 9 + 2]) + struct.pack("<I", 1 << 16)
    file = folders([body], coder, [len(data)], [zlib.crc32(data)])
    assert walk(file, "7z").whole == [(b"m0", data)]
