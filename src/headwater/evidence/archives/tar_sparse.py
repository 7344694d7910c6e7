"""Sparse members of tar archives: GNU tar's old form and its pax forms 0.0, 0.1 and 1.0."""

from __future__ import annotations

from headwater.errors import Malformed
from headwater.evidence.archives.meter import CHUNK, Meter, Pull
from headwater.evidence.archives.tar_header import BLOCK, number

Extents = list[tuple[int, int]]
"""(offset, size) of what is stored, in bytes of the unpacked file."""

_MOST_EXTENTS = 1 << 18


def old_extents(block: bytes, pull: Pull) -> tuple[Extents, int]:
    """Return extents and unpacked size of a GNU header of kind `S`.

    Its extension blocks are taken from `pull`. Raises Malformed.
    """
    extents = _old_fields(block[386:482])
    size = number(block[483:495])
    more = block[482:483] != b"\0"
    while more:
        extension = pull(BLOCK)
        if len(extension) < BLOCK:
            raise Malformed("the map of a sparse member breaks off")
        extents += _old_fields(extension[:504])
        more = extension[504:505] != b"\0"
        if len(extents) > _MOST_EXTENTS:
            raise Malformed("the map of a sparse member is too long")
    if size is None:
        raise Malformed("the size of a sparse member cannot be read")
    return check_extents(extents, size), size


def listed_extents(text: bytes, size: int) -> Extents:
    """Return the extents of `GNU.sparse.map` (0.0 and 0.1): decimal numbers between commas."""
    return check_extents(_pairs(text.split(b",")), size)


def leading_extents(pull: Pull, size: int, stored: int) -> tuple[Extents, int]:
    """Return the extents of form 1.0, which begin the data, and how many bytes they took."""
    numbers: list[bytes] = []
    rest = b""
    taken = 0
    wanted = 1
    while len(numbers) < wanted:
        block = pull(BLOCK)
        taken += len(block)
        if len(block) < BLOCK or taken > stored:
            raise Malformed("the map of a sparse member breaks off")
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > BLOCK:
            raise Malformed("the map of a sparse member is damaged")
        numbers += lines
        if wanted == 1 and numbers:
            wanted = 1 + 2 * _decimal(numbers[0])
            if wanted > 2 * _MOST_EXTENTS:
                raise Malformed("the map of a sparse member is too long")
    return check_extents(_pairs(numbers[1:wanted]), size), taken


def check_extents(extents: Extents, size: int) -> Extents:
    """Return the extents that are not empty.

    Raises Malformed where they overlap, run backwards, or reach beyond `size`.
    """
    end = 0
    for offset, length in extents:
        if offset < end or length < 0 or offset + length > size:
            raise Malformed("the map of a sparse member contradicts itself")
        end = offset + length
    return [extent for extent in extents if extent[1]]


def fill_holes(pull: Pull, extents: Extents, size: int, meter: Meter) -> Pull:
    """Return the unpacked file: what is stored from `pull`, and zeros between, which are counted.

    The zeros count as unpacked bytes: they cost no packed ones.
    """
    position = 0
    index = 0

    def take(wanted: int) -> bytes:
        nonlocal position, index
        start, length = extents[index] if index < len(extents) else (size, 0)
        if position < start:
            data = bytes(min(wanted, start - position, CHUNK))
            meter.unpacked(len(data))
        elif index < len(extents):
            data = pull(min(wanted, start + length - position))
            if not data:
                raise Malformed("a sparse member has less data than its map")
        else:
            return b""
        position += len(data)
        if index < len(extents) and position == start + length:
            index += 1
        return data

    return take


def _old_fields(fields: bytes) -> Extents:
    extents: Extents = []
    for at in range(0, len(fields) - 23, 24):
        offset, length = number(fields[at : at + 12]), number(fields[at + 12 : at + 24])
        if offset is None or length is None or offset < 0 or length < 0:
            raise Malformed("the map of a sparse member is damaged")
        if not fields[at] and not fields[at + 12]:
            break
        extents.append((offset, length))
    return extents


def _pairs(texts: list[bytes]) -> Extents:
    if len(texts) % 2 or len(texts) > 2 * _MOST_EXTENTS:
        raise Malformed("the map of a sparse member is damaged")
    values = [_decimal(text) for text in texts]
    return list(zip(values[::2], values[1::2], strict=True))


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise Malformed("the map of a sparse member is damaged")
    return int(text)
