"""A view of the file system that holds the library folders, read-only, and nothing else.

Made in a mount namespace of one's own: an empty memory file system, the folders bound into it at
their own paths, then made the root. It hides what Landlock does not see, the existence and the
metadata of files, and stands in for Landlock where the kernel has none.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

from headwater.engine.cage.kernel import call
from headwater.engine.cage.spec import outermost

# linux/mount.h
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_NOATIME, _NODIRATIME, _BIND, _REC, _RELATIME = 1024, 2048, 4096, 16384, 1 << 21
_DETACH = 2

_ASIDE = "/dev"
"""Where the new root is put together: a folder every system has, and no library lies in."""

_FLAG_OF_STATVFS = {
    os.ST_NOSUID: _NOSUID,
    os.ST_NODEV: _NODEV,
    os.ST_NOEXEC: _NOEXEC,
    os.ST_NOATIME: _NOATIME,
    os.ST_NODIRATIME: _NODIRATIME,
    os.ST_RELATIME: _RELATIME,
}

_MOST_LINKS = 40


def enter_view(readable: Iterable[str]) -> None:
    """Make these paths the whole file system of the process.

    Needs a mount namespace of one's own and the rights in it. Raises OSError, and then the
    process must not go on: try it in a child first. Paths that are missing or out of reach are
    left out.
    """
    size = b"size=1m,nr_inodes=4096,mode=755"
    mask = os.umask(0o022)
    try:
        call("mount", b"none", _ASIDE.encode(), b"tmpfs", _NOSUID | _NODEV | _NOEXEC, size)
        made = os.stat(_ASIDE).st_dev
        found = {_lay_links(os.path.normpath(path), _MOST_LINKS) for path in readable}
        for path in outermost(path for path in found if path is not None):
            _bind(path)
    finally:
        os.umask(mask)
    os.chdir(_ASIDE)
    call("pivot_root", b".", b".")
    call("umount2", b".", _DETACH)
    os.chdir("/")
    flags = _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV | _NOEXEC
    call("mount", None, b"/", None, flags, None)
    if os.stat("/").st_dev != made or not os.statvfs("/").f_flag & os.ST_RDONLY:
        raise PermissionError(errno.EPERM, "the new root did not come into force")


def _lay_links(path: str, links_left: int) -> str | None:
    """Put the links on the way to a path into the new root; return where they lead, if anywhere."""
    parts = path.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        here = "/" + "/".join(parts[:depth])
        try:
            is_link = stat.S_ISLNK(os.lstat(here).st_mode)
            target = os.readlink(here) if is_link else ""
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            return None
        if is_link:
            if links_left == 0:
                return None
            if not os.path.lexists(_ASIDE + here):
                os.makedirs(os.path.dirname(_ASIDE + here), mode=0o755, exist_ok=True)
                os.symlink(target, _ASIDE + here)
            whole = os.path.join(os.path.dirname(here), target, *parts[depth:])
            return _lay_links(os.path.normpath(whole), links_left - 1)
    return path


def _bind(path: str) -> None:
    """Bind a real path into the new root, read-only."""
    place = _ASIDE + path
    if os.path.isdir(path):
        os.makedirs(place, mode=0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o444))
    call("mount", os.fsencode(path), os.fsencode(place), None, _BIND | _REC, None)
    # A flag that the mount has already may be locked: it is kept.
    held = os.statvfs(place).f_flag
    flags = sum(ours for theirs, ours in _FLAG_OF_STATVFS.items() if held & theirs)
    flags |= _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV
    call("mount", None, os.fsencode(place), None, flags, None)
