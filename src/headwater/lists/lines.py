"""The lines of a text of any size, a block of them in memory at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import msgspec

from headwater.lists.contract import ListFault, Spot, Stream
from headwater.lists.stream import from_start, go_to, read_full
from headwater.lists.text_encoding import HEAD_BYTES, Encoding, encoding_of

LINE_BYTES = 1 << 20
"""Ceiling for one line as it is stored."""
BLOCK_BYTES = 1 << 17


class LinePlace(msgspec.Struct, frozen=True, array_like=True):
    """Where to go on: before a line. Free of values of the list."""

    offset_bytes: int = 0
    line: int = 1
    encoding: Encoding | None = None
    """None at the very beginning."""


class LineBlock(NamedTuple):
    """Some lines, one after the other."""

    texts: list[str]
    """Without their ends (LF or CR LF)."""
    offsets: list[int]
    """Where each begins in the file as it is stored."""
    first_line: int
    after: LinePlace
    """Where the next block begins."""


class Lines:
    """The lines of a stream from a place on.

    `lenient` keeps bytes that are not UTF-8 as lone surrogates (U+DC80..U+DCFF), for formats
    whose names of files are in any encoding. Blocks are cut at the same places wherever reading
    began, and hold at most BLOCK_BYTES, or one longer line.
    """

    def __init__(
        self, stream: Stream, place: LinePlace | None = None, *, lenient: bool = False
    ) -> None:
        self._stream = from_start(stream)
        self._place = place or LinePlace()
        self._errors = "surrogateescape" if lenient else "strict"
        self._encoding: Encoding = "utf-8"

    def blocks(self) -> Iterator[LineBlock]:
        """Yield all lines.

        Raises ListFault, after all lines before that place were given, for a line longer than
        LINE_BYTES, bytes that are not in the encoding, text that is none, and an empty file.
        """
        self._open()
        held = b""
        last = False
        while not last:
            held, last = self._filled(held)
            cut = len(held) if last else self._lines_end(held)
            data, held = held[:cut], held[cut:]
            if data:
                yield from self._block(data, last=last)
            elif self._place.line == 1:
                raise ListFault("the file is empty", Spot(offset_bytes=0))

    def _open(self) -> None:
        if self._place.offset_bytes or self._place.encoding is not None:
            go_to(self._stream, self._place.offset_bytes)
            self._encoding = self._place.encoding or "utf-8"
            return
        self._encoding, mark_bytes = encoding_of(self._stream.peek(HEAD_BYTES))
        read_full(self._stream, mark_bytes)
        self._place = LinePlace(mark_bytes, self._place.line, self._encoding)

    def _filled(self, held: bytes) -> tuple[bytes, bool]:
        """Return what is held and what comes next, up to a line's end; whether the file ends."""
        size = BLOCK_BYTES
        while True:
            held += read_full(self._stream, size - len(held))
            if len(held) < size:
                return held, True
            if self._lines_end(held):
                return held, False
            if len(held) > LINE_BYTES:
                raise self._too_long()
            size += BLOCK_BYTES

    def _lines_end(self, data: bytes) -> int:
        """Return where the last line that is complete ends."""
        if self._encoding == "utf-8":
            return data.rfind(b"\n") + 1
        decode = (
            codecs.utf_16_le_decode if self._encoding == "utf-16-le" else codecs.utf_16_be_decode
        )
        text, _ = decode(data, "surrogatepass", False)
        return len(text[: text.rfind("\n") + 1].encode(self._encoding, "surrogatepass"))

    def _block(self, data: bytes, *, last: bool) -> Iterator[LineBlock]:
        try:
            text = data.decode(self._encoding, self._errors)
        except UnicodeDecodeError as error:
            good = self._lines_end(data[: error.start])
            if good:
                yield from self._block(data[:good], last=False)
            name = self._encoding.upper()
            reason = (
                "the file ends inside a character and is truncated"
                if last and error.end >= len(data) and error.reason.endswith("data")
                else f"the file is not {name} throughout: save it as UTF-8"
            )
            offset = self._place.offset_bytes + error.start - good
            raise ListFault(reason, Spot(offset_bytes=offset, line=self._place.line)) from None
        yield self._split(text, len(data))

    def _split(self, text: str, size_bytes: int) -> LineBlock:
        texts = text.split("\n")
        if not texts[-1]:
            texts.pop()
        width = 1 if self._encoding == "utf-8" else 2
        if text.isascii():
            sizes = [(len(line) + 1) * width for line in texts]
        else:
            sizes = [len(line.encode(self._encoding, self._errors)) + width for line in texts]
        # A block is larger than the ceiling only where its first line made it grow.
        if sizes[0] - width > LINE_BYTES:
            raise self._too_long()
        offsets = list(accumulate(sizes, initial=self._place.offset_bytes))
        del offsets[-1]
        first_line = self._place.line
        self._place = LinePlace(
            self._place.offset_bytes + size_bytes, first_line + len(texts), self._encoding
        )
        if "\r" in text:
            texts = [line.removesuffix("\r") for line in texts]
        return LineBlock(texts, offsets, first_line, self._place)

    def _too_long(self) -> ListFault:
        spot = Spot(offset_bytes=self._place.offset_bytes, line=self._place.line)
        return ListFault(f"a line is longer than {LINE_BYTES >> 20} MiB", spot)
