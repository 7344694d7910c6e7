"""Tar archives (V7, ustar, pax, GNU), plain or compressed, in one pass.

A damaged header does not end the archive: the next block that is a header goes on, and what was
skipped is a member with a problem. So are headers after the end marker, with a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from headwater.errors import Malformed
from headwater.evidence.archives.contract import Member
from headwater.evidence.archives.decode import pull_from
from headwater.evidence.archives.gzip import unpack
from headwater.evidence.archives.meter import CHUNK, MemberStream, Meter, Pull, counted
from headwater.evidence.archives.names import NameClashes, describe_name, excerpt
from headwater.evidence.archives.tar_header import (
    BLOCK,
    DIRECTORY,
    DUMP_DIRECTORY,
    HARD_LINK,
    LONG_LINK,
    LONG_NAME,
    MAYBE_EMPTY,
    PAX,
    PAX_GLOBAL,
    PAX_OLD,
    REGULAR,
    SPARSE,
    SPECIAL,
    Header,
    is_gnu,
    number,
    read_header,
    read_pax,
)
from headwater.evidence.archives.tar_sparse import (
    Extents,
    fill_holes,
    leading_extents,
    listed_extents,
    old_extents,
)
from headwater.evidence.archives.times import decimal_unix_time, unix_time
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Problem, Time

AFTER_END_NOTE = "after an end marker"

_META = (LONG_NAME, LONG_LINK, PAX, PAX_OLD, PAX_GLOBAL)


def read_tar(content: Content, compression: str | None, limits: Limits) -> Iterator[Member]:
    """Yield the members of a tar archive; `archives.contract.ArchiveReader` with a compression.

    `compression` is None, `gzip`, `bzip2`, `xz` or `zstd`. Directories count in the ordinals and
    are left out. Raises Malformed after the last member where the end marker is missing, or bytes
    before it are no header.
    """
    yield from _Reader(content, compression, limits).members()


class _Source:
    """The archive's bytes, forward. Where they are compressed all that is unpacked is counted."""

    def __init__(
        self, content: Content, compression: str | None, limits: Limits, meter: Meter
    ) -> None:
        self.is_plain = compression is None
        self._content = content
        self._pull: Pull = pull_from(content)
        if compression is not None:
            self._pull = counted(unpack(content, compression, limits).read, meter)
        self._buffer = b""
        self._at = 0
        self._before = 0
        """Offset of the buffer."""

    @property
    def position(self) -> int:
        """Offset of the next byte."""
        return self._before + self._at

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end."""
        if self._at == len(self._buffer) and size:
            self._fill(size)
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        return data

    def read_fully(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end only."""
        parts: list[bytes] = []
        while size > 0 and (data := self.read(size)):
            parts.append(data)
            size -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def peek_block(self) -> bytes:
        """Return the next block without taking it."""
        block = self.read_fully(BLOCK)
        rest = self._buffer[self._at :]
        self._before = self.position - len(block)
        self._buffer, self._at = block + rest, 0
        return block

    def skip(self, size: int) -> None:
        """Leave out `size` bytes, fewer at the end only."""
        if self.is_plain and size > len(self._buffer) - self._at:
            self._before = self.position + size
            self._buffer, self._at = b"", 0
            self._pull = pull_from(self._content, self._before)
            return
        while size > 0 and (data := self.read(min(size, CHUNK))):
            size -= len(data)

    def _fill(self, size: int) -> None:
        """Unpack at least a chunk at once: headers alone would be many small steps."""
        self._before = self.position
        self._buffer, self._at = b"", 0
        self._buffer = self._pull(max(size, CHUNK))


class _Window:
    """The data of one member, with the padding after it."""

    def __init__(self, source: _Source, size: int) -> None:
        self._source = source
        self._left = size
        self._padding = -size % BLOCK

    def read(self, size: int) -> bytes:
        data = self._source.read(min(size, self._left)) if self._left else b""
        if not data and self._left and size:
            raise Malformed(f"the archive ends {self._left} bytes before the member does")
        self._left -= len(data)
        return data

    def finish(self) -> None:
        """Go to where the next header is due."""
        self._source.skip(self._left + self._padding)
        self._left = self._padding = 0


@dataclass(slots=True)
class _Ahead:
    """What headers before a member's own say about it."""

    records: dict[bytes, bytes] = field(default_factory=dict)
    name: bytes | None = None
    link: bytes | None = None
    notes: list[str] = field(default_factory=list)


class _Reader:
    def __init__(self, content: Content, compression: str | None, limits: Limits) -> None:
        self._limits = limits
        self._meter = Meter(limits, content.size_bytes)
        self._source = _Source(content, compression, limits, self._meter)
        self._clashes = NameClashes()
        self._ordinal = 0
        self._global: dict[bytes, bytes] = {}
        self._ahead = _Ahead()
        self._zero_blocks = 0
        self._skipped = 0
        self._ended = False

    def members(self) -> Iterator[Member]:
        while block := self._source.read_fully(BLOCK):
            header = read_header(block)
            if header is None:
                self._no_header(block)
                continue
            if self._skipped:
                yield self._damage()
            if self._ended:
                self._ahead.notes.append(AFTER_END_NOTE)
            self._skipped = self._zero_blocks = 0
            self._ended = False
            if header.kind in _META:
                problem = self._read_ahead(header)
                if problem is not None:
                    yield self._bare(problem)
                continue
            self._meter.member()
            yield from self._member(header)
            self._ordinal += 1
            self._ahead = _Ahead()
        self._meter.check()
        if self._skipped:
            raise Malformed(f"{self._skipped} bytes are no tar header")
        if not self._zero_blocks and not self._ended:
            raise Malformed("the archive ends without its end marker")

    def _no_header(self, block: bytes) -> None:
        if not block.strip(b"\0"):
            self._zero_blocks += 1
            self._ended = self._ended or self._zero_blocks > 1
            return
        self._zero_blocks = 0
        if not self._ended:
            self._skipped += len(block)

    def _damage(self) -> Member:
        reason = f"{self._skipped} bytes before the next header are no tar header"
        return self._bare(_problem("malformed", reason))

    def _bare(self, problem: Problem) -> Member:
        self._meter.member()
        self._ordinal += 1
        return Member(self._ordinal - 1, b"", None, problem=problem)

    def _read_ahead(self, header: Header) -> Problem | None:
        """Take in a header about the next member."""
        window = _Window(self._source, header.size_bytes)
        if header.size_bytes > self._limits.metadata_bytes:
            window.finish()
            reason = f"a header of {header.size_bytes} bytes was left out"
            return Problem(code="limit", where="archive", reason=reason, limit="metadata_bytes")
        data = self._source.read_fully(header.size_bytes)
        self._source.skip(-header.size_bytes % BLOCK)
        if header.kind == LONG_NAME:
            self._ahead.name = data.partition(b"\0")[0]
        elif header.kind == LONG_LINK:
            self._ahead.link = data.partition(b"\0")[0]
        else:
            records = read_pax(data)
            if records is None:
                return _problem("malformed", "a pax header cannot be read")
            target = self._global if header.kind == PAX_GLOBAL else self._ahead.records
            target.update(records)
        return None

    def _member(self, header: Header) -> Iterator[Member]:
        """Yield the member of a header, if it is one that is listed, and pass over its data."""
        records = {**self._global, **self._ahead.records}
        name = records.get(b"path", header.name if self._ahead.name is None else self._ahead.name)
        name = records.get(b"GNU.sparse.name", name)
        link = records.get(b"linkpath", self._ahead.link or header.link)
        stored = _stored_size(records, header)
        notes = self._ahead.notes
        kind = header.kind
        if kind in MAYBE_EMPTY and stored:
            follows = self._source.peek_block()
            if read_header(follows) is not None or not follows.strip(b"\0"):
                stored = 0
            elif kind == HARD_LINK:
                kind = REGULAR[0]
                notes.append(f"hard link with data, to {excerpt(link)}")
        if kind not in (*REGULAR, SPARSE, DIRECTORY, DUMP_DIRECTORY, *SPECIAL):
            notes.append(f"unknown type {excerpt(kind)}")
        if kind in REGULAR and name.endswith(b"/"):
            notes.append("directory entry with data")
        entry = _Entry(kind, name, link, stored, records, header)
        if kind in (DIRECTORY, DUMP_DIRECTORY):
            _Window(self._source, stored).finish()
        elif kind in SPECIAL:
            yield self._refused(entry)
            _Window(self._source, stored).finish()
        else:
            yield from self._file(entry)

    def _file(self, entry: _Entry) -> Iterator[Member]:
        problem: Problem | None = None
        extents: Extents | None = None
        size: int | None = entry.stored
        lead = 0
        offset = self._source.position if self._source.is_plain else None
        window = _Window(self._source, entry.stored)
        try:
            if entry.kind == SPARSE:
                extents, size = old_extents(entry.header.block, self._source.read_fully)
            elif b"GNU.sparse.major" in entry.records or b"GNU.sparse.map" in entry.records:
                size, extents, lead = _pax_sparse(entry, window)
        except Malformed as error:
            problem = _problem("malformed", str(error))
        pull: Pull = counted(window.read, self._meter) if self._source.is_plain else window.read
        if extents is not None and size is not None:
            if sum(length for _, length in extents) > entry.stored - lead:
                problem = _problem("malformed", "a sparse member has less data than its map")
            pull = fill_holes(pull, extents, size, self._meter)
            offset = None
        opened = MemberStream(pull, self._meter)
        yield Member(
            self._ordinal,
            entry.name,
            size,
            offset,
            _times(entry),
            self._notes(entry.name),
            problem,
            None if problem else (lambda: cast(BinaryIO, opened)),
        )
        opened.close()
        window.finish()

    def _refused(self, entry: _Entry) -> Member:
        reason = SPECIAL[entry.kind]
        if entry.link:
            reason += f" to {excerpt(entry.link)}"
        return Member(
            self._ordinal,
            entry.name,
            None,
            None,
            _times(entry),
            self._notes(entry.name),
            _problem("refused", reason),
        )

    def _notes(self, name: bytes) -> tuple[str, ...]:
        return (*self._ahead.notes, *describe_name(name), *self._clashes.notes(name))


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: bytes
    name: bytes
    link: bytes
    stored: int
    """Bytes of data in the archive, padding left out."""
    records: dict[bytes, bytes]
    header: Header


def _stored_size(records: dict[bytes, bytes], header: Header) -> int:
    stated = records.get(b"size", b"")
    return int(stated) if stated.isdigit() and len(stated) <= 20 else header.size_bytes


def _pax_sparse(entry: _Entry, window: _Window) -> tuple[int, Extents, int]:
    """Return unpacked size, extents, and how many bytes of the data the map took."""
    stated = entry.records.get(b"GNU.sparse.realsize", entry.records.get(b"GNU.sparse.size", b""))
    if not stated.isdigit() or len(stated) > 20:
        raise Malformed("the size of a sparse member cannot be read")
    size = int(stated)
    if b"GNU.sparse.map" in entry.records:
        return size, listed_extents(entry.records[b"GNU.sparse.map"], size), 0

    def block(wanted: int) -> bytes:
        data = b""
        while len(data) < wanted and (more := window.read(wanted - len(data))):
            data += more
        return data

    extents, lead = leading_extents(block, size, entry.stored)
    return size, extents, lead


def _times(entry: _Entry) -> tuple[Time, ...]:
    """Return the readings of pax records first, else those of the header."""
    block = entry.header.block
    gnu = is_gnu(block)
    kinds = (
        (b"mtime", "tar:modified", entry.header.modified),
        (b"atime", "tar:accessed", number(block[345:357]) if gnu else None),
        (b"ctime", "tar:changed", number(block[357:369]) if gnu else None),
        (b"LIBARCHIVE.creationtime", "tar:created", None),
    )
    readings: list[Time] = []
    for key, basis, plain in kinds:
        reading = decimal_unix_time(entry.records.get(key, b""), basis)
        # Fields of zeros are how writers leave a clock out.
        if reading is None and plain is not None and (plain or key == b"mtime"):
            reading = unix_time(plain, basis)
        if reading is not None:
            readings.append(reading)
    return tuple(readings)


def _problem(code: str, reason: str) -> Problem:
    return Problem(code=code, where="archive", reason=reason)
