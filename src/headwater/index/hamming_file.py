"""Keeps an index in a file, and maps it back into memory: for codes that are no secret.

The file is a magic number, the length and the SHA-256 of a header, the header in JSON, and arrays
that each begin on a page. The header gives of each array its place, length and SHA-256. Reading
checks all of it, and that no table points outside its codes, before anything is searched; then the
arrays are mapped where they lie, so that the system can share and drop their pages.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import sys
from typing import Any, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.errors import CaseDamaged, UsageError
from headwater.index import hamming_substrings, hamming_table
from headwater.index.hamming import HammingIndex, Run
from headwater.index.hamming_hits import CODES_MOST
from headwater.index.hamming_table import Table
from headwater.index.hamming_words import CODE_BITS, Halves
from headwater.measures.compiled import kernel

VERSION = 1
_MAGIC = b"HWHAMM\r\n"
_PAGE_BYTES = 4096
_HEAD_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 24


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An array: where it begins, and its digest."""

    offset_bytes: int
    size_bytes: int
    sha256: str


class _Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    begin: int
    end: int
    places: list[list[int]]
    offsets: _Stored
    ids: _Stored


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    byte_order: str
    codes: int
    radius_bits: int
    front: _Stored
    back: _Stored
    runs: list[_Tables]


def save(index: HammingIndex, descriptor: int) -> None:
    """Write an index to an empty file, from where the descriptor stands, and to the disk.

    Raises UsageError for an index in memory of its own, since that is how secrets are kept.
    """
    if index.secret:
        raise UsageError("this index is kept in memory alone and is never written to a file")
    codes, runs = index.parts
    places = _Places()
    header = _Header(
        VERSION,
        sys.byteorder,
        len(codes.front),
        index.radius_bits,
        places.of(codes.front),
        places.of(codes.back),
        [
            _Tables(
                run.begin,
                run.end,
                run.table.substrings.places,
                places.of(run.table.offsets),
                places.of(run.table.ids),
            )
            for run in runs
        ],
    )
    text = msgspec.json.encode(header)
    if len(text) > _HEAD_BYTES - 48:
        raise UsageError("the index is in too many pieces to be written; build it first")
    head = _MAGIC + len(text).to_bytes(8, "little") + hashlib.sha256(text).digest() + text
    _write(descriptor, head.ljust(_HEAD_BYTES, b"\0"))
    for array in places.arrays:
        _write(descriptor, _bytes(array))
        _write(descriptor, b"\0" * (-array.nbytes % _PAGE_BYTES))
    os.fsync(descriptor)


def load(descriptor: int) -> HammingIndex:
    """Map an index from a file that was opened for reading, and check all of it.

    Codes may be added; they then lie in memory. The file must not change while the index is used;
    the descriptor may be closed. Raises CaseDamaged where the file is not what was written.
    """
    size_bytes = os.fstat(descriptor).st_size
    if size_bytes < _HEAD_BYTES:
        _damaged("it is too short")
    # A private mapping: nothing that is done to the arrays can reach the file.
    mapped = mmap.mmap(descriptor, size_bytes, access=mmap.ACCESS_COPY)
    header = _read_header(mapped)
    codes = Halves(
        _array(mapped, header.front, np.uint64, (header.codes, 2)),
        _array(mapped, header.back, np.uint64, (header.codes, 2)),
    )
    runs = tuple(_run(mapped, stored) for stored in header.runs)
    _check_order(runs, header.codes)
    return HammingIndex.of_parts(codes, runs, header.radius_bits)


class _Places:
    """Gives arrays their places in the file."""

    def __init__(self) -> None:
        self.arrays: list[npt.NDArray[Any]] = []
        self._end_bytes = _HEAD_BYTES

    def of(self, array: npt.NDArray[Any]) -> _Stored:
        stored = _Stored(self._end_bytes, array.nbytes, _digest(_bytes(array)))
        self.arrays.append(array)
        self._end_bytes += array.nbytes + -array.nbytes % _PAGE_BYTES
        return stored


def _read_header(mapped: mmap.mmap) -> _Header:
    if mapped[:8] != _MAGIC:
        _damaged("it does not begin as an index does")
    length = int.from_bytes(mapped[8:16], "little")
    if length > _HEAD_BYTES - 48:
        _damaged("its header is too long")
    text = mapped[48 : 48 + length]
    if hashlib.sha256(text).digest() != mapped[16:48]:
        _damaged("its header has changed")
    try:
        header = msgspec.json.decode(text, type=_Header)
    except msgspec.DecodeError as error:
        _damaged(f"its header cannot be read ({error})")
    if header.version != VERSION or header.byte_order != sys.byteorder:
        _damaged(f"it was written by another version ({header.version}) or kind of machine")
    if not (0 <= header.codes <= CODES_MOST and 0 <= header.radius_bits <= CODE_BITS):
        _damaged("its header is out of range")
    return header


def _run(mapped: mmap.mmap, stored: _Tables) -> Run:
    bits = [bit for places in stored.places for bit in places]
    widths = tuple(map(len, stored.places))
    fitting = widths and all(0 < width <= hamming_substrings.WIDEST for width in widths)
    rising = all(places == sorted(places) for places in stored.places)
    falling = list(widths) == sorted(widths, reverse=True)
    in_range = all(0 <= bit < CODE_BITS for bit in bits)
    if not (fitting and rising and falling and in_range) or len(set(bits)) != len(bits):
        _damaged("its substrings are no substrings")
    count = stored.end - stored.begin
    if not 0 < count <= CODES_MOST:
        _damaged("a table is of no codes")
    base = hamming_table.bases(widths)
    length = hamming_table.ids_length(len(widths), count)
    offsets = _array(mapped, stored.offsets, np.uint32, (int(base[-1]),))
    ids = _array(mapped, stored.ids, np.uint32, (length,))
    if not _is_sound(base, offsets, ids, count):
        _damaged("a table points outside its codes")
    substrings = hamming_substrings.of_places(stored.places)
    return Run(stored.begin, stored.end, Table(substrings, base, offsets, ids))


def _array(
    mapped: mmap.mmap, stored: _Stored, dtype: Any, shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    size_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    end_bytes = stored.offset_bytes + stored.size_bytes
    if stored.size_bytes != size_bytes or stored.offset_bytes % _PAGE_BYTES:
        _damaged("an array has another size than its header says")
    if not (stored.offset_bytes >= 0 and end_bytes <= len(mapped)):
        _damaged("it is cut short")
    part = memoryview(mapped)[stored.offset_bytes : end_bytes]
    if _digest(part) != stored.sha256:
        _damaged("an array has changed")
    return np.frombuffer(part, dtype).reshape(shape)


def _check_order(runs: tuple[Run, ...], codes: int) -> None:
    end = 0
    for run in runs:
        if run.begin != end:
            _damaged("its tables leave codes out")
        end = run.end
    if end > codes:
        _damaged("its tables are of more codes than there are")


@kernel()
def _is_sound(base: Any, offsets: Any, ids: Any, count: int) -> bool:
    """Whether all buckets follow each other from 0 to `count`, and hold rows below `count`."""
    for number in range(base.shape[0] - 1):
        some = offsets[base[number] : base[number + 1]]
        if some[0] != 0 or np.int64(some[some.shape[0] - 1]) != count:
            return False
        for key in range(1, some.shape[0]):
            if some[key] < some[key - 1]:
                return False
    largest = np.uint32(0)
    for place in range(ids.shape[0]):
        largest = max(largest, ids[place])
    return bool(np.int64(largest) < count)


def _bytes(array: npt.NDArray[Any]) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def _digest(data: memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(descriptor: int, data: bytes | memoryview) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left[:_CHUNK_BYTES]) :]


def _damaged(reason: str) -> NoReturn:
    raise CaseDamaged(f"the stored index is damaged: {reason}; delete it and build it again")
