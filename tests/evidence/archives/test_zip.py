"""ZIP: against the standard library, against `unzip`, and against files made to deceive."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import shutil
import stat
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import inflate64
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.evidence.archives.zip_data import METHODS
from headwater.limits import Limits

Walk = Callable[..., Any]


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass(frozen=True)
class Entry:
    """One member as written by hand; `local` changes what the local header says."""

    name: bytes
    data: bytes = b""
    method: int = 0
    packed: bytes | None = None
    flags: int = 0
    crc32: int | None = None
    unpacked_bytes: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    local_name: bytes | None = None
    local_flags: int | None = None
    local_method: int | None = None
    dos: tuple[int, int] = (0x5A21, 0x6000)
    made_by: int = 0
    attributes: int = 0
    comment: bytes = b""
    descriptor: bool = False
    offset: int | None = None

    def stored(self) -> bytes:
        return self.data if self.packed is None else self.packed

    def sums(self) -> tuple[int, int, int]:
        crc32 = zlib.crc32(self.data) if self.crc32 is None else self.crc32
        size = len(self.data) if self.unpacked_bytes is None else self.unpacked_bytes
        return crc32, len(self.stored()), size

    def local(self) -> bytes:
        name = self.name if self.local_name is None else self.local_name
        flags = self.flags if self.local_flags is None else self.local_flags
        method = self.method if self.local_method is None else self.local_method
        sums = (0, 0, 0) if self.descriptor else self.sums()
        date, time = self.dos
        head = struct.pack(
            "<4s5H3I2H",
            *(b"PK\x03\x04", 20, flags | 8 * self.descriptor, method, time, date),
            *(*sums, len(name), len(self.local_extra)),
        )
        after = struct.pack("<4s3I", b"PK\x07\x08", *self.sums()) if self.descriptor else b""
        return head + name + self.local_extra + self.stored() + after

    def central(self, offset: int) -> bytes:
        date, time = self.dos
        head = struct.pack(
            "<4s6H3I5H2I",
            *(b"PK\x01\x02", self.made_by, 20, self.flags | 8 * self.descriptor, self.method),
            *(time, date, *self.sums(), len(self.name), len(self.extra), len(self.comment), 0, 0),
            *(self.attributes, offset if self.offset is None else self.offset),
        )
        return head + self.name + self.extra + self.comment


def written(
    entries: Sequence[Entry],
    *,
    before: bytes = b"",
    comment: bytes = b"",
    stated: int | None = None,
) -> bytes:
    """A ZIP file of entries; `before` is not counted in its offsets."""
    body, central = b"", b""
    for entry in entries:
        central += entry.central(len(body))
        body += entry.local()
    count = len(entries) if stated is None else stated
    numbers = (0, 0, count & 0xFFFF, count & 0xFFFF, len(central), len(body), len(comment))
    return before + body + central + struct.pack("<4s4H2IH", b"PK\x05\x06", *numbers) + comment


METHODS_OF_ZIPFILE = st.sampled_from([0, 8, 12, 14])
CONTENTS = st.binary(max_size=300) | st.builds(bytes, st.integers(0, 200_000))
FILE_NAMES = st.text(
    st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=20
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(st.lists(st.tuples(FILE_NAMES, CONTENTS, METHODS_OF_ZIPFILE), max_size=6))
def test_what_the_standard_library_writes(
    walk: Walk, members: list[tuple[str, bytes, int]]
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data, method in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    walked = walk(out.getvalue(), "zip")
    assert walked.whole == [(name.encode(), data) for name, data, _ in members]
    assert [member.size_bytes for member in walked.members] == [len(data) for _, data, _ in members]


@given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=60)), max_size=8), st.binary())
def test_names_are_kept_as_they_are_stored(
    walk: Walk, members: list[tuple[bytes, bytes]], before: bytes
) -> None:
    entries = [Entry(name, data) for name, data in members]
    walked = walk(written(entries, before=before), "zip")
    listed = [(name, data) for name, data in members if data or not name.endswith(b"/")]
    assert walked.whole == listed
    for member, (_, data) in zip(walked.members, listed, strict=True):
        assert member.offset_bytes is not None
        start = member.offset_bytes
        assert written(entries, before=before)[start : start + len(data)] == data


def test_ordinals_are_places_in_the_directory_whatever_is_read(walk: Walk) -> None:
    file = written([Entry(b"d/"), Entry(b"a", b"1"), Entry(b"d/"), Entry(b"b", b"2")])
    for only in (None, frozenset[int](), frozenset([3])):
        walked = walk(file, "zip", only=only)
        assert [(member.ordinal, member.name) for member in walked.members] == [
            (1, b"a"),
            (3, b"b"),
        ]
    assert walk(file, "zip", only=frozenset([3])).data == [None, b"2"]


def packed_by(method: int, data: bytes) -> bytes:
    if method == 9:
        packer = inflate64.Deflater()
        packed: bytes = packer.deflate(data) + packer.flush()
        return packed
    if method in (20, 93):
        return zstandard.ZstdCompressor().compress(data)
    if method == 95:
        return lzma.compress(data)
    if method == 14:
        chain = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}]
        body = lzma.compress(data, lzma.FORMAT_RAW, filters=chain)
        return b"\x05\x02\x05\x00" + struct.pack("<BI", 93, 1 << 16) + body
    if method == 12:
        return bz2.compress(data)
    return deflated(data) if method == 8 else data


@pytest.mark.parametrize("method", [0, 8, 9, 12, 14, 20, 93, 95])
def test_every_method_gives_what_was_packed(walk: Walk, method: int) -> None:
    data = bytes(range(256)) * 3000 + bytes(500_000)
    entry = Entry(b"it", data, method, packed_by(method, data))
    assert walk(written([entry, Entry(b"after", b"x")]), "zip").whole == [
        (b"it", data),
        (b"after", b"x"),
    ]
    wrong = walk(written([replace(entry, crc32=1), Entry(b"after", b"x")]), "zip")
    assert isinstance(wrong.errors[0], Malformed)
    assert wrong.data == [data, b"x"]


@pytest.mark.parametrize("method", sorted({*range(100), 4711} - {0, 8, 9, 12, 14, 20, 93, 95}))
def test_other_methods_are_refused_by_name(walk: Walk, method: int) -> None:
    walked = walk(written([Entry(b"it", b"abc", method), Entry(b"after", b"x")]), "zip")
    (problem, nothing) = [member.problem for member in walked.members]
    assert problem.code == "refused"
    known = METHODS.get(method, f"number {method}")
    assert ("encrypted" if method == 99 else known) in problem.reason
    assert nothing is None
    assert walked.data == [None, b"x"]


def test_encrypted_members_are_refused_and_the_others_read(walk: Walk) -> None:
    aes = struct.pack("<HHH2sBH", 0x9901, 7, 2, b"AE", 3, 8)
    walked = walk(
        written(
            [
                Entry(b"traditional", b"x" * 30, flags=1),
                Entry(b"aes", b"x" * 30, 99, flags=1, extra=aes, local_extra=aes),
                Entry(b"strong", b"x" * 30, flags=0x41),
                Entry(b"plain", b"plain"),
            ]
        ),
        "zip",
    )
    assert walked.refused == [
        "encrypted (traditional)",
        "encrypted (AES)",
        "encrypted (strong encryption)",
        None,
    ]
    assert walked.data[3] == b"plain"


def test_an_encryption_flag_in_one_header_alone_hides_nothing(walk: Walk) -> None:
    walked = walk(
        written([Entry(b"a", b"1", flags=1, local_flags=0), Entry(b"b", b"2", local_flags=1)]),
        "zip",
    )
    assert walked.whole == [(b"a", b"1"), (b"b", b"2")]
    for member in walked.members:
        assert "local header differs: encryption" in member.notes


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (stat.S_IFLNK, "symbolic link"),
        (stat.S_IFCHR, "character device"),
        (stat.S_IFBLK, "block device"),
        (stat.S_IFIFO, "FIFO"),
        (stat.S_IFSOCK, "socket"),
    ],
)
def test_links_and_devices_are_refused(walk: Walk, mode: int, kind: str) -> None:
    entry = Entry(b"it", b"/etc/passwd", made_by=3 << 8, attributes=(mode | 0o777) << 16)
    walked = walk(written([entry]), "zip")
    assert walked.refused == [kind]
    assert walked.members[0].problem.code == "refused"


def test_what_the_headers_disagree_about_is_noted(walk: Walk) -> None:
    unicode_path = struct.pack("<HHBI", 0x7075, 5 + 3, 1, 0) + "é!".encode()
    entries = [
        Entry(b"shown.jpg", b"1", local_name=b"hidden\x1b.exe"),
        Entry(b"method", b"2", local_method=8),
        Entry(b"other", b"3", extra=unicode_path, comment=b"said \x07"),
        Entry(b"same", b"4"),
    ]
    walked = walk(written(entries), "zip")
    assert [member.notes for member in walked.members] == [
        (r"local header differs: name 'hidden\x1b.exe'",),
        ("local header differs: method",),
        (r"also named '\xe9!'", r"comment 'said \x07'"),
        (),
    ]
    assert walked.data == [b"1", b"2", b"3", b"4"]


def test_the_archive_itself_is_described_in_the_first_members_notes(walk: Walk) -> None:
    comment = b"made by PK\x05\x06" + bytes(30)
    file = written([Entry(b"a", b"1"), Entry(b"b")], before=b"#!sfx" * 3, comment=comment, stated=7)
    notes = walk(file + b"tail", "zip").members[0].notes
    assert notes[0] == "archive: 15 bytes before it"
    assert notes[1] == "archive: 4 bytes after it"
    assert notes[2].startswith("archive: comment 'made by PK")
    assert notes[3] == "archive: 7 entries stated, 2 found"
    assert walk(file, "zip").members[1].notes == ()


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ([b"mimetype", b"META-INF/container.xml"], "'application/epub+zip'"),
        ([b"[Content_Types].xml", b"word/document.xml"], "Office Open XML or package"),
        ([b"AndroidManifest.xml", b"META-INF/MANIFEST.MF"], "Android package"),
        ([b"META-INF/MANIFEST.MF"], "Java archive"),
    ],
)
def test_documents_and_programs_are_walked_and_named(
    walk: Walk, names: list[bytes], kind: str
) -> None:
    walked = walk(written([Entry(name, b"application/epub+zip") for name in names]), "zip")
    assert walked.names == names
    assert f"archive: kind {kind}" in walked.members[0].notes


def test_all_three_kinds_of_clock(walk: Walk) -> None:
    extended = struct.pack("<HHBi", 0x5455, 5, 1, 1_700_000_000)
    local = struct.pack("<HHBiii", 0x5455, 13, 7, 1_700_000_000, -1, 5)
    ticks = 133_444_736_000_000_000
    ntfs = struct.pack("<HHIHH3Q", 0x000A, 32, 0, 1, 24, ticks + 1, ticks, 0)
    entry = Entry(b"a", extra=extended + ntfs, local_extra=local, dos=(0x576E, 0xB1AA))
    (member,) = walk(written([entry]), "zip").members
    assert [(time.basis, time.at) for time in member.times] == [
        ("zip:dos", "2023-11-14T22:13:20"),
        ("zip:extended", "2023-11-14T22:13:20Z"),
        ("zip:ntfs", "2023-11-14T22:13:20.0000001Z"),
        ("zip:ntfs:accessed", "2023-11-14T22:13:20Z"),
        ("zip:extended:accessed", "1969-12-31T23:59:59Z"),
        ("zip:extended:created", "1970-01-01T00:00:05Z"),
    ]


def test_sizes_that_lie_are_found_out(walk: Walk) -> None:
    data = bytes(100_000)
    honest = Entry(b"a", data, 8, deflated(data))
    for stated in (0, 99_999, 100_001, 0xFFFFFFFE):
        walked = walk(written([replace(honest, unpacked_bytes=stated), Entry(b"b", b"x")]), "zip")
        assert isinstance(walked.errors[0], Malformed)
        assert walked.data[1] == b"x"


def test_wide_sizes_and_offsets(walk: Walk) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"wide" * 100)
    assert walk(out.getvalue(), "zip").whole == [(b"a", b"wide" * 100)]

    entry = Entry(b"b", b"wider")
    wide = struct.pack("<HHQQQ", 1, 24, 5, 5, 0)
    central = bytearray(replace(entry, extra=wide).central(0xFFFFFFFF))
    struct.pack_into("<II", central, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    body = entry.local()
    numbers = (45, 45, 0, 0, 1, 1, len(central), len(body))
    end = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, *numbers)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(body) + len(central), 1)
    classic = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0)
    file = body + bytes(central) + end + locator + classic
    assert zipfile.ZipFile(io.BytesIO(file)).read("b") == b"wider"
    walked = walk(file, "zip")
    assert walked.whole == [(b"b", b"wider")]
    assert walked.members[0].notes == ()
    assert walk(b"before" + file, "zip").members[0].notes == ("archive: 6 bytes before it",)


def test_a_part_of_a_split_archive_is_refused(walk: Walk) -> None:
    file = bytearray(written([Entry(b"a", b"1")]))
    struct.pack_into("<H", file, len(file) - 18, 2)
    assert isinstance(walk(bytes(file), "zip").end, Refused)


def test_empty_archives(walk: Walk) -> None:
    assert walk(written([]), "zip").whole == []
    hidden = Entry(b"hidden", b"x").local() + written([])
    assert walk(hidden, "zip").whole == [(b"hidden", b"x")]


class TestOverlaps:
    """Members that share bytes: each byte is unpacked for at most one of them."""

    def quoted(self, count: int) -> bytes:
        """Each member's deflate data quotes the next local header in a stored block, so that all
        run into one kernel (D. Fifield, "A better zip bomb", WOOT 2019)."""
        kernel = bytes(1 << 20)
        data, packed = kernel, deflated(kernel)
        tail = Entry(b"%d" % count, data, 8, packed)
        body, entries = tail.local(), [tail]
        for place in range(count - 1, -1, -1):
            quote = entries[0].local()[: 30 + len(entries[0].name)]
            stored = struct.pack("<BHH", 0, len(quote), len(quote) ^ 0xFFFF) + quote
            data, packed = quote + data, stored + packed
            entries.insert(0, Entry(b"%d" % place, data, 8, packed))
            head = entries[0].local()[: 30 + len(entries[0].name)]
            body = head + stored[:5] + body
        central, offset = b"", 0
        for entry in entries:
            central += entry.central(offset)
            offset += 30 + len(entry.name) + 5
        numbers = (0, 0, len(entries), len(entries), len(central), len(body), 0)
        return body + central + struct.pack("<4s4H2IH", b"PK\x05\x06", *numbers)

    def test_quoted_overlap(self, walk: Walk) -> None:
        file = self.quoted(40)
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            # It is what it should be: every entry points at its own local header.
            for info in archive.infolist():
                assert file[info.header_offset :][:4] == b"PK\x03\x04"
            assert sum(info.file_size for info in archive.infolist()) > 41 << 20
        walked = walk(file, "zip")
        assert walked.end is None
        assert all("overlaps" in reason for reason in walked.refused[:-1])
        assert walked.data[-1] == bytes(1 << 20)
        assert sum(len(data) for data in walked.data if data is not None) == 1 << 20

    def test_quoted_overlap_without_a_directory(self, walk: Walk) -> None:
        file = self.quoted(40)
        body = file[: file.index(b"PK\x01\x02")]
        walked = walk(body, "zip")
        assert sum(len(data) for data in walked.data if data is not None) < 2 << 20

    def test_full_overlap(self, walk: Walk) -> None:
        data = bytes(1 << 20)
        one = Entry(b"a", data, 8, deflated(data))
        body = one.local()
        central = b"".join(replace(one, name=b"%d" % place).central(0) for place in range(50))
        numbers = (0, 0, 50, 50, len(central), len(body), 0)
        file = body + central + struct.pack("<4s4H2IH", b"PK\x05\x06", *numbers)
        walked = walk(file, "zip")
        assert walked.data == [data] + [None] * 49
        assert walked.refused[1] == "overlaps: an earlier entry has the same data"

    def test_an_entry_that_spans_others_does_not_hide_them(self, walk: Walk) -> None:
        inner = [Entry(b"a", b"one"), Entry(b"b", b"two")]
        tail = b"".join(entry.local() for entry in inner)
        walked = walk(
            written(
                [
                    Entry(b"span", tail),
                    *(replace(e, offset=34 + 34 * i) for i, e in enumerate(inner)),
                ]
            ),
            "zip",
        )
        assert "overlaps" in walked.refused[0]
        assert walked.data[1:] == [b"one", b"two"]

    def test_an_entry_that_points_at_no_header_hides_nothing(self, walk: Walk) -> None:
        walked = walk(written([Entry(b"real", b"x" * 500), Entry(b"bogus", offset=100)]), "zip")
        assert walked.data == [b"x" * 500, None]
        assert walked.members[1].problem.code == "malformed"


class TestBombs:
    def test_flat(self, walk: Walk) -> None:
        data = bytes(80 << 20)
        file = written([Entry(b"a", data, 8, deflated(data)), Entry(b"b", b"x")])
        walked = walk(file, "zip")
        assert isinstance(walked.errors[0], LimitExceeded)
        assert walked.errors[0].limit == "archive_ratio"
        assert len(walked.data[0]) <= max(64 << 20, 1000 * len(file))
        assert isinstance(walked.end, LimitExceeded)
        assert len(walked.members) == 1

    def test_claims_do_not_count(self, walk: Walk) -> None:
        wide = struct.pack("<HHQ", 1, 8, 1 << 60)
        claimed = Entry(b"a", b"x", 8, deflated(b"x"), unpacked_bytes=0xFFFFFFFF, extra=wide)
        walked = walk(written([claimed, Entry(b"b", b"y")]), "zip")
        assert walked.members[0].size_bytes == 1 << 60
        assert isinstance(walked.errors[0], Malformed)
        assert walked.data == [b"x", b"y"]
        assert walked.end is None

    def test_many_members(self, walk: Walk) -> None:
        file = written([Entry(b"%d" % place) for place in range(20)])
        walked = walk(file, "zip", Limits(archive_members=12))
        assert len(walked.members) == 12
        assert walked.end.limit == "archive_members"
        assert walk(file, "zip", Limits(archive_members=20)).end is None

    def test_one_large_member_costs_itself(self, walk: Walk) -> None:
        file = written([Entry(b"a", bytes(1000)), Entry(b"b", b"x")])
        walked = walk(file, "zip", Limits(archive_member_bytes=999), step=100)
        assert walked.errors[0].limit == "archive_member_bytes"
        assert walked.data[1] == b"x"
        assert walked.end is None

    def test_total(self, walk: Walk) -> None:
        file = written([Entry(b"%d" % place, bytes(100)) for place in range(10)])
        walked = walk(file, "zip", Limits(archive_total_bytes=450))
        assert walked.end.limit == "archive_total_bytes"
        assert len(walked.members) == 5


class TestWithoutADirectory:
    """The same members are found by their local headers."""

    MEMBERS = st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=12).filter(lambda name: b"PK" not in name),
            st.binary(max_size=80).filter(lambda data: b"PK" not in data),
            st.sampled_from([0, 8, 12, 14, 93, 95]),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )

    @given(MEMBERS, st.integers(0, 60))
    def test_all_are_found(
        self, walk: Walk, members: list[tuple[bytes, bytes, int, bool]], cut: int
    ) -> None:
        entries = [
            Entry(name, data, method, packed_by(method, data), descriptor=loose and method != 14)
            for name, data, method, loose in members
        ]
        body = b"".join(entry.local() for entry in entries)
        whole = written(entries)
        broken = whole[: max(len(body), len(whole) - cut - 1)]
        expected = [
            (entry.name, entry.data)
            for entry in entries
            if not (entry.name.endswith(b"/") and (entry.descriptor or not entry.packed))
        ]
        walked = walk(broken, "zip")
        found = [pair for pair in walked.whole if not pair[0].endswith(b"/")]
        assert found == [pair for pair in expected if not pair[0].endswith(b"/")]
        for member in walked.members:
            assert member.notes[0] == "found without a central directory"

    def test_a_damaged_directory_loses_no_member(self, walk: Walk) -> None:
        file = bytearray(written([Entry(b"%d" % place, b"x%d" % place) for place in range(9)]))
        at = [place for place in range(len(file)) if file[place : place + 4] == b"PK\x01\x02"][4]
        file[at] = 0
        walked = walk(bytes(file), "zip")
        assert walked.whole == [(b"%d" % place, b"x%d" % place) for place in range(9)]

    def test_a_wrong_descriptor_is_a_problem_of_its_member(self, walk: Walk) -> None:
        entries = [
            Entry(b"a", b"abc", 8, deflated(b"abc"), descriptor=True, crc32=5),
            Entry(b"b", b"x", 8, deflated(b"x"), descriptor=True),
        ]
        walked = walk(b"".join(entry.local() for entry in entries), "zip")
        assert isinstance(walked.errors[0], Malformed)
        assert walked.data == [b"abc", b"x"]

    def test_a_size_beyond_the_end_hides_nothing(self, walk: Walk) -> None:
        liar = bytearray(Entry(b"liar", b"abc").local())
        struct.pack_into("<I", liar, 18, 1 << 30)
        walked = walk(bytes(liar) + Entry(b"b", b"x").local(), "zip")
        assert walked.refused == ["its data is not all there", None]
        assert walked.data == [None, b"x"]

    def test_damaged_data_costs_its_member(self, walk: Walk) -> None:
        entries = [
            Entry(b"a", b"", 8, b"\xff" * 40, descriptor=True),
            Entry(b"b", b"x", 8, deflated(b"x"), descriptor=True),
        ]
        walked = walk(b"".join(entry.local() for entry in entries), "zip")
        assert isinstance(walked.errors[0], Malformed)
        assert walked.data[1] == b"x"

    def test_nothing_at_all(self, walk: Walk) -> None:
        assert isinstance(walk(b"no archive", "zip").end, Malformed)
        assert isinstance(walk(b"", "zip").end, Malformed)


def golden(path: Path, name: str) -> bytes:
    """What Info-ZIP says a member holds, or the standard library where that is not installed."""
    if shutil.which("unzip") is None:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    wanted = name.replace("[", "[[]")
    return subprocess.run(
        ["unzip", "-p", str(path), wanted],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
    ).stdout


@given(
    st.dictionaries(
        st.text("abcäöß0 ", min_size=1, max_size=8).map(lambda name: f"x{name}x"),
        st.binary(max_size=2000),
        min_size=1,
        max_size=5,
    )
)
def test_another_program_reads_the_same(
    walk: Walk, tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes]
) -> None:
    path = tmp_path_factory.mktemp("golden") / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    walked = walk(path.read_bytes(), "zip")
    assert walked.names == [name.encode() for name in members]
    for name, data in walked.whole:
        assert golden(path, name.decode()) == data
