"""A case as its one writer sees it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from headwater.case import checkpoint as checkpoints
from headwater.case import known_lists, lookups, matches, schema
from headwater.case.clock import now_utc
from headwater.case.database import (
    DATABASE_NAME,
    case_errors,
    check_revision,
    revision,
    sqlite_engine,
    transaction,
)
from headwater.case.faultpoints import reached
from headwater.case.intake import Intake
from headwater.case.ledger import Ledger, NewRows
from headwater.case.lock import LOCK_NAME, WriterLock
from headwater.case.packs import Location, PackWriter, sync_folder
from headwater.case.records import (
    Batch,
    CaseInfo,
    Checkpoint,
    Compared,
    FoundMatch,
    ItemState,
    ListInfo,
    ListVersion,
    MatchPass,
    Rehash,
    RunInfo,
    Seen,
)
from headwater.case.rows import storable_text
from headwater.case.signing import public_bytes, signing_key
from headwater.errors import CaseDamaged, CaseError
from headwater.version import VERSION

PACKS, CHECKPOINTS, SPOOL, LISTS = "packs", "checkpoints", "spool", "lists"
"""Folders of a case; that of sealed lists is made with the first list."""


class CaseStore:
    """Writes one case. One process at a time; not for use by several threads.

    Raises CaseBusy where another process writes the case, CaseDamaged where it is not what was
    written, CaseError where the folder, the disk or the signing key cannot be used. After an
    error of the disk the store must be opened anew; the case then holds whole batches only.
    """

    def __init__(self, folder: Path, connection: Connection, resources: ExitStack) -> None:
        self.folder = folder
        self.info = case_info(connection)
        self._connection = connection
        self._resources = resources
        self._key = signing_key(folder)
        checkpoints.clear(folder / CHECKPOINTS)
        self._ledger = Ledger(connection)
        packs = PackWriter(folder / PACKS, self.info.case_id, _last_blob(connection))
        self._intake = Intake(connection, packs, self._ledger)
        self._states = lookups.States(connection)
        self._sources: dict[tuple[str, bytes], int] = {}
        self._note_key()

    @classmethod
    def create(cls, folder: Path, info: CaseInfo) -> CaseStore:
        """Make a case and open it. `folder` must not exist, or be empty.

        The case is made beside its place and then renamed, so that half a case is never there.
        """
        folder = folder.absolute()
        with case_errors(f"make the case {folder}"):
            if folder.exists() and (not folder.is_dir() or any(os.scandir(folder))):
                raise CaseError(f"{folder} is not empty; choose a new folder for the case")
            folder.parent.mkdir(parents=True, exist_ok=True)
            making = folder.with_name(f".{folder.name}.making")
            making.mkdir(mode=0o700, exist_ok=True)
            lock = WriterLock(making)
            try:
                _clear(making)
                _fill(making, info, signing_key(folder))
                reached("create.before-rename")
                os.rename(making, folder)
                reached("create.after-rename")
                sync_folder(folder.parent)
                reached("create.after-sync")
            finally:
                lock.close()
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> CaseStore:
        """Open a case for writing; readers use `query.Case`."""
        folder = folder.absolute()
        if not (folder / DATABASE_NAME).is_file():
            raise CaseError(f"{folder} is not a case; give the folder of one")
        resources = ExitStack()
        try:
            with case_errors(f"open the case {folder}"):
                lock = WriterLock(folder)
                resources.callback(lock.close)
                connection = sqlite_engine(folder / DATABASE_NAME, "rw").connect()
                resources.callback(connection.close)
                _bring_up_to_date(connection)
                check_revision(connection)
                return cls(folder, connection, resources)
        except BaseException:
            resources.close()
            raise

    def close(self) -> None:
        """Give the case back. What was committed stays, whether or not this is called."""
        with case_errors("close the case"):
            self._resources.close()

    # The engine's questions.

    def seen(
        self, source_id: int, directory: bytes, first: bytes, last: bytes
    ) -> dict[bytes, Seen]:
        """Return the latest word on each place of one directory whose name is in [first, last]."""
        with self._usable("read the case"):
            directory_id = self._intake.ids.known_directory(source_id, directory)
            if directory_id is None:
                return {}
            return lookups.seen(self._connection, directory_id, first, last)

    def item_state(self, sha256: bytes) -> ItemState | None:
        """Return the latest word on an item, None for one that the case does not have."""
        with self._usable("read the case"):
            return self._states.item(sha256)

    def attempts(self, key: bytes) -> int:
        """Return how often a try of `key` ended with the death of its worker."""
        with self._usable("read the case"):
            return lookups.attempts(self._connection, key)

    # What is added.

    def source(self, kind: str, path: bytes) -> int:
        """Return the id of a source, made and committed if there is none."""
        if (kind, path) in self._sources:
            return self._sources[kind, path]
        table = schema.source.c
        query = select(table.id).where(table.kind == kind, table.path == path)
        with self._usable("read the case"):
            source_id = self._connection.execute(query).scalar()
        if source_id is None:
            rows = self._ledger.new_rows()
            source_id = rows.add("source", kind, path, now_utc())
            self._append(rows)
        self._sources[kind, path] = source_id
        return source_id

    def begin_run(self, run: RunInfo) -> int:
        """Commit the start of a run and return its id."""
        rows = self._ledger.new_rows()
        run_id = rows.add(
            "run",
            now_utc(),
            storable_text(run.program_version),
            storable_text(run.options),
            storable_text(run.engine),
            run.workers,
            _json(run.cage),
            run.probes,
            int(run.uncaged),
            int(run.accept_atime),
            _json(run.versions),
        )
        self._append(rows)
        return run_id

    def end_run(self, run_id: int, event: str, detail: Mapping[str, object]) -> Checkpoint:
        """Commit what happened to a run; write and return a signed checkpoint."""
        rows = self._ledger.new_rows()
        rows.add("run_event", run_id, storable_text(event), now_utc(), _json(detail))
        self._append(rows)
        signed = checkpoints.sign(
            self.info.case_id, self._ledger.size, self._ledger.root(), now_utc(), self._key
        )
        with case_errors("write the checkpoint"):
            checkpoints.write(self.folder / CHECKPOINTS, signed)
        return signed

    def commit(self, batch: Batch) -> None:
        """Add a batch in one transaction: one leaf of the log, or none if nothing is new."""
        with self._usable("commit to the case"):
            self._intake.commit(batch)

    # Known lists and matches.

    def serve_list(self, info: ListInfo) -> int:
        """Commit an imported list, which serves in place of the one of its name; return its id."""
        with self._usable("commit to the case"):
            rows = self._ledger.new_rows()
            version_id = known_lists.add_list(self._connection, rows, info)
            self._ledger.append(rows)
        return version_id

    def withdraw_list(self, name: str, by: str, reason: str) -> ListVersion:
        """Commit that a list serves no more, and return it.

        Raises UsageError where none of that name serves.
        """
        with self._usable("commit to the case"):
            rows = self._ledger.new_rows()
            withdrawn = known_lists.withdraw_list(self._connection, rows, name, by, reason)
            self._ledger.append(rows)
        return withdrawn

    def commit_matches(
        self,
        found: Sequence[FoundMatch],
        compared: Compared,
        passes: Sequence[MatchPass] = (),
        rehashes: Sequence[Rehash] = (),
    ) -> int:
        """Commit what a comparison found, how far comparing has come, and hashes of full decodes.

        All is one leaf. Returns how many matches were new, different or ended.
        """
        with self._usable("commit to the case"):
            rows = self._ledger.new_rows()
            matches.add_rehashes(rows, self._intake.ids, rehashes)
            matches.add_passes(rows, passes)
            added = matches.add_matches(self._connection, rows, found, compared)
            if not rows.is_empty():
                self._ledger.append(rows)
            self._intake.ids.keep()
        return added

    def decide(self, item_id: int, category: str, by: str, note: str = "") -> None:
        """Commit what a person decided of an item. Raises UsageError where there is no such."""
        with self._usable("commit to the case"):
            rows = self._ledger.new_rows()
            matches.add_decision(self._connection, rows, item_id, category, by, note)
            self._ledger.append(rows)

    def _append(self, rows: NewRows) -> None:
        with self._usable("commit to the case"):
            self._ledger.append(rows)

    @contextmanager
    def _usable(self, doing: str) -> Iterator[None]:
        if self._ledger.broken:
            raise CaseError("an earlier error closed this case; open it again")
        with case_errors(doing):
            yield

    def _note_key(self) -> None:
        """Commit the key of this machine, if checkpoints were signed with others so far."""
        public = public_bytes(self._key).hex()
        query = select(schema.signing_key.c.public_key)
        if public not in self._connection.execute(query).scalars().all():
            rows = self._ledger.new_rows()
            rows.add("signing_key", public, now_utc())
            self._ledger.append(rows)


def case_info(connection: Connection) -> CaseInfo:
    """Return what a case says about itself. Raises CaseDamaged where it says nothing."""
    table = schema.case_info
    row = connection.execute(select(table).order_by(table.c.id)).mappings().first()
    if row is None:
        raise CaseDamaged("the case does not say what it is; restore it from a copy")
    said = {name: row[name] for name in CaseInfo.__struct_fields__}
    return CaseInfo(**{**said, "thumbnails": bool(said["thumbnails"])})


def _bring_up_to_date(connection: Connection) -> None:
    """Add the tables that a case of an earlier version lacks; what it holds stays as it is."""
    if revision(connection) in schema.EARLIER_REVISIONS:
        from headwater.case.upgrade import upgrade  # noqa: PLC0415 - loads alembic

        with transaction(connection):
            upgrade(connection)


def _fill(folder: Path, info: CaseInfo, key: Ed25519PrivateKey) -> None:
    for name in (PACKS, CHECKPOINTS, SPOOL):
        (folder / name).mkdir(mode=0o700)
    # The database takes over the mode of the file it finds, and gives it to its log.
    os.close(os.open(folder / DATABASE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with sqlite_engine(folder / DATABASE_NAME, "rw").connect() as connection:
        from headwater.case.upgrade import upgrade  # noqa: PLC0415 - loads alembic

        with transaction(connection):
            upgrade(connection)
        reached("create.before-first-leaf")
        first_leaf(connection, info, public_bytes(key).hex())
        reached("create.after-first-leaf")
    sync_folder(folder)


def first_leaf(connection: Connection, info: CaseInfo, public_key: str) -> None:
    """Commit what a case says about itself, to empty tables; `public_key` is in hex digits."""
    ledger = Ledger(connection)
    rows = ledger.new_rows()
    made_at = info.made_at or now_utc()
    words = (info.name, info.examiner, info.organisation, info.authority)
    rows.add(
        "case_info",
        info.case_id or secrets.token_hex(16),
        *(storable_text(word) for word in words),
        made_at,
        info.program_version or VERSION,
        schema.REVISION,
        int(info.thumbnails),
        public_key,
    )
    rows.add("signing_key", public_key, made_at)
    ledger.append(rows)


def _clear(folder: Path) -> None:
    """Remove what a creation that was cut off left behind, but for the lock."""
    for entry in os.scandir(folder):
        if entry.name == LOCK_NAME:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _last_blob(connection: Connection) -> Location | None:
    blob = schema.blob.c
    query = select(blob.pack, blob.offset_bytes, blob.size_bytes).order_by(blob.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Location(*row)


def _json(value: Mapping[str, object]) -> str:
    return storable_text(msgspec.json.encode(value, order="sorted").decode())
