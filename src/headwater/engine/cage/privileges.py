"""Rights of the nursery, given up once and for all before it forks: capabilities and identity."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from headwater.engine.cage.kernel import (
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_CAPBSET_READ,
    PR_SET_SECUREBITS,
    call,
    prctl,
)
from headwater.engine.cage.trial import tried

# linux/capability.h
CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_ADMIN = 5, 6, 7, 8, 21
_VERSION_3 = 0x20080522
_MOST_CAPABILITIES = 64

# linux/securebits.h: uid 0 means nothing, ids change no capabilities, nothing is kept over a
# change of ids, nothing ambient is raised; each locked.
_SECURE_BITS = 0b11 | 0b11 << 2 | 0b10 << 4 | 0b11 << 6

NOBODY = 65534
"""The id that stands for no user (the kernel's overflow id; `nobody` on Linux systems)."""


def effective_capabilities() -> int:
    """Return the capabilities in effect, as bits."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0))
    sets = ctypes.create_string_buffer(24)
    call("capget", ctypes.addressof(header), ctypes.addressof(sets))
    low, _, _, high, _, _ = struct.unpack("=6I", sets.raw[:24])
    return int(low) | int(high) << 32


def holds(*capabilities: int) -> bool:
    """Return whether all of these are in effect."""
    have = effective_capabilities()
    return all(have >> number & 1 for number in capabilities)


def become_nobody() -> None:
    """Become a user who owns nothing and is in no group. Raises OSError."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def why_not_nobody(readable: Iterable[str]) -> str | None:
    """Return None where root can become nobody and go on, else the reason.

    The libraries must stay readable, and whoever supervises must keep the right to end workers
    (it has the capabilities that this process has now).
    """
    if not holds(CAP_SETUID, CAP_SETGID, CAP_KILL):
        return "root without the rights to change its id and to end processes of another"
    refusal = tried(become_nobody, lambda: _read_all(readable))
    return f"the libraries cannot be read as nobody ({refusal})" if refusal else None


def _read_all(paths: Iterable[str]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if not os.path.isfile(path):
                os.listdir(descriptor)
        finally:
            os.close(descriptor)


def seal_capabilities() -> None:
    """Make sure that no capability is ever regained, where the process may. Raises OSError."""
    if holds(CAP_SETPCAP):
        _empty_bounding_set()
        prctl(PR_SET_SECUREBITS, _SECURE_BITS)


def drop_capabilities() -> None:
    """Give up every capability. Raises OSError."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0))
    nothing = ctypes.create_string_buffer(24)
    call("capset", ctypes.addressof(header), ctypes.addressof(nothing))


def capabilities_left() -> tuple[bool, str]:
    """Return (none can be used, in words)."""
    bounding = [number for number in range(_MOST_CAPABILITIES) if _in_bounding_set(number)]
    if effective_capabilities():
        return False, "some are held"
    if bounding:
        return True, "none held; the bounding set cannot be emptied here, and gives nothing"
    return True, "none held, the bounding set empty"


def _in_bounding_set(number: int) -> bool:
    try:
        return prctl(PR_CAPBSET_READ, number) == 1
    except OSError:
        return False


def _empty_bounding_set() -> None:
    for number in range(_MOST_CAPABILITIES):
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError:
            # The first number that the kernel does not know.
            return
