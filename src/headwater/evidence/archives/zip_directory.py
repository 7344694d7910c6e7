"""Where a ZIP file's central directory lies, and which members' bytes overlap."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from headwater.errors import Refused
from headwater.evidence.archives.zip_records import (
    CENTRAL_SIGNATURE,
    LOCAL_BYTES,
    LOCAL_SIGNATURE,
    CentralEntry,
    read_central,
)
from headwater.evidence.content import Content

_END = struct.Struct("<4s4H2IH")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = struct.Struct("<4sIQI")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LONGEST_TAIL = _END.size + 0xFFFF
_WINDOW = 1 << 20

TELLING_NAMES = frozenset(
    (b"mimetype", b"[Content_Types].xml", b"META-INF/MANIFEST.MF", b"AndroidManifest.xml")
)
"""Names that say what kind of ZIP file it is."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies in the content."""

    start: int
    size: int
    prefix: int
    """Bytes before the archive: stored offsets count from here."""
    entries: int
    """As the end record states it (the low 16 bits where there is no ZIP64 record)."""
    comment_bytes: int
    trailing_bytes: int
    wide: bool
    """Whether a ZIP64 end record was used."""


def find_directory(content: Content) -> Directory | None:
    """Return the directory of the last end record that points at one; None where none does.

    A directory without entries is returned only where no end record points at another.

    Raises Refused where the file is one part of a split archive.
    """
    tail_start = max(0, content.size_bytes - _LONGEST_TAIL)
    tail = content.read_at(tail_start, _LONGEST_TAIL)
    position = len(tail)
    empty = None
    while (position := tail.rfind(_END_SIGNATURE, 0, position)) >= 0:
        found = _directory_at(content, tail_start, tail, position)
        if found is not None and found.size:
            return found
        # The comment after the true end record may hold what looks like an empty archive's.
        empty = empty or found
    return empty


def _directory_at(
    content: Content, tail_start: int, tail: bytes, position: int
) -> Directory | None:
    """Return the directory of the end record at a position of the file's tail."""
    trailing = len(tail) - position - _END.size
    if trailing < 0:
        return None
    _, disk, first_disk, _, entries, size, offset, comment = _END.unpack_from(tail, position)
    trailing -= comment
    if trailing < 0:
        return None
    end = tail_start + position
    directory_end = end
    wide = _wide_end(content, end)
    if wide is not None:
        directory_end, disk, first_disk, entries, size, offset = wide
    for start in (directory_end - size, offset):
        if start < 0 or start + size > directory_end:
            continue
        empty = size == 0 and entries == 0
        if empty or content.read_at(start, 4) == CENTRAL_SIGNATURE:
            if disk not in (0, 0xFFFF) or first_disk not in (0, 0xFFFF):
                raise Refused("one part of a split ZIP archive; join the parts first")
            prefix = max(0, start - offset)
            return Directory(start, size, prefix, entries, comment, trailing, wide is not None)
    return None


def _wide_end(content: Content, end: int) -> tuple[int, int, int, int, int, int] | None:
    """Return the ZIP64 end record's place, disks, entries, size and offset, if there is one."""
    if end < _LOCATOR.size:
        return None
    locator = content.read_at(end - _LOCATOR.size, _LOCATOR.size)
    if len(locator) < _LOCATOR.size or locator[:4] != b"PK\x06\x07":
        return None
    _, _, stated, _ = _LOCATOR.unpack(locator)
    for place in (end - _LOCATOR.size - _END_64.size, stated):
        data = content.read_at(place, _END_64.size)
        if len(data) == _END_64.size and data[:4] == b"PK\x06\x06":
            fields = _END_64.unpack(data)
            disk, first_disk, _, entries, size, offset = fields[4:]
            return place, disk, first_disk, entries, size, offset
    return None


def read_entries(content: Content, directory: Directory) -> Iterator[CentralEntry | None]:
    """Yield the entries in stored order; None once, last, where the directory is damaged."""
    position = directory.start
    end = directory.start + directory.size
    window, window_start = b"", position
    while position < end:
        entry = read_central(window, position - window_start)
        if entry is None:
            window = content.read_at(position, min(_WINDOW, end - position))
            window_start = position
            entry = read_central(window, 0)
        yield entry
        if entry is None:
            return
        position += entry.record_bytes


class Survey:
    """What one pass over the central directory shows: bounds for each member, and whether all
    of it can be read.

    At most `most_members` entries are kept, 16 bytes each. `bound(ordinal)` is where the next
    member's header begins, or the directory; None where an earlier entry has the same header.
    """

    def __init__(self, content: Content, directory: Directory, most_members: int) -> None:
        self.complete = True
        self.count = 0
        self.names: set[bytes] = set()
        """Which of `TELLING_NAMES` there are."""
        self._content = content
        self._directory = directory
        self._starts = array("Q")
        self._least_ends = array("Q")
        for entry in read_entries(content, directory):
            if entry is None:
                self.complete = False
                break
            self.count += 1
            if self.count > most_members:
                break
            self._keep(entry)
        self._bounds = self._find_bounds()

    def start(self, ordinal: int) -> int:
        """Return the offset of the member's local header in the content."""
        return self._starts[ordinal]

    def bound(self, ordinal: int) -> int | None:
        """Return where the member's data must end at the latest; None: it shares its header."""
        return self._bounds[ordinal] or None

    def _keep(self, entry: CentralEntry) -> None:
        ceiling = self._content.size_bytes
        start = min(entry.header_offset + self._directory.prefix, ceiling)
        self._starts.append(start)
        least = start + LOCAL_BYTES + len(entry.name) + entry.packed_bytes
        self._least_ends.append(min(least, ceiling))
        if entry.name in TELLING_NAMES:
            self.names.add(entry.name)

    def _find_bounds(self) -> array[int]:
        starts, least_ends = self._starts, self._least_ends
        order = sorted(range(len(starts)), key=starts.__getitem__)
        doubtful = any(least_ends[one] > starts[following] for one, following in pairwise(order))
        bounds = array("Q", bytes(8 * len(starts)))
        bound = upper = self._content.size_bytes
        for place in range(len(order) - 1, -1, -1):
            ordinal = order[place]
            start = starts[ordinal]
            if start < self._directory.start < upper:
                bound = upper = self._directory.start
            if place and starts[order[place - 1]] == start:
                continue
            bounds[ordinal] = bound
            # An entry that points at no header must not cut off the member around it.
            if not doubtful or self._content.read_at(start, 4) == LOCAL_SIGNATURE:
                bound = start
        return bounds
