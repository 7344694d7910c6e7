"""What a list says of its entries, in blocks that can be opened one at a time. Never a hash.

A block holds up to `BLOCK_ENTRIES` entries: where each begins (uint32, one more than entries) and
then each as MessagePack, the whole compressed. So one entry is read without decoding its
neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import zstandard

from headwater.errors import CaseDamaged
from headwater.lists.contract import Entry, MediaKind, Spot, Status

BLOCK_ENTRIES = 1024

_PLACE = np.dtype("<u4")
_MOST_BLOCK_BYTES = 1 << 30


class Detail(msgspec.Struct, frozen=True, array_like=True):
    """What a list says of one entry: never a hash."""

    category: str | None
    labels: tuple[tuple[str, str], ...]
    media: MediaKind | None
    size_bytes: int | None
    offset_bytes: int | None
    line: int | None
    status: Status

    @property
    def spot(self) -> Spot:
        """Where the entry stood in the list file."""
        return Spot(offset_bytes=self.offset_bytes, line=self.line)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Detail)


def encoded(entry: Entry) -> bytes:
    """Return what is kept of an entry beside its hashes."""
    spot = entry.spot
    return _encoder.encode(
        (
            entry.category,
            entry.labels,
            entry.media,
            entry.size_bytes,
            spot.offset_bytes,
            spot.line,
            entry.status,
        )
    )


def packed(details: Sequence[bytes]) -> bytes:
    """Return a block of encoded details."""
    places = np.zeros(len(details) + 1, _PLACE)
    np.cumsum([len(detail) for detail in details], out=places[1:])
    data = b"".join((places.tobytes(), *details))
    return zstandard.ZstdCompressor(level=1).compress(data)


class Block:
    """An open block. Raises CaseDamaged where it does not hold so many entries."""

    def __init__(self, data: bytes, entries: int) -> None:
        head = (entries + 1) * _PLACE.itemsize
        try:
            if zstandard.frame_content_size(data) > _MOST_BLOCK_BYTES:
                raise _damaged()
            self._data = zstandard.ZstdDecompressor().decompress(data)
        except zstandard.ZstdError as error:
            raise _damaged() from error
        if len(self._data) < head:
            raise _damaged()
        self._places = np.frombuffer(self._data, _PLACE, entries + 1)
        self._begin = head

    def detail(self, place: int) -> Detail:
        """Return the detail of the entry at a place in the block."""
        begin, end = (self._begin + int(self._places[place + step]) for step in (0, 1))
        try:
            return _decoder.decode(self._data[begin:end])
        except msgspec.MsgspecError as error:
            # The decoder's own words may quote what it read.
            raise _damaged() from error


def _damaged() -> CaseDamaged:
    return CaseDamaged(
        "the details of a known list are not what was kept; restore the case folder from a copy, "
        "or import the list again"
    )
