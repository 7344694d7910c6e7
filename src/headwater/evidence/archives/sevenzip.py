"""7z archives, in one pass over each solid folder.

Names, records and packed streams come from the header at the end of the file, which is packed
itself in most archives.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, TypeVar, cast

from headwater.errors import ContentError, LimitExceeded, Malformed, Refused
from headwater.evidence.archives.contract import Member
from headwater.evidence.archives.meter import (
    CHUNK,
    MemberStream,
    Meter,
    Pull,
    bytes_of_nothing,
    decoder_memory_bytes,
    exactly,
    verified,
)
from headwater.evidence.archives.modes import special_kind
from headwater.evidence.archives.names import NameClashes, describe_name
from headwater.evidence.archives.sevenzip_coders import open_folder, refused_folder
from headwater.evidence.archives.sevenzip_header import (
    MAGIC,
    SIGNATURE_BYTES,
    Contents,
    Files,
    Folder,
    Streams,
    read_contents,
    read_streams,
)
from headwater.evidence.archives.times import file_time
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Problem, Time

_T = TypeVar("_T")

_HEADER_LAYERS = 4
_ATTRIBUTE_DIRECTORY = 0x10
_ATTRIBUTE_REPARSE_POINT = 0x400
_ATTRIBUTE_UNIX = 0x8000


def read_7z(content: Content, limits: Limits) -> Iterator[Member]:
    """Yield the members of a 7z archive; see `archives.contract.ArchiveReader`.

    Directories count in the ordinals and are left out. Raises Refused where the header is
    encrypted. Members of one folder are unpacked one after the other: one that is damaged ends
    its folder, and the next folder goes on.
    """
    meter = Meter(limits, content.size_bytes)
    memory = decoder_memory_bytes(limits)
    contents = _read_header(content, limits, memory, meter)
    if contents is None:
        return
    clashes = NameClashes()
    places = _places(content, contents, memory, meter)
    bare = 0
    for ordinal in range(contents.files.count):
        meter.member()
        has_data = not contents.files.without_data[ordinal]
        kind = _Kind(contents.files, ordinal, None if has_data else bare)
        bare += not has_data
        place = next(places) if has_data else None
        member, stream = _member(contents.files, ordinal, kind, place, clashes, meter)
        if member is not None:
            yield member
        if stream is not None:
            stream.close()
    meter.check()


def _read_header(
    content: Content, limits: Limits, memory_bytes: int, meter: Meter
) -> Contents | None:
    """Return the header; None where the archive is empty."""
    head = content.read_at(0, SIGNATURE_BYTES)
    if len(head) < SIGNATURE_BYTES or head[:6] != MAGIC:
        raise Malformed("the file does not begin as a 7z archive, or breaks off there")
    start_crc, offset, size, header_crc = struct.unpack("<IQQI", head[8:])
    if zlib.crc32(head[12:]) != start_crc:
        raise Malformed("the start of the 7z archive is damaged")
    if size == 0:
        return None
    ceiling = memory_bytes // 2
    if offset + size > content.size_bytes - SIGNATURE_BYTES:
        raise Malformed("the 7z header lies beyond the end of the file")
    _check_header_size(size, ceiling)
    data = content.read_at(SIGNATURE_BYTES + offset, size)
    if zlib.crc32(data) != header_crc:
        raise Malformed("the 7z header is damaged")
    for _ in range(_HEADER_LAYERS):
        streams = read_streams(data)
        if streams is None:
            return read_contents(data, limits.archive_members)
        data = _unpack_header(content, streams, memory_bytes, meter)
    raise Malformed("the 7z header is packed too often")


def _check_header_size(size: int, ceiling_bytes: int) -> None:
    if size > ceiling_bytes:
        raise LimitExceeded("worker_memory_bytes", f"a 7z header of {size} bytes")


def _unpack_header(content: Content, streams: Streams, memory_bytes: int, meter: Meter) -> bytes:
    if len(streams.folders) != 1:
        raise Malformed("the 7z header is packed in no known way")
    folder = streams.folders[0]
    if refused_folder(folder) == "encrypted":
        raise Refused("encrypted, with the names")
    _check_header_size(folder.final_size, memory_bytes // 2)
    packed = next(_packed_parts(content, streams))
    pull = verified(
        open_folder(folder, packed, memory_bytes, meter), folder.crc32, folder.final_size
    )
    parts = []
    while part := pull(CHUNK):
        parts.append(part)
    return b"".join(parts)


def _packed_parts(content: Content, streams: Streams) -> Iterator[Content]:
    """Yield the packed bytes of each folder: of its first stream, where it has several."""
    position = SIGNATURE_BYTES + streams.pack_position
    at = 0
    for folder in streams.folders:
        sizes = streams.packed_sizes[at : at + len(folder.packed_inputs)]
        if len(sizes) < len(folder.packed_inputs):
            raise Malformed("the 7z header has fewer packed streams than its folders need")
        if position + sum(sizes) > content.size_bytes:
            yield content.part(content.size_bytes, 0)
        else:
            yield content.part(position, sizes[0])
        position += sum(sizes)
        at += len(sizes)


class _OpenFolder:
    """One folder while its members are read, one after the other."""

    def __init__(self, folder: Folder, packed: Content, memory_bytes: int, meter: Meter) -> None:
        self.refused = refused_folder(folder)
        self._folder = folder
        self._packed = packed
        self._memory = memory_bytes
        self._meter = meter
        self._pull: Pull | None = None
        self._position = 0
        self._error: ContentError | None = None

    def member(self, start: int, size: int, crc32: int | None) -> Pull:
        """Return the bytes of the member that begins `start` bytes into the unpacked folder."""
        whole = exactly(lambda wanted: self._read(start, wanted), size, "the folder")
        return verified(whole, crc32, size)

    def _read(self, start: int, size: int) -> bytes:
        if self._error is not None:
            raise self._error
        try:
            if self._pull is None:
                self._pull = open_folder(self._folder, self._packed, self._memory, self._meter)
            while self._position < start:
                self._take(min(CHUNK, start - self._position))
            return self._take(size)
        except ContentError as error:
            self._error = error
            raise

    def _take(self, size: int) -> bytes:
        assert self._pull is not None
        data = self._pull(size)
        if not data:
            raise Malformed("the folder ends early")
        self._position += len(data)
        return data


_Place = tuple[_OpenFolder, int, int, int | None]
"""Folder, offset in it, size, CRC-32."""


def _places(content: Content, contents: Contents, memory: int, meter: Meter) -> Iterator[_Place]:
    """Yield where the members that have data lie, in order. Raises Malformed at the end."""
    streams = contents.streams
    parts = _packed_parts(content, streams)
    for folder, packed, sizes, crcs in zip(
        streams.folders, parts, streams.sizes, streams.crcs, strict=True
    ):
        opened = _OpenFolder(folder, packed, memory, meter)
        start = 0
        for size, crc32 in zip(sizes, crcs, strict=True):
            yield opened, start, size, crc32
            start += size
    raise Malformed("the 7z header lists more members than its folders hold")


def _member(
    files: Files,
    ordinal: int,
    kind: _Kind,
    place: _Place | None,
    clashes: NameClashes,
    meter: Meter,
) -> tuple[Member | None, MemberStream | None]:
    """Return the member and its stream; no member where it is a directory."""
    if kind.is_directory and place is None:
        return None, None
    name = files.names[ordinal] if files.names else b""
    notes = describe_name(name) + clashes.notes(name)
    if kind.is_directory:
        notes += ("directory entry with data",)
    size = place[2] if place else 0
    reason = kind.refused or (place[0].refused if place else None)
    stream = None
    problem = None
    if reason is not None:
        problem = Problem(code="refused", where="archive", reason=reason)
    else:
        stream = MemberStream(place[0].member(*place[1:]) if place else bytes_of_nothing, meter)
    opened = stream
    member = Member(
        ordinal,
        name,
        size,
        None,
        _times(files, ordinal),
        notes,
        problem,
        (lambda: cast(BinaryIO, opened)) if opened is not None else None,
    )
    return member, stream


class _Kind:
    """What a member is, by its attributes and, among those without data, by its place there."""

    def __init__(self, files: Files, ordinal: int, bare: int | None) -> None:
        attributes = _at(files.attributes, ordinal) or 0
        mode = attributes >> 16 if attributes & _ATTRIBUTE_UNIX else None
        self.refused = special_kind(mode)
        if self.refused is None and attributes & _ATTRIBUTE_REPARSE_POINT:
            self.refused = "reparse point"
        self.is_directory = bool(attributes & _ATTRIBUTE_DIRECTORY)
        if bare is not None:
            self.is_directory = not _at(files.empty_files, bare)
            if _at(files.anti, bare):
                self.is_directory = False
                self.refused = "anti-item: asks for a deletion"


def _times(files: Files, ordinal: int) -> tuple[Time, ...]:
    kinds = (
        (files.modified, "7z:modified"),
        (files.accessed, "7z:accessed"),
        (files.created, "7z:created"),
    )
    ticks = ((_at(values, ordinal), basis) for values, basis in kinds)
    readings = (file_time(value, basis) for value, basis in ticks if value)
    return tuple(reading for reading in readings if reading is not None)


def _at(values: Sequence[_T], place: int) -> _T | None:
    return values[place] if place < len(values) else None
