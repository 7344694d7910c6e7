"""Folders and single files, walked and opened by descriptor so that nothing about them changes.

Listing a directory by path and reading a link both change access times on ordinary mounts, so
directories are opened with O_NOATIME, links are recorded and never read, and a file is opened
only once its type is known to be regular: a device or FIFO is never opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.errors import EvidenceError
from headwater.model import PlaceKind, Problem

_BASE_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_ST_NOATIME = 1024
_ST_NODIRATIME = 2048

_KINDS: tuple[tuple[int, PlaceKind], ...] = (
    (stat.S_IFREG, "file"),
    (stat.S_IFLNK, "link"),
    (stat.S_IFIFO, "fifo"),
    (stat.S_IFSOCK, "socket"),
    (stat.S_IFDIR, "directory"),
)

READ_ONLY_ADVICE = (
    "mount the evidence read-only (for example: mount -o ro,noatime,noexec,nodev DEVICE FOLDER, "
    "through a write blocker where there is one) or run as the owner of the files; "
    "--accept-atime goes on and says so in every report"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One name found in a source, before its bytes are read.

    `directory` and `name` are raw bytes; the path of a place is `directory/name` below its
    source. Times are nanoseconds since 1970 UTC.
    """

    directory: bytes
    name: bytes
    kind: PlaceKind
    size_bytes: int | None
    modified_ns: int | None
    changed_ns: int | None
    accessed_ns: int | None
    created_ns: int | None = None
    problem: Problem | None = None


class Walk:
    """All places of one source, in byte order of names within each directory.

    `accept_atime` allows reads that may change access times. Raises EvidenceError where the
    source is missing, is a link, or cannot be read unaltered.
    """

    def __init__(self, source: bytes, *, accept_atime: bool) -> None:
        self.source = os.path.abspath(source)
        self._accept_atime = accept_atime
        self._held: tuple[bytes, int] | None = None
        try:
            status = os.lstat(self.source)
        except OSError as error:
            raise EvidenceError(_cannot(self.source, error)) from error
        self.is_folder = stat.S_ISDIR(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            raise EvidenceError(
                f"{_show(self.source)} is a symbolic link; name the folder or file it points to, "
                "so that the record says what was read"
            )
        if not self.is_folder and not stat.S_ISREG(status.st_mode):
            raise EvidenceError(f"{_show(self.source)} is neither a folder nor a regular file")

    @property
    def kind(self) -> str:
        """`folder` or `file`."""
        return "folder" if self.is_folder else "file"

    def directories(self) -> Iterator[tuple[bytes, list[bytes] | OSError]]:
        """Yield each directory (path below the source) with its names, parents first.

        Names are sorted and leave sub-directories out, which are yielded in their turn. A
        directory that cannot be read is yielded with the error in place of names.
        """
        if not self.is_folder:
            yield b"", [os.path.basename(self.source)]
            return
        pending = [b""]
        while pending:
            directory = pending.pop()
            try:
                descriptor = self._open_directory(directory)
            except OSError as error:
                yield directory, error
                continue
            try:
                names, below = _names(descriptor)
            except OSError as error:
                yield directory, error
                continue
            finally:
                os.close(descriptor)
            yield directory, names
            prefix = directory + b"/" if directory else b""
            pending.extend(prefix + name for name in reversed(below))

    def places(self, directory: bytes, names: list[bytes]) -> Iterator[Place]:
        """Yield the places of `names` in one directory; those that are gone as unreadable."""
        if not self.is_folder:
            yield self._looked_at(b"", names[0], None)
            return
        try:
            descriptor = self._open_directory(directory)
        except OSError as error:
            for name in names:
                yield _gone(directory, name, error)
            return
        try:
            for name in names:
                place = self._looked_at(directory, name, descriptor)
                if place.kind != "directory":
                    yield place
        finally:
            os.close(descriptor)

    def _looked_at(self, directory: bytes, name: bytes, parent: int | None) -> Place:
        path = self.source if parent is None else name
        try:
            return _place(directory, name, os.stat(path, dir_fd=parent, follow_symlinks=False))
        except OSError as error:
            return _gone(directory, name, error)

    def open_place(self, place: Place) -> int:
        """Return a read-only descriptor of a regular file; the caller closes it.

        Raises OSError where it cannot be opened, EvidenceError where opening it could alter it,
        FileNotFoundError where it is no longer the regular file that was listed.
        """
        if not self.is_folder:
            name, parent = self.source, None
        else:
            name, parent = place.name, self._held_directory(place.directory)
        # What lies there now may be a device or FIFO, which merely being opened can change.
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise FileNotFoundError("it is no longer a regular file")
            return self._open(
                name, b"/proc/self/fd/%d" % handle, None, _BASE_FLAGS & ~os.O_NOFOLLOW
            )
        finally:
            os.close(handle)

    def close(self) -> None:
        """Close the directory that is held open between files."""
        if self._held is not None:
            os.close(self._held[1])
            self._held = None

    def _held_directory(self, directory: bytes) -> int:
        """Return a descriptor that serves all files of one directory."""
        if self._held is None or self._held[0] != directory:
            self.close()
            self._held = (directory, self._open_directory(directory))
        return self._held[1]

    def _open_directory(self, directory: bytes) -> int:
        """Open step by step, so that no link on the way is ever followed."""
        flags = _BASE_FLAGS | os.O_DIRECTORY
        descriptor = self._open(self.source, self.source, None, flags)
        for step in directory.split(b"/") if directory else []:
            try:
                below = self._open(step, step, descriptor, flags)
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor

    def _open(self, name: bytes, path: bytes, parent: int | None, flags: int) -> int:
        """Open `path`, which is called `name` where it cannot be done without altering it."""
        try:
            return os.open(path, flags | os.O_NOATIME, dir_fd=parent)
        except PermissionError:
            pass
        descriptor = os.open(path, flags, dir_fd=parent)
        mount = os.fstatvfs(descriptor).f_flag
        kept = os.ST_RDONLY | _ST_NOATIME | (_ST_NODIRATIME if flags & os.O_DIRECTORY else 0)
        if self._accept_atime or mount & kept:
            return descriptor
        os.close(descriptor)
        raise EvidenceError(
            f"reading {_show(name)} in {_show(self.source)} would change its access time, and the "
            f"kernel refuses O_NOATIME here; {READ_ONLY_ADVICE}"
        )


def changed_while_read(place: Place, descriptor: int) -> Problem | None:
    """Return a problem where the file is not what it was when it was listed."""
    now = os.fstat(descriptor)
    if (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (
        place.size_bytes,
        place.modified_ns,
        place.changed_ns,
    ):
        reason = "the file changed between listing and the end of reading"
        return Problem(code="changed", where="read", reason=reason, reproducible=False)
    return None


def unreadable(error: OSError, where: str) -> Problem:
    """Return the problem of a place that the system would not open or read."""
    return Problem(code="unreadable", where=where, reason=_reason(error))


def _gone(directory: bytes, name: bytes, error: OSError) -> Place:
    problem = Problem(code="unreadable", where="walk", reason=_reason(error))
    return Place(directory, name, "file", None, None, None, None, problem=problem)


def _place(directory: bytes, name: bytes, status: os.stat_result) -> Place:
    kind: PlaceKind = next(
        (kind for mode, kind in _KINDS if stat.S_IFMT(status.st_mode) == mode), "device"
    )
    return Place(
        directory,
        name,
        kind,
        status.st_size if kind == "file" else None,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_atime_ns,
    )


def _names(descriptor: int) -> tuple[list[bytes], list[bytes]]:
    """Return the sorted names in a directory: what is not a directory, and the directories."""
    names: list[bytes] = []
    below: list[bytes] = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            is_directory = entry.is_dir(follow_symlinks=False)
            (below if is_directory else names).append(os.fsencode(entry.name))
    return sorted(names), sorted(below)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _cannot(path: bytes, error: OSError) -> str:
    return f"cannot open {_show(path)}: {_reason(error)}"


def _show(path: bytes) -> str:
    return ascii(os.fsdecode(path))[1:-1]
