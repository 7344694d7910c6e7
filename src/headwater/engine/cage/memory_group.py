"""A control group that bounds the memory of the nursery and its workers together (cgroup v2).

It can be had only where the process may make groups below its own and the memory controller is
handed on to them, which systems rarely grant. Otherwise the bound that stands already (set by a
container or a service manager) is reported.

Source: Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os

from headwater.engine.cage.kernel import errno_name

_PREFIX = "headwater-"
_MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


def join(limit_bytes: int | None) -> tuple[bool, str]:
    """Move the process into a group of its own with a bound; return (bounded, how or why not)."""
    folder = own_group()
    if folder is None:
        return False, "there is no cgroup v2 here"
    if limit_bytes is None:
        return describe(folder, "none was asked for")
    return join_below(folder, limit_bytes, os.getpid())


def own_group() -> str | None:
    """Return the folder of the process's own group, None where there is no cgroup v2."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    paths = [line[3:] for line in lines if line.startswith("0::/")]
    for mount in _MOUNTS:
        if paths and os.path.exists(os.path.join(mount, "cgroup.procs")):
            return os.path.normpath(mount + paths[0])
    return None


def join_below(folder: str, limit_bytes: int, process: int) -> tuple[bool, str]:
    """Make a group below `folder` with a bound on memory and move a process into it.

    Groups of earlier runs that nothing lives in any more are removed.
    """
    group = os.path.join(folder, f"{_PREFIX}{process}")
    try:
        _remove_empty(folder)
        os.mkdir(group)
    except OSError as error:
        return describe(folder, f"no group can be made ({errno_name(error)})")
    try:
        _write(os.path.join(group, "memory.max"), str(limit_bytes))
        _write(os.path.join(group, "cgroup.procs"), str(process))
    except OSError as error:
        with contextlib.suppress(OSError):
            os.rmdir(group)
        return describe(folder, f"the memory controller is not handed on ({errno_name(error)})")
    return True, f"{limit_bytes} bytes for the nursery and its workers, in a group of their own"


def describe(folder: str, reason: str) -> tuple[bool, str]:
    """Return (bounded, words) for the bound that stands: the least on the way up."""
    bounds = []
    while len(folder) > 1:
        with contextlib.suppress(OSError, ValueError), open(folder + "/memory.max", "rb") as file:
            bounds.append(int(file.read(64)))
        folder = os.path.dirname(folder)
    if bounds:
        return True, f"{min(bounds)} bytes, set from outside ({reason})"
    return False, reason


def _remove_empty(folder: str) -> None:
    for name in sorted(os.listdir(folder)):
        if name.startswith(_PREFIX):
            # The kernel refuses while a process lives there.
            with contextlib.suppress(OSError):
                os.rmdir(os.path.join(folder, name))


def _write(path: str, text: str) -> None:
    """Write into a file that the kernel made; it is never created."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
