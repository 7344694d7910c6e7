"""A small assembler for classic BPF, the language of seccomp filters.

A filter sees `struct seccomp_data` (linux/seccomp.h): the call's number, the architecture, the
instruction pointer and six arguments of 64 bits. Every jump goes forward.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from headwater.errors import CageError

MOST_INSTRUCTIONS = 4096
"""BPF_MAXINSNS of linux/bpf_common.h."""

NUMBER_OFFSET = 0
ARCHITECTURE_OFFSET = 4
_ARGUMENTS_OFFSET = 16

# Opcodes of linux/filter.h: class | size | mode, or class | operation | source.
LOAD = 0x20
JUMP_EQUAL = 0x15
JUMP_AT_LEAST = 0x35
JUMP_ANY_BIT = 0x45
RETURN = 0x06


class Instruction(NamedTuple):
    """One `struct sock_filter`; the jumps count the instructions to pass over."""

    code: int
    if_so: int
    if_not: int
    value: int


def load(offset: int) -> Instruction:
    """Load the 32-bit word of the call's record at this byte offset."""
    return Instruction(LOAD, 0, 0, offset)


def load_argument(index: int, *, upper: bool = False) -> Instruction:
    """Load the lower (or upper) half of an argument, on a little-endian machine."""
    return load(_ARGUMENTS_OFFSET + 8 * index + (4 if upper else 0))


def jump_if_equal(value: int, if_so: int, if_not: int) -> Instruction:
    """Compare what was loaded with a number."""
    return Instruction(JUMP_EQUAL, if_so, if_not, value)


def jump_if_at_least(value: int, if_so: int, if_not: int) -> Instruction:
    """Compare what was loaded with a number, both unsigned."""
    return Instruction(JUMP_AT_LEAST, if_so, if_not, value)


def jump_if_any_bit(mask: int, if_so: int, if_not: int) -> Instruction:
    """Look for any bit of a mask in what was loaded."""
    return Instruction(JUMP_ANY_BIT, if_so, if_not, mask)


def answer(action: int) -> Instruction:
    """End with an action (SECCOMP_RET_*)."""
    return Instruction(RETURN, 0, 0, action)


def assemble(instructions: list[Instruction]) -> bytes:
    """Return the program as the kernel takes it. Raises CageError where it is too long."""
    if len(instructions) > MOST_INSTRUCTIONS:
        raise CageError(f"the system call filter has {len(instructions)} instructions, too many")
    return b"".join(struct.pack("=HBBI", *entry) for entry in instructions)
