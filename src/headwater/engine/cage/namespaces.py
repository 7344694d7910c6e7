"""Namespaces of the nursery, which its workers are born into: network, IPC and mounts.

Where the process may not make them itself, a user namespace of its own is made first, in which
the user keeps their id. Everything here is an addition: what cannot be had is reported, and the
required cage stands without it.

No PID namespace. What it would add (other processes cannot be named) is refused already, by
number, by the system call filter, and by Landlock's scopes. It would cost a resident first
process whose death ends all workers, would forbid the nursery to start threads, and would make
the ids that workers know differ from those that the supervisor watches.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from headwater.engine.cage.kernel import PR_SET_DUMPABLE, call, prctl
from headwater.engine.cage.privileges import CAP_SYS_ADMIN, holds
from headwater.engine.cage.trial import tried

# linux/sched.h
_NEW_MOUNTS = 0x00020000
_NEW_IPC = 0x08000000
_NEW_USER = 0x10000000
_NEW_NETWORK = 0x40000000

_KINDS = {"network": _NEW_NETWORK, "ipc": _NEW_IPC, "mounts": _NEW_MOUNTS}


def enter_user_namespace() -> str | None:
    """Give the process rights over namespaces of its own, and return None, or why it has none.

    A process that holds CAP_SYS_ADMIN is left as it is.
    """
    if holds(CAP_SYS_ADMIN):
        return None
    # Some systems grant the user namespace but no rights in it: then it is of no use.
    refusal = tried(_new_user_namespace, partial(call, "unshare", _NEW_NETWORK))
    if refusal is None:
        _new_user_namespace()
        return None
    return f"a user namespace is refused here ({refusal})"


def enter_namespaces() -> dict[str, str | None]:
    """Enter what can be had of `network`, `ipc` and `mounts`; None for each that was entered.

    The others have the reason. After it, mounts made by the process are seen by it and its
    children alone.
    """
    outcome: dict[str, str | None] = {}
    for name, flag in _KINDS.items():
        step: Callable[[], object] = partial(call, "unshare", flag)
        if flag == _NEW_MOUNTS:
            step = new_mounts
        refusal = tried(step)
        if refusal is None:
            step()
        outcome[name] = None if refusal is None else f"a namespace is refused here ({refusal})"
    return outcome


_MS_REC, _MS_PRIVATE = 0x4000, 0x40000


def new_mounts() -> None:
    """Enter a mount namespace in which mounts reach nobody outside. Raises OSError."""
    call("unshare", _NEW_MOUNTS)
    call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)


def _new_user_namespace() -> None:
    user, group = os.geteuid(), os.getegid()
    # The files below belong to root while the process is not dumpable (proc(5)).
    prctl(PR_SET_DUMPABLE, 1)
    call("unshare", _NEW_USER)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
