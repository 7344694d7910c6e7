"""Members of a ZIP file whose central directory is missing or damaged.

Local headers are looked for from the start of the file. Each byte of the file belongs to at most
one member that is read, so overlapping members cannot multiply it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from headwater.errors import ContentError, LimitExceeded, Malformed
from headwater.evidence.archives.contract import Member
from headwater.evidence.archives.decode import Decoded, pull_from
from headwater.evidence.archives.meter import (
    CHUNK,
    MemberStream,
    Meter,
    Pull,
    counted,
    decoder_memory_bytes,
    exactly,
    verified,
)
from headwater.evidence.archives.names import NameClashes, describe_name
from headwater.evidence.archives.zip_data import (
    DEFLATE64,
    LZMA,
    METHODS,
    STORED,
    refused_method,
    start_decoding,
    unpack,
)
from headwater.evidence.archives.zip_records import (
    CENTRAL_SIGNATURE,
    DESCRIPTOR_SIGNATURE,
    FLAG_DESCRIPTOR,
    LOCAL_SIGNATURE,
    LocalHeader,
    entry_times,
    read_local,
)
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Problem

NO_DIRECTORY = "found without a central directory"

_WINDOW = 1 << 20
_WITHOUT_END = (DEFLATE64, LZMA)
_LOCAL = re.compile(re.escape(LOCAL_SIGNATURE))
_ANY_SIGNATURE = re.compile(
    b"|".join(map(re.escape, (LOCAL_SIGNATURE, CENTRAL_SIGNATURE, DESCRIPTOR_SIGNATURE)))
)


def scan_members(content: Content, limits: Limits, meter: Meter) -> Iterator[Member]:
    """Yield what local headers show, in the order of the file.

    Raises Malformed where there is no local header at all.
    """
    clashes = NameClashes()
    memory = decoder_memory_bytes(limits)
    position = 0
    ordinal = 0
    while (start := _find(content, _LOCAL, position)) is not None:
        header = read_local(content, start)
        if header is None or not _is_plausible(header):
            position = start + 1
            continue
        meter.member()
        position = header.data_offset
        if not (header.name.endswith(b"/") and header.packed_bytes == 0):
            found = _Found(content, header, meter, memory)
            notes = describe_name(header.name) + clashes.notes(header.name)
            yield found.member(ordinal, (NO_DIRECTORY, *notes))
            position = found.end()
        ordinal += 1
    meter.check()
    if ordinal == 0:
        raise Malformed("neither a central directory nor a local header can be read")


def _is_plausible(header: LocalHeader) -> bool:
    return header.method in METHODS and len(header.name) > 0


def _find(content: Content, pattern: re.Pattern[bytes], position: int) -> int | None:
    """Return the offset of the next signature. It is often near, so windows begin small."""
    window_bytes = 64
    while position + 4 <= content.size_bytes:
        window = content.read_at(position, window_bytes)
        if found := pattern.search(window):
            return position + found.start()
        position += max(1, len(window) - 3)
        window_bytes = min(window_bytes * 4, _WINDOW)
    return None


class _Found:
    """One member behind a local header."""

    def __init__(
        self, content: Content, header: LocalHeader, meter: Meter, memory_bytes: int
    ) -> None:
        self._content = content
        self._header = header
        self._meter = meter
        self._memory = memory_bytes
        self._stream: MemberStream | None = None
        self._decoded: Decoded | None = None
        self._end = header.data_offset

    def member(self, ordinal: int, notes: tuple[str, ...]) -> Member:
        header = self._header
        problem, pull = self._open()
        size = None if header.flags & FLAG_DESCRIPTOR else header.unpacked_bytes
        opened = self._stream = MemberStream(pull, self._meter) if pull is not None else None
        return Member(
            ordinal,
            header.name,
            size,
            header.data_offset,
            entry_times(header.dos, header.extra),
            notes,
            problem,
            (lambda: cast(BinaryIO, opened)) if opened is not None else None,
        )

    def end(self) -> int:
        """Return where to look on; a stream that ends by itself is decoded for that."""
        if self._stream is not None:
            self._stream.close()
        if self._decoded is None:
            return self._end
        try:
            pull = counted(self._decoded.read, self._meter)
            while pull(CHUNK):
                pass
        except LimitExceeded:
            self._meter.check()
        except ContentError:
            pass  # the member's own stream says so; what was decoded is behind us
        return self._end + self._decoded.taken

    def _open(self) -> tuple[Problem | None, Pull | None]:
        header = self._header
        left = self._content.size_bytes - header.data_offset
        unsized = bool(header.flags & FLAG_DESCRIPTOR) and header.packed_bytes == 0
        refused = refused_method(header.method, header.flags)
        if not unsized and header.packed_bytes > left:
            return self._problem("malformed", "its data is not all there"), None
        if refused is not None:
            self._end += 0 if unsized else header.packed_bytes
            return self._problem("refused", refused), None
        if not unsized:
            return None, self._sized()
        if header.method == STORED:
            return None, self._stored_up_to_signature()
        if header.method in _WITHOUT_END:
            return self._problem("malformed", "the size of its data is stated nowhere"), None
        packed = pull_from(self._content, header.data_offset)
        self._decoded = start_decoding(header.method, packed, self._memory)
        return None, self._described(counted(self._decoded.read, self._meter), self._decoded)

    def _sized(self) -> Pull:
        header = self._header
        self._end += header.packed_bytes
        stored = pull_from(self._content, header.data_offset)
        packed = exactly(stored, header.packed_bytes, "the member's data")
        pull = unpack(header.method, packed, header.unpacked_bytes, self._memory)
        pull = counted(pull, self._meter)
        if header.flags & FLAG_DESCRIPTOR:
            return pull
        return verified(pull, header.crc32, header.unpacked_bytes)

    def _described(self, pull: Pull, decoded: Decoded) -> Pull:
        """Return `pull` with a check against the data descriptor, where one follows."""
        actual = 0

        def check(size: int) -> bytes:
            nonlocal actual
            data = pull(size)
            actual = zlib.crc32(data, actual)
            if not data and size:
                after = self._content.read_at(self._header.data_offset + decoded.taken, 8)
                stated = int.from_bytes(after[4:], "little")
                if after[:4] == DESCRIPTOR_SIGNATURE and stated != actual:
                    raise Malformed(f"CRC-32 is {actual:08x}, the archive states {stated:08x}")
            return data

        return check

    def _stored_up_to_signature(self) -> Pull:
        start = self._header.data_offset
        found = _find(self._content, _ANY_SIGNATURE, start)
        self._end = self._content.size_bytes if found is None else found
        stored = pull_from(self._content, start)
        return counted(exactly(stored, self._end - start, "the member's data"), self._meter)

    def _problem(self, code: str, reason: str) -> Problem:
        return Problem(code=code, where="archive", reason=reason)
