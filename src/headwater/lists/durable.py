"""Writing files so that a crash leaves the old one or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".part"
"""What the name of a file that is being written ends in."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose bytes become `path`, readable by its owner alone, when all is written.

    Whatever was there stays until then. The name is on the disk when the context has ended.
    """
    making = path.with_name(path.name + UNFINISHED)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(making, flags, 0o600)
    with open(descriptor, "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(making, path)
    sync_folder(path.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write a file in one piece; it is on the disk when this returns."""
    with replacing(path) as stream:
        stream.write(data)


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
