"""The records of a ZIP file, field by field (APPNOTE 6.3.10, sections 4.3 to 4.5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.evidence.archives.times import dos_time, file_time, unix_time
from headwater.evidence.content import Content
from headwater.model import Time

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"

FLAG_ENCRYPTED = 1 << 0
FLAG_DESCRIPTOR = 1 << 3
FLAG_STRONG_ENCRYPTION = 1 << 6
FLAG_MASKED_HEADERS = 1 << 13

CENTRAL_BYTES = 46
LOCAL_BYTES = 30

_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_FULL_16 = 0xFFFF
_FULL_32 = 0xFFFFFFFF
_UNIX_HOSTS = (3, 19)

_EXTRA_ZIP64 = 0x0001
_EXTRA_NTFS = 0x000A
_EXTRA_EXTENDED = 0x5455
_EXTRA_OLD_UNIX = 0x5855
_EXTRA_UNICODE_NAME = 0x7075


@dataclass(frozen=True, slots=True)
class CentralEntry:
    """One entry of the central directory; sizes and offset are claims."""

    flags: int
    method: int
    dos: tuple[int, int]
    """MS-DOS date and time."""
    crc32: int
    packed_bytes: int
    unpacked_bytes: int
    name: bytes
    extra: bytes
    comment: bytes
    header_offset: int
    """As stored: relative to where the archive begins."""
    unix_mode: int | None
    dos_directory: bool
    record_bytes: int
    """Length of the whole record, its name, extra fields and comment included."""


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """The header before a member's data. With FLAG_DESCRIPTOR sizes and CRC may be 0."""

    flags: int
    method: int
    dos: tuple[int, int]
    crc32: int
    packed_bytes: int
    unpacked_bytes: int
    name: bytes
    extra: bytes
    data_offset: int


def read_central(data: bytes, at: int) -> CentralEntry | None:
    """Return the entry at position `at` of `data`; None where there is none, or not all of it."""
    if len(data) < at + CENTRAL_BYTES or data[at : at + 4] != CENTRAL_SIGNATURE:
        return None
    fields = _CENTRAL.unpack_from(data, at)
    made_by, flags, method, time, date = fields[1], *fields[3:7]
    crc32, packed, unpacked = fields[7:10]
    name_length, extra_length, comment_length = fields[10:13]
    attributes, offset = fields[15:17]
    name_end = at + CENTRAL_BYTES + name_length
    record_end = name_end + extra_length + comment_length
    if len(data) < record_end:
        return None
    extra = data[name_end : name_end + extra_length]
    unpacked, packed, offset = _widened(extra, unpacked, packed, offset)
    mode = attributes >> 16 if made_by >> 8 in _UNIX_HOSTS else None
    return CentralEntry(
        flags,
        method,
        (date, time),
        crc32,
        packed,
        unpacked,
        data[at + CENTRAL_BYTES : name_end],
        extra,
        data[name_end + extra_length : record_end],
        offset,
        mode or None,
        bool(attributes & 0x10),
        record_end - at,
    )


def read_local(content: Content, offset: int) -> LocalHeader | None:
    """Return the local header at `offset`; None where there is none, or not all of it."""
    data = content.read_at(offset, LOCAL_BYTES + 256)
    if len(data) < LOCAL_BYTES or data[:4] != LOCAL_SIGNATURE:
        return None
    fields = _LOCAL.unpack_from(data)
    _, _, flags, method, time, date, crc32, packed, unpacked, name_length, extra_length = fields
    length = LOCAL_BYTES + name_length + extra_length
    if len(data) < length:
        data = content.read_at(offset, length)
    if len(data) < length:
        return None
    name_end = LOCAL_BYTES + name_length
    extra = data[name_end:length]
    unpacked, packed, _ = _widened(extra, unpacked, packed, 0)
    name = data[LOCAL_BYTES:name_end]
    return LocalHeader(
        flags, method, (date, time), crc32, packed, unpacked, name, extra, offset + length
    )


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (header id, data) of each complete extra field."""
    position = 0
    while position + 4 <= len(extra):
        header, size = struct.unpack_from("<HH", extra, position)
        data = extra[position + 4 : position + 4 + size]
        if len(data) < size:
            return
        yield header, data
        position += 4 + size


def unicode_name(extra: bytes) -> bytes | None:
    """Return the UTF-8 name of the Unicode Path field (section 4.6.9), None where none is."""
    for header, data in extra_fields(extra):
        if header == _EXTRA_UNICODE_NAME and len(data) > 5:
            return data[5:]
    return None


def entry_times(dos: tuple[int, int], *extras: bytes) -> tuple[Time, ...]:
    """Return all readings of the entry: MS-DOS first, then by field in stored order, no doubles."""
    readings = [dos_time(dos[0], dos[1], "zip:dos") if any(dos) else None]
    for extra in extras:
        for header, data in extra_fields(extra):
            if header == _EXTRA_EXTENDED:
                readings.extend(_extended_times(data))
            elif header == _EXTRA_NTFS:
                readings.extend(_ntfs_times(data))
            elif header == _EXTRA_OLD_UNIX and len(data) >= 8:
                accessed, modified = struct.unpack_from("<ii", data)
                readings.append(unix_time(modified, "zip:unix"))
                readings.append(unix_time(accessed, "zip:unix:accessed"))
    return tuple(dict.fromkeys(reading for reading in readings if reading is not None))


def _extended_times(data: bytes) -> Iterator[Time | None]:
    """Seconds since 1970 UTC; the central copy holds the modification alone."""
    kinds = ("zip:extended", "zip:extended:accessed", "zip:extended:created")
    position = 1
    for bit, basis in enumerate(kinds):
        if data[:1] and data[0] >> bit & 1 and position + 4 <= len(data):
            yield unix_time(struct.unpack_from("<i", data, position)[0], basis)
            position += 4


def _ntfs_times(data: bytes) -> Iterator[Time | None]:
    for tag, value in extra_fields(data[4:]):
        if tag == 1 and len(value) >= 24:
            kinds = ("zip:ntfs", "zip:ntfs:accessed", "zip:ntfs:created")
            for ticks, basis in zip(struct.unpack_from("<3Q", value), kinds, strict=True):
                if ticks:
                    yield file_time(ticks, basis)


def _widened(extra: bytes, unpacked: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Replace full 32-bit fields by those of the ZIP64 extra field (section 4.5.3)."""
    if _FULL_32 not in (unpacked, packed, offset):
        return unpacked, packed, offset
    wide = next((data for header, data in extra_fields(extra) if header == _EXTRA_ZIP64), b"")
    values = [unpacked, packed, offset]
    position = 0
    for index, value in enumerate(values):
        if value == _FULL_32 and position + 8 <= len(wide):
            (values[index],) = struct.unpack_from("<Q", wide, position)
            position += 8
    return values[0], values[1], values[2]
