"""Writes a list version, segment by segment, so that memory is bounded and a stop loses little.

A segment's digests of one kind lie as three arrays, one behind the other, sorted by the first:
the two halves of the keyed digest (uint64 each) and the entry's number in the segment (uint32).
PDQ: codes (32 bytes each), numbers (uint32), qualities (uint8, 255 where the list tells none).
PhotoDNA: values (144 bytes each), numbers (uint32). Machine numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.errors import HeadwaterError
from headwater.lists.contract import Entry
from headwater.lists.details import BLOCK_ENTRIES, encoded, packed
from headwater.lists.durable import write_file
from headwater.lists.keyed import keyed
from headwater.lists.keys import ListKey
from headwater.lists.locked import LockedMemory
from headwater.lists.manifest import LAYOUT, MANIFEST, Manifest, Segment, digest
from headwater.lists.seal import Buffer, SealedFile, seal

SEGMENT_ENTRIES = 1 << 19
"""A segment that has reached this size is written."""

DIGESTS = {"md5": 16, "sha1": 20, "sha256": 32}
"""Bytes of a digest, by kind."""
PDQ_BYTES = 32
PHOTODNA_BYTES = 144
DETAILS = "details"
UNKNOWN_QUALITY = 255

DETAILS_CHUNK_BYTES = 1 << 14
"""Small, because one entry's detail is opened at a time."""

HALF = np.dtype("<u8")
NUMBER = np.dtype("<u4")
BYTE = np.dtype(np.uint8)


class _Rows:
    """An array in locked memory that grows by rows."""

    def __init__(self, memory: LockedMemory, kind: np.dtype[Any], *row: int) -> None:
        self._memory = memory
        self._kind = kind
        self._row = row
        self._room = memory.allocate((0, *row), kind)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> npt.NDArray[Any]:
        return self._room[: self._count]

    def add(self, rows: npt.NDArray[Any]) -> None:
        needed = self._count + len(rows)
        if needed > len(self._room):
            room = self._memory.allocate((self._grown(needed), *self._row), self._kind)
            room[: self._count] = self.rows
            self._room = room
        self._room[self._count : needed] = rows
        self._count = needed

    def _grown(self, needed: int) -> int:
        return max(needed, 2 * len(self._room), 4096)

    def clear(self) -> None:
        """Forget all rows; the room stays."""
        self._count = 0


class _Kind:
    """The hashes of one kind that wait for their segment to be whole."""

    def __init__(self, name: str, size_bytes: int, values: _Rows, numbers: _Rows) -> None:
        self.name = name
        self._size = size_bytes
        self.values = values
        self.numbers = numbers

    def joined(self, values: Iterable[bytes]) -> bytes:
        """Return values one after the other; all must have the size of this kind."""
        held = list(values)
        if set(map(len, held)) - {self._size}:
            raise HeadwaterError(
                f"the reader of this list gave a {self.name} that has not {self._size} bytes; "
                "this is a fault of the program, please report it"
            )
        return b"".join(held)


class SegmentWriter:
    """Writes the entries of one list version into its folder.

    `written` are the segments that are there already: entries given now go behind them, and
    files of no segment, left behind by a stop, are removed. Raises OSError where a file cannot
    be written. Memory is bounded by one segment: about 150 MB at the default size where every
    second entry has PhotoDNA, at most 400 MB.
    """

    def __init__(
        self,
        folder: Path,
        key: ListKey,
        version_id: str,
        memory: LockedMemory,
        *,
        written: Iterable[Segment] = (),
        segment_entries: int = SEGMENT_ENTRIES,
    ) -> None:
        self._folder = folder
        self._key = key
        self._version_id = version_id
        self._memory = memory
        self._segment_entries = segment_entries
        self._segments = list(written)
        self._digests = [
            _Kind(name, size, _Rows(memory, HALF, 2), _Rows(memory, NUMBER))
            for name, size in DIGESTS.items()
        ]
        self._pdq = self._codes("pdq", PDQ_BYTES)
        self._qualities = _Rows(memory, BYTE)
        self._photodna = self._codes("photodna", PHOTODNA_BYTES)
        self._details: list[bytes] = []
        self._blocks: list[bytes] = []
        self._waiting = 0
        self._remove_strays()

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments that are on the disk."""
        return tuple(self._segments)

    @property
    def entries(self) -> int:
        """Entries in segments that are on the disk."""
        return sum(segment.entries for segment in self._segments)

    @property
    def waiting(self) -> int:
        """Entries that wait for their segment to be whole."""
        return self._waiting

    def add(self, entries: Sequence[Entry]) -> bool:
        """Take entries; return whether they completed a segment, and all is on the disk."""
        first = self._waiting
        for kind in self._digests:
            self._add_digests(kind, entries, first)
        self._add_pdq(entries, first)
        self._add_photodna(entries, first)
        self._add_details(entries)
        self._waiting += len(entries)
        if self._waiting < self._segment_entries:
            return False
        self.flush()
        return True

    @property
    def counts(self) -> dict[str, int]:
        """Hashes by kind, over the segments that are on the disk."""
        kinds = (*DIGESTS, "pdq", "photodna")
        totals = {kind: sum(one.counts.get(kind, 0) for one in self._segments) for kind in kinds}
        return {kind: total for kind, total in totals.items() if total}

    def finish(self, report_sha256: bytes | None = None) -> tuple[Manifest, bytes]:
        """Write what waits, and the manifest; return it and the SHA-256 of its file."""
        self.flush()
        manifest = self._manifest(report_sha256)
        data = manifest.encoded()
        write_file(self._folder / MANIFEST, data)
        return manifest, digest(data)

    def _codes(self, name: str, size_bytes: int) -> _Kind:
        values = _Rows(self._memory, BYTE, size_bytes)
        return _Kind(name, size_bytes, values, _Rows(self._memory, NUMBER))

    def _manifest(self, report_sha256: bytes | None) -> Manifest:
        return Manifest(
            layout=LAYOUT,
            version_id=self._version_id,
            key_check=self._key.check,
            entries=self.entries,
            counts=self.counts,
            segments=self.segments,
            report_sha256=report_sha256,
        )

    def _add_digests(self, kind: _Kind, entries: Sequence[Entry], first: int) -> None:
        given = [getattr(entry, kind.name) for entry in entries]
        numbers = [number for number, value in enumerate(given, first) if value is not None]
        if not numbers:
            return
        held = [value for value in given if value is not None]
        kind.joined(held)
        kind.values.add(keyed(self._key.digests, held))
        kind.numbers.add(np.array(numbers, NUMBER))

    def _add_pdq(self, entries: Sequence[Entry], first: int) -> None:
        held = [(number, one) for number, one in enumerate(entries, first) if one.pdq is not None]
        if not held:
            return
        data = self._pdq.joined(one.pdq for _, one in held if one.pdq is not None)
        qualities = [
            UNKNOWN_QUALITY if one.pdq_quality is None else one.pdq_quality for _, one in held
        ]
        self._pdq.values.add(np.frombuffer(data, BYTE).reshape(-1, PDQ_BYTES))
        self._pdq.numbers.add(np.array([number for number, _ in held], NUMBER))
        self._qualities.add(np.array(qualities, BYTE))

    def _add_photodna(self, entries: Sequence[Entry], first: int) -> None:
        given = [(number, one.photodna) for number, one in enumerate(entries, first)]
        held = [(number, value) for number, value in given if value is not None]
        if not held:
            return
        data = self._photodna.joined(value for _, value in held)
        self._photodna.values.add(np.frombuffer(data, BYTE).reshape(-1, PHOTODNA_BYTES))
        self._photodna.numbers.add(np.array([number for number, _ in held], NUMBER))

    def _add_details(self, entries: Sequence[Entry]) -> None:
        details = self._details
        details.extend(map(encoded, entries))
        while len(details) >= BLOCK_ENTRIES:
            self._blocks.append(packed(details[:BLOCK_ENTRIES]))
            del details[:BLOCK_ENTRIES]

    def flush(self) -> None:
        """Write what waits as a segment of its own, whole or not; nothing where nothing waits."""
        if not self._waiting:
            return
        if self._details:
            self._blocks.append(packed(self._details))
        number = len(self._segments)
        empty = Segment(
            number=number, first_entry=self.entries, entries=self._waiting, counts={}, files={}
        )
        counts: dict[str, int] = {}
        files: dict[str, SealedFile] = {}
        for name, count, parts in self._parts():
            if count:
                counts[name] = count
                files[name] = self._seal(empty.name(name), parts)
        ends = np.cumsum([0, *map(len, self._blocks)], dtype="<u8")
        files[DETAILS] = self._seal(empty.name(DETAILS), (*self._blocks, ends), DETAILS_CHUNK_BYTES)
        self._segments.append(
            Segment(
                number=number,
                first_entry=empty.first_entry,
                entries=empty.entries,
                counts=counts,
                files=files,
            )
        )
        self._clear()

    def _parts(self) -> Iterable[tuple[str, int, Sequence[Buffer]]]:
        """Yield of each kind its name, how many there are, and the arrays of its file."""
        for kind in self._digests:
            yield kind.name, len(kind.values), self._sorted(kind)
        pdq, photodna = self._pdq, self._photodna
        arrays = (pdq.values.rows, pdq.numbers.rows, self._qualities.rows)
        yield pdq.name, len(pdq.values), arrays
        yield photodna.name, len(photodna.values), (photodna.values.rows, photodna.numbers.rows)

    def _sorted(self, kind: _Kind) -> Sequence[Buffer]:
        values, numbers = kind.values.rows, kind.numbers.rows
        # Equal digests stay in the order of their entries.
        order = np.argsort(values[:, 0], kind="stable")
        return values[order, 0], values[order, 1], numbers[order]

    def _seal(
        self, name: str, parts: Iterable[Buffer], chunk_bytes: int | None = None
    ) -> SealedFile:
        path = self._folder / name
        if chunk_bytes is None:
            return seal(path, self._key, self._version_id, parts, self._memory)
        return seal(path, self._key, self._version_id, parts, self._memory, chunk_bytes)

    def _clear(self) -> None:
        for kind in (*self._digests, self._pdq, self._photodna):
            kind.values.clear()
            kind.numbers.clear()
        self._qualities.clear()
        self._details.clear()
        self._blocks.clear()
        self._waiting = 0

    def _remove_strays(self) -> None:
        """Remove files of segments that a stop left behind before they were whole."""
        kept = {one.name(ending) for one in self._segments for ending in one.files}
        endings = tuple(f".{name}" for name in (*DIGESTS, "pdq", "photodna", DETAILS))
        for path in sorted(self._folder.iterdir()):
            if path.name.removesuffix(".part").endswith(endings) and path.name not in kept:
                path.unlink()
