"""Archives are recognised by their bytes, and nothing else is taken for one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import py7zr
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import Refused
from headwater.evidence.archives.open import MEDIA_TYPES, identify_archive, read_archive
from headwater.evidence.content import BytesSource, Content
from headwater.limits import Limits


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def tar(form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        info = tarfile.TarInfo("name")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"data"))
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("name", b"data")
    return out.getvalue()


def sevenzip() -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        archive.writestr(b"data", "name")
    return out.getvalue()


SAMPLES: dict[str, Callable[[], bytes]] = {
    "zip": zipped,
    "7z": sevenzip,
    "tar": tar,
    "tar.gz": lambda: gzip.compress(tar()),
    "tar.bz2": lambda: bz2.compress(tar()),
    "tar.xz": lambda: lzma.compress(tar()),
    "tar.zst": lambda: zstd(tar()),
    "gzip": lambda: gzip.compress(b"data"),
    "bzip2": lambda: bz2.compress(b"data"),
    "xz": lambda: lzma.compress(b"data"),
    "zstd": lambda: zstd(b"data"),
}


def test_there_is_a_sample_of_every_format() -> None:
    assert set(SAMPLES) == set(MEDIA_TYPES)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_format_is_recognised_and_read(name: str) -> None:
    data = SAMPLES[name]()
    for content in (Content.from_bytes(data), Content(BytesSource(b"-" + data), 1, len(data))):
        assert identify_archive(content) == (name, MEDIA_TYPES[name])
        (member,) = read_archive(content, name, Limits())
        assert member.open is not None
    (member,) = read_archive(Content.from_bytes(data), name, Limits())
    assert member.name in (b"name", b"")


def test_the_stream_lives_until_the_next_member_is_taken() -> None:
    for member in read_archive(Content.from_bytes(tar()), "tar", Limits()):
        assert member.open is not None
        stream = member.open()
        assert stream.read() == b"data"
    with pytest.raises(ValueError, match="next member"):
        stream.read()


@pytest.mark.parametrize(
    "data",
    [
        tar(tarfile.USTAR_FORMAT),
        tar(tarfile.PAX_FORMAT),
        zstd(b"")[:0] + b"\x50\x2a\x4d\x18" + struct.pack("<I", 3) + b"abc" + zstd(tar()),
        gzip.compress(b"") + gzip.compress(tar()),
        b"PK\x05\x06" + bytes(18),
        b"PK\x07\x08" + zipped(),
        b"#!/bin/sh\n" + zipped(),
        b"\xff\xd8\xff\xe0" + bytes(500) + zipped(),
        zipped() + b"after",
    ],
)
def test_other_forms_are_recognised_too(data: bytes) -> None:
    found = identify_archive(Content.from_bytes(data))
    assert found is not None
    list(read_archive(Content.from_bytes(data), found[0], Limits()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"text",
        bytes(2000),
        b"BZh9 no block",
        b"\x1f\x8b\x07" + bytes(20),
        b"\x51\x2a\x4d",
        b"7z\xbc\xaf",
        b"PK\x05\x06" + b"\xff" * 18,
        b"text and then PK\x05\x06" + bytes(18),
        b"Rar!\x1a\x07\x01\x00",
        b"x" * 257 + b"ustar\x0000" + b"x" * 300,
    ],
)
def test_other_bytes_are_none(data: bytes) -> None:
    found = identify_archive(Content.from_bytes(data))
    assert found is None or data.startswith(b"PK\x05\x06")


@given(st.binary(max_size=1200))
def test_noise_is_none(data: bytes) -> None:
    starts = (b"PK", b"7z", b"BZh", b"\x1f\x8b", b"\xfd7z", b"\x28\xb5", b"P*M\x18")
    if not data.startswith(starts):
        assert identify_archive(Content.from_bytes(data)) is None


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(Refused):
        read_archive(Content.from_bytes(b""), "rar", Limits())


@pytest.mark.data
def test_real_media_is_no_archive(data_folder: Path) -> None:
    kinds = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".mp4", ".mov", ".heic", ".tif", ".tiff"}
    seen = 0
    for path in sorted(data_folder.rglob("*")):
        if path.suffix.lower() in kinds and path.is_file() and path.stat().st_size < 1 << 23:
            found: Any = identify_archive(Content.from_bytes(path.read_bytes()))
            assert found is None, path.name
            seen += 1
    assert seen > 0
