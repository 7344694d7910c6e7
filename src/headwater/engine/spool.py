"""Room for unpacked members: how many bytes lie in memory and on disk, and in which files."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from headwater.engine.wire import WireError
from headwater.evidence.spool import KEY_BYTES
from headwater.limits import Limits

_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """An open file of the spool, and how many bytes of the quota are set aside for it."""

    descriptor: int
    key: bytes
    room_bytes: int


class Spool:
    """Quota of unpacked members over a whole run. `folder` lies inside the case."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self.memory_bytes = 0
        self.disk_bytes = 0

    def has_memory(self) -> bool:
        """Return whether another member may be unpacked into memory."""
        ceiling = self._limits.spool_memory_bytes - self._limits.spool_member_memory_bytes
        return self.memory_bytes <= ceiling

    def has_disk(self, size_bytes: int | None) -> bool:
        """Return whether `disk_file` is to be asked now; where not, room may come free later.

        A member of unknown size (None) waits until half the quota is free.
        """
        quota = self._limits.spool_disk_bytes
        if size_bytes is None:
            return self.disk_bytes <= quota // 2
        return size_bytes > quota or self.disk_bytes + size_bytes <= quota

    def disk_file(self, size_bytes: int | None) -> SpoolFile | None:
        """Return a new, empty file without a name, its room taken from the quota; None: no room.

        A member of unknown size (None) is given all the room that is left.
        """
        left = self._limits.spool_disk_bytes - self.disk_bytes
        room = left if size_bytes is None else size_bytes
        if room > left or left <= 0:
            return None
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
            descriptor = os.open(self._folder, flags, 0o600)
        except OSError:
            return None
        self.disk_bytes += room
        return SpoolFile(descriptor, secrets.token_bytes(KEY_BYTES), room)

    def give_back(self, file: SpoolFile) -> None:
        """Close a file that no member came of; its room is free again."""
        os.close(file.descriptor)
        self.disk_bytes -= file.room_bytes


def sealed(descriptor: int) -> tuple[int, int]:
    """Seal a worker's memory file; return a read-only descriptor of it and its size in bytes.

    The given descriptor is closed. Raises WireError where it is not a memory file that can be
    sealed: an honest worker sends nothing else.
    """
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise WireError("a member's descriptor is not a file")
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        return read_only(descriptor), os.fstat(descriptor).st_size
    except OSError as error:
        raise WireError(f"a member's memory file cannot be sealed: {error.strerror}") from error
    finally:
        os.close(descriptor)


def read_only(descriptor: int) -> int:
    """Return a new, read-only descriptor of an open file of our own."""
    return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
