"""Archives written byte for byte, read by the standard library and py7zr."""

from __future__ import annotations

import datetime
import io
import tarfile
import zipfile

import py7zr
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.demo.archives import (
    Entry,
    gzipped,
    seven_zip_archive,
    tar_archive,
    zip_archive,
)

MOMENT = datetime.datetime(2026, 5, 4, 3, 2, 1, tzinfo=datetime.UTC)
NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60
)
DATA = st.one_of(st.binary(max_size=400), st.just(b"\xff\xd8" + bytes(300)))
FILES = st.lists(st.tuples(NAMES, DATA), max_size=6)


@given(files=FILES, password=st.none() | st.binary(min_size=1, max_size=20))
def test_a_zip_gives_back_names_bytes_and_times(
    files: list[tuple[str, bytes]], password: bytes | None
) -> None:
    entries = [Entry(name.encode(), data, MOMENT) for name, data in files]
    packed = zip_archive(entries, password=password)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        infos = archive.infolist()
        assert [info.orig_filename for info in infos] == [name for name, _ in files]
        assert [archive.read(info, pwd=password) for info in infos] == [data for _, data in files]
        for info in infos:
            assert info.date_time == (2026, 5, 4, 3, 2, 0)
            assert info.extra[-4:] == int(MOMENT.timestamp()).to_bytes(4, "little")
            assert bool(info.flag_bits & 1) == (password is not None)
    assert packed == zip_archive(entries, password=password)


@given(st.binary(min_size=1, max_size=60).filter(lambda name: b"\x00" not in name))
def test_a_zip_keeps_names_that_are_no_text(name: bytes) -> None:
    packed = zip_archive([Entry(name, b"x", MOMENT)])
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        info = archive.infolist()[0]
    encoding = "utf-8" if info.flag_bits & 0x800 else "cp437"
    assert info.orig_filename.encode(encoding) == name


def test_encrypted_bytes_do_not_show() -> None:
    entry = Entry(b"a", b"\xff\xd8" + b"plain words " * 20, MOMENT)
    assert b"plain words" in zip_archive([entry])
    assert b"plain words" not in zip_archive([entry], password=b"secret")


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=150), st.binary(max_size=300)), max_size=5)
)
def test_a_tar_gives_back_names_bytes_and_times(files: list[tuple[bytes, bytes]]) -> None:
    names = [name.replace(b"\x00", b"0").strip(b"/") or b"n" for name, _ in files]
    entries = [Entry(name, data, MOMENT) for name, (_, data) in zip(names, files, strict=True)]
    packed = gzipped(tar_archive(entries))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz", encoding="utf-8") as archive:
        found = archive.getmembers()
        assert [info.name.encode("utf-8", "surrogateescape") for info in found] == names
        assert all(info.mtime == int(MOMENT.timestamp()) for info in found)
        for info, (_, data) in zip(found, files, strict=True):
            stream = archive.extractfile(info)
            assert stream is not None
            assert stream.read() == data


@settings(max_examples=20)
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
def test_a_seven_zip_gives_back_bytes_and_times(parts: list[bytes]) -> None:
    entries = [Entry(b"f/%d.bin" % number, part, MOMENT) for number, part in enumerate(parts)]
    packed = seven_zip_archive(entries)
    factory = py7zr.io.BytesIOFactory(1 << 20)
    with py7zr.SevenZipFile(io.BytesIO(packed)) as archive:
        listed = archive.list()
        archive.extractall(factory=factory)  # noqa: S202 - into memory
    for info, entry in zip(listed, entries, strict=True):
        assert info.filename == entry.name.decode()
        assert info.creationtime == MOMENT
        assert factory.products[info.filename].read() == entry.data
