"""One writer at a time: an advisory lock on a file of the case."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from headwater.errors import CaseBusy

LOCK_NAME = "lock"


class WriterLock:
    """Held from construction until `close` or the end of the process.

    Raises CaseBusy, naming the process that holds it, and OSError where the file cannot be made.
    The lock belongs to the open file, so a forked child that keeps it open keeps it locked.
    """

    def __init__(self, folder: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(folder / LOCK_NAME, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise CaseBusy(
                f"process {holder or 'unknown'} is writing this case; wait until it ends, or stop "
                "it, and try again"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let the next writer in."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
