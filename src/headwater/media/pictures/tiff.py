"""A bounded reader of TIFF structures (TIFF 6.0; BigTIFF), which EXIF, MPF and camera raw share."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.errors import Malformed
from headwater.evidence.content import Content

_ENTRIES_MOST = 4096
_DIRECTORIES_MOST = 256
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}

SUB_IFDS, EXIF_IFD = 0x014A, 0x8769


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a directory; the offset is that of its values, from the start of the TIFF."""

    tag: int
    kind: int
    count: int
    offset_bytes: int

    @property
    def size_bytes(self) -> int:
        return _SIZES.get(self.kind, 0) * self.count


Directory = dict[int, Entry]


class Tiff:
    """A TIFF structure at the start of `content`. Raises Malformed where there is none."""

    def __init__(self, content: Content) -> None:
        head = content.read_at(0, 16)
        orders = {b"II": "<", b"MM": ">"}
        if head[:2] not in orders or len(head) < 8:
            raise Malformed("no TIFF byte order mark")
        self.content = content
        self.order = orders[head[:2]]
        self.big = struct.unpack(self.order + "H", head[2:4])[0] == 43
        if self.big and len(head) < 16:
            raise Malformed("BigTIFF header cut off")
        first = struct.unpack(
            self.order + ("Q" if self.big else "I"), head[8:16] if self.big else head[4:8]
        )
        self.first_directory: int = first[0]

    def directory(self, offset: int) -> tuple[Directory, int]:
        """Return the fields at `offset` (at most 4,096) and the offset of the next directory."""
        count_size, entry_size, inline = (8, 20, 8) if self.big else (2, 12, 4)
        # A field of signed numbers may have given an offset before the start.
        raw_count = self.content.read_at(offset, count_size) if offset > 0 else b""
        if len(raw_count) < count_size:
            raise Malformed(f"TIFF directory at {offset} lies outside the file")
        count = struct.unpack(self.order + ("Q" if self.big else "H"), raw_count)[0]
        if count > _ENTRIES_MOST:
            raise Malformed(f"TIFF directory at {offset} claims {count} fields")
        start = offset + count_size
        raw = self.content.read_at(start, count * entry_size + inline)
        layout = self.order + ("HHQQ" if self.big else "HHII")
        directory: Directory = {}
        for index in range(min(count, len(raw) // entry_size)):
            at = index * entry_size
            tag, kind, number, where = struct.unpack_from(layout, raw, at)
            if _SIZES.get(kind, 0) * number <= inline:
                where = start + at + entry_size - inline
            directory.setdefault(tag, Entry(tag, kind, number, where))
        tail = raw[count * entry_size :]
        following = 0
        if len(tail) == inline:
            following = struct.unpack(self.order + ("Q" if self.big else "I"), tail)[0]
        return directory, following

    def chain(self, *, most: int = _DIRECTORIES_MOST) -> Iterator[Directory]:
        """Yield the main directories in order, each once; stops quietly where one is damaged."""
        seen: set[int] = set()
        offset = self.first_directory
        while offset and offset not in seen and len(seen) < most:
            seen.add(offset)
            try:
                directory, offset = self.directory(offset)
            except Malformed:
                return
            yield directory

    def children(self, directory: Directory, *, most: int = 32) -> Iterator[Directory]:
        """Yield the directories that SubIFDs (tag 330) of this one names."""
        if SUB_IFDS not in directory:
            return
        for offset in dict.fromkeys(self.integers(directory[SUB_IFDS], most=most)):
            try:
                yield self.directory(offset)[0]
            except Malformed:
                continue

    def integers(self, entry: Entry, *, most: int = 64) -> tuple[int, ...]:
        """Return up to `most` integers of a field; none where it holds something else."""
        code = _INTEGERS.get(entry.kind)
        if code is None:
            return ()
        size = _SIZES[entry.kind]
        raw = self.content.read_at(entry.offset_bytes, min(entry.count, most) * size)
        return struct.unpack(self.order + code * (len(raw) // size), raw[: len(raw) // size * size])

    def integer(self, directory: Directory, tag: int) -> int | None:
        """Return the first integer of a field, None where the directory has none."""
        values = self.integers(directory[tag], most=1) if tag in directory else ()
        return values[0] if values else None

    def raw(self, entry: Entry, *, most: int) -> bytes:
        """Return up to `most` bytes of a field's values."""
        return self.content.read_at(entry.offset_bytes, min(entry.size_bytes, most))
