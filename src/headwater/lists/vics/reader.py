"""Reads VICS lists, versions 1.1 to 2.0, in all the dialects of their exporters.

Whether a file is a list of media or of cases with media is told by what lies in it, never by the
address in its head: exporters write `#Media` above cases. What is not confirmed by public files
(the arrays `Segments` and `Repositories`, `AlternativeHashes` named PDQ) is read tolerantly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from headwater.lists.contract import Batch, Entry, Fault, ListFault, Spot, Stream
from headwater.lists.json_source import CHUNK_BYTES
from headwater.lists.json_stream import Beside, Elements, JsonStream, Place
from headwater.lists.vics import spellings
from headwater.lists.vics.lost import Lost, count, count_case, is_empty, named_members
from headwater.lists.vics.media import MediaReader

ARRAYS = ("value[].Media[]", "value[]")
_BATCH_ENTRIES = 4096
_HASH_KEYS = frozenset(("md5", "sha1", "photodna"))


class VicsReader:
    """Implements `lists.contract.Reader` for VICS."""

    FORMAT: ClassVar[str] = "vics"

    def __init__(
        self, *, batch_entries: int = _BATCH_ENTRIES, chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        self._batch_entries = batch_entries
        self._chunk_bytes = chunk_bytes

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault: see `JsonStream`.
        """
        json = JsonStream(stream, ARRAYS, _place(cursor), chunk_bytes=self._chunk_bytes)
        batch = _Batching(json)
        try:
            for event in batch.json:
                batch.take(event)
                if batch.size >= self._batch_entries:
                    yield batch.close()
        except ListFault:
            if batch.size or batch.reader.lost:
                yield batch.close()
            raise
        if batch.size or batch.reader.lost:
            yield batch.close()


class _Batching:
    """The batch that is being made."""

    def __init__(self, json: JsonStream) -> None:
        self.json = json
        self.reader = MediaReader()
        self._entries: list[Entry] = []

    @property
    def size(self) -> int:
        """Entries and faults."""
        return len(self._entries) + len(self.reader.faults)

    def take(self, event: Elements | Beside) -> None:
        """Add what one event holds."""
        if isinstance(event, Elements):
            read, text, add = self.reader.read, event.text, self._entries.append
            for start, stop, offset in zip(
                event.starts, event.stops, event.offsets_bytes, strict=True
            ):
                entry = read(text[start:stop], offset)
                if entry is not None:
                    add(entry)
        elif event.path:
            self._take_case(event)
        else:
            _count_head(self.reader.lost, event)

    def _take_case(self, event: Beside) -> None:
        members = list(named_members(event.text))
        count_case(self.reader.lost, members)
        hashes = [key for key, value in members if key.lower() in _HASH_KEYS]
        if hashes:
            spot = Spot(event.offset_bytes)
            rule = "an entry that others lie in"
            self.reader.faults.append(Fault(spot=spot, field="Media.Media", rule=rule))

    def close(self) -> Batch:
        """Return the batch, and begin the next one."""
        place = self.json.place()
        batch = Batch(
            entries=self._entries,
            faults=self.reader.faults,
            lost=dict(self.reader.lost),
            cursor=msgspec.msgpack.encode(place),
            position_bytes=place.offset_bytes,
        )
        self._entries = []
        self.reader.faults = []
        self.reader.lost = Lost(int)
        return batch


def _place(cursor: bytes) -> Place | None:
    if not cursor:
        return None
    try:
        return msgspec.msgpack.decode(cursor, type=Place)
    except msgspec.DecodeError:
        raise ListFault("the place to go on was not made by this reader: import anew") from None


def _count_head(lost: Lost, event: Beside) -> None:
    for key, value in named_members(event.text):
        if not is_empty(value) and not spellings.is_odata(key):
            count(lost, spellings.shown(key))
