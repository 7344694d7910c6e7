"""Archives of photographs and notes: nested, encrypted, and with names that mean harm."""

from __future__ import annotations

from headwater.demo import plan
from headwater.demo.archives import (
    Entry,
    gzipped,
    seven_zip_archive,
    tar_archive,
    zip_archive,
)
from headwater.demo.manifest import Copy, Planted
from headwater.demo.planting.folder import EvidenceFolder, changed, record, utc
from headwater.demo.planting.photographs import Album

PASSWORD = "headwater"  # noqa: S105 - it protects nothing, and the manifest tells it

_ARCHIVES = b"computer/Archives/"
_PACKED = utc("2026-08-03T12:00:00")
_NOTE = b"Pack the charger, the tickets and the good lens.\n"

ODD_NAMES: tuple[tuple[bytes, str], ...] = (
    (b"../../outside.jpg", "the name leads out of the archive"),
    (b"/absolute/outside.jpg", "the name begins at the root"),
    (b"caf\xe9.jpg", "the name is not UTF-8"),
    (b"two\nlines.jpg", "the name holds a line break"),
    (b"n" * 300 + b".jpg", "the name is longer than a file system takes"),
    (b"Same.jpg", "another member has this name in small letters"),
    (b"same.jpg", "another member has this name in capitals"),
    (b"same.jpg", "the member before has the very same name"),
    (b"back\\slash.jpg", "the name holds a backslash"),
)


class _Members:
    """The members of one archive, while they are chosen."""

    def __init__(self, album: Album, path: bytes, inside: tuple[bytes, ...] = ()) -> None:
        self._album, self._path, self._inside = album, path, inside
        self.entries: list[Entry] = []
        self.planted: list[Planted] = []

    def _add(self, item: Planted, data: bytes) -> None:
        name = item.inside[-1]
        earlier = sum(entry.name == name for entry in self.entries)
        if earlier:
            item = changed(item, key=f"{item.key} ({earlier + 1})")
        self.entries.append(Entry(name, data, _PACKED))
        self.planted.append(item)

    def photograph(self, name: bytes, label: str, odd: str | None = None) -> None:
        """Put in a photograph of the album: its only original, or an exact copy."""
        photograph = self._album.photographs[label]
        source = photograph.source
        item = record(
            self._path,
            source.data,
            _PACKED,
            kind="picture",
            format_name=photograph.format,
            inside=(*self._inside, name),
            circumstances=photograph.circumstances,
        )
        copy = None if item.key == source.key else Copy(of=source.key, edit="exact")
        self._add(changed(item, copy_of=copy, odd=odd), source.data)

    def note(self, name: bytes, data: bytes = _NOTE) -> None:
        """Put in a text."""
        inside = (*self._inside, name)
        item = record(self._path, data, _PACKED, kind="other", format_name="text", inside=inside)
        self._add(item, data)

    def zip_inside(self, name: bytes, members: _Members) -> None:
        """Put in a ZIP of other members, which were chosen with this `name` on their way."""
        data, inside = zip_archive(members.entries), (*self._inside, name)
        item = record(self._path, data, _PACKED, kind="archive", format_name="zip", inside=inside)
        self._add(item, data)
        self.planted += members.planted


def plant_archives(folder: EvidenceFolder, album: Album) -> None:
    """Pack all archives."""
    _plant(folder, plan.HOLIDAY, "zip", *_holiday(album))
    _plant(folder, _ARCHIVES + b"backup.tar.gz", "gzip", *_backup(album))
    _plant(folder, _ARCHIVES + b"scans.7z", "7z", *_scans(album))
    _plant(folder, _ARCHIVES + b"odd-names.zip", "zip", *_odd_names(album))
    _plant_locked(folder, album)


def _plant(
    folder: EvidenceFolder, path: bytes, format_name: str, data: bytes, members: list[Planted]
) -> None:
    folder.plant(record(path, data, _PACKED, kind="archive", format_name=format_name), data)
    for member in members:
        folder.plant_member(member)


def _holiday(album: Album) -> tuple[bytes, list[Planted]]:
    members = _Members(album, plan.HOLIDAY)
    for label, name in plan.ONLY_IN_ARCHIVE.items():
        members.photograph(name, label)
    members.photograph(b"Holiday/Beach/cape.jpg", "cape")
    members.photograph(b"Holiday/from a friend.png", "lamps-apng")
    members.note(b"Holiday/readme.txt")
    return zip_archive(members.entries), members.planted


def _backup(album: Album) -> tuple[bytes, list[Planted]]:
    path = _ARCHIVES + b"backup.tar.gz"
    inner = _Members(album, path, (b"backup/inner.zip",))
    inner.photograph(b"evening.jpg", "evening")
    inner.photograph(b"small/flat.jpg", "flat-small")
    outer = _Members(album, path)
    outer.note(b"backup/notes.txt")
    outer.zip_inside(b"backup/inner.zip", inner)
    outer.photograph(b"backup/room.jpg", "room-mirrored")
    return gzipped(tar_archive(outer.entries)), outer.planted


def _scans(album: Album) -> tuple[bytes, list[Planted]]:
    members = _Members(album, _ARCHIVES + b"scans.7z")
    members.photograph(b"scans/lake.webp", "lake-webp")
    members.photograph(b"scans/town.jpg", "town-small")
    members.note(b"scans/index.txt")
    return seven_zip_archive(members.entries), members.planted


def _odd_names(album: Album) -> tuple[bytes, list[Planted]]:
    members = _Members(album, _ARCHIVES + b"odd-names.zip")
    for name, odd in ODD_NAMES:
        members.photograph(name, "lamps-gif", odd)
    return zip_archive(members.entries), members.planted


def _plant_locked(folder: EvidenceFolder, album: Album) -> None:
    path = _ARCHIVES + b"private.zip"
    members = _Members(album, path)
    members.photograph(b"private/sent.jpg", "still-sent")
    members.note(b"private/note.txt")
    data = zip_archive(members.entries, password=PASSWORD.encode())
    reason = "encrypted"
    item = record(path, data, _PACKED, kind="archive", format_name="zip")
    folder.plant(changed(item, password=PASSWORD, refuse=reason), data)
    for member in members.planted:
        folder.plant_member(changed(member, refuse=reason))
