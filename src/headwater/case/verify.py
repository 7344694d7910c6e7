"""Checks that the record of a case is what was written, offline and without changing it.

Everything is read once: the database against its own rules and against the tables of this
program, every leaf against its rows, every root against the leaves, every pack against the blobs,
every checkpoint against the log. An anchor kept elsewhere, a root or a checkpoint, proves what
was there when it was taken; without one a forger who rewrote everything goes unseen.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from headwater.case import checkpoint as checkpoints
from headwater.case import schema
from headwater.case.database import DATABASE_NAME, one_state, revision, sqlite_engine
from headwater.case.lock import LOCK_NAME
from headwater.case.packs import Location, PackCheck, pack_path
from headwater.case.records import Checkpoint
from headwater.case.replayed import Replay
from headwater.case.store import CHECKPOINTS, LISTS, PACKS, SPOOL
from headwater.errors import CaseError, UsageError
from headwater.model import Record

MOST_FINDINGS = 200
"""Further findings are counted only."""

_MANY = 20
_NOTICES = frozenset(
    {
        "unfinished_commit",
        "checkpoint_missing",
        "several_keys",
        "unexpected_file",
        "readable_by_others",
        "case_has_grown",
    }
)
_FILES = {DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm", LOCK_NAME}
_FOLDERS = {PACKS, CHECKPOINTS, SPOOL, LISTS}


class RecordFinding(Record, frozen=True, kw_only=True):
    """One thing that is not as it should be."""

    code: str
    """A stable word: `rows_changed`, `leaf_missing`, `blob_changed`, `schema_changed`, ..."""
    where: str
    detail: str
    damage: bool
    """False for what an honest history can leave behind, True for everything else."""


class RecordReport(Record, frozen=True, kw_only=True):
    """What `verify_record` found."""

    case_id: str | None
    leaves: int
    root_hex: str
    """Of the log as it is now."""
    proven_leaves: int | None
    """How many leaves an anchor proves unaltered; None without one, 0 where it does not fit."""
    checkpoints: int
    """Checkpoints of the case that verify and fit the log."""
    blobs: int
    findings: tuple[RecordFinding, ...]
    more_findings: int
    statement: str
    """The result in one sentence."""

    @property
    def intact(self) -> bool:
        """Whether there is no damage."""
        return not any(finding.damage for finding in self.findings)


def verify_record(
    folder: Path, expect_root: str | None = None, checkpoint: Path | None = None
) -> RecordReport:
    """Check the record of a case, against a root (64 hex digits) or a checkpoint kept elsewhere.

    Raises CaseError where there is no case to check, UsageError where the anchor is no anchor.
    """
    database = folder / DATABASE_NAME
    if not database.is_file():
        raise CaseError(f"{folder} is not a case; give the folder of one")
    check = _Check(folder.absolute(), _root(expect_root), _note(checkpoint))
    with check.telling("unreadable", DATABASE_NAME):
        connection = sqlite_engine(database, "ro").connect()
        try:
            check.database(connection)
        finally:
            connection.close()
    with check.telling("unreadable", str(folder)):
        check.files()
    check.anchors()
    return check.report()


def _root(expected: str | None) -> bytes | None:
    if expected is None:
        return None
    try:
        value = bytes.fromhex(expected)
    except ValueError:
        value = b""
    if len(value) != 32:
        raise UsageError("a root is 64 hex digits; copy it from where the checkpoint was printed")
    return value


def _note(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            return stream.read(checkpoints.MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the checkpoint {path} cannot be read: {error.strerror}") from error


class _Check:
    def __init__(self, folder: Path, root: bytes | None, note: bytes | None) -> None:
        self._folder = folder
        self._expected_root = root
        self._anchor_note = note
        self._findings: list[RecordFinding] = []
        self._more = 0
        self._case_id: str | None = None
        self._keys: list[bytes] = []
        self._notes = _stored_notes(folder / CHECKPOINTS)
        self._replay = Replay(self._notes, root)
        self._anchor: Checkpoint | None = None
        self._good_checkpoints = 0
        self._blobs = 0
        self._proven: int | None = None

    def tell(self, code: str, where: str, detail: str) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(
                RecordFinding(code=code, where=where, detail=detail, damage=code not in _NOTICES)
            )
        else:
            self._more += 1

    @contextmanager
    def telling(self, code: str, where: str) -> Iterator[None]:
        """Turn an error of reading into a finding."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError) as error:
            # SQLite quotes bytes of a damaged file in its messages, which then are no UTF-8.
            self.tell(code, where, str(error).partition("\n")[0])

    # The database.

    def database(self, connection: Connection) -> None:
        with one_state(connection):
            with self.telling("database_damaged", DATABASE_NAME):
                self._integrity(connection)
            with self.telling("schema_changed", DATABASE_NAME):
                self._schema(connection)
            with self.telling("unreadable", "case_info"):
                self._about(connection)
            self._read_anchor()
            with self.telling("unreadable", "leaf"):
                self._replay.read(connection, self.tell)
            with self.telling("unreadable", "blob"):
                self._packs(connection)
            with self.telling("unreadable", "run_event"):
                self._expected_checkpoints(connection)

    def _integrity(self, connection: Connection) -> None:
        for (words,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MANY})"):
            if words != "ok":
                self.tell("database_damaged", DATABASE_NAME, str(words))
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MANY):
            self.tell("database_damaged", str(row[0]), f"row {row[1]} refers to nothing")

    def _schema(self, connection: Connection) -> None:
        expected = _expected_definitions()
        found = _definitions(connection)
        if (now := revision(connection)) != schema.REVISION:
            self.tell("schema_changed", "alembic_version", f"the revision is {now}")
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                self.tell("schema_changed", " ".join(name), _difference(name, expected, found))

    def _about(self, connection: Connection) -> None:
        info = schema.case_info.c
        rows = connection.execute(select(info.case_id, info.public_key)).all()
        keys = (
            connection.execute(
                select(schema.signing_key.c.public_key).order_by(schema.signing_key.c.id)
            )
            .scalars()
            .all()
        )
        if len(rows) != 1 or not keys or rows[0][1] != keys[0]:
            self.tell("case_info_changed", "case_info", "the case and its first key disagree")
        try:
            self._keys = [bytes.fromhex(key) for key in keys]
            self._case_id = bytes.fromhex(rows[0][0]).hex() if rows else None
        except (TypeError, ValueError):
            self.tell("case_info_changed", "case_info", "an id or a key is not in hex digits")
        if len(keys) > 1:
            self.tell(
                "several_keys", "signing_key", f"{len(keys)} keys signed checkpoints of this case"
            )

    # Packs and checkpoints.

    def _packs(self, connection: Connection) -> None:
        if self._case_id is None:
            return
        blob = schema.blob.c
        query = select(blob.sha256, blob.pack, blob.offset_bytes, blob.size_bytes)
        rows = connection.execute(query.order_by(blob.id).execution_options(yield_per=500))
        packs = PackCheck(self._folder / PACKS, self._case_id)
        try:
            for sha256, *place in rows:
                self._blobs += 1
                if not isinstance(sha256, bytes) or not all(isinstance(at, int) for at in place):
                    self.tell("blob_changed", "blob", f"row {self._blobs} is no place of a blob")
                    continue
                for words in packs.blob(Location(*place), sha256):
                    self.tell("blob_changed", pack_path(Path(PACKS), place[0]).name, words)
            if tail := packs.tail_bytes():
                self.tell("unfinished_commit", PACKS, f"{tail} bytes that no commit refers to")
        finally:
            packs.close()

    def _expected_checkpoints(self, connection: Connection) -> None:
        """A run's last commit is followed by a checkpoint, unless the program was killed there."""
        query = select(schema.run_event.c.leaf).order_by(schema.run_event.c.id)
        for (leaf,) in connection.execute(query):
            if not isinstance(leaf, int) or leaf + 1 not in self._notes:
                self.tell("checkpoint_missing", CHECKPOINTS, f"none was kept after leaf {leaf}")

    def _read_anchor(self) -> None:
        if self._anchor_note is None:
            return
        try:
            self._anchor = checkpoints.read(self._anchor_note, self._keys)
        except CaseError as error:
            self.tell("anchor_differs", "anchor", str(error))
            return
        self._replay.ask(self._anchor.size)

    # Files.

    def files(self) -> None:
        for entry in sorted(os.scandir(self._folder), key=lambda entry: entry.name):
            self._entry(entry, _FILES, _FOLDERS)
        for entry in sorted(os.scandir(self._folder / PACKS), key=lambda entry: entry.name):
            self._entry(entry, {entry.name} if entry.name.endswith(".pack") else set(), set())
        for size, note in sorted(self._notes.items()):
            self._checkpoint(size, note)
        for entry in os.scandir(self._folder / CHECKPOINTS):
            known = checkpoints.file_size(entry.name) is not None
            self._entry(entry, {entry.name} if known else set(), set())

    def _entry(self, entry: os.DirEntry[str], files: set[str], folders: set[str]) -> None:
        status = entry.stat(follow_symlinks=False)
        is_file = stat.S_ISREG(status.st_mode) and entry.name in files
        is_folder = stat.S_ISDIR(status.st_mode) and entry.name in folders
        where = str(Path(entry.path).relative_to(self._folder))
        if not is_file and not is_folder:
            self.tell("unexpected_file", where, "it does not belong to the case")
        elif stat.S_IMODE(status.st_mode) & 0o077:
            self.tell("readable_by_others", where, "run: chmod -R go= on the case folder")

    def _checkpoint(self, size: int, note: bytes) -> None:
        where = f"{CHECKPOINTS}/{size:012d}.checkpoint"
        try:
            read = checkpoints.read(note, self._keys)
        except CaseError as error:
            self.tell("checkpoint_changed", where, str(error))
            return
        root = self._replay.roots.get(read.size)
        if read.case_id != self._case_id or read.size != size:
            self.tell("checkpoint_changed", where, "it is of another case or size")
        elif root is None:
            self.tell("log_shortened", where, f"the log has {self._replay.size} leaves only")
        elif root.hex() != read.root_hex:
            self.tell("log_rewritten", where, "the log had another root at this size")
        else:
            self._good_checkpoints += 1

    # Anchors, and the result.

    def anchors(self) -> None:
        proven: list[int] = []
        if self._expected_root is not None:
            size = self._replay.size_of_root
            proven.append(size or 0)
            if size is None:
                self.tell("anchor_differs", "anchor", "the log never had the expected root")
        if self._anchor_note is not None:
            proven.append(self._fits_anchor())
        if proven:
            # Each anchor that was given has to fit.
            self._proven = max(proven) if all(proven) else 0
            if 0 < self._proven < self._replay.size:
                self.tell(
                    "case_has_grown", "anchor", f"{self._proven} of {self._replay.size} leaves"
                )

    def _fits_anchor(self) -> int:
        anchor = self._anchor
        if anchor is None:
            return 0
        root = self._replay.roots.get(anchor.size)
        if anchor.case_id != self._case_id:
            self.tell("anchor_differs", "anchor", f"it is of the case {anchor.case_id}")
        elif root is None:
            self.tell("anchor_differs", "anchor", f"the log has fewer leaves than {anchor.size}")
        elif root.hex() != anchor.root_hex:
            self.tell("anchor_differs", "anchor", f"the log had another root at {anchor.size}")
        else:
            return anchor.size
        return 0

    def report(self) -> RecordReport:
        return RecordReport(
            case_id=self._case_id,
            leaves=self._replay.size,
            root_hex=self._replay.root().hex(),
            proven_leaves=self._proven,
            checkpoints=self._good_checkpoints,
            blobs=self._blobs,
            findings=tuple(self._findings),
            more_findings=self._more,
            statement=self._statement(),
        )

    def _statement(self) -> str:
        size, damaged = self._replay.size, any(finding.damage for finding in self._findings)
        if damaged:
            return "damaged or altered: what is stored is not what was written"
        if self._proven is None:
            return (
                "consistent, not proven unaltered: give a root or a checkpoint that was kept "
                "elsewhere"
            )
        if self._proven == size:
            return f"unaltered since the anchor was taken: all {size} leaves are proven"
        return (
            f"the first {self._proven} of {size} leaves are proven unaltered; the later ones are "
            "consistent, not proven unaltered"
        )


def _stored_notes(folder: Path) -> dict[int, bytes]:
    notes: dict[int, bytes] = {}
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
        for entry in entries:
            size = checkpoints.file_size(entry.name)
            if size is not None:
                with open(entry.path, "rb") as stream:
                    notes[size] = stream.read(checkpoints.MAX_BYTES + 1)
    except OSError:
        # A folder that cannot be read is told of when its files are looked at.
        return notes
    return notes


@cache
def _expected_definitions() -> Mapping[tuple[str, str], list[str]]:
    with create_engine("sqlite://").connect() as connection:
        schema.metadata.create_all(connection)
        schema.alembic_version.create(connection)
        return MappingProxyType(_definitions(connection))


def _definitions(connection: Connection) -> dict[tuple[str, str], list[str]]:
    """Return what defines each table and index: its lines, in an order that does not matter."""
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return {
        (str(kind), str(name)): [
            f"of {table}",
            *sorted(line.rstrip(", ") for line in str(sql).split("\n")),
        ]
        for kind, name, table, sql in rows
    }


def _difference(
    name: tuple[str, str],
    expected: Mapping[tuple[str, str], list[str]],
    found: Mapping[tuple[str, str], list[str]],
) -> str:
    if name not in found:
        return "it is missing"
    return "it is not one of the case's" if name not in expected else "it is defined otherwise"
