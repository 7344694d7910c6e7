"""The folder of evidence while it is being filled."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from headwater.demo.manifest import Planted, Size
from headwater.model import Kind, PlaceKind


class Scale(NamedTuple):
    """How large things are made."""

    camera_px: tuple[int, int]
    painting_px: int
    """Height that scenes are painted at, before a camera resamples them to its own size."""
    film_px: tuple[int, int]
    frames_per_second: int


SCALES: dict[Size, Scale] = {
    "small": Scale((1024, 768), 384, (320, 180), 6),
    "normal": Scale((2048, 1536), 1050, (640, 360), 12),
}


def utc(text: str) -> datetime.datetime:
    """Return a moment of the plan, which is written in UTC without saying so."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def rfc3339(moment: datetime.datetime) -> str:
    """Return a moment in UTC, to the second."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(path: bytes, inside: Sequence[bytes] = ()) -> str:
    """Return the readable key of a file or member; see `manifest.Planted.key`."""
    return "!/".join(part.decode("utf-8", "backslashreplace") for part in (path, *inside))


class Circumstances(NamedTuple):
    """What a photograph and all its copies have in common."""

    camera: str
    scene: str
    place: str
    taken_at: str


def record(
    path: bytes,
    data: bytes,
    modified: datetime.datetime,
    *,
    kind: Kind,
    format_name: str,
    inside: tuple[bytes, ...] = (),
    circumstances: Circumstances | None = None,
) -> Planted:
    """Return what the manifest says of a file or member with these bytes."""
    return Planted(
        key=key_of(path, inside),
        path=path,
        inside=inside,
        kind=kind,
        format=format_name,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).digest(),
        modified_at=rfc3339(modified),
        **(circumstances._asdict() if circumstances else {}),
    )


class EvidenceFolder:
    """Writes files with their planted times, and keeps the list of what was planted."""

    def __init__(self, folder: Path) -> None:
        self._root = os.fsencode(folder)
        self.planted: list[Planted] = []

    def plant(self, item: Planted, data: bytes) -> Planted:
        """Write a file where its record says, and give it the recorded time of change."""
        target = self._target(item.path)
        with open(target, "xb") as file:
            file.write(data)
        self._note(item)
        return item

    def plant_member(self, item: Planted) -> None:
        """Write down a member of an archive that is planted by itself."""
        self.planted.append(item)

    def plant_link(self, path: bytes, target: bytes, modified: datetime.datetime, odd: str) -> None:
        """Make a symbolic link."""
        os.symlink(target, self._target(path))
        self._note(_special(path, "link", len(target), modified, odd))

    def plant_fifo(self, path: bytes, modified: datetime.datetime, odd: str) -> None:
        """Make a named pipe."""
        os.mkfifo(self._target(path))
        self._note(_special(path, "fifo", 0, modified, odd))

    def set_directory_times(self) -> None:
        """Give every folder the time of its latest child, so that no clock shows."""
        for directory, _, _ in os.walk(self._root, topdown=False):
            children = [os.path.join(directory, name) for name in os.listdir(directory)]
            latest = max(os.lstat(child).st_mtime for child in children)
            os.utime(directory, (latest, latest))

    def _target(self, path: bytes) -> bytes:
        target = os.path.join(self._root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        return target

    def _note(self, item: Planted) -> None:
        seconds = int(datetime.datetime.fromisoformat(item.modified_at).timestamp())
        target = os.path.join(self._root, item.path)
        os.utime(target, (seconds, seconds), follow_symlinks=False)
        self.planted.append(item)


def _special(
    path: bytes, entry: PlaceKind, size_bytes: int, modified: datetime.datetime, odd: str
) -> Planted:
    return Planted(
        key=key_of(path),
        path=path,
        entry=entry,
        kind="other",
        format="none",
        size_bytes=size_bytes,
        sha256=None,
        modified_at=rfc3339(modified),
        odd=odd,
    )


changed = msgspec.structs.replace
"""Return a record with some fields changed."""
