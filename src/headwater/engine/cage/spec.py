"""What a cage is asked to be, and what it became."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from typing import Literal

import msgspec

from headwater.limits import GIB
from headwater.model import Record

Level = Literal["strong", "required"]
"""`strong`: everything in `STRONG` holds too. `required`: the least that is accepted holds."""

REQUIRED = ("no_new_privileges", "system_calls", "limits", "descriptors", "files")
"""Without each of these there is no cage, and CageError is raised."""

STRONG = ("landlock", "mount_view", "network", "identity", "capabilities")
"""What a cage of level `strong` has beyond `REQUIRED`."""

_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
_INSTALLED = ("site-packages", "dist-packages")


@cache
def library_folders() -> tuple[str, ...]:
    """Return what a worker may read by path: where Python and shared libraries are loaded from.

    The library folders of this interpreter and of the environment it runs in, where packages are
    installed, this package, the system's library folders, and the loader's index of them. What
    does not exist, or lies below another path of the answer, is left out. Sorted. Found once: in
    a cage the answer is the nursery's.
    """
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    wanted = {package, *_SYSTEM_LIBRARIES}
    for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix):
        wanted |= {os.path.join(prefix, folder) for folder in ("lib", "lib64", sys.platlibdir)}
    wanted |= {path for path in sys.path if os.path.basename(path) in _INSTALLED}
    return outermost(path for path in wanted if os.path.exists(path))


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that lie below no other of them, sorted."""
    kept: list[str] = []
    for path in sorted(paths):
        if not any(path == other or path.startswith(other + "/") for other in kept):
            kept.append(path)
    return tuple(kept)


class CageSpec(Record, frozen=True, kw_only=True):
    """What one worker may have.

    The nursery is entered with the same `readable`, `executable_memory` and `group_memory_bytes`;
    the rest may differ from worker to worker.
    """

    memory_bytes: int
    """Address space beyond what the process has when its cage closes."""
    readable: tuple[str, ...] = msgspec.field(default_factory=library_folders)
    """Absolute paths of folders (with all below them) and files that may be read by path."""
    file_bytes: int = 1 * GIB
    """Largest file or memory file that may be written (through descriptors alone)."""
    open_files: int = 256
    """Descriptors open at one time. The kernel also refuses to pass descriptors on while all
    processes of the user together have more than this in flight, so it is no tight count."""
    tasks: int = 4096
    """Processes and threads of the user, over all workers. Workers cannot fork; this bounds
    threads. The kernel does not apply it to the machine's root."""
    kept_descriptors: tuple[int, ...] = ()
    """Descriptors that stay open: no folders, and sockets of `AF_UNIX` that are connected."""
    executable_memory: bool = False
    """Whether machine code may be made inside the cage (a kernel compiled there). Off, a call
    that would compile fails or ends the worker."""
    group_memory_bytes: int | None = None
    """Memory of the nursery and all its workers together, where a control group can be had."""


class Property(Record, frozen=True, kw_only=True):
    """One property of a cage."""

    name: str
    on: bool
    why: str
    """How it is held, or why it is not."""


class CageReport(Record, frozen=True, kw_only=True):
    """What a closed cage has."""

    level: Level
    properties: tuple[Property, ...]
    """Sorted by name."""

    def as_text(self) -> dict[str, str]:
        """Return `level` and each property as `on: how` or `off: why not`."""
        return {"level": self.level} | {
            entry.name: f"{'on' if entry.on else 'off'}: {entry.why}" for entry in self.properties
        }
