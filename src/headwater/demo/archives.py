"""Archives written byte for byte, so that names, times and order are exactly what is planted."""

from __future__ import annotations

import datetime
import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import py7zr
from py7zr.helpers import ArchiveTimestamp

_UTF8_NAME, _ENCRYPTED = 0x800, 0x1
_STORED, _DEFLATED = 0, 8
_UNIX = 3
_VERSION = 20


class Entry(NamedTuple):
    """One file to put into an archive."""

    name: bytes
    data: bytes
    modified: datetime.datetime
    """With an offset."""


def zip_archive(entries: Sequence[Entry], *, password: bytes | None = None) -> bytes:
    """Return a ZIP file (PKWARE APPNOTE 6.3.10) with extended timestamps.

    Names are stored as given; UTF-8 is flagged where they are not ASCII and decode as such. JPEG
    data are stored and others deflated. `password` turns on the traditional encryption (6.1).
    """
    body, directory = b"", b""
    for entry in entries:
        local, central = _zip_entry(entry, len(body), password)
        body += local
        directory += central
    count = len(entries)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def _zip_entry(entry: Entry, offset: int, password: bytes | None) -> tuple[bytes, bytes]:
    """Return the local file with its data, and the central directory's entry."""
    checksum = zlib.crc32(entry.data)
    method = _STORED if entry.data[:2] == b"\xff\xd8" else _DEFLATED
    packed = entry.data
    if method == _DEFLATED:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(packed) + packer.flush()
    flags = 0 if entry.name.isascii() or not _is_utf8(entry.name) else _UTF8_NAME
    if password is not None:
        flags |= _ENCRYPTED
        packed = _zip_encrypted(packed, password, checksum)
    utc = entry.modified.astimezone(datetime.UTC)
    extra = struct.pack("<HHBi", 0x5455, 5, 1, int(utc.timestamp()))
    shared = struct.pack(
        "<HHHHHIIIHH",
        _VERSION,
        flags,
        method,
        utc.hour << 11 | utc.minute << 5 | utc.second // 2,
        (utc.year - 1980) << 9 | utc.month << 5 | utc.day,
        checksum,
        len(packed),
        len(entry.data),
        len(entry.name),
        len(extra),
    )
    local = b"PK\x03\x04" + shared + entry.name + extra + packed
    rest = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, offset)
    made_by = struct.pack("<H", _UNIX << 8 | _VERSION)
    central = b"PK\x01\x02" + made_by + shared + rest + entry.name + extra
    return local, central


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


class _ZipKeys:
    """The three keys of the traditional PKWARE encryption (APPNOTE 6.1.5)."""

    def __init__(self, password: bytes) -> None:
        self._table = [zlib.crc32(bytes([value]), 0xFFFFFFFF) ^ 0xFFFFFFFF for value in range(256)]
        # crc32 inverts on entry and exit; undone above, the bare table step remains.
        self._keys = [0x12345678, 0x23456789, 0x34567890]
        for value in password:
            self._update(value)

    def _step(self, crc: int, value: int) -> int:
        return (crc >> 8) ^ self._table[(crc ^ value) & 0xFF]

    def _update(self, value: int) -> None:
        first, second, third = self._keys
        first = self._step(first, value)
        second = ((second + (first & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        self._keys = [first, second, self._step(third, second >> 24)]

    def encrypt(self, data: bytes) -> bytes:
        out = bytearray()
        for value in data:
            mask = (self._keys[2] & 0xFFFF) | 2
            out.append(value ^ ((mask * (mask ^ 1)) >> 8 & 0xFF))
            self._update(value)
        return bytes(out)


def _zip_encrypted(packed: bytes, password: bytes, checksum: int) -> bytes:
    """Return the data encrypted behind its header of 12 bytes.

    The eleven that should be random follow from the checksum: the same evidence every time.
    """
    salt = zlib.crc32(password, checksum).to_bytes(4, "big") * 3
    return _ZipKeys(password).encrypt(salt[:11] + (checksum >> 24).to_bytes(1, "big") + packed)


def tar_archive(entries: Sequence[Entry]) -> bytes:
    """Return a tar file in the GNU format; names are stored as given."""
    file = io.BytesIO()
    with tarfile.open(
        fileobj=file, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape"
    ) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.name.decode("utf-8", "surrogateescape"))
            info.size, info.mtime = len(entry.data), int(entry.modified.timestamp())
            archive.addfile(info, io.BytesIO(entry.data))
    return file.getvalue()


def gzipped(data: bytes) -> bytes:
    """Return data packed with gzip, without name or time."""
    return gzip.compress(data, 1, mtime=0)


def seven_zip_archive(entries: Sequence[Entry]) -> bytes:
    """Return a 7z file (LZMA2)."""
    file = io.BytesIO()
    filters = [{"id": py7zr.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 20}]
    with py7zr.SevenZipFile(file, "w", filters=filters) as archive:
        archive.set_encoded_header_mode(False)
        for entry in entries:
            archive.writestr(entry.data, entry.name.decode())
        # The library stamps members with the clock; the planted times replace that.
        for info, entry in zip(archive.header.files_info.files, entries, strict=True):
            stamp = ArchiveTimestamp.from_datetime(entry.modified.timestamp())
            for clock in ("creationtime", "lastwritetime", "lastaccesstime"):
                info[clock] = stamp
    return file.getvalue()
