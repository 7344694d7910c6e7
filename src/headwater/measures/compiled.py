"""How the kernels of the measures are compiled: strict floats, kept in numba's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(*signatures: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles: at once for each signature, else where it is called.

    No float operation is reordered or fused, so that a kernel gives the same on every machine. A
    kernel calls only kernels of its own file: numba's cache looks for changes in that file alone.
    """
    compiler: Callable[[Function], Function] = njit(
        list(signatures) or None, cache=True, nogil=True, fastmath=False, error_model="numpy"
    )
    return compiler
