"""Which descriptors a worker keeps: those it was told to, and nothing else."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Collection

from headwater.engine.cage.kernel import call
from headwater.errors import CageError

_LAST = 0xFFFFFFFF
_STANDARD = (0, 1, 2)


def check_kept(descriptors: Collection[int]) -> None:
    """Raise CageError unless each is open and no way out.

    A folder would be a way to other files, and a socket that is not connected a way to other
    processes.
    """
    for descriptor in descriptors:
        why = why_not_kept(descriptor)
        if why is not None:
            raise CageError(f"descriptor {descriptor} cannot be kept in the cage: {why}")


def why_not_kept(descriptor: int) -> str | None:
    """Return None where a descriptor may be in a cage, else what it is."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return "it is not open"
    if stat.S_ISDIR(mode):
        return "it is a folder"
    if stat.S_ISSOCK(mode):
        held = socket.socket(fileno=descriptor)
        family, kind = held.family, held.type
        held.detach()
        if family != socket.AF_UNIX or kind == socket.SOCK_DGRAM:
            return "it is a socket that can reach others than its peer"
    return None


def open_null() -> int:
    """Open the null device and return a descriptor above 2; of 0, 1 and 2 none is free after."""
    while (descriptor := os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)) in _STANDARD:
        pass
    return descriptor


def close_others(kept: Collection[int], null: int, process_folder: int) -> None:
    """Close all descriptors but these; 0, 1 and 2 lead nowhere then instead of being free.

    A free 0, 1 or 2 would be given to the next file opened, and a library that prints would
    write into it. `null` is an open null device, `process_folder` an open `/proc`; both are
    closed too unless they are among `kept`.
    """
    for descriptor in _STANDARD:
        if descriptor not in kept:
            os.dup2(null, descriptor, inheritable=False)
    first = len(_STANDARD)
    try:
        for descriptor in (*sorted(set(kept) - set(_STANDARD)), _LAST + 1):
            if first < descriptor:
                call("close_range", first, descriptor - 1, 0)
            first = descriptor + 1
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        _close_listed(kept, process_folder)


def _close_listed(kept: Collection[int], process_folder: int) -> None:
    """Close the others on a kernel without close_range (before 5.9)."""
    listing = os.open("self/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=process_folder)
    for descriptor in sorted(int(name) for name in os.listdir(listing)):
        if descriptor not in kept and descriptor not in _STANDARD:
            try:
                os.close(descriptor)
            except OSError as error:
                # The one that the listing itself used.
                if error.errno != errno.EBADF:
                    raise
