"""Tar: against the standard library, against GNU tar, and against files made to deceive."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import LimitExceeded, Malformed
from headwater.limits import Limits

Walk = Callable[..., Any]

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": lambda data: zstandard.ZstdCompressor().compress(data),
}
FORMATS = pytest.mark.parametrize("packed_as", sorted(PACKERS))
KINDS = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT, "ustar": tarfile.USTAR_FORMAT}
END = bytes(1024)

NAMES = st.binary(min_size=1, max_size=300).filter(
    lambda name: b"\0" not in name and not name.endswith(b"/")
)


def header(
    name: bytes = b"x",
    size: int = 0,
    kind: bytes = b"0",
    link: bytes = b"",
    magic: bytes = b"ustar\x0000",
    tail: bytes = b"",
) -> bytes:
    """A header block by hand; `tail` begins at byte 265."""
    digits = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    block = bytearray(
        name.ljust(100, b"\0")
        + b"0000644\0" * 3
        + digits
        + b"14524671720\0"
        + b" " * 8
        + kind
        + link.ljust(100, b"\0")
        + magic
        + tail.ljust(247, b"\0")
    )
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def file(name: bytes, data: bytes, **more: Any) -> bytes:
    return header(name, len(data), **more) + data + bytes(-len(data) % 512)


def pax(records: dict[bytes, bytes], kind: bytes = b"x") -> bytes:
    text = b""
    for key, value in records.items():
        body = b" " + key + b"=" + value + b"\n"
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length += 1
        text += str(length).encode() + body
    return file(b"pax", text, kind=kind)


def written(members: list[tuple[bytes, bytes]], kind: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=KINDS[kind], encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for name, data in members:
            info = tarfile.TarInfo(os.fsdecode(name))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@FORMATS
@pytest.mark.parametrize("kind", ["gnu", "pax"])
@given(members=st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=6))
def test_what_the_standard_library_writes(
    walk: Walk, packed_as: str, kind: str, members: list[tuple[bytes, bytes]]
) -> None:
    walked = walk(PACKERS[packed_as](written(members, kind)), packed_as)
    assert walked.whole == members
    assert [member.size_bytes for member in walked.members] == [len(data) for _, data in members]


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=100).filter(
                lambda name: b"\0" not in name and not name.endswith(b"/")
            ),
            st.binary(max_size=600),
        ),
        max_size=6,
    )
)
def test_offsets_are_where_the_data_lies(walk: Walk, members: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(file(name, data) for name, data in members) + END
    walked = walk(data, "tar")
    assert walked.whole == members
    for member, (_, expected) in zip(walked.members, members, strict=True):
        assert data[member.offset_bytes :][: len(expected)] == expected


def test_ustar_prefixes_are_joined(walk: Walk) -> None:
    name = b"d" * 120 + b"/" + b"f" * 90
    assert walk(written([(name, b"x")], "ustar"), "tar").whole == [(name, b"x")]


def test_ordinals_count_directories(walk: Walk) -> None:
    data = file(b"d/", b"", kind=b"5") + file(b"a", b"1") + file(b"v7dir/", b"") + file(b"b", b"2")
    for only in (None, frozenset[int](), frozenset([3])):
        walked = walk(data + END, "tar", only=only)
        assert [(member.ordinal, member.name) for member in walked.members] == [
            (1, b"a"),
            (3, b"b"),
        ]


@FORMATS
@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (b"1", "hard link to '/etc/passwd'"),
        (b"2", "symbolic link to '/etc/passwd'"),
        (b"3", "character device to '/etc/passwd'"),
        (b"4", "block device to '/etc/passwd'"),
        (b"6", "FIFO to '/etc/passwd'"),
    ],
)
def test_links_and_devices_are_refused_and_the_rest_read(
    walk: Walk, packed_as: str, kind: bytes, what: str
) -> None:
    data = file(b"a", b"1") + header(b"it", 0, kind, b"/etc/passwd") + file(b"it", b"2") + END
    walked = walk(PACKERS[packed_as](data), packed_as)
    assert walked.refused == [None, what, None]
    assert walked.members[1].problem.code == "refused"
    assert walked.data == [b"1", None, b"2"]
    assert "duplicate name" in walked.members[2].notes


def test_sizes_of_links_may_be_stated_with_data_or_without(walk: Walk) -> None:
    without = header(b"l", 700, b"2", b"to") + file(b"a", b"1") + END
    assert walk(without, "tar").data == [None, b"1"]
    data = b"data of the link".ljust(600, b".")
    with_data = file(b"l", data, kind=b"2", link=b"to") + file(b"a", b"1") + END
    assert walk(with_data, "tar").data == [None, b"1"]
    hard = file(b"l", data, kind=b"1", link=b"to") + file(b"a", b"1") + END
    walked = walk(hard, "tar")
    assert walked.data == [data, b"1"]
    assert walked.members[0].notes == ("hard link with data, to 'to'",)


def test_times(walk: Walk) -> None:
    records = {b"mtime": b"1700000000.123456789", b"atime": b"-1.5", b"ctime": b"junk"}
    gnu = b"\0" * 80 + b"14524671717\0" + b"14524671716\0"
    data = (
        pax({**records, b"LIBARCHIVE.creationtime": b"5"})
        + file(b"a", b"")
        + file(b"b", b"", magic=b"ustar  \0", tail=gnu)
        + END
    )
    walked = walk(data, "tar")
    assert [[(time.basis, time.at) for time in member.times] for member in walked.members] == [
        [
            ("tar:modified", "2023-11-14T22:13:20.123456789Z"),
            ("tar:accessed", "1969-12-31T23:59:58.5Z"),
            ("tar:created", "1970-01-01T00:00:05Z"),
        ],
        [
            ("tar:modified", "2023-11-14T13:19:12Z"),
            ("tar:accessed", "2023-11-14T13:19:11Z"),
            ("tar:changed", "2023-11-14T13:19:10Z"),
        ],
    ]


def test_pax_records_rule_names_links_and_sizes(walk: Walk) -> None:
    data = (
        pax({b"path": b"global", b"mtime": b"7"}, kind=b"g")
        + file(b"a", b"1")
        + pax({b"path": b"\xff/own", b"size": b"3"})
        + header(b"b", 0)
        + b"abc".ljust(512, b"\0")
        + pax({b"linkpath": b"far/away"})
        + header(b"c", 0, b"2", b"near")
        + END
    )
    walked = walk(data, "tar")
    assert walked.names == [b"global", b"\xff/own", b"global"]
    assert walked.data == [b"1", b"abc", None]
    assert walked.refused[2] == "symbolic link to 'far/away'"
    assert {time.at for member in walked.members for time in member.times} == {
        "1970-01-01T00:00:07Z"
    }


def test_a_pax_header_that_cannot_be_read_is_a_problem_and_the_file_is_read(walk: Walk) -> None:
    for text in (b"99 path=x\n", b"path=x\n", b"9 path=x\n\n", b"0 a=b\n", b"8 pathx\n"):
        walked = walk(file(b"p", text, kind=b"x") + file(b"a", b"1") + END, "tar")
        assert walked.members[0].problem.code == "malformed"
        assert walked.data == [None, b"1"]
        assert walked.names[1] == b"a"


def test_headers_about_headers_are_bounded(walk: Walk) -> None:
    long_name = file(b"L", b"n" * 5000 + b"\0", kind=b"L")
    limits = Limits(metadata_bytes=4096)
    walked = walk(long_name + file(b"a", b"1") + END, "tar", limits)
    assert walked.members[0].problem.limit == "metadata_bytes"
    assert walked.data == [None, b"1"]
    # A chain of them is walked in a loop, however long.
    chain = file(b"L", b"name\0", kind=b"L") * 5000 + file(b"a", b"1") + END
    assert walk(chain, "tar").whole == [(b"name", b"1")]


@FORMATS
def test_a_damaged_header_is_reported_and_the_next_one_found(walk: Walk, packed_as: str) -> None:
    data = bytearray(file(b"a", b"1") + file(b"b", b"2" * 700) + file(b"c", b"3") + END)
    data[1024 + 5] ^= 1
    walked = walk(PACKERS[packed_as](bytes(data)), packed_as)
    assert walked.names == [b"a", b"", b"c"]
    assert walked.data == [b"1", None, b"3"]
    assert walked.members[1].problem.code == "malformed"
    assert "1536 bytes" in walked.members[1].problem.reason
    assert walked.end is None


def test_members_after_the_end_marker_are_found_and_said_to_be(walk: Walk) -> None:
    one = written([(b"a", b"1")], "gnu")
    walked = walk(one + written([(b"b", b"2"), (b"c", b"3")], "pax"), "tar")
    assert walked.whole == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]
    assert [member.notes for member in walked.members] == [(), ("after an end marker",), ()]


def test_an_archive_cut_off_between_members_is_noticed(walk: Walk) -> None:
    walked = walk(file(b"a", b"1"), "tar")
    assert walked.data == [b"1"]
    assert isinstance(walked.end, Malformed)
    assert walk(file(b"a", b"1") + bytes(512), "tar").end is None


def test_an_archive_cut_off_within_a_member(walk: Walk) -> None:
    walked = walk(file(b"a", b"1" * 600)[:900], "tar")
    assert walked.data == [b"1" * 388]
    assert isinstance(walked.errors[0], Malformed)
    assert isinstance(walked.end, Malformed)


@pytest.mark.parametrize("claim", [1 << 33, 1 << 62, 1 << 87])
def test_claimed_sizes_cost_nothing(walk: Walk, claim: int) -> None:
    walked = walk(file(b"a", b"1") + header(b"big", claim) + b"few bytes", "tar")
    assert walked.members[1].size_bytes == claim
    assert walked.data == [b"1", b"few bytes"]
    assert isinstance(walked.errors[1], Malformed)
    negative = bytearray(header(b"a"))
    negative[124:136] = b"\xff" * 12
    negative[148:156] = b" " * 8
    negative[148:156] = b"%06o\0 " % sum(negative)
    assert isinstance(walk(bytes(negative) + END, "tar").end, Malformed)


class TestSparse:
    """Holes are zeros, and zeros are counted."""

    @pytest.mark.parametrize("form", ["gnu", "0.0", "0.1", "1.0"])
    def test_what_gnu_tar_writes(self, walk: Walk, tmp_path: Path, form: str) -> None:
        expected = bytearray(3_000_000)
        for place in range(40):
            expected[place * 70_000 : place * 70_000 + 9] = b"island %02d" % place
        archive = sparse_by_tar(tmp_path, bytes(expected), form) or sparse_by_hand(
            bytes(expected), form
        )
        walked = walk(archive, "tar")
        assert walked.whole == [(b"holes", bytes(expected)), (b"after", b"x")]
        assert walked.members[0].size_bytes == len(expected)
        assert walked.members[0].offset_bytes is None

    @pytest.mark.parametrize("form", ["gnu", "0.0", "0.1", "1.0"])
    def test_each_form_by_hand(self, walk: Walk, form: str) -> None:
        expected = bytearray(500_000)
        for place in range(30):
            expected[place * 9000 + 7 : place * 9000 + 12] = b"%05d" % place
        walked = walk(sparse_by_hand(bytes(expected), form), "tar")
        assert walked.whole == [(b"holes", bytes(expected)), (b"after", b"x")]

    @pytest.mark.parametrize("form", ["gnu", "0.0", "0.1", "1.0"])
    def test_holes_of_any_size_end_at_the_limits(self, walk: Walk, form: str) -> None:
        data = sparse_parts([(0, b"x"), (1 << 60, b"y")], (1 << 60) + 1, form) + END
        limits = Limits(archive_ratio_floor_bytes=1 << 20)
        walked = walk(data, "tar", limits)
        assert walked.errors[0].limit == "archive_ratio"
        assert len(walked.data[0]) < 20 << 20
        assert isinstance(walked.end, LimitExceeded)

    @pytest.mark.parametrize("form", ["gnu", "0.0", "0.1", "1.0"])
    @pytest.mark.parametrize(
        "islands",
        [
            [(10, b"abc"), (5, b"x")],
            [(0, b"abc"), (2, b"x")],
            [(99, b"abc")],
        ],
    )
    def test_maps_that_contradict_themselves(
        self, walk: Walk, form: str, islands: list[tuple[int, bytes]]
    ) -> None:
        walked = walk(sparse_parts(islands, 100, form) + file(b"after", b"x") + END, "tar")
        assert walked.members[0].problem.code == "malformed"
        assert walked.data == [None, b"x"]

    def test_a_map_of_more_than_is_stored(self, walk: Walk) -> None:
        records = {b"GNU.sparse.size": b"9999", b"GNU.sparse.map": b"0,9999"}
        walked = walk(pax(records) + file(b"a", b"few") + file(b"b", b"x") + END, "tar")
        assert walked.members[0].problem.code == "malformed"
        assert walked.data == [None, b"x"]


def sparse_by_tar(folder: Path, data: bytes, form: str) -> bytes | None:
    """What GNU tar makes of a sparse file; None where it is not installed."""
    tar = shutil.which("tar")
    if (
        tar is None
        or b"GNU tar"
        not in subprocess.run([tar, "--version"], capture_output=True, check=True).stdout
    ):
        return None
    with open(folder / "holes", "wb") as out:
        out.truncate(len(data))
        for place in range(40):
            out.seek(place * 70_000)
            out.write(data[place * 70_000 : place * 70_000 + 9])
    (folder / "after").write_bytes(b"x")
    how = ["--format=gnu"] if form == "gnu" else ["--format=pax", f"--sparse-version={form}"]
    command = [tar, "--sparse", "--hole-detection=raw", *how, "-cf", "-", "holes", "after"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout


def sparse_by_hand(data: bytes, form: str) -> bytes:
    islands = []
    at = 0
    while at < len(data):
        if data[at]:
            end = data.find(b"\0", at)
            islands.append((at, data[at : end if end >= 0 else len(data)]))
            at += len(islands[-1][1])
        else:
            at += len(data[at:]) - len(data[at:].lstrip(b"\0"))
    return sparse_parts(islands, len(data), form) + file(b"after", b"x") + END


def sparse_parts(islands: list[tuple[int, bytes]], size: int, form: str) -> bytes:
    stored = b"".join(data for _, data in islands)
    numbers = [(offset, len(data)) for offset, data in islands]
    if form == "gnu":
        return sparse_gnu(numbers, stored, size)
    if form == "1.0":
        lines = [len(numbers), *(value for pair in numbers for value in pair)]
        lead = b"".join(b"%d\n" % value for value in lines)
        stored = lead + bytes(-len(lead) % 512) + stored
        records = {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0"}
        records |= {b"GNU.sparse.name": b"holes", b"GNU.sparse.realsize": b"%d" % size}
        return pax(records) + file(b"GNUSparseFile.0/holes", stored)
    if form == "0.1":
        joined = b",".join(b"%d,%d" % pair for pair in numbers)
        records = {b"GNU.sparse.name": b"holes", b"GNU.sparse.map": joined}
        return pax(records | {b"GNU.sparse.size": b"%d" % size}) + file(b"other", stored)
    text = pax({b"GNU.sparse.size": b"%d" % size})[512:].rstrip(b"\0")
    for offset, length in numbers:
        for key, value in ((b"offset", offset), (b"numbytes", length)):
            text += pax({b"GNU.sparse." + key: b"%d" % value})[512:].rstrip(b"\0")
    return file(b"pax", text, kind=b"x") + file(b"holes", stored)


def sparse_gnu(numbers: list[tuple[int, int]], stored: bytes, size: int) -> bytes:
    def field(value: int) -> bytes:
        return b"%011o\0" % value if value < 8**11 else b"\x80" + value.to_bytes(11, "big")

    pairs = [field(offset) + field(length) for offset, length in numbers]
    more = b"\x01" if len(pairs) > 4 else b"\0"
    first = b"".join(pairs[:4]).ljust(96, b"\0") + more + field(size)
    block = header(b"holes", len(stored), b"S", magic=b"ustar  \0", tail=b"\0" * 121 + first)
    extensions = b""
    for at in range(4, len(pairs), 21):
        more = b"\x01" if at + 21 < len(pairs) else b"\0"
        extensions += (b"".join(pairs[at : at + 21]).ljust(504, b"\0") + more).ljust(512, b"\0")
    return block + extensions + stored + bytes(-len(stored) % 512)


class TestBombs:
    @pytest.mark.parametrize("packed_as", ["tar.gz", "tar.bz2", "tar.xz", "tar.zst"])
    def test_what_is_passed_over_counts_too(self, walk: Walk, packed_as: str) -> None:
        data = PACKERS[packed_as](
            header(b"big", 40 << 20) + bytes(40 << 20) + file(b"b", b"x") + END
        )
        limits = Limits(archive_ratio_floor_bytes=4 << 20, archive_ratio=10)
        for only in (None, frozenset[int]()):
            walked = walk(data, packed_as, limits, only=only)
            assert walked.end.limit == "archive_ratio"
            assert walked.names == [b"big"]

    def test_many_members(self, walk: Walk) -> None:
        data = gzip.compress(file(b"a", b"") * 200 + END)
        walked = walk(data, "tar.gz", Limits(archive_members=150))
        assert walked.end.limit == "archive_members"
        assert len(walked.members) == 150

    def test_one_large_member_costs_itself(self, walk: Walk) -> None:
        data = file(b"a", bytes(5000)) + file(b"b", b"x") + END
        walked = walk(data, "tar", Limits(archive_member_bytes=999), step=100)
        assert walked.errors[0].limit == "archive_member_bytes"
        assert walked.data[1] == b"x"
        assert walked.end is None


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "pax"])
def test_another_program_writes_the_same(walk: Walk, tmp_path: Path, form: str) -> None:
    """Golden: GNU tar's archives of a folder, or the standard library's where it is missing."""
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    contents = {"sub/ünï": b"x" * 2000, "empty": b"", "n" * 90: os.urandom(600)}
    for name, data in contents.items():
        (tree / name).write_bytes(data)
        os.utime(tree / name, (1_700_000_000, 1_700_000_000))
    (tree / "link").symlink_to("../../outside")
    os.mkfifo(tree / "fifo")
    tar = shutil.which("tar")
    if tar is not None and form != "v7":
        command = [tar, f"--format={form}", "--sort=name", "-cf", "-", "."]
    elif tar is not None:
        command = [tar, "--format=v7", "--sort=name", "--exclude=fifo", "-cf", "-", "."]
    else:
        command = []
    if command:
        archive = subprocess.run(command, cwd=tree, capture_output=True, check=True).stdout
    else:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as written_here:
            written_here.add(tree, ".")
        archive = out.getvalue()
    walked = walk(archive, "tar")
    assert walked.end is None
    read = dict(zip(walked.names, walked.data, strict=True))
    for name, expected in contents.items():
        assert read[b"./" + name.encode()] == expected
    reasons = dict(zip(walked.names, walked.refused, strict=True))
    assert reasons[b"./link"] == "symbolic link to '../../outside'"
    times = {member.name: member.times for member in walked.members}
    assert times[b"./empty"][0].at == "2023-11-14T22:13:20Z"
    with tarfile.open(fileobj=io.BytesIO(archive)) as golden:
        listed = [info.name for info in golden if not info.isdir()]
    assert [name.decode().removeprefix("./") for name in walked.names] == [
        name.removeprefix("./") for name in listed
    ]


def test_numbers_in_all_their_spellings(walk: Walk) -> None:
    for digits in (
        b"          5 ",
        b"00000000005\0",
        b"5\0" + b"\0" * 10,
        b"5 " + b" " * 10,
        b"\x80" + struct.pack(">3xQ", 5),
    ):
        block = bytearray(header(b"a", 0))
        block[124:136] = digits
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        assert walk(bytes(block) + b"hello".ljust(512, b"\0") + END, "tar").data == [b"hello"]
    signed = bytearray(header("ü".encode() * 20, 0))
    total = sum(byte - 256 if byte > 127 else byte for byte in signed)
    total += 8 * 32 - sum(signed[148:156])
    signed[148:156] = b"%06o\0 " % total
    assert walk(bytes(signed) + END, "tar").names == ["ü".encode() * 20]
