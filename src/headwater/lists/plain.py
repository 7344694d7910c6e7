"""Bare hashes, one a line: `plain`.

What they are is told by the option `hash_type`, by a word on the first line (`MD5`, as X-Ways
and EnCase texts have it), or by the number of digits of the first hash where that leaves one
kind. 64 digits leave two, SHA-256 and PDQ, and are never guessed. A list holds one kind; a line
that is none costs that line. Blank lines, and lines that begin with `#`, are skipped.

That the first line may name the type is remembered from such files, not confirmed; so spellings
are taken tolerantly.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Iterator
from typing import ClassVar

import msgspec

from headwater.lists import values
from headwater.lists.ambiguity import Ambiguous
from headwater.lists.contract import Batch, Entry, Fault, Spot, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.lines import LineBlock, LinePlace, Lines
from headwater.lists.values import HashType


class _Place(msgspec.Struct, frozen=True, array_like=True):
    lines: LinePlace = LinePlace()
    hash_type: HashType | None = None


class PlainReader:
    """Implements `lists.contract.Reader` for bare hashes.

    Reading raises Ambiguous, before any entry, where 64 hex digits could be either hash.
    """

    FORMAT: ClassVar[str] = "plain"

    def __init__(self, hash_type: HashType | None = None) -> None:
        self._given = hash_type

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault (see `Lines.blocks`) and Ambiguous.
        """
        place = decoded(cursor, _Place)
        hash_type = self._given or place.hash_type
        for block in Lines(stream, place.lines).blocks():
            skipped = 0
            if hash_type is None or (block.first_line == 1 and not cursor):
                hash_type, skipped = _told(block, hash_type)
            entries, faults = _entries(block, skipped, hash_type)
            yield Batch(
                entries=entries,
                faults=faults,
                cursor=encoded(_Place(block.after, hash_type)),
                position_bytes=block.after.offset_bytes,
            )


def _told(block: LineBlock, given: HashType | None) -> tuple[HashType | None, int]:
    """Return what the hashes are, as far as a block tells, and how many lines say it."""
    for index, text in enumerate(block.texts):
        if _is_skipped(text):
            continue
        named = values.type_named(text) if block.first_line == 1 else None
        if named is not None:
            return given or named, index + 1
        if given is not None:
            break
        types = values.types_of_length(text)
        if len(types) > 1:
            reason = f"{values.AMBIGUOUS_DIGITS} hex digits are SHA-256 or PDQ, and the list "
            raise Ambiguous(reason + "does not say which", "hash_type", types)
        if types:
            return types[0], 0
    return given, 0


def _is_skipped(text: str) -> bool:
    return not text or text.isspace() or text.startswith("#")


def _entries(
    block: LineBlock, skipped: int, hash_type: HashType | None
) -> tuple[list[Entry], list[Fault]]:
    entries: list[Entry] = []
    faults: list[Fault] = []
    size_bytes = 0 if hash_type is None else values.HASH_BYTES[hash_type]
    rule = "not a hash in hex digits" if hash_type is None else values.not_digits(hash_type)
    field = "hash" if hash_type is None else hash_type
    make = _MAKERS[hash_type] if hash_type is not None else None
    line = block.first_line
    for text, offset in zip(block.texts, block.offsets, strict=True):
        try:
            value = unhexlify(text)
        except ValueError:
            value = b""
        if len(value) != size_bytes or not value:
            value = _trimmed(text)
        if make is not None and len(value) == size_bytes:
            entries.append(make(Spot(offset, line), value))
        elif not _is_skipped(text) and line - block.first_line >= skipped:
            faults.append(Fault(spot=Spot(offset, line), field=field, rule=rule))
        line += 1
    return entries, faults


def _trimmed(text: str) -> bytes:
    try:
        return unhexlify(text.strip().removeprefix('"').removesuffix('"'))
    except ValueError:
        return b""


# One function for each, because a keyword that is known beforehand is the cheapest way to call.
_MAKERS: dict[HashType, Callable[[Spot, bytes], Entry]] = {
    "md5": lambda spot, value: Entry(spot=spot, md5=value),
    "sha1": lambda spot, value: Entry(spot=spot, sha1=value),
    "sha256": lambda spot, value: Entry(spot=spot, sha256=value),
    "pdq": lambda spot, value: Entry(spot=spot, pdq=value),
}
