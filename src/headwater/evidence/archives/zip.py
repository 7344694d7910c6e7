"""ZIP archives, after APPNOTE 6.3.10.

The central directory gives the members and their order, and is checked against the local headers.
Where it is missing or damaged, local headers are looked for from the start of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

from headwater.errors import Malformed
from headwater.evidence.archives.contract import Member
from headwater.evidence.archives.decode import pull_from
from headwater.evidence.archives.meter import (
    MemberStream,
    Meter,
    Pull,
    counted,
    decoder_memory_bytes,
    exactly,
    verified,
)
from headwater.evidence.archives.modes import special_kind
from headwater.evidence.archives.names import NameClashes, describe_name, excerpt
from headwater.evidence.archives.zip_data import (
    STORED,
    refused_method,
    unpack,
)
from headwater.evidence.archives.zip_directory import (
    Directory,
    Survey,
    find_directory,
    read_entries,
)
from headwater.evidence.archives.zip_records import (
    FLAG_DESCRIPTOR,
    FLAG_ENCRYPTED,
    CentralEntry,
    LocalHeader,
    entry_times,
    read_local,
    unicode_name,
)
from headwater.evidence.archives.zip_scan import scan_members
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Problem

_EMPTY_DEFLATE = 2


def read_zip(content: Content, limits: Limits) -> Iterator[Member]:
    """Yield the members of a ZIP file in the order of its central directory.

    Directories count in the ordinals and are left out. What concerns the archive as a whole stands
    in the notes of the first member, after `archive:`. See `archives.contract.ArchiveReader`.
    """
    meter = Meter(limits, content.size_bytes)
    directory = find_directory(content)
    survey = None
    if directory is not None:
        survey = Survey(content, directory, limits.archive_members)
    if directory is None or survey is None or not survey.complete or _hides(content, survey):
        yield from scan_members(content, limits, meter)
        return
    reader = _Reader(content, limits, meter, directory, survey)
    notes = _archive_notes(content, directory, survey)
    for ordinal, entry in enumerate(read_entries(content, directory)):
        meter.member()
        if entry is None:
            raise Malformed("the central directory cannot be read again")
        member, stream = reader.member(ordinal, entry, notes)
        if member is None:
            continue
        notes = ()
        yield member
        if stream is not None:
            stream.close()
    meter.check()


def _hides(content: Content, survey: Survey) -> bool:
    """Return whether the directory is empty although members are there."""
    return survey.count == 0 and read_local(content, 0) is not None


class _Reader:
    """Turns directory entries into members."""

    def __init__(
        self, content: Content, limits: Limits, meter: Meter, directory: Directory, survey: Survey
    ) -> None:
        self._content = content
        self._memory = decoder_memory_bytes(limits)
        self._meter = meter
        self._prefix = directory.prefix
        self._survey = survey
        self._clashes = NameClashes()

    def member(
        self, ordinal: int, entry: CentralEntry, notes: tuple[str, ...]
    ) -> tuple[Member | None, MemberStream | None]:
        """Return the member and its stream; no member where the entry is a directory."""
        local = read_local(self._content, self._survey.start(ordinal))
        is_directory = entry.name.endswith(b"/") or entry.dos_directory
        if is_directory and entry.unpacked_bytes == 0 and entry.packed_bytes <= _EMPTY_DEFLATE:
            return None, None
        notes += describe_name(entry.name) + self._clashes.notes(entry.name)
        notes += _entry_notes(entry, local)
        if is_directory:
            notes += ("directory entry with data",)
        reason = self._refusal(ordinal, entry, local)
        stream = None
        problem = None
        if local is None:
            problem = _problem("malformed", "no local header where the directory points")
        elif reason is not None:
            problem = _problem("refused", reason)
        else:
            stream = MemberStream(self._pull(entry, local), self._meter)
        opened = stream
        member = Member(
            ordinal,
            entry.name,
            entry.unpacked_bytes,
            local.data_offset if local else None,
            entry_times(entry.dos, entry.extra, local.extra if local else b""),
            notes,
            problem,
            (lambda: cast(BinaryIO, opened)) if opened is not None else None,
        )
        return member, stream

    def _refusal(self, ordinal: int, entry: CentralEntry, local: LocalHeader | None) -> str | None:
        """Return why a member is not opened."""
        special = special_kind(entry.unix_mode)
        if special is not None:
            return special
        refused = refused_method(entry.method, entry.flags & (local.flags if local else 0))
        if refused is not None:
            return refused
        bound = self._survey.bound(ordinal)
        if bound is None:
            return "overlaps: an earlier entry has the same data"
        if local is not None and local.data_offset + entry.packed_bytes > bound:
            if bound == self._content.size_bytes:
                return None
            return "overlaps: its data runs into the next member or the directory"
        return None

    def _pull(self, entry: CentralEntry, local: LocalHeader) -> Pull:
        stored = pull_from(self._content, local.data_offset)
        packed = exactly(stored, entry.packed_bytes, "the member's data")
        pull = unpack(entry.method, packed, entry.unpacked_bytes, self._memory)
        return verified(counted(pull, self._meter), entry.crc32, entry.unpacked_bytes)


def _entry_notes(entry: CentralEntry, local: LocalHeader | None) -> tuple[str, ...]:
    """Return what other name and comment there are, and where the two headers disagree."""
    notes: list[str] = []
    other = unicode_name(entry.extra)
    if other is not None and other != entry.name:
        notes.append(f"also named {excerpt(other)}")
    if entry.comment:
        notes.append(f"comment {excerpt(entry.comment)}")
    if local is None:
        return tuple(notes)
    if local.name != entry.name:
        notes.append(f"local header differs: name {excerpt(local.name)}")
    differing: tuple[tuple[str, bool], ...] = (
        ("method", local.method != entry.method),
        ("encryption", (local.flags ^ entry.flags) & FLAG_ENCRYPTED != 0),
        ("time", local.dos != entry.dos),
    )
    if not local.flags & FLAG_DESCRIPTOR:
        differing += (
            ("CRC-32", local.crc32 != entry.crc32),
            ("packed size", local.packed_bytes != entry.packed_bytes),
            ("unpacked size", local.unpacked_bytes != entry.unpacked_bytes),
        )
    notes.extend(f"local header differs: {what}" for what, differs in differing if differs)
    return tuple(notes)


def _archive_notes(content: Content, directory: Directory, survey: Survey) -> tuple[str, ...]:
    notes: list[str] = []
    if directory.prefix:
        notes.append(f"archive: {directory.prefix} bytes before it")
    if directory.trailing_bytes:
        notes.append(f"archive: {directory.trailing_bytes} bytes after it")
    if directory.comment_bytes:
        end = content.size_bytes - directory.trailing_bytes
        comment = content.read_at(end - directory.comment_bytes, directory.comment_bytes)
        notes.append(f"archive: comment {excerpt(comment)}")
    claimed = directory.entries if directory.wide else directory.entries % 0xFFFF
    counted_entries = survey.count if directory.wide else survey.count % 0xFFFF
    if claimed != counted_entries:
        notes.append(f"archive: {directory.entries} entries stated, {survey.count} found")
    kinds = (
        ("mimetype", b"mimetype"),
        ("Office Open XML or package", b"[Content_Types].xml"),
        ("Android package", b"AndroidManifest.xml"),
        ("Java archive", b"META-INF/MANIFEST.MF"),
    )
    for kind, name in kinds:
        if name in survey.names:
            notes.append(f"archive: kind {_mimetype(content, directory) or kind}")
            break
    return tuple(notes)


def _mimetype(content: Content, directory: Directory) -> str | None:
    """Return what a stored first member `mimetype` says, as EPUB and OpenDocument files have."""
    local = read_local(content, directory.prefix)
    if local is None or local.name != b"mimetype" or local.method != STORED:
        return None
    if not 0 < local.packed_bytes <= 80:
        return None
    return excerpt(content.read_at(local.data_offset, local.packed_bytes))


def _problem(code: str, reason: str) -> Problem:
    return Problem(code=code, where="archive", reason=reason)
