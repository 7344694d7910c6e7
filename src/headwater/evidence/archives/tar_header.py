"""Tar header blocks (POSIX.1-2001 ustar and pax, GNU tar's extensions, the old V7 form)."""

from __future__ import annotations

import re
from dataclasses import dataclass

BLOCK = 512

REGULAR = (b"0", b"\0", b"7", b" ")
HARD_LINK = b"1"
DIRECTORY = b"5"
SPARSE = b"S"
LONG_NAME = b"L"
LONG_LINK = b"K"
PAX = b"x"
PAX_OLD = b"X"
PAX_GLOBAL = b"g"
VOLUME_LABEL = b"V"
DUMP_DIRECTORY = b"D"
CONTINUED = b"M"

SPECIAL = {
    HARD_LINK: "hard link",
    b"2": "symbolic link",
    b"3": "character device",
    b"4": "block device",
    b"6": "FIFO",
    VOLUME_LABEL: "volume label",
    CONTINUED: "the rest of a file begun in another volume",
}

MAYBE_EMPTY = (HARD_LINK, b"2", b"3", b"4", b"6", DIRECTORY, VOLUME_LABEL)
"""Kinds that have no data by rule, and of which some writers state a size, or write data."""

PAX_KEYS = frozenset(
    (
        b"path",
        b"linkpath",
        b"size",
        b"mtime",
        b"atime",
        b"ctime",
        b"LIBARCHIVE.creationtime",
        b"GNU.sparse.name",
        b"GNU.sparse.size",
        b"GNU.sparse.realsize",
        b"GNU.sparse.map",
        b"GNU.sparse.major",
    )
)
"""The pax records that are kept."""

_SPARSE_PAIRS = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_PAX_RECORD = re.compile(rb"([1-9][0-9]{0,9}) ")
_GNU_MAGIC = b"ustar  \0"
_USTAR_MAGIC = b"ustar\0"


@dataclass(frozen=True, slots=True)
class Header:
    """One header block. `size_bytes` is the length of the data after it, before padding."""

    name: bytes
    link: bytes
    kind: bytes
    size_bytes: int
    modified: int | None
    block: bytes


def read_header(block: bytes) -> Header | None:
    """Return what a block says; None where it is no header.

    A header has a checksum that fits and a readable, non-negative size.
    """
    if len(block) < BLOCK or not _checksum_fits(block):
        return None
    size = number(block[124:136])
    if size is None or size < 0:
        return None
    name = _text(block[0:100])
    if block[257:263] == _USTAR_MAGIC:
        prefix = _text(block[345:500])
        name = prefix + b"/" + name if prefix else name
    kind = block[156:157]
    if kind in REGULAR and name.endswith(b"/") and size == 0:
        kind = DIRECTORY  # V7 knows no other way to say so
    return Header(name, _text(block[157:257]), kind, size, number(block[136:148]), block)


def is_header(block: bytes) -> bool:
    """Return whether a block is a tar header whose number fields are all readable."""
    fields = (block[100:108], block[108:116], block[116:124], block[136:148])
    return read_header(block) is not None and all(number(field) is not None for field in fields)


def is_gnu(block: bytes) -> bool:
    """Return whether a header block is of GNU tar's own form."""
    return block[257:265] == _GNU_MAGIC


def number(field: bytes) -> int | None:
    """Return a number in octal digits or in base 256; None where it is neither."""
    if field[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(field[1:], "big", signed=False) - (
            (1 << 8 * (len(field) - 1)) if field[:1] == b"\xff" else 0
        )
    found = _OCTAL.fullmatch(field)
    if found is None:
        return None
    return int(found[1], 8) if found[1] else 0


def read_pax(data: bytes) -> dict[bytes, bytes] | None:
    """Return those records of a pax header that are in `PAX_KEYS`; None where it is malformed.

    Of records with the same key the last one counts, except `GNU.sparse.offset` and
    `GNU.sparse.numbytes` (format 0.0), which repeat: those are gathered as a map under
    `GNU.sparse.map`.
    """
    records: dict[bytes, bytes] = {}
    pairs: list[bytes] = []
    position = 0
    while position < len(data) and data[position]:
        found = _PAX_RECORD.match(data, position)
        if found is None:
            return None
        end = position + int(found[1])
        if end > len(data) or end <= found.end() or data[end - 1 : end] != b"\n":
            return None
        key, equals, value = data[found.end() : end - 1].partition(b"=")
        if not equals:
            return None
        if key in _SPARSE_PAIRS:
            pairs.append(value)
        elif key in PAX_KEYS:
            records[key] = value
        position = end
    if pairs and b"GNU.sparse.map" not in records:
        records[b"GNU.sparse.map"] = b",".join(pairs)
    return records


def _checksum_fits(block: bytes) -> bool:
    """The sum takes the checksum's own field as spaces; old writers summed signed bytes."""
    stated = number(block[148:156])
    if not stated:
        return False
    rest = block[:148] + b" " * 8 + block[156:BLOCK]
    unsigned = sum(rest)
    return stated == unsigned or stated == unsigned - 256 * sum(byte > 127 for byte in rest)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]
