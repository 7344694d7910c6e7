"""Lists in memory for tests, read whole, in pieces, and cut off anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from headwater.lists.contract import Batch, Entry, Fault, ListFault, Reader, Spot


class BytesStream:
    """A list in memory: a file, or a pipe that gives up to `piece_bytes` at a time."""

    def __init__(self, data: bytes, *, piece_bytes: int | None = None) -> None:
        self._data = data
        self._place = 0
        self._piece_bytes = piece_bytes
        self.size_bytes = len(data) if piece_bytes is None else None

    @property
    def seekable(self) -> bool:
        return self._piece_bytes is None

    def read(self, size_bytes: int) -> bytes:
        size = size_bytes if self._piece_bytes is None else min(size_bytes, self._piece_bytes)
        data = self._data[self._place : self._place + size]
        self._place += len(data)
        return data

    def seek(self, offset_bytes: int) -> None:
        if self._piece_bytes is not None:
            raise ListFault("a pipe")
        self._place = offset_bytes

    def tell(self) -> int:
        return self._place


class EndlessStream:
    """A pipe that repeats a piece up to a size, and counts what was taken."""

    size_bytes: int | None = None
    seekable = False

    def __init__(self, piece: bytes, size_bytes: int, first: bytes = b"") -> None:
        self._first = first
        self._piece = piece * max(1, (1 << 16) // len(piece))
        self._left = size_bytes
        self.taken = 0

    def read(self, size_bytes: int) -> bytes:
        if self._first:
            data, self._first = self._first[:size_bytes], self._first[size_bytes:]
        else:
            data = self._piece[: min(size_bytes, self._left)]
            self._left -= len(data)
        self.taken += len(data)
        return data

    def seek(self, offset_bytes: int) -> None:
        raise ListFault("a pipe")

    def tell(self) -> int:
        return self.taken


class Outcome(NamedTuple):
    """All that a reader gave, and how it ended."""

    entries: list[Entry]
    faults: list[Fault]
    lost: dict[str, int]
    error: ListFault | None
    cursors: list[bytes]


def gathered(batches: Iterator[Batch]) -> Outcome:
    """Read to the end, or to the fault of the file."""
    entries: list[Entry] = []
    faults: list[Fault] = []
    lost: dict[str, int] = {}
    cursors: list[bytes] = []
    error = None
    try:
        for batch in batches:
            entries += batch.entries
            faults += batch.faults
            for name, count in batch.lost.items():
                lost[name] = lost.get(name, 0) + count
            cursors.append(batch.cursor)
    except ListFault as fault:
        error = fault
    return Outcome(entries, faults, lost, error, cursors)


def read(reader: Reader, data: bytes | str, cursor: bytes = b"") -> Outcome:
    """Read a list in memory as a file."""
    stored = data.encode() if isinstance(data, str) else data
    return gathered(reader.read(BytesStream(stored), cursor))


def read_well(reader: Reader, data: bytes | str) -> Outcome:
    """Read a list in memory that is whole."""
    outcome = read(reader, data)
    assert outcome.error is None, outcome.error
    return outcome


def check_resuming(make: Callable[[], Reader], data: bytes, *, batches: int = 2) -> None:
    """At every cursor a new reader gives the rest, from a file and from a pipe."""
    whole = read_well(make(), data)
    assert len(whole.cursors) >= batches, "too small to show anything"
    given = Outcome([], [], {}, None, [])
    for batch in make().read(BytesStream(data)):
        given.entries.extend(batch.entries)
        given.faults.extend(batch.faults)
        for pieces in (None, 4099):
            rest = gathered(make().read(BytesStream(data, piece_bytes=pieces), batch.cursor))
            assert rest.error is None
            assert given.entries + rest.entries == whole.entries
            assert given.faults + rest.faults == whole.faults


def check_truncation(make: Callable[[], Reader], data: bytes) -> list[Outcome]:
    """Cut off at every byte, a list gives the entries before that place, and no exception.

    The last entry of a cut list may be a shorter reading of the one that was cut.
    """
    whole = read_well(make(), data).entries
    outcomes = []
    for size in range(len(data)):
        cut = read(make(), data[:size])
        kept = cut.entries[:-1]
        assert kept == whole[: len(kept)]
        assert len(cut.entries) <= len(whole)
        outcomes.append(cut)
    return outcomes


def check_no_value_shown(outcome: Outcome, secrets: Iterable[str]) -> None:
    """Nothing beside the entries holds a value of the list."""
    shown = repr((outcome.faults, outcome.lost, str(outcome.error), outcome.cursors)).lower()
    for secret in secrets:
        assert secret.lower() not in shown
        assert repr(bytes.fromhex(secret))[2:-1].lower() not in shown


def places(entries: Iterable[Entry | Fault]) -> list[Spot]:
    """Where each stands."""
    return [entry.spot for entry in entries]
