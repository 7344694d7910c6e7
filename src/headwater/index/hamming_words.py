"""256-bit codes as machine words, and what the kernels ask of the processor.

A code is four uint64 words. It is stored in two halves, `front` (words 0 and 1) and `back` (words
2 and 3), each uint64 (codes, 2): most comparisons end with the front, so that is all they read.
The order of bits in a word means nothing here, as long as all codes share it: distances count.

Numba's cache of a kernel does not look at this file: after a change here it must be deleted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

Words = npt.NDArray[np.uint64]
Allocate = Callable[[tuple[int, ...], Any], npt.NDArray[Any]]
"""Takes a shape and a dtype and returns a C-contiguous array of that, with any content."""

CODE_BYTES = 32
CODE_BITS = 256
_LINE_BYTES = 64


def aligned(allocate: Allocate, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Return an array that begins with a cache line, so that no code lies in two of them."""
    dtype = np.dtype(dtype)
    size_bytes = math.prod(shape) * dtype.itemsize
    room = allocate((size_bytes + _LINE_BYTES,), np.uint8)
    skipped = -int(room.__array_interface__["data"][0]) % _LINE_BYTES
    array: npt.NDArray[Any] = room[skipped : skipped + size_bytes].view(dtype).reshape(shape)
    return array


class Halves(NamedTuple):
    """Codes as the kernels take them: two arrays uint64 (codes, 2)."""

    front: Words
    back: Words

    def part(self, begin: int, end: int) -> Halves:
        """Return the codes from row `begin` to before row `end`, without copying."""
        return Halves(self.front[begin:end], self.back[begin:end])

    @property
    def nbytes(self) -> int:
        return self.front.nbytes + self.back.nbytes


def room_for(allocate: Allocate, count: int) -> Halves:
    """Return room for so many codes."""
    front = aligned(allocate, (count, 2), np.uint64)
    return Halves(front, aligned(allocate, (count, 2), np.uint64))


def copy_codes(codes: npt.NDArray[np.uint8], to: Halves, begin: int) -> None:
    """Copy codes uint8 (n, 32) to the rows from `begin` on."""
    end = begin + len(codes)
    to.front[begin:end].view(np.uint8)[:] = codes[:, :16]
    to.back[begin:end].view(np.uint8)[:] = codes[:, 16:]


@intrinsic  # type: ignore[untyped-decorator]
def popcount(context: Any, word: Any) -> Any:
    """Return how many bits of a uint64 are set, as uint64; loops over it become vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(context: Any, array: Any, place: Any) -> Any:
    """Begin to load the element at `place` of a one-dimensional contiguous array, for reading."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        structure = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(structure.data, [arguments[1]])
        untyped = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        whole = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), whole, whole, whole])
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [ir.IntType(8).as_pointer()], kind
        )
        builder.call(function, [untyped, whole(0), whole(3), whole(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate
