"""Memory for secrets: kept from dumps, from swap and from child processes, wiped when given up.

`protect_process` is called once, before a list is opened or imported. It concerns the whole
process, because values of a list pass through ordinary objects too: readers make them, and
libraries copy keys. `LockedMemory` is where whole arrays of them lie.

This protects a stolen disk, and files that a crash leaves behind. It does not protect a running
machine from whoever has become its administrator, nor a machine that is put to sleep onto a disk
(hibernation writes locked memory, too).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import mmap
import os
import resource
import weakref
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from headwater.errors import UsageError
from headwater.model import Record

Held = Literal["locked", "no_swap", "accepted"]

SWAPS = Path("/proc/swaps")

# prctl(2), mlock(2), mlockall(2), madvise(2)
_PR_SET_DUMPABLE = 4
_MLOCK_ONFAULT = 1
_MCL_CURRENT_FUTURE_ONFAULT = 1 | 2 | 4
_MADV_WIPEONFORK = 18
_HUGE_FROM_BYTES = 4 << 20

_library = ctypes.CDLL(None, use_errno=True)
_library.mlock2.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_library.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)


class Protection(Record, frozen=True, kw_only=True):
    """What keeps the memory of this process from the disk."""

    held: Held
    """`locked`: the system may not swap this process. `no_swap`: it could, but the machine has
    no swap. `accepted`: it could, and the caller said that it may."""
    reason: str = ""
    """Why it is not locked; empty where it is."""


def protect_process(*, accept_swap: bool = False) -> Protection:
    """Keep this process from being dumped, read by others of its user, and swapped.

    Calling it again does no harm. A child that is forked and executes another program has none
    of it, save the ban on core files. Raises UsageError where memory can be swapped and the
    caller did not accept that.
    """
    _no_dumps()
    reason = _lock_all()
    if not reason:
        return Protection(held="locked")
    if not swap_in_use():
        return Protection(held="no_swap", reason=reason)
    if accept_swap:
        return Protection(held="accepted", reason=reason)
    raise UsageError(
        f"memory cannot be locked ({reason}) and this machine has swap, so values of known lists "
        "could be written to a disk; raise the limit (`ulimit -l unlimited`, or "
        "LimitMEMLOCK=infinity for a service), turn swap off (`swapoff -a`), or, where the swap "
        "is encrypted, pass --accept-swap"
    )


def swap_in_use() -> bool:
    """Return whether the machine has swap; True where that cannot be told (proc(5))."""
    try:
        lines = SWAPS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return True
    # The first line names the columns.
    return not lines or any(line.strip() for line in lines[1:])


def lock_obstacle() -> str:
    """Return why the memory of this process cannot be locked, "" where it can; changes nothing."""
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    # Under a finite limit each later mapping could fail, anywhere in the program.
    if most == resource.RLIM_INFINITY or _may_lock_beyond_limit():
        return ""
    return f"the limit on locked memory is {most >> 10} KiB"


def _no_dumps() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise UsageError(
            f"this process cannot be kept from being dumped ({os.strerror(ctypes.get_errno())}); "
            "run it where prctl(PR_SET_DUMPABLE) is allowed"
        )


def _lock_all() -> str:
    """Lock all memory, what is mapped later included; return why that failed, "" where not."""
    if reason := lock_obstacle():
        return reason
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if most == resource.RLIM_INFINITY:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))
    if _library.mlockall(_MCL_CURRENT_FUTURE_ONFAULT) != 0:
        return f"the system refused: {os.strerror(ctypes.get_errno())}"
    return ""


def _may_lock_beyond_limit() -> bool:
    """Return whether this process has CAP_IPC_LOCK (capabilities(7))."""
    capability = 14
    try:
        status = Path("/proc/thread-self/status").read_bytes()
    except OSError:
        return False
    for line in status.splitlines():
        if line.startswith(b"CapEff:"):
            return bool(int(line.split()[1], 16) >> capability & 1)
    return False


class _Pages(mmap.mmap):
    """Anonymous pages that are wiped before the system gets them back."""

    _place: int
    _size: int
    _process: int = 0

    def wipe(self) -> None:
        """Overwrite with zeros; arrays that still look at these pages see the zeros."""
        # In a forked child there is nothing but zeros, and writing would only cost memory.
        if self._process == os.getpid():
            ctypes.memset(self._place, 0, self._size)

    def __del__(self) -> None:
        self.wipe()


class LockedMemory:
    """Gives arrays in memory of the kind that `protection` tells of; a context.

    Each array's memory is left out of core dumps, is zero in a forked child, and is overwritten
    with zeros when the last array that looks at it is gone, at latest by `close`.
    """

    def __init__(self, protection: Protection) -> None:
        self.protection = protection
        self._given: weakref.WeakSet[_Pages] = weakref.WeakSet()

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        """Return a C-contiguous array of zeros. Raises MemoryError where there is no room."""
        kind = np.dtype(dtype)
        size_bytes = math.prod(shape) * kind.itemsize
        if size_bytes == 0:
            return np.zeros(shape, kind)
        pages = _pages(size_bytes, lock=self.protection.held != "locked")
        self._given.add(pages)
        count = size_bytes // kind.itemsize
        return np.frombuffer(pages, kind, count).reshape(shape)

    @property
    def held_bytes(self) -> int:
        """Size of all arrays that are in use, in whole pages."""
        return sum(len(pages) for pages in self._given)

    def close(self) -> None:
        """Wipe all that was given. Arrays that are still there hold zeros from now on."""
        for pages in list(self._given):
            pages.wipe()
        self._given.clear()

    def __enter__(self) -> LockedMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pages(size_bytes: int, *, lock: bool) -> _Pages:
    size = -(-size_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
    try:
        pages = _Pages(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        if error.errno in (errno.ENOMEM, errno.EAGAIN):
            raise MemoryError(f"there is no room for {size} bytes of locked memory") from error
        raise
    pages._place = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    pages._size = size
    pages._process = os.getpid()
    pages.madvise(mmap.MADV_DONTDUMP)
    pages.madvise(_MADV_WIPEONFORK)
    if size >= _HUGE_FROM_BYTES:
        # Kernels without transparent huge pages refuse; nothing hangs on it but speed.
        with contextlib.suppress(OSError):
            pages.madvise(mmap.MADV_HUGEPAGE)
    if lock:
        # Best effort: that this process is not locked as a whole was allowed before.
        _library.mlock2(pages._place, size, _MLOCK_ONFAULT)
    return pages
