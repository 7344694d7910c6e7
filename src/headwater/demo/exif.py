"""Writing of small EXIF blocks (Exif 3.0, CIPA DC-008; TIFF 6.0 section 2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple

ByteOrder = Literal["<", ">"]

_ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED, _SRATIONAL, _BYTE = 2, 3, 4, 5, 7, 10, 1
_PACK = {_SHORT: "H", _LONG: "I", _RATIONAL: "II", _SRATIONAL: "ii"}
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_HEADER = b"Exif\x00\x00"
_SEGMENT_BYTES = 65_533


class Tag(NamedTuple):
    """One directory entry: its number, TIFF field type and values."""

    number: int
    field_type: int
    values: bytes | tuple[int, ...]

    def packed(self, order: ByteOrder) -> tuple[int, bytes]:
        """Return (count, data) in the given byte order."""
        if isinstance(self.values, bytes):
            return len(self.values), self.values
        pattern = _PACK[self.field_type]
        count = len(self.values) // len(pattern)
        return count, struct.pack(order + pattern * count, *self.values)


def text(number: int, value: str) -> Tag:
    """An ASCII entry, ended by NUL; Raises UnicodeEncodeError for other text."""
    return Tag(number, _ASCII, value.encode("ascii") + b"\x00")


def short(number: int, *values: int) -> Tag:
    """16-bit unsigned integers."""
    return Tag(number, _SHORT, values)


def rational(number: int, *fractions: tuple[int, int]) -> Tag:
    """Unsigned fractions, as (numerator, denominator)."""
    return Tag(number, _RATIONAL, tuple(part for fraction in fractions for part in fraction))


def signed_rational(number: int, *fractions: tuple[int, int]) -> Tag:
    """Signed fractions, as (numerator, denominator)."""
    return Tag(number, _SRATIONAL, tuple(part for fraction in fractions for part in fraction))


def raw(number: int, value: bytes) -> Tag:
    """Bytes of no stated meaning (UNDEFINED)."""
    return Tag(number, _UNDEFINED, value)


def small(number: int, *values: int) -> Tag:
    """8-bit unsigned integers."""
    return Tag(number, _BYTE, bytes(values))


def write_exif(
    main: Sequence[Tag],
    photo: Sequence[Tag],
    place: Sequence[Tag],
    *,
    thumbnail: bytes,
    order: ByteOrder,
) -> bytes:
    """Return the payload of a JPEG APP1 segment: IFD0, Exif IFD, GPS IFD, IFD1 with thumbnail.

    `place` and `thumbnail` may be empty, and then leave their directory out. Raises ValueError
    where the block does not fit one segment.
    """
    links = [Tag(_EXIF_IFD, _LONG, (0,))] + ([Tag(_GPS_IFD, _LONG, (0,))] if place else [])
    main_size = _directory_size([*main, *links], order)
    photo_at = 8 + main_size
    place_at = photo_at + _directory_size(photo, order)
    last_at = place_at + (_directory_size(place, order) if place else 0)
    links = [Tag(_EXIF_IFD, _LONG, (photo_at,))]
    if place:
        links.append(Tag(_GPS_IFD, _LONG, (place_at,)))
    block = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    block += _directory([*main, *links], 8, last_at if thumbnail else 0, order)
    block += _directory(photo, photo_at, 0, order)
    if place:
        block += _directory(place, place_at, 0, order)
    if thumbnail:
        block += _thumbnail_directory(thumbnail, last_at, order) + thumbnail
    if len(_HEADER) + len(block) > _SEGMENT_BYTES:
        raise ValueError(f"EXIF of {len(block)} bytes does not fit one JPEG segment")
    return _HEADER + block


def _thumbnail_directory(thumbnail: bytes, at: int, order: ByteOrder) -> bytes:
    def tags(offset: int) -> list[Tag]:
        return [
            short(0x0103, 6),  # old-style JPEG, as Exif section 4.5.5 wants it
            rational(0x011A, (72, 1)),
            rational(0x011B, (72, 1)),
            short(0x0128, 2),
            Tag(_THUMBNAIL_OFFSET, _LONG, (offset,)),
            Tag(_THUMBNAIL_LENGTH, _LONG, (len(thumbnail),)),
        ]

    return _directory(tags(at + _directory_size(tags(0), order)), at, 0, order)


def _directory_size(tags: Sequence[Tag], order: ByteOrder) -> int:
    outside = 0
    for tag in tags:
        size = len(tag.packed(order)[1])
        outside += size + size % 2 if size > 4 else 0
    return 2 + 12 * len(tags) + 4 + outside


def _directory(tags: Sequence[Tag], at: int, following: int, order: ByteOrder) -> bytes:
    data_at = at + 2 + 12 * len(tags) + 4
    entries, outside = struct.pack(order + "H", len(tags)), b""
    for tag in sorted(tags, key=lambda tag: tag.number):
        count, data = tag.packed(order)
        entries += struct.pack(order + "HHI", tag.number, tag.field_type, count)
        if len(data) > 4:
            entries += struct.pack(order + "I", data_at + len(outside))
            outside += data + b"\x00" * (len(data) % 2)
        else:
            entries += data.ljust(4, b"\x00")
    return entries + struct.pack(order + "I", following) + outside
