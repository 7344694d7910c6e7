"""Pack files: blobs of a case, one after the other, in append-only files of about 1 GiB.

A pack begins with its magic, the case id and its own number, so that packs of two cases cannot
be mistaken for each other. Each blob is framed by a magic, its length and its SHA-256. Bytes are
on the disk before the commit that refers to them begins; what a crash left behind a committed
end is cut off when the case is opened for writing.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from headwater.case.faultpoints import reached
from headwater.errors import CaseDamaged
from headwater.limits import GIB

PACK_BYTES = 1 * GIB
"""A pack that has reached this size is followed by the next one."""

_HEADER = struct.Struct("<8s16sI")
_HEADER_MAGIC = b"HWPACK1\n"
_FRAME = struct.Struct("<4sQ32s")
_FRAME_MAGIC = b"HWB1"
_NAME = re.compile(r"([0-9]{8})\.pack")
_READ_BYTES = 1 << 20

HEADER_BYTES = _HEADER.size
FRAME_BYTES = _FRAME.size


@dataclass(frozen=True, slots=True)
class Location:
    """Where the frame of a blob begins, and how long the blob in it is."""

    pack: int
    offset_bytes: int
    size_bytes: int

    @property
    def end_bytes(self) -> int:
        """Offset of the first byte behind the blob."""
        return self.offset_bytes + FRAME_BYTES + self.size_bytes


def pack_path(folder: Path, pack: int) -> Path:
    """Return the path of a pack."""
    return folder / f"{pack:08d}.pack"


def pack_numbers(folder: Path) -> list[int]:
    """Return the numbers of the packs that are there, ascending."""
    names = (_NAME.fullmatch(entry.name) for entry in os.scandir(folder))
    return sorted(int(name[1]) for name in names if name)


def pack_header(case_id: str, pack: int) -> bytes:
    """Return the bytes that a pack begins with."""
    return _HEADER.pack(_HEADER_MAGIC, bytes.fromhex(case_id), pack)


class PackWriter:
    """Adds blobs to the packs of one case.

    `append` gives a place, `sync` makes all bytes given so far durable, `undo` forgets what was
    appended since the last `keep`. `last` is the last blob that was committed, None if there is
    none; whatever lies behind it is removed. Raises CaseDamaged where it is not there, OSError
    where a file cannot be written.
    """

    def __init__(
        self, folder: Path, case_id: str, last: Location | None, pack_bytes: int = PACK_BYTES
    ) -> None:
        self._folder = folder
        self._case_id = case_id
        self._pack_bytes = pack_bytes
        self._queue: dict[int, list[bytes]] = {}
        self._kept = (0, 0) if last is None else (last.pack, last.end_bytes)
        self._pack, self._end = self._durable = self._kept
        self._recover()

    def append(self, data: bytes, sha256: bytes) -> Location:
        """Return where `data` will lie once `sync` has returned."""
        if self._end >= self._pack_bytes:
            self._pack, self._end = self._pack + 1, 0
        parts = self._queue.setdefault(self._pack, [])
        if self._end == 0:
            parts.append(pack_header(self._case_id, self._pack))
            self._end = HEADER_BYTES
        location = Location(self._pack, self._end, len(data))
        parts += (_FRAME.pack(_FRAME_MAGIC, len(data), sha256), data)
        self._end = location.end_bytes
        return location

    def sync(self) -> None:
        """Write what was appended, and return when it is on the disk."""
        durable_pack, position = self._durable
        for pack, parts in sorted(self._queue.items()):
            self._write(pack, b"".join(parts), position if pack == durable_pack else 0)
        self._queue.clear()
        self._durable = self._pack, self._end

    def keep(self) -> None:
        """Take note that the commit that refers to all synced blobs succeeded."""
        self._kept = self._durable

    def undo(self) -> None:
        """Forget what was appended since the last `keep`."""
        self._queue.clear()
        self._pack, self._end = self._durable = self._kept
        self._recover()

    def _write(self, pack: int, data: bytes, position: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(pack_path(self._folder, pack), flags, 0o600)
        try:
            reached("pack.before-write")
            rest = memoryview(data)
            while rest:
                written = os.pwrite(descriptor, rest, position)
                rest, position = rest[written:], position + written
            reached("pack.after-write")
            reached("pack.before-sync")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if position == len(data):
            sync_folder(self._folder)
        reached("pack.after-sync")

    def _recover(self) -> None:
        kept_pack, kept_end = self._kept
        for pack in reversed(pack_numbers(self._folder)):
            if pack > kept_pack or kept_end == 0:
                reached("pack.before-remove")
                os.unlink(pack_path(self._folder, pack))
                sync_folder(self._folder)
                reached("pack.after-remove")
        if kept_end:
            self._cut(pack_path(self._folder, kept_pack), kept_end)

    def _cut(self, path: Path, end: int) -> None:
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            size = -1
        if size < end:
            raise CaseDamaged(
                f"{path.name} has lost bytes that the case refers to; restore the case folder "
                "from a copy, and run `verify` on it"
            )
        if size > end:
            reached("pack.before-truncate")
            os.truncate(path, end)
            reached("pack.after-truncate")


def read_blob(folder: Path, location: Location, sha256: bytes) -> bytes:
    """Return one blob. Raises CaseDamaged where its bytes are not those that were stored."""
    path = pack_path(folder, location.pack)
    try:
        with path.open("rb") as stream:
            stream.seek(location.offset_bytes)
            frame = stream.read(FRAME_BYTES)
            expected = _FRAME.pack(_FRAME_MAGIC, location.size_bytes, sha256)
            data = stream.read(location.size_bytes) if frame == expected else None
    except (OSError, OverflowError, struct.error, ValueError) as error:
        raise CaseDamaged(f"{path.name} cannot be read: {error}") from error
    if data is None or len(data) != location.size_bytes or hashlib.sha256(data).digest() != sha256:
        raise CaseDamaged(
            f"blob {sha256.hex()} in {path.name} at {location.offset_bytes} is not what was "
            "stored; run `verify` on the case"
        )
    return data


class PackCheck:
    """Reads packs from front to back and says where they differ from the blobs of a case.

    Blobs are given in the order of their ids, which is the order of their places. Memory is
    bounded by one read of 1 MiB.
    """

    def __init__(self, folder: Path, case_id: str) -> None:
        self._folder = folder
        self._case_id = case_id
        self._pack = -1
        self._end = 0
        self._stream: BinaryIO | None = None

    def blob(self, location: Location, sha256: bytes) -> Iterator[str]:
        """Yield what is wrong with one blob and with the bytes before it."""
        try:
            if location.pack != self._pack:
                yield from self._next_pack(location.pack)
            if location.offset_bytes != self._end:
                yield f"blob {sha256.hex()} does not follow the one before it"
            self._end = location.end_bytes
            if not self._same(location, sha256):
                yield f"blob {sha256.hex()} is not what was stored"
        except (OSError, OverflowError, struct.error, ValueError) as error:
            yield f"blob {sha256.hex()} cannot be read: {error}"

    def tail_bytes(self) -> int:
        """Return how many bytes lie behind the last blob: an unfinished commit's, if any."""
        sizes = {number: self._size(number) for number in pack_numbers(self._folder)}
        behind = sum(size for number, size in sizes.items() if number > self._pack)
        return behind + max(0, sizes.get(self._pack, 0) - self._end)

    def close(self) -> None:
        """Close the pack that was read last."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _next_pack(self, pack: int) -> Iterator[str]:
        self.close()
        if self._pack >= 0 and self._size(self._pack) != self._end:
            yield f"pack {self._pack} holds bytes that no blob refers to"
        if pack != self._pack + 1:
            yield f"pack {pack} does not follow pack {self._pack}"
        self._pack, self._end = pack, HEADER_BYTES
        self._stream = pack_path(self._folder, pack).open("rb")
        if self._stream.read(HEADER_BYTES) != pack_header(self._case_id, pack):
            yield f"pack {pack} is not a pack of this case"

    def _same(self, location: Location, sha256: bytes) -> bool:
        if self._stream is None:
            return False
        expected = _FRAME.pack(_FRAME_MAGIC, location.size_bytes, sha256)
        self._stream.seek(location.offset_bytes)
        if self._stream.read(FRAME_BYTES) != expected:
            return False
        digest = hashlib.sha256()
        rest = location.size_bytes
        while rest > 0 and (part := self._stream.read(min(rest, _READ_BYTES))):
            digest.update(part)
            rest -= len(part)
        return rest == 0 and digest.digest() == sha256

    def _size(self, pack: int) -> int:
        return pack_path(self._folder, pack).stat().st_size


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
