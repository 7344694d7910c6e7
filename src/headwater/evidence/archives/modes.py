"""What a Unix mode says a member is."""

from __future__ import annotations

import stat

_SPECIAL = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
}


def special_kind(mode: int | None) -> str | None:
    """Return what is neither file nor directory in words; None for those, and where no mode is."""
    return _SPECIAL.get(stat.S_IFMT(mode)) if mode else None
