"""The manifest of a list version: its segments, and the files they lie in. No secret.

One folder a version, named by its id. Entries are numbered from 0 in the order of the list file.
Segment 12 lies in sealed files `000012.md5`, `.sha1`, `.sha256`, `.pdq`, `.photodna` (those it
has) and `000012.details`. The SHA-256 of `manifest.json` is kept elsewhere, in the case's log, so
that no file can be changed, taken away or put back to an earlier one without being noticed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from headwater.errors import CaseDamaged
from headwater.lists.seal import SealedFile
from headwater.model import Record

MANIFEST = "manifest.json"
REPORT = "report.json"
LAYOUT = 1
"""Rises when the files of a version are laid out otherwise."""

_MOST_BYTES = 1 << 26
_READ_BYTES = 1 << 20


class Segment(Record, frozen=True, kw_only=True):
    """Some of the entries of a list, in files of their own."""

    number: int
    """From 0."""
    first_entry: int
    entries: int
    counts: dict[str, int]
    """Hashes by kind: `md5`, `sha1`, `sha256`, `pdq`, `photodna`; a kind that has none is not
    there."""
    files: dict[str, SealedFile]
    """By the ending of their names: the kinds, and `details`."""

    def name(self, ending: str) -> str:
        """Return the name of one of its files."""
        return f"{self.number:06d}.{ending}"


class Manifest(Record, frozen=True, kw_only=True):
    """All that is kept of a list version."""

    layout: int
    version_id: str
    """32 hex digits, the name of the folder."""
    key_check: bytes
    entries: int
    counts: dict[str, int]
    """Hashes by kind, over all segments."""
    segments: tuple[Segment, ...]
    report_sha256: bytes | None = None
    """Of `report.json`, None where there is none."""

    def encoded(self) -> bytes:
        """Return the bytes of `manifest.json`."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1) + b"\n"


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of a manifest or a report, 32 bytes."""
    return hashlib.sha256(data).digest()


def read_manifest(folder: Path, manifest_sha256: bytes) -> Manifest:
    """Return the manifest of a version. Raises CaseDamaged where it is not what was kept."""
    try:
        with (folder / MANIFEST).open("rb") as stream:
            data = stream.read(_MOST_BYTES)
    except OSError as error:
        raise CaseDamaged(
            f"known list {folder.name} cannot be read: {error.strerror}; restore the case folder "
            "from a copy, or import the list again"
        ) from error
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError:
        manifest = None
    if digest(data) != manifest_sha256 or manifest is None or manifest.version_id != folder.name:
        raise CaseDamaged(
            f"the manifest of known list {folder.name} is not what was kept; restore the case "
            "folder from a copy, or import the list again"
        )
    if manifest.layout != LAYOUT:
        raise CaseDamaged(
            f"known list {folder.name} was kept by another version of Headwater (layout "
            f"{manifest.layout}); import it again"
        )
    return manifest


def changed_files(folder: Path, manifest_sha256: bytes) -> list[str]:
    """Return what is wrong with the files of a version, in words; needs no key.

    Reads every file to its end.
    """
    try:
        manifest = read_manifest(folder, manifest_sha256)
    except CaseDamaged as error:
        return [str(error)]
    expected = {
        segment.name(ending): file.sha256
        for segment in manifest.segments
        for ending, file in segment.files.items()
    }
    if manifest.report_sha256 is not None:
        expected[REPORT] = manifest.report_sha256
    present = {entry.name for entry in folder.iterdir()} - {MANIFEST}
    return [
        *(
            f"{folder.name}/{name} {wrong}"
            for name, sha256 in sorted(expected.items())
            if (wrong := _wrong(folder / name, sha256))
        ),
        *(f"{folder.name}/{name} belongs to no list" for name in sorted(present - set(expected))),
    ]


def _wrong(path: Path, sha256: bytes) -> str:
    """Return what is wrong with a file, "" where nothing is."""
    held = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while part := stream.read(_READ_BYTES):
                held.update(part)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if held.digest() == sha256 else "is not what was kept"
