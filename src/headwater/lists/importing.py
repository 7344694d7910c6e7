"""Imports a list file: what a reader gives goes into sealed segments, and no further.

While an import is under way its files lie in `importing-<digest of the list's name>` below the
folder of lists, and beside it, after each whole segment, a sealed state: which file it is, where
its reader goes on, and what was counted. A stop, of whatever kind, loses what came after; the
next import of that file under that name goes on from there. When all is in, the folder is renamed
to the id of the new version, at once. Whatever was imported before stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import CaseDamaged, UsageError
from headwater.lists.contract import Batch, ListFault, Reader, Spot, Stream
from headwater.lists.durable import UNFINISHED, sync_folder, write_file
from headwater.lists.keys import ListKey
from headwater.lists.locked import LockedMemory
from headwater.lists.manifest import REPORT, Segment, digest
from headwater.lists.seal import Sealed, seal
from headwater.lists.segments import SEGMENT_ENTRIES, SegmentWriter
from headwater.lists.tally import Tally
from headwater.model import Record

BROKEN_SHARE = 0.10
HEAD_BYTES = 1 << 20

_STATE = ".state"
_LAYOUT = 1
_READ_BYTES = 1 << 20
_UNFINISHED = "importing-"


class FileIdentity(Record, frozen=True, kw_only=True):
    """What tells one list file from another without reading it whole."""

    size_bytes: int
    modified_ns: int
    head_sha256: bytes
    """Of its first MiB."""


class ImportOptions(Record, frozen=True, kw_only=True):
    """How a list is imported."""

    name: str
    """The list's name in the case: one import at a time may be unfinished under it."""
    settings: str = ""
    """Whatever else decides what the reader gives; an import goes on only under the same."""
    broken_share: float = BROKEN_SHARE
    """An import with a larger share of broken entries is refused. It is reckoned whenever a
    segment is whole, and at the end."""
    segment_entries: int = SEGMENT_ENTRIES
    fresh: bool = False
    """Forget what an earlier import under this name left unfinished."""


class ImportProgress(Record, frozen=True, kw_only=True):
    """How far an import is."""

    entries: int
    broken: int
    position_bytes: int
    size_bytes: int | None
    """None of a pipe."""
    resumed_entries: int
    """Of `entries`, those that an earlier run had taken."""
    elapsed_seconds: float
    """Since this run began."""

    @property
    def entries_per_second(self) -> float:
        """Rate of this run."""
        return (self.entries - self.resumed_entries) / max(self.elapsed_seconds, 1e-9)


class Imported(Record, frozen=True, kw_only=True):
    """A list version that is complete."""

    version_id: str
    """32 hex digits, the name of its folder in the folder of lists."""
    manifest_sha256: bytes
    file_sha256: bytes
    """Of the whole list file."""
    entries: int
    report: dict[str, Any]
    """See `tally.Tally.report`."""


class _State(Record, frozen=True, kw_only=True):
    layout: int
    version_id: str
    file: FileIdentity | None
    format: str
    settings: str
    segments: tuple[Segment, ...]
    cursor: bytes
    position_bytes: int
    tally: Tally


CheckCodes = Callable[[frozenset[str]], None]
"""Takes the category codes seen so far; raises UsageError where a scheme has to be chosen."""


def identity_of(path: Path) -> FileIdentity | None:
    """Return what identifies a list file; None of what is no regular file.

    Raises OSError where it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with open(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        head = hashlib.sha256(stream.read(HEAD_BYTES)).digest()
    return FileIdentity(size_bytes=status.st_size, modified_ns=status.st_mtime_ns, head_sha256=head)


def import_list(
    reader: Reader,
    stream: Stream,
    folder: Path,
    key: ListKey,
    memory: LockedMemory,
    options: ImportOptions,
    file: FileIdentity | None,
    progress: Callable[[ImportProgress], None] = lambda _: None,
    check_codes: CheckCodes = lambda _: None,
) -> Imported:
    """Import a list into a new folder below `folder`, or go on with an import that was stopped.

    `file` is `identity_of` the file that `stream` reads, None of a pipe. `progress` is called after
    each batch and may raise to stop; so may a signal's handler. The caller sees to it that one
    process at a time writes below `folder`.

    Raises ListFault where the file cannot be read to its end (what was under way is removed),
    UsageError where an import of another file is unfinished under this name, where too many
    entries are broken or `check_codes` refuses (what was under way stays, so that the import can
    go on under other options), OSError where a file cannot be written.
    """
    under_way = _UnderWay(folder, key, memory, options)
    source: Stream = stream if file is not None else _Digesting(stream)
    state = under_way.begin(file, reader.FORMAT)
    try:
        imported = _carry_out(reader, source, under_way, state, progress, check_codes)
    except ListFault:
        under_way.discard()
        raise
    return imported


def discard_unfinished(folder: Path, name: str) -> None:
    """Remove what a stopped import of the list `name` left below `folder`."""
    _discard(folder / _unfinished_name(name))


def remove_version(folder: Path, version_id: str) -> None:
    """Remove the files of a version; one that is not there is no error. Raises OSError."""
    _remove(folder / version_id)


def unreferenced(folder: Path, kept: frozenset[str]) -> list[str]:
    """Return the ids of versions below `folder` that are not among `kept`.

    A stop between the end of an import and the commit that refers to it leaves one.
    """
    names = (entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    return sorted(name for name in names if not name.startswith(_UNFINISHED) and name not in kept)


def _carry_out(
    reader: Reader,
    source: Stream,
    under_way: _UnderWay,
    state: _State,
    progress: Callable[[ImportProgress], None],
    check_codes: CheckCodes,
) -> Imported:
    writer, tally = under_way.writer(state), state.tally
    # What the state has counted is in segments; what comes later is counted again after a stop.
    began, resumed = time.monotonic(), tally.entries
    for batch in reader.read(source, state.cursor):
        tally.take(batch)
        if writer.add(batch.entries):
            state = under_way.keep(state, writer.segments, batch)
            _accept(tally, under_way.options, check_codes)
        progress(
            ImportProgress(
                entries=tally.entries,
                broken=tally.broken,
                position_bytes=batch.position_bytes,
                size_bytes=source.size_bytes,
                resumed_entries=resumed,
                elapsed_seconds=time.monotonic() - began,
            )
        )
    _accept(tally, under_way.options, check_codes)
    if not tally.entries:
        raise ListFault("this list has no entry; check that it is the file and the format meant")
    return under_way.finish(writer, tally, _file_digest(source, state.file))


def _accept(tally: Tally, options: ImportOptions, check_codes: CheckCodes) -> None:
    if tally.broken_share > options.broken_share:
        raise UsageError(
            f"{tally.broken:,} of {tally.entries + tally.broken:,} entries so far are broken, "
            f"more than {options.broken_share:.0%}; check the file and its format (of VICS with "
            "`lists lint`), or allow a larger share with --broken"
        )
    check_codes(frozenset(tally.codes) - {""})


def _file_digest(source: Stream, file: FileIdentity | None) -> bytes:
    """Return the SHA-256 of the whole file; raises ListFault where it is not the one begun."""
    if isinstance(source, _Digesting):
        return source.rest()
    whole, head = hashlib.sha256(), hashlib.sha256()
    size_bytes = 0
    source.seek(0)
    while part := source.read(_READ_BYTES):
        head.update(part[: max(0, HEAD_BYTES - size_bytes)])
        whole.update(part)
        size_bytes += len(part)
    if file is None or (size_bytes, head.digest()) != (file.size_bytes, file.head_sha256):
        raise ListFault(
            "the list file was changed while it was read; import it again", Spot(offset_bytes=0)
        )
    return whole.digest()


class _Digesting:
    """A pipe whose bytes are digested as they pass; a `Stream`."""

    size_bytes: int | None = None

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    @property
    def seekable(self) -> bool:
        return False

    def read(self, size_bytes: int) -> bytes:
        data = self._stream.read(size_bytes)
        self._digest.update(data)
        return data

    def seek(self, offset_bytes: int) -> None:
        raise ListFault(
            "this list comes through a pipe, and its reader has to go back in it; save it to a "
            "file and import that",
            Spot(offset_bytes=offset_bytes),
        )

    def tell(self) -> int:
        return self._stream.tell()

    def rest(self) -> bytes:
        """Read to the end, and return the SHA-256 of everything."""
        while self.read(_READ_BYTES):
            pass
        return self._digest.digest()


class _UnderWay:
    """The folder and the state of an import that is not finished."""

    def __init__(
        self, folder: Path, key: ListKey, memory: LockedMemory, options: ImportOptions
    ) -> None:
        self.options = options
        self._lists = folder
        self._folder = folder / _unfinished_name(options.name)
        self._state = folder / f"{self._folder.name}{_STATE}"
        self._key = key
        self._memory = memory

    def begin(self, file: FileIdentity | None, form: str) -> _State:
        """Return where to begin: at the start, or where an earlier import was stopped."""
        if self.options.fresh or file is None:
            self.discard()
        start = _State(
            layout=_LAYOUT,
            version_id=secrets.token_hex(16),
            file=file,
            format=form,
            settings=self.options.settings,
            segments=(),
            cursor=b"",
            position_bytes=0,
            tally=Tally(),
        )
        state = self._kept()
        if state is None:
            self._make_folder()
            return start
        same = ("layout", "file", "format", "settings")
        if any(getattr(state, name) != getattr(start, name) for name in same):
            raise UsageError(
                "an import of another file, or with other settings, was stopped under this name; "
                "finish that one with its own file, or forget it with --fresh"
            )
        finished = self._lists / state.version_id
        if finished.exists() and not self._folder.exists():
            # Killed after the last rename: nobody was told of that version yet.
            os.rename(finished, self._folder)
        self._make_folder()
        return state

    def writer(self, state: _State) -> SegmentWriter:
        """Return a writer that goes on behind the segments of a state."""
        return SegmentWriter(
            self._folder,
            self._key,
            state.version_id,
            self._memory,
            written=state.segments,
            segment_entries=self.options.segment_entries,
        )

    def keep(self, state: _State, segments: tuple[Segment, ...], batch: Batch) -> _State:
        """Keep that all up to the end of a batch is in segments on the disk."""
        state = msgspec.structs.replace(
            state, segments=segments, cursor=batch.cursor, position_bytes=batch.position_bytes
        )
        if state.file is not None:
            data = msgspec.msgpack.encode(state)
            seal(self._state, self._key, self._folder.name, (data,), self._memory)
        return state

    def finish(self, writer: SegmentWriter, tally: Tally, file_sha256: bytes) -> Imported:
        """Write what waits, the report and the manifest, and put the folder in its place."""
        writer.flush()
        report = tally.report(writer.counts)
        data = msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
        write_file(self._folder / REPORT, data)
        manifest, manifest_sha256 = writer.finish(digest(data))
        os.rename(self._folder, self._lists / manifest.version_id)
        sync_folder(self._lists)
        with suppress(FileNotFoundError):
            self._state.unlink()
        sync_folder(self._lists)
        return Imported(
            version_id=manifest.version_id,
            manifest_sha256=manifest_sha256,
            file_sha256=file_sha256,
            entries=manifest.entries,
            report=report,
        )

    def discard(self) -> None:
        """Remove what is there of this import."""
        _discard(self._folder)

    def _make_folder(self) -> None:
        self._lists.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._lists)

    def _kept(self) -> _State | None:
        """Return the state that was kept, None where there is none."""
        if not self._state.exists():
            return None
        with Sealed(self._state, self._key, self._folder.name) as sealed:
            data = bytearray(sealed.size_bytes)
            sealed.read_into(data)
        try:
            return msgspec.msgpack.decode(data, type=_State)
        except msgspec.MsgspecError as error:
            raise CaseDamaged(
                "the state of a stopped import was kept by another version of Headwater; forget "
                "it with --fresh"
            ) from error


def _unfinished_name(name: str) -> str:
    return f"{_UNFINISHED}{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _discard(folder: Path) -> None:
    state = folder.with_name(f"{folder.name}{_STATE}")
    # The state goes first: without it, files are strays.
    for path in (state, state.with_name(state.name + UNFINISHED)):
        with suppress(FileNotFoundError):
            path.unlink()
    _remove(folder)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
        sync_folder(folder.parent)
