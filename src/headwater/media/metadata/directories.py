"""TIFF directories (TIFF 6.0, section 2; BigTIFF) with every value decoded and every fault kept.

`media.pictures.tiff` reads the few numbers that a decoder needs. This reader serves EXIF: it keeps
names of faults instead of raising, decodes all types, and lets the offsets of a maker note start
elsewhere than those of the block around it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TypeAlias

from headwater.evidence.content import Content

ENTRIES_MOST = 4096
"""Fields read from one directory."""
DIRECTORIES_MOST = 96
"""Directories read from one block."""
FIELDS_MOST = 5000
"""Fields read from one item."""
VALUE_BYTES_MOST = 4096
"""Bytes of one field's values that are read; the stored size is kept beside them."""
ALL_VALUE_BYTES_MOST = 1 << 20
"""Bytes of values that are read from one item; then only the first 64 of each field are."""
_SHORT_VALUE_BYTES = 64
PROBLEMS_MOST = 32

Rational: TypeAlias = tuple[int, int]
Value: TypeAlias = str | bytes | tuple[int, ...] | tuple[float, ...] | tuple[Rational, ...]

BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED = 1, 2, 3, 4, 5, 6, 7
IFD, UTF8 = 13, 129
TYPE_NAMES = {
    1: "BYTE",
    2: "ASCII",
    3: "SHORT",
    4: "LONG",
    5: "RATIONAL",
    6: "SBYTE",
    7: "UNDEFINED",
    8: "SSHORT",
    9: "SLONG",
    10: "SRATIONAL",
    11: "FLOAT",
    12: "DOUBLE",
    13: "IFD",
    16: "LONG8",
    17: "SLONG8",
    18: "IFD8",
    129: "UTF-8",
}
"""Types of TIFF 6.0 and its supplements, BigTIFF, and EXIF 3.0 (129)."""
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SIZES |= {16: 8, 17: 8, 18: 8, 129: 1}
_CODES = {1: "B", 3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d"}
_CODES |= {13: "I", 16: "Q", 17: "q", 18: "Q"}
_RATIONALS = frozenset({5, 10})
_TEXTS = frozenset({ASCII, UTF8})


@dataclass(slots=True)
class Problems:
    """Faults in words, in the order in which they were met; those beyond 32 are counted."""

    reasons: list[str] = field(default_factory=list)
    left_out: int = 0

    def add(self, reason: str) -> None:
        if reason in self.reasons:
            return
        if len(self.reasons) < PROBLEMS_MOST:
            self.reasons.append(reason)
        else:
            self.left_out += 1

    def listed(self) -> tuple[str, ...]:
        more = (f"{self.left_out} further problems",) if self.left_out else ()
        return (*self.reasons, *more)


@dataclass(slots=True)
class Budget:
    """What may still be read from one item, over all its blocks."""

    fields: int = FIELDS_MOST
    value_bytes: int = ALL_VALUE_BYTES_MOST

    def value_ceiling(self, size: int) -> int:
        """How many bytes of a value of `size` bytes may be read; they are taken off the budget."""
        ceiling = min(size, VALUE_BYTES_MOST if self.value_bytes > 0 else _SHORT_VALUE_BYTES)
        self.value_bytes -= ceiling
        return ceiling


@dataclass(slots=True)
class Field:
    """One field of a directory.

    `value` is text for ASCII and UTF-8 (without the zero bytes at its end), bytes for UNDEFINED,
    pairs (numerator, denominator) for rationals, and a tuple of numbers for all else.
    """

    tag: int
    kind: int
    count: int
    offset_bytes: int
    """Of the values, from the start of the block."""
    size_bytes: int
    value: Value
    note: str | None = None
    """How the value departs from the rules: `latin-1`, `cut off`, ..."""

    @property
    def integers(self) -> tuple[int, ...]:
        """The values as integers; empty where the field holds anything else."""
        if isinstance(self.value, tuple):
            return tuple(value for value in self.value if isinstance(value, int))
        return ()


Directory: TypeAlias = dict[int, Field]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the directories of a block are written."""

    order: str
    """`<` or `>`, as `struct` writes it."""
    big: bool = False
    base: int = 0
    """Added to every stored offset to get an offset into the block."""


def read_header(block: Content) -> tuple[Layout, int] | None:
    """Return the layout and the first directory's offset, None where there is no TIFF header.

    The number after the byte order is 42, 43 (BigTIFF), or what ORF and RW2 write there.
    """
    head = block.read_at(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    magic = struct.unpack_from(order + "H", head, 2)[0]
    if magic == 43 and len(head) == 16:
        return Layout(order, big=True), struct.unpack_from(order + "Q", head, 8)[0]
    if magic not in (42, 0x4F52, 0x5352, 0x55):
        return None
    return Layout(order), struct.unpack_from(order + "I", head, 4)[0]


class DirectoryReader:
    """Reads directories of one block, within ceilings for the block and the whole item."""

    def __init__(self, block: Content, problems: Problems, budget: Budget | None = None) -> None:
        self.block = block
        self.problems = problems
        self.budget = budget or Budget()
        self._names: dict[int, str] = {}

    def visit(self, offset: int, name: str) -> bool:
        """Whether the directory at `offset` is new and may be read; faults are noted.

        Offsets may have been read from fields of signed numbers.
        """
        if offset < 0:
            self.problems.add(f"{name} at {offset} lies outside the block")
            return False
        if offset in self._names:
            self.problems.add(
                f"{name} points at the directory already read as {self._names[offset]}"
            )
            return False
        if len(self._names) >= DIRECTORIES_MOST:
            self.problems.add(f"more than {DIRECTORIES_MOST} directories: {name} was not read")
            return False
        self._names[offset] = name
        return True

    def read(self, offset: int, layout: Layout, name: str) -> tuple[Directory, int]:
        """Return the fields of the directory at `offset`, and the offset of the next one (or 0).

        Of a tag that stands twice the first is kept, as readers do.
        """
        count_size, entry_size, inline = (8, 20, 8) if layout.big else (2, 12, 4)
        head = self.block.read_at(offset, count_size)
        if len(head) < count_size:
            self.problems.add(f"{name} at {offset} lies outside the block")
            return {}, 0
        count = int.from_bytes(head, "little" if layout.order == "<" else "big")
        table = self.block.read_at(
            offset + count_size, min(count, ENTRIES_MOST) * entry_size + inline
        )
        whole = min(count, ENTRIES_MOST, len(table) // entry_size)
        if whole < count:
            self.problems.add(f"{name} claims {count} fields, {whole} could be read")
        if whole > self.budget.fields:
            self.problems.add(f"more than {FIELDS_MOST} fields: {name} was cut")
            whole = self.budget.fields
        self.budget.fields -= whole
        entry = struct.Struct(layout.order + ("HHQ8s" if layout.big else "HHI4s"))
        start = offset + count_size
        directory: Directory = {}
        for tag, kind, number, stored in entry.iter_unpack(table[: whole * entry_size]):
            where = start + entry_size - inline
            start += entry_size
            if tag in directory:
                # Canon fills its notes up with fields of tag 0.
                if tag:
                    self.problems.add(f"{name} has tag 0x{tag:04x} more than once")
                continue
            made = self._field(tag, kind, number, stored, where, layout, name)
            if made is not None:
                directory[tag] = made
        tail = table[count * entry_size :] if whole == count else b""
        following = int.from_bytes(tail, "little" if layout.order == "<" else "big")
        return directory, following if len(tail) == inline else 0

    def _field(
        self,
        tag: int,
        kind: int,
        count: int,
        stored: bytes,
        where: int,
        layout: Layout,
        name: str,
    ) -> Field | None:
        size = SIZES.get(kind)
        if size is None:
            if tag or kind or count:
                self.problems.add(f"{name} tag 0x{tag:04x} has unknown type {kind}")
            return None
        size *= count
        note = None
        if size <= len(stored):
            raw = stored[:size]
        else:
            where = layout.base + int.from_bytes(stored, "little" if layout.order == "<" else "big")
            ceiling = self.budget.value_ceiling(size)
            raw = self.block.read_at(where, ceiling) if where >= 0 else b""
            if where < 0 or where + size > self.block.size_bytes:
                self.problems.add(
                    f"{name} tag 0x{tag:04x}: {size} bytes at {where} run outside the block"
                )
                note = "cut off"
            elif size > ceiling:
                note = f"first {ceiling} bytes"
        value, latin = decode_value(raw, kind, layout.order)
        return Field(tag, kind, count, where, size, value, note or ("latin-1" if latin else None))


def decode_value(raw: bytes, kind: int, order: str) -> tuple[Value, bool]:
    """Decode the bytes of a field; the flag tells text that is not UTF-8 and was read as Latin-1.

    A last value that is cut off is dropped.
    """
    if kind in _TEXTS:
        return decode_text(raw.rstrip(b"\0"))
    if kind == UNDEFINED:
        return raw, False
    size = SIZES[kind]
    number = len(raw) // size
    if kind in _RATIONALS:
        flat = struct.unpack_from(f"{order}{2 * number}{_CODES[kind]}", raw)
        return tuple(zip(flat[::2], flat[1::2], strict=True)), False
    return struct.unpack_from(f"{order}{number}{_CODES[kind]}", raw), False


def decode_text(raw: bytes) -> tuple[str, bool]:
    """UTF-8 where the bytes are that, else Latin-1 (the flag is then set)."""
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError as error:
        if error.start and error.reason == "unexpected end of data" and len(raw) - error.start < 4:
            return raw[: error.start].decode("utf-8"), False
        return raw.decode("latin-1"), True
