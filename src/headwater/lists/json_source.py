"""The stored bytes of a JSON document as UTF-8, chunk by chunk.

Files are UTF-8, with or without a byte order mark, or UTF-16 in either order. Without a mark
UTF-16 is known by its zero bytes: JSON begins with two ASCII characters (RFC 4627, section 3).
"""

from __future__ import annotations

import codecs
from typing import Literal

from headwater.lists.contract import ListFault, Spot, Stream

CHUNK_BYTES = 1 << 20

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be"]


class Source:
    """The stored bytes as UTF-8, and where each place of them lies in the file."""

    def __init__(
        self, stream: Stream, offset_bytes: int, encoding: Encoding | None, chunk_bytes: int
    ) -> None:
        self._stream = stream
        self._begin_bytes = offset_bytes
        self._chunk_bytes = chunk_bytes
        self._decoder: codecs.IncrementalDecoder | None = None
        self._ended = False
        self.encoding = encoding
        self.marked = False
        self.text = b""
        self.anchor = 0
        """A place in `text`, not behind any that is asked for, and where it lies in the file."""
        self.anchor_offset = offset_bytes
        self._first = b""

    def open(self) -> None:
        """Go to the place, and learn the encoding where it is not known."""
        if self._begin_bytes:
            self._go_to(self._begin_bytes)
        if self.encoding is None:
            self._first = self._read_full(4)
            self.encoding, mark_bytes = _encoding_of(self._first)
            self.marked = mark_bytes > 0
            self._first = self._first[mark_bytes:]
            self.anchor_offset = mark_bytes
        if self.encoding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(self.encoding)("surrogatepass")

    def _go_to(self, offset_bytes: int) -> None:
        if self._stream.seekable:
            self._stream.seek(offset_bytes)
            return
        while offset_bytes > 0:
            skipped = self._stream.read(min(offset_bytes, CHUNK_BYTES))
            if not skipped:
                raise ListFault(
                    "the file ends before the place where its reading was to go on",
                    Spot(offset_bytes=self._begin_bytes - offset_bytes),
                )
            offset_bytes -= len(skipped)

    def _read_full(self, size_bytes: int) -> bytes:
        parts = []
        while size_bytes > 0:
            part = self._stream.read(size_bytes)
            if not part:
                break
            parts.append(part)
            size_bytes -= len(part)
        return b"".join(parts)

    def more(self, keep_from: int) -> bool:
        """Drop the text before `keep_from` and add what comes next; False at the end of the file.

        As much is read as is kept, so that an element of any size is copied a bounded number of
        times for each of its bytes.
        """
        if self._ended:
            return False
        self.anchor_offset = self.offset(keep_from)
        self.text = kept = self.text[keep_from:]
        self.anchor = 0
        size_bytes = max(self._chunk_bytes, len(kept)) - len(self._first)
        fresh = self._first + self._read_full(size_bytes)
        self._first = b""
        self._ended = not fresh
        self.text = kept + self._as_utf8(fresh)
        return True

    def _as_utf8(self, stored: bytes) -> bytes:
        if self._decoder is None:
            return stored
        try:
            text = self._decoder.decode(stored, not stored)
        except UnicodeDecodeError:
            # Surrogates pass, so what is left is half a unit, or half a pair, at the end.
            end = self._end_offset() + len(self._decoder.getstate()[0])
            raise ListFault(
                "the file ends inside a character and is truncated", Spot(offset_bytes=end)
            ) from None
        return text.encode("utf-8", "surrogatepass")

    def _end_offset(self) -> int:
        return self.offset(len(self.text))

    def offset(self, place: int) -> int:
        """Return where a place of the text lies in the file."""
        return self.offsets([place])[0]

    def offsets(self, places: list[int]) -> list[int]:
        """Return where ascending places of the text lie in the file."""
        shift = self.anchor_offset - self.anchor
        if self._decoder is None:
            return [place + shift for place in places]
        import numpy as np  # noqa: PLC0415

        from headwater.lists.json_scan import utf16_offsets  # noqa: PLC0415

        found = np.zeros(len(places), np.int64)
        data = np.frombuffer(self.text, np.uint8)
        wanted = np.array(places, np.int64)
        utf16_offsets(data, self.anchor, self.anchor_offset, wanted, found)
        return [int(offset) for offset in found]

    def anchor_at(self, place: int) -> None:
        """Promise that no place before this one is asked for any more."""
        self.anchor_offset = self.offset(place)
        self.anchor = place


def _encoding_of(first: bytes) -> tuple[Encoding, int]:
    """Return the encoding of a file by its first four bytes, and the size of its mark."""
    if first.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ListFault("the file is UTF-32: save it as UTF-8", Spot(offset_bytes=0))
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if first.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if first.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    nought = [byte == 0 for byte in first]
    if len(first) == 4 and sum(nought) > 2:
        raise ListFault("the file is UTF-32: save it as UTF-8", Spot(offset_bytes=0))
    if nought[:2] == [False, True]:
        return "utf-16-le", 0
    if nought[:2] == [True, False]:
        return "utf-16-be", 0
    return "utf-8", 0
