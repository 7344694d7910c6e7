"""The header of a 7z archive (7-Zip's `7zFormat.txt`): what is packed how, and the files' records.

Every count is checked against the bytes that are left before anything is made of it.
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass, field

from headwater.errors import LimitExceeded, Malformed, Refused

MAGIC = b"7z\xbc\xaf\x27\x1c"
SIGNATURE_BYTES = 32

_END = 0x00
_HEADER = 0x01
_ARCHIVE_PROPERTIES = 0x02
_ADDITIONAL_STREAMS = 0x03
_MAIN_STREAMS = 0x04
_FILES = 0x05
_PACK = 0x06
_UNPACK = 0x07
_SUBSTREAMS = 0x08
_SIZE = 0x09
_CRC = 0x0A
_FOLDER = 0x0B
_UNPACK_SIZES = 0x0C
_NUMBER_OF_STREAMS = 0x0D
_EMPTY_STREAM = 0x0E
_EMPTY_FILE = 0x0F
_ANTI = 0x10
_NAMES = 0x11
_CREATED = 0x12
_ACCESSED = 0x13
_MODIFIED = 0x14
_ATTRIBUTES = 0x15
_ENCODED_HEADER = 0x17

_MOST_CODERS = 32


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of packing: a method id, its streams, and its settings."""

    method: bytes
    inputs: int
    outputs: int
    settings: bytes


@dataclass(slots=True)
class Folder:
    """One stream of packed data: coders, how they are joined, and what comes out."""

    coders: tuple[Coder, ...]
    bonds: tuple[tuple[int, int], ...]
    """(input, output): what goes into that input comes out of that output."""
    packed_inputs: tuple[int, ...]
    unpacked_sizes: tuple[int, ...] = ()
    """One for each output, in the coders' order."""
    crc32: int | None = None

    @property
    def final_size(self) -> int:
        """Size of what leaves the folder: of the output that no bond takes."""
        bound = {output for _, output in self.bonds}
        for output, size in enumerate(self.unpacked_sizes):
            if output not in bound:
                return size
        raise Malformed("a folder's coders are joined in a circle")


@dataclass(slots=True)
class Streams:
    """All packed streams, the folders they belong to, and how folders divide into members."""

    pack_position: int = 0
    packed_sizes: list[int] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    sizes: list[list[int]] = field(default_factory=list)
    """Unpacked sizes of the members of each folder."""
    crcs: list[list[int | None]] = field(default_factory=list)


@dataclass(slots=True)
class Files:
    """The members' records, one list entry each."""

    count: int = 0
    names: list[bytes] = field(default_factory=list)
    """UTF-8; lone surrogates are kept in the three-byte form."""
    without_data: list[bool] = field(default_factory=list)
    empty_files: list[bool] = field(default_factory=list)
    """For each member without data: whether it is an empty file and not a directory."""
    anti: list[bool] = field(default_factory=list)
    """For each member without data: whether it asks for a deletion."""
    created: list[int | None] = field(default_factory=list)
    accessed: list[int | None] = field(default_factory=list)
    modified: list[int | None] = field(default_factory=list)
    attributes: list[int | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Contents:
    """A whole header."""

    streams: Streams
    files: Files


class _Bytes:
    """A cursor over the header. Reading beyond its end raises Malformed."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = data
        self._at = 0
        self.most = most

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise Malformed("the 7z header breaks off")
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """A number of one to nine bytes; the leading ones of the first say how many follow."""
        first = self.byte()
        more = 8 - (first ^ 0xFF).bit_length()
        low = int.from_bytes(self.take(more), "little")
        return low | (first & (0xFF >> more + 1)) << 8 * more

    def count(self, bits_each: int) -> int:
        """A number of things that take at least so many bits each of what is left.

        Raises LimitExceeded (`archive_members`) where it is larger than `most`.
        """
        value = self.number()
        if value > self.most:
            raise LimitExceeded("archive_members", f"{value} of a kind are stated")
        if value * bits_each > self.left * 8:
            raise Malformed(f"the 7z header counts {value} things in {self.left} bytes")
        return value

    def bits(self, count: int) -> list[bool]:
        data = self.take((count + 7) // 8)
        return [bool(data[place >> 3] & 0x80 >> (place & 7)) for place in range(count)]

    def defined(self, count: int) -> list[bool]:
        """Which of `count` things are defined; one byte where all are."""
        return [True] * count if self.byte() else self.bits(count)

    def crcs(self, count: int) -> list[int | None]:
        return [
            int.from_bytes(self.take(4), "little") if defined else None
            for defined in self.defined(count)
        ]


def read_streams(data: bytes) -> Streams | None:
    """Return the streams of an encoded header, None where the header is not encoded."""
    cursor = _Bytes(data, _MOST_CODERS)
    if cursor.byte() != _ENCODED_HEADER:
        return None
    return _streams(cursor)


def read_contents(data: bytes, most_members: int) -> Contents:
    """Return what a plain header says.

    Raises Malformed, Refused where it needs parts from outside, LimitExceeded (`archive_members`).
    """
    cursor = _Bytes(data, most_members)
    if cursor.byte() != _HEADER:
        raise Malformed("the 7z header has no known beginning")
    kind = cursor.byte()
    streams, files = Streams(), Files()
    if kind == _ARCHIVE_PROPERTIES:
        while cursor.byte():
            cursor.take(cursor.number())
        kind = cursor.byte()
    if kind == _ADDITIONAL_STREAMS:
        raise Refused("a 7z archive whose header lies in extra streams")
    if kind == _MAIN_STREAMS:
        streams = _streams(cursor)
        kind = cursor.byte()
    if kind == _FILES:
        files = _files(cursor)
        kind = cursor.byte()
    if kind != _END:
        raise Malformed(f"the 7z header has an unknown part {kind:#x}")
    return Contents(streams, files)


def _streams(cursor: _Bytes) -> Streams:
    streams = Streams()
    kind = cursor.byte()
    if kind == _PACK:
        streams.pack_position = cursor.number()
        _pack(cursor, streams)
        kind = cursor.byte()
    if kind == _UNPACK:
        streams.folders = _folders(cursor)
        kind = cursor.byte()
    streams.sizes = [[folder.final_size] for folder in streams.folders]
    streams.crcs = [[folder.crc32] for folder in streams.folders]
    if kind == _SUBSTREAMS:
        _substreams(cursor, streams)
        kind = cursor.byte()
    if kind != _END:
        raise Malformed(f"the 7z header has an unknown part {kind:#x} among its streams")
    return streams


def _pack(cursor: _Bytes, streams: Streams) -> None:
    count = cursor.count(8)
    kind = cursor.byte()
    if kind == _SIZE:
        streams.packed_sizes = [cursor.number() for _ in range(count)]
        kind = cursor.byte()
    if kind == _CRC:
        cursor.crcs(count)
        kind = cursor.byte()
    if kind != _END:
        raise Malformed(f"the 7z header has an unknown part {kind:#x} among its packed streams")


def _folders(cursor: _Bytes) -> list[Folder]:
    if cursor.byte() != _FOLDER:
        raise Malformed("the 7z header lists no folders")
    count = cursor.count(16)
    if cursor.byte():
        raise Refused("a 7z archive whose header lies in extra streams")
    folders = [_folder(cursor) for _ in range(count)]
    if cursor.byte() != _UNPACK_SIZES:
        raise Malformed("the 7z header gives no unpacked sizes")
    for folder in folders:
        outputs = sum(coder.outputs for coder in folder.coders)
        folder.unpacked_sizes = tuple(cursor.number() for _ in range(outputs))
    kind = cursor.byte()
    if kind == _CRC:
        for folder, crc32 in zip(folders, cursor.crcs(count), strict=True):
            folder.crc32 = crc32
        kind = cursor.byte()
    if kind != _END:
        raise Malformed(f"the 7z header has an unknown part {kind:#x} among its folders")
    return folders


def _folder(cursor: _Bytes) -> Folder:
    count = cursor.number()
    if not 0 < count <= _MOST_CODERS:
        raise Malformed(f"a 7z folder of {count} coders")
    coders = tuple(_coder(cursor) for _ in range(count))
    inputs = sum(coder.inputs for coder in coders)
    outputs = sum(coder.outputs for coder in coders)
    bonds = tuple((cursor.number(), cursor.number()) for _ in range(outputs - 1))
    packed = inputs - len(bonds)
    if packed < 1:
        raise Malformed("a 7z folder without packed streams")
    if packed > 1:
        return Folder(coders, bonds, tuple(cursor.number() for _ in range(packed)))
    bound = {one for one, _ in bonds}
    free = tuple(one for one in range(inputs) if one not in bound)
    return Folder(coders, bonds, free)


def _coder(cursor: _Bytes) -> Coder:
    flags = cursor.byte()
    if flags & 0x80:
        raise Malformed("a 7z coder with alternatives")
    method = cursor.take(flags & 0x0F)
    inputs, outputs = (cursor.number(), cursor.number()) if flags & 0x10 else (1, 1)
    if not 0 < inputs <= _MOST_CODERS or not 0 < outputs <= _MOST_CODERS:
        raise Malformed("a 7z coder with too many streams")
    settings = cursor.take(cursor.number()) if flags & 0x20 else b""
    return Coder(method, inputs, outputs, settings)


def _substreams(cursor: _Bytes, streams: Streams) -> None:
    kind = cursor.byte()
    counts = [1] * len(streams.folders)
    if kind == _NUMBER_OF_STREAMS:
        counts = [cursor.number() for _ in streams.folders]
        if sum(counts) > cursor.most:
            raise LimitExceeded("archive_members", f"{sum(counts)} members are stated")
        kind = cursor.byte()
    if sum(max(0, count - 1) for count in counts) > cursor.left:
        raise Malformed("the 7z header counts more members than it has bytes")
    sizes = [
        _divided(cursor, folder.final_size, count, kind == _SIZE)
        for folder, count in zip(streams.folders, counts, strict=True)
    ]
    if kind == _SIZE:
        kind = cursor.byte()
    known = [
        [folder.crc32] if count == 1 and folder.crc32 is not None else None
        for folder, count in zip(streams.folders, counts, strict=True)
    ]
    crcs: list[int | None] = []
    if kind == _CRC:
        missing = sum(count for count, crc in zip(counts, known, strict=True) if crc is None)
        crcs = cursor.crcs(missing)
        kind = cursor.byte()
    if kind != _END:
        raise Malformed(f"the 7z header has an unknown part {kind:#x} among its members' streams")
    streams.sizes = sizes
    streams.crcs = []
    at = 0
    for count, crc in zip(counts, known, strict=True):
        if crc is not None:
            streams.crcs.append(list(crc))
            continue
        given = crcs[at : at + count]
        streams.crcs.append(given + [None] * (count - len(given)))
        at += count


def _divided(cursor: _Bytes, whole: int, count: int, stated: bool) -> list[int]:
    """Return the sizes of a folder's members: all but the last are stated."""
    if count == 0:
        return []
    sizes = [cursor.number() for _ in range(count - 1)] if stated else []
    if len(sizes) != count - 1 or sum(sizes) > whole:
        raise Malformed("a 7z folder's members are larger than the folder")
    return [*sizes, whole - sum(sizes)]


def _files(cursor: _Bytes) -> Files:
    count = cursor.count(1)
    files = Files(count, without_data=[False] * count)
    while (kind := cursor.byte()) != _END:
        part = _Bytes(cursor.take(cursor.number()), cursor.most)
        bare = sum(files.without_data)
        if kind == _EMPTY_STREAM:
            files.without_data = part.bits(count)
        elif kind == _EMPTY_FILE:
            files.empty_files = part.bits(bare)
        elif kind == _ANTI:
            files.anti = part.bits(bare)
        elif kind == _NAMES:
            files.names = _names(part, count)
        elif kind == _CREATED:
            files.created = _values(part, count, "<Q")
        elif kind == _ACCESSED:
            files.accessed = _values(part, count, "<Q")
        elif kind == _MODIFIED:
            files.modified = _values(part, count, "<Q")
        elif kind == _ATTRIBUTES:
            files.attributes = _values(part, count, "<I")
    return files


def _names(part: _Bytes, count: int) -> list[bytes]:
    """Names are UTF-16LE, each ended by a zero unit."""
    if part.byte():
        raise Refused("a 7z archive whose names lie in extra streams")
    if part.left % 2:
        raise Malformed("the names of a 7z header break off")
    # Called directly: a codec that is looked up by name is loaded from disk at its first use.
    text, _ = codecs.utf_16_le_decode(part.take(part.left), "surrogatepass", True)
    names = text.split("\0")
    if len(names) < count + 1:
        raise Malformed("the 7z header has fewer names than members")
    return [name.encode("utf-8", "surrogatepass") for name in names[:count]]


def _values(part: _Bytes, count: int, form: str) -> list[int | None]:
    defined = part.defined(count)
    if part.byte():
        raise Refused("a 7z archive whose records lie in extra streams")
    size = struct.calcsize(form)
    return [struct.unpack(form, part.take(size))[0] if there else None for there in defined]
