"""A list version that is open for matching: its arrays in memory that is kept from the disk.

What is asked for is read then: digests by the first look-up of their kind, codes when they are
taken. Digests of very long lists are not held at all: a look-up goes through their segments, one
in memory at a time. Arrays of values lie in memory that the caller's `LockedMemory` gave, and are
wiped by `close`. Details of single entries are ordinary objects; they hold no hashes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.errors import CaseError
from headwater.lists.details import BLOCK_ENTRIES, Block, Detail
from headwater.lists.keyed import Keyed
from headwater.lists.keys import ListKey
from headwater.lists.locked import LockedMemory
from headwater.lists.manifest import Manifest, Segment, read_manifest
from headwater.lists.seal import Sealed
from headwater.lists.segments import (
    BYTE,
    DETAILS,
    DIGESTS,
    HALF,
    NUMBER,
    PDQ_BYTES,
    PHOTODNA_BYTES,
)

Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

HELD_DIGESTS = 1 << 24
"""A kind that has more digests is read anew by each look-up; so many take 340 MB."""

_MOST_BLOCKS = 256
"""Blocks of details that are held open; about 20 MB."""


@dataclass(frozen=True, slots=True)
class _Digests:
    """One kind of one segment, sorted by `first`."""

    first: npt.NDArray[np.uint64]
    second: npt.NDArray[np.uint64]
    numbers: npt.NDArray[np.uint32]
    first_entry: int

    def lookup(self, first: Any, second: Any) -> tuple[Integers, Integers]:
        """Return rows of the keys asked for, and entries; `first` should be sorted, for speed."""
        begin = np.searchsorted(self.first, first)
        held = np.flatnonzero(self.first[np.minimum(begin, len(self.first) - 1)] == first)
        begin = begin[held]
        counts = np.searchsorted(self.first, first[held], side="right") - begin
        rows = np.repeat(held, counts)
        # Of each run of equal halves, its places one by one.
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(begin, counts) + within
        same = self.second[places] == second[rows]
        return rows[same], self.numbers[places[same]].astype(np.int64) + self.first_entry


class OpenList:
    """One list version, open; a context. Made by `open_list`."""

    def __init__(
        self,
        folder: Path,
        key: ListKey,
        manifest: Manifest,
        memory: LockedMemory,
        held_digests: int,
    ) -> None:
        self._folder = folder
        self._held_digests = held_digests
        self._key = key
        self._memory = memory
        self.manifest = manifest
        self._digests: dict[str, list[_Digests]] = {}
        self._codes: dict[str, tuple[Bytes, Integers, Bytes]] = {}
        self._firsts = [segment.first_entry for segment in manifest.segments]
        self._details: dict[int, tuple[Sealed, npt.NDArray[np.uint64]]] = {}
        self._blocks: OrderedDict[tuple[int, int], Block] = OrderedDict()

    @property
    def entries(self) -> int:
        """How many entries the list has; they are numbered from 0."""
        return self.manifest.entries

    def lookup(self, kind: str, keyed: Keyed) -> tuple[Integers, Integers]:
        """Return every pair of a row of `keyed` and an entry that has this digest.

        `kind` is `md5`, `sha1` or `sha256`; `keyed`, uint64 (n, 2), is from `keyed_digests` with
        this case's key. Two int64 arrays of one length, sorted by row, then by entry.
        """
        if kind not in DIGESTS:
            raise ValueError(f"lists keep no {kind} by a key")
        # In order, one query finds in the cache what the one before it has read.
        order = np.argsort(keyed[:, 0])
        first, second = keyed[order, 0], keyed[order, 1]
        found = [part.lookup(first, second) for part in self._parts(kind)]
        rows = np.concatenate([np.zeros(0, np.int64), *(order[rows] for rows, _ in found)])
        entries = np.concatenate([np.zeros(0, np.int64), *(entries for _, entries in found)])
        sorted_by = np.lexsort((entries, rows))
        return rows[sorted_by], entries[sorted_by]

    def pdq_codes(self) -> tuple[Bytes, Integers]:
        """Return PDQ codes, uint8 (m, 32), and their entries, int64 (m,).

        The codes are the list's own, in locked memory: they may be copied only to memory of the
        same kind, and hold zeros when the list is closed.
        """
        return self._read_codes("pdq", PDQ_BYTES)[:2]

    def pdq_qualities(self) -> Bytes:
        """Return the quality of each PDQ code, uint8 (m,): 0..100, 255 where none is told."""
        return self._read_codes("pdq", PDQ_BYTES)[2]

    def photodna(self) -> tuple[Bytes, Integers]:
        """Return PhotoDNA values, uint8 (m, 144), and their entries, int64 (m,); as PDQ codes."""
        return self._read_codes("photodna", PHOTODNA_BYTES)[:2]

    def said(self, entry: int) -> Detail:
        """Return what the list says of an entry. Raises IndexError where there is none."""
        if not 0 <= entry < self.entries:
            raise IndexError(f"the list has no entry {entry}")
        number = int(np.searchsorted(self._firsts, entry, side="right")) - 1
        segment = self.manifest.segments[number]
        block, place = divmod(entry - segment.first_entry, BLOCK_ENTRIES)
        return self._block(segment, block).detail(place)

    def close(self) -> None:
        """Wipe what was read, and close the files."""
        for parts in self._digests.values():
            for part in parts:
                _wipe(part.first, part.second)
        for codes, _, _ in self._codes.values():
            _wipe(codes)
        for sealed, _ in self._details.values():
            sealed.close()
        self._digests.clear()
        self._codes.clear()
        self._details.clear()
        self._blocks.clear()

    def __enter__(self) -> OpenList:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _parts(self, kind: str) -> Iterable[_Digests]:
        parts = (self._read_part(segment, kind) for segment in self._having(kind))
        if self.manifest.counts.get(kind, 0) > self._held_digests:
            return parts
        if kind not in self._digests:
            self._digests[kind] = list(parts)
        return self._digests[kind]

    def _read_part(self, segment: Segment, kind: str) -> _Digests:
        count = segment.counts[kind]
        data = self._read(segment, kind, count * (2 * HALF.itemsize + NUMBER.itemsize))
        first, second, numbers = _split(data, (HALF, count), (HALF, count), (NUMBER, count))
        return _Digests(first, second, numbers, segment.first_entry)

    def _read_codes(self, kind: str, size: int) -> tuple[Bytes, Integers, Bytes]:
        if kind in self._codes:
            return self._codes[kind]
        total = self.manifest.counts.get(kind, 0)
        codes = self._memory.allocate((total, size), BYTE)
        entries = np.zeros(total, np.int64)
        qualities = np.zeros(total if kind == "pdq" else 0, BYTE)
        end = 0
        for segment in self._having(kind):
            count = segment.counts[kind]
            begin, end = end, end + count
            graded = count if kind == "pdq" else 0
            room = count * (size + NUMBER.itemsize) + graded
            values, numbers, grades = _split(
                self._read(segment, kind, room),
                (BYTE, count * size),
                (NUMBER, count),
                (BYTE, graded),
            )
            codes[begin:end] = values.reshape(count, size)
            entries[begin:end] = numbers
            entries[begin:end] += segment.first_entry
            qualities[begin : begin + graded] = grades
        self._codes[kind] = codes, entries, qualities
        return self._codes[kind]

    def _having(self, kind: str) -> list[Segment]:
        return [segment for segment in self.manifest.segments if segment.counts.get(kind)]

    def _read(self, segment: Segment, ending: str, size_bytes: int) -> Bytes:
        """Return a whole file in locked memory."""
        data = self._memory.allocate((size_bytes,), BYTE)
        with self._sealed(segment, ending) as sealed:
            sealed.read_into(data)
        return data

    def _sealed(self, segment: Segment, ending: str) -> Sealed:
        path = self._folder / segment.name(ending)
        return Sealed(path, self._key, self.manifest.version_id, segment.files[ending])

    def _block(self, segment: Segment, number: int) -> Block:
        place = segment.number, number
        if place in self._blocks:
            self._blocks.move_to_end(place)
            return self._blocks[place]
        sealed, ends = self._detail_file(segment)
        data = bytearray(int(ends[number + 1] - ends[number]))
        sealed.read_into(data, int(ends[number]))
        entries = min(BLOCK_ENTRIES, segment.entries - number * BLOCK_ENTRIES)
        self._blocks[place] = Block(bytes(data), entries)
        if len(self._blocks) > _MOST_BLOCKS:
            self._blocks.popitem(last=False)
        return self._blocks[place]

    def _detail_file(self, segment: Segment) -> tuple[Sealed, npt.NDArray[np.uint64]]:
        """Return the file of a segment's details, and where its blocks begin and end."""
        if segment.number not in self._details:
            sealed = self._sealed(segment, DETAILS)
            blocks = -(-segment.entries // BLOCK_ENTRIES)
            ends = np.zeros(blocks + 1, HALF)
            sealed.read_into(ends, sealed.size_bytes - ends.nbytes)
            self._details[segment.number] = sealed, ends
        return self._details[segment.number]


def open_list(
    folder: Path,
    key: ListKey,
    manifest_sha256: bytes,
    memory: LockedMemory,
    *,
    held_digests: int = HELD_DIGESTS,
) -> OpenList:
    """Open the list version in `folder`, as its manifest was kept.

    Raises CaseDamaged where the files are not what was kept, CaseError where they were sealed
    with another key; later reads raise CaseDamaged too.
    """
    manifest = read_manifest(folder, manifest_sha256)
    if manifest.key_check != key.check:
        raise CaseError(
            f"known list {folder.name} was sealed with another key; restore the key that this "
            "case was made with"
        )
    return OpenList(folder, key, manifest, memory, held_digests)


def _split(data: Bytes, *parts: tuple[np.dtype[Any], int]) -> list[npt.NDArray[Any]]:
    """Return views of the arrays that lie one behind the other in `data`."""
    views, end = [], 0
    for kind, count in parts:
        begin, end = end, end + count * kind.itemsize
        views.append(data[begin:end].view(kind))
    return views


def _wipe(*arrays: npt.NDArray[Any]) -> None:
    for array in arrays:
        array[:] = 0
