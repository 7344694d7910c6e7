"""Damaged archives of every format: only errors of content, and always an end."""

from __future__ import annotations

import io
import itertools
import random
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import py7zr
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.evidence.archives.open import MEDIA_TYPES, identify_archive
from headwater.evidence.content import Content
from headwater.limits import Limits

Walk = Callable[..., Any]

SMALL = Limits(
    archive_members=100,
    archive_total_bytes=8 << 20,
    archive_ratio_floor_bytes=4 << 20,
    worker_memory_bytes=256 << 20,
)
MEMBERS = [
    ("first.txt", b"first " * 30),
    ("zeros", bytes(5000)),
    ("n" * 120 + "ü", random.Random(5).randbytes(400)),
]


def zipped(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in MEMBERS:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def tarred(mode: str, form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in MEMBERS:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sevenzip(filters: list[dict[str, int]]) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=filters) as archive:
        for name, data in MEMBERS:
            archive.writestr(data, name)
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def sample(name: str) -> tuple[str, bytes]:
    """(format, bytes) of a sample by its name."""
    builders: dict[str, tuple[str, Callable[[], bytes]]] = {
        "zip stored": ("zip", lambda: zipped(0)),
        "zip deflate": ("zip", lambda: zipped(8)),
        "zip bzip2": ("zip", lambda: zipped(12)),
        "zip lzma": ("zip", lambda: zipped(14)),
        "tar gnu": ("tar", lambda: tarred("w")),
        "tar pax": ("tar", lambda: tarred("w", tarfile.PAX_FORMAT)),
        "tar.gz": ("tar.gz", lambda: tarred("w:gz")),
        "tar.bz2": ("tar.bz2", lambda: tarred("w:bz2")),
        "tar.xz": ("tar.xz", lambda: tarred("w:xz")),
        "tar.zst": ("tar.zst", lambda: zstd(tarred("w"))),
        "7z lzma2": ("7z", lambda: sevenzip([{"id": py7zr.FILTER_LZMA2, "preset": 1}])),
        "7z copy": ("7z", lambda: sevenzip([{"id": py7zr.FILTER_COPY}])),
        "7z x86 lzma": (
            "7z",
            lambda: sevenzip([{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA}]),
        ),
        "7z zstd": ("7z", lambda: sevenzip([{"id": py7zr.FILTER_ZSTD}])),
    }
    archive_format, build = builders[name]
    return archive_format, build()


NAMES = [
    *("zip stored", "zip deflate", "zip bzip2", "zip lzma", "tar gnu", "tar pax", "tar.gz"),
    *("tar.bz2", "tar.xz", "tar.zst", "7z lzma2", "7z copy", "7z x86 lzma", "7z zstd"),
]
SAMPLES = {name: sample(name) for name in NAMES}


def check(walk: Walk, data: bytes, archive_format: str) -> Any:
    """Walk to the end: only a ContentError may come out, and what was read stays in bounds."""
    walked = walk(data, archive_format, SMALL)
    read = sum(len(piece) for piece in walked.data if piece is not None)
    assert read <= max(SMALL.archive_ratio_floor_bytes, SMALL.archive_ratio * len(data))
    assert len(walked.members) <= SMALL.archive_members
    assert [member.ordinal for member in walked.members] == sorted(
        {member.ordinal for member in walked.members}
    )
    again = walk(data, archive_format, SMALL, only=frozenset[int]())
    assert again.names == walked.names
    assert [member.notes for member in again.members] == [m.notes for m in walked.members]
    return walked


def is_sound_or_says_why(walked: Any) -> bool:
    """Whether all contents were read, or something was said to be wrong or odd."""
    if walked.end is not None or any(walked.errors):
        return True
    if any(member.problem or member.notes for member in walked.members):
        return True
    return bool(walked.data == [data for _, data in MEMBERS])


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_are_sound(walk: Walk, name: str) -> None:
    archive_format, data = SAMPLES[name]
    assert identify_archive(Content.from_bytes(data)) == (
        archive_format,
        MEDIA_TYPES[archive_format],
    )
    expected = [(member.encode(), content) for member, content in MEMBERS]
    assert walk(data, archive_format).whole == expected


@pytest.mark.parametrize("name", NAMES)
def test_cut_off_anywhere(walk: Walk, name: str) -> None:
    archive_format, data = SAMPLES[name]
    whole = dict(MEMBERS)
    for length in itertools.chain(range(0, len(data), 7), range(max(0, len(data) - 40), len(data))):
        walked = check(walk, data[:length], archive_format)
        assert is_sound_or_says_why(walked)
        identify_archive(Content.from_bytes(data[:length]))
        for member, read, error in zip(walked.members, walked.data, walked.errors, strict=True):
            if read is not None and error is None and member.name.decode() in whole:
                assert read == whole[member.name.decode()]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=12))
def test_flipped_bits(walk: Walk, name: str, flips: list[tuple[float, int]]) -> None:
    archive_format, data = SAMPLES[name]
    broken = bytearray(data)
    for place, bit in flips:
        broken[min(int(place * len(broken)), len(broken) - 1)] ^= 1 << bit
    walked = check(walk, bytes(broken), archive_format)
    # A plain tar has no sum over its contents; every other format here has.
    assert archive_format == "tar" or is_sound_or_says_why(walked)
    identify_archive(Content.from_bytes(bytes(broken)))


@pytest.mark.parametrize("name", NAMES)
def test_every_byte_of_the_first_header_replaced(walk: Walk, name: str) -> None:
    archive_format, data = SAMPLES[name]
    for place in range(min(96, len(data))):
        for value in (0, 0x7F, 0xFF):
            check(walk, data[:place] + bytes([value]) + data[place + 1 :], archive_format)


def regions(data: bytes) -> Iterator[tuple[int, int]]:
    """Where structures lie that random flips seldom hit: the end of the file."""
    start = max(0, len(data) - 160)
    yield from ((place, value) for place in range(start, len(data)) for value in (0, 1, 0xFF))


@pytest.mark.parametrize("name", ["zip deflate", "7z lzma2", "7z copy"])
def test_every_byte_of_the_directory_replaced(walk: Walk, name: str) -> None:
    archive_format, data = SAMPLES[name]
    for place, value in regions(data):
        check(walk, data[:place] + bytes([value]) + data[place + 1 :], archive_format)


@pytest.mark.parametrize("archive_format", sorted(MEDIA_TYPES))
@given(st.binary(max_size=600))
def test_noise_as_any_format(walk: Walk, archive_format: str, data: bytes) -> None:
    check(walk, data, archive_format)


@pytest.mark.parametrize("archive_format", sorted(MEDIA_TYPES))
@pytest.mark.parametrize("name", NAMES)
def test_each_sample_as_every_other_format(walk: Walk, name: str, archive_format: str) -> None:
    check(walk, SAMPLES[name][1], archive_format)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400), st.integers(0, 200))
def test_noise_in_a_7z_header_with_right_sums(
    walk: Walk, plain_7z: Any, noise: bytes, at: int
) -> None:
    file = plain_7z(["a", "b", "dir"], [b"first", b"second", b""], [0x20, 0x20, 0x10])
    header = file.header(11)
    for broken in (b"\x01" + noise, b"\x17" + noise, header[: at % len(header)] + noise):
        check(walk, file.around(broken, b"firstsecond"), "7z")


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 500), st.integers(0, 255))
def test_one_byte_of_a_7z_header_replaced_with_right_sums(
    walk: Walk, plain_7z: Any, at: int, value: int
) -> None:
    file = plain_7z(["a", "b", "dir"], [b"first", b"second", b""], [0x20, 0x20, 0x10])
    header = bytearray(file.header(11))
    header[at % len(header)] = value
    check(walk, file.around(bytes(header), b"firstsecond"), "7z")


BOMBS = """
import bz2, io, lzma, resource, struct, sys, tarfile, zipfile, zlib
import py7zr, zstandard
from headwater.errors import ContentError, LimitExceeded
from headwater.evidence.archives.open import identify_archive, read_archive
from headwater.evidence.content import Content
from headwater.limits import Limits

kind = sys.argv[1]
MIB = 1 << 20

def many(packer, tail=lambda: b"", rounds=400):
    return b"".join(packer(bytes(MIB)) for _ in range(rounds)) + tail()

packer = {
    "gzip": zlib.compressobj(9, zlib.DEFLATED, 31),
    "zip": zlib.compressobj(9, zlib.DEFLATED, -15),
    "xz": lzma.LZMACompressor(),
    "zstd": zstandard.ZstdCompressor(level=1).compressobj(),
    "bzip2": bz2.BZ2Compressor(),
}
if kind == "zip":
    bomb = many(packer["zip"].compress, packer["zip"].flush)
    head = struct.pack("<5H3I2H", 20, 0, 8, 0, 33, 0, len(bomb), 400 * MIB, 1, 0)
    central = b"PK\\1\\2" + b"\\x14\\0" + head + bytes(14) + b"a"
    local = b"PK\\3\\4" + head + b"a" + bomb
    end = struct.pack("<4H2IH", 0, 0, 1, 1, len(central), len(local), 0)
    data = local + central + b"PK\\5\\6" + end
elif kind in ("7z zstd", "7z deflate", "7z bzip2", "7z lzma2"):
    names = {"7z zstd": py7zr.FILTER_ZSTD, "7z deflate": py7zr.FILTER_DEFLATE,
             "7z bzip2": py7zr.FILTER_BZIP2, "7z lzma2": py7zr.FILTER_LZMA2}
    filters = [{"id": names[kind], **({"preset": 1} if kind == "7z lzma2" else {})}]
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=filters) as archive:
        archive.writestr(bytes(400 * MIB), "a")
    data = out.getvalue()
else:
    data = many(packer[kind].compress, packer[kind].flush)
del packer

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200 * MIB, used + 200 * MIB))
limits = Limits(archive_ratio_floor_bytes=300 * MIB, archive_ratio=1)
content = Content.from_bytes(data)
ended = []
read = 0
try:
    for member in read_archive(content, identify_archive(content)[0], limits):
        stream = member.open()
        try:
            while part := stream.read(MIB):
                read += len(part)
        except ContentError as error:
            ended.append(error)
except ContentError as error:
    ended.append(error)
assert ended and all(isinstance(error, LimitExceeded) for error in ended), ended
assert {error.limit for error in ended} == {"archive_ratio"}, ended
assert 250 * MIB < read <= 300 * MIB, read
print("held")
"""


@pytest.mark.parametrize(
    "kind",
    [
        *("zip", "gzip", "bzip2", "xz", "zstd"),
        *("7z zstd", "7z deflate", "7z bzip2", "7z lzma2"),
    ],
)
def test_bombs_are_unpacked_in_little_memory(kind: str) -> None:
    """400 MiB of zeros with 200 MiB of address space on top of what the process has."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BOMBS), kind],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == "held", ran.stderr


QUIET = """
import base64, json, sys
from headwater.errors import ContentError
from headwater.evidence.archives.open import identify_archive, read_archive
from headwater.evidence.content import Content
from headwater.limits import Limits

samples = [base64.b64decode(line) for line in sys.stdin]
seen = []
watching = False

def hook(event, arguments):
    quiet = ("object.", "code.", "sys._getframe", "marshal.", "gc.", "array.", "compile")
    if watching and not event.startswith(quiet):
        seen.append((event, str(arguments)[:200]))

sys.addaudithook(hook)
for data in samples:
    watching = True
    content = Content.from_bytes(data)
    try:
        for member in read_archive(content, identify_archive(content)[0], Limits()):
            if member.open is not None:
                stream = member.open()
                while stream.read(1 << 16):
                    pass
    except ContentError:
        pass
    watching = False
import threading
assert threading.active_count() == 1
print(json.dumps(seen))
"""


def test_reading_opens_imports_and_starts_nothing() -> None:
    """Everything is imported with the readers, so that a caged worker needs no file and no call."""
    import base64

    lines = "\n".join(base64.b64encode(data).decode() for _, data in SAMPLES.values())
    ran = subprocess.run(
        [sys.executable, "-c", QUIET], input=lines, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
