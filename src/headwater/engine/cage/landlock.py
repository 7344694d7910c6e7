"""Landlock: files by path, TCP, and signals and abstract sockets to the outside, refused for good.

Every right that the kernel's version of Landlock knows is taken; reading files and listing
folders is given back for the library folders. The ruleset is made once, by the nursery; a worker
enters it with one call. Landlock does not see metadata (`stat`), which the mount view hides.

Source: Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from headwater.engine.cage.kernel import call

_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3

_FILE_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights on files, from bit 0 on, each version knows (execute .. ioctl on devices)."""
_NET_RIGHTS = 0b11
"""bind and connect of TCP, from version 4."""
_SCOPES = 0b11
"""abstract Unix sockets and signals, from version 6."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A ruleset that is ready to be entered."""

    descriptor: int
    abi: int

    def covers(self) -> str:
        """Return in words what this kernel's Landlock holds."""
        parts = ["files"]
        parts += ["truncation"] * (self.abi >= 3)
        parts += ["TCP"] * (self.abi >= 4)
        parts += ["devices"] * (self.abi >= 5)
        parts += ["signals and abstract sockets"] * (self.abi >= 6)
        return f"Landlock version {self.abi}: {', '.join(parts)}"


def abi() -> int:
    """Return the kernel's version of Landlock. Raises OSError where there is none."""
    return call("landlock_create_ruleset", None, 0, _CREATE_RULESET_VERSION)


def build(readable: Iterable[str]) -> Ruleset:
    """Return a ruleset that lets these folders and files be read, and nothing else.

    Paths that are missing or out of reach are passed over. Raises OSError where Landlock is not
    there. The caller closes the descriptor.
    """
    version = abi()
    handled = (1 << max(n for since, n in _FILE_RIGHTS_BY_ABI.items() if since <= version)) - 1
    attributes = struct.pack(
        "=QQQ",
        handled,
        _NET_RIGHTS if version >= 4 else 0,
        _SCOPES if version >= 6 else 0,
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    descriptor = call("landlock_create_ruleset", attributes, size, 0)
    try:
        for path in readable:
            with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                _let_read(descriptor, path)
    except OSError:
        os.close(descriptor)
        raise
    return Ruleset(descriptor, version)


def enter(ruleset: Ruleset) -> None:
    """Put the calling thread and all that it starts under the ruleset. Needs no_new_privs."""
    call("landlock_restrict_self", ruleset.descriptor, 0)


def _let_read(ruleset: int, path: str) -> None:
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        is_folder = stat.S_ISDIR(os.fstat(beneath).st_mode)
        rights = _READ_FILE | _READ_DIR if is_folder else _READ_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, beneath))
        call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, ctypes.addressof(rule), 0)
    finally:
        os.close(beneath)
