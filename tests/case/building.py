"""Small cases to test on, and the plainest possible way to look at them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from headwater.case.records import (
    Attempt,
    Batch,
    CaseInfo,
    Compared,
    FoundMatch,
    ListInfo,
    MatchPass,
    Rehash,
    RunInfo,
    Walk,
)
from headwater.case.store import CaseStore
from headwater.model import (
    Claim,
    Containment,
    Digests,
    Embedded,
    Identity,
    Kind,
    Method,
    Occurrence,
    Outcome,
    Problem,
    State,
    Time,
)

INFO = CaseInfo(
    name="Harbour", examiner="A. Examiner", organisation="Laboratory", authority="Order 12/3"
)
RUN = RunInfo(
    program_version="1.2.3",
    options='{"workers":2}',
    engine="pool",
    workers=2,
    cage={"level": "full"},
    probes=9,
    versions={"numpy": "2.4"},
)
LIST = ListInfo(
    name="harbour",
    folder="ab" * 16,
    format="plain",
    role="watch",
    version="2026-11",
    source="A hotline",
    purpose="recognising",
    licence="members alone",
    dated="2026-11-01",
    scheme="none",
    signer=None,
    imported_by="A. Examiner",
    file_sha256=b"f" * 32,
    manifest_sha256=b"m" * 32,
    entries=3,
    report={"md5": 3, "lost": {}},
)
CRASH = Problem(code="crashed", where="measure", reason="killed by signal 11", reproducible=False)
LIMIT = Problem(code="limit", where="walk", reason="too many members", limit="archive_members")


def quick_folder() -> Path:
    """Return a new folder in memory where there is one: for tests of what is stored, not how."""
    memory = Path("/dev/shm")
    return Path(mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))


def digests(number: int) -> Digests:
    """Return digests of the content that stands for `number`."""
    data = b"content %d" % number
    return Digests(
        sha256=hashlib.sha256(data).digest(),
        sha1=hashlib.sha1(data, usedforsecurity=False).digest(),
        md5=hashlib.md5(data, usedforsecurity=False).digest(),
        size_bytes=len(data),
    )


def sha256(number: int) -> bytes:
    """Return the SHA-256 of the content that stands for `number`."""
    return digests(number).sha256


def method(name: str, version: int = 1) -> Method:
    """Return a method."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Method(
        name=name, version=version, options_sha256=digest, environment_sha256=digest[::-1]
    )


def outcome(
    number: int,
    *,
    kind: Kind = "picture",
    state: State = "measured",
    measurements: dict[str, bytes] | None = None,
    blobs: tuple[bytes, ...] = (),
    problems: tuple[Problem, ...] = (),
    embedded: tuple[Embedded, ...] = (),
) -> Outcome:
    """Return an outcome of the content that stands for `number`."""
    item_format, media_type = {
        "picture": ("jpeg", "image/jpeg"),
        "video": ("mp4", "video/mp4"),
        "archive": ("zip", "application/zip"),
        "other": ("unknown", None),
    }[kind]
    measured = measurements or {}
    return Outcome(
        digests=digests(number),
        identity=Identity(
            kind=kind,
            format=item_format,
            media_type=media_type,
            claims=(Claim(format=item_format, offset_bytes=0, evidence="magic"),),
            embedded=embedded,
        ),
        state=state,
        measurements=measured,
        methods=tuple(method(name) for name in sorted(measured)),
        blobs=blobs,
        problems=problems,
    )


def file(
    source_id: int,
    path: str,
    number: int | None,
    *,
    state: State | None = None,
    problems: tuple[Problem, ...] = (),
    modified_ns: int | None = 1_700_000_000_000_000_000,
    size_bytes: int | None = 100,
) -> Occurrence:
    """Return a file at `path` with the content that stands for `number`."""
    directory, _, name = path.encode().rpartition(b"/")
    return Occurrence(
        source_id=source_id,
        directory=directory,
        name=name,
        kind="file",
        item_sha256=None if number is None else sha256(number),
        state=state,
        size_bytes=size_bytes,
        modified_ns=modified_ns,
        changed_ns=5,
        accessed_ns=-7,
        problems=problems,
    )


def member(
    parent: int,
    ordinal: int,
    number: int | None,
    *,
    name: bytes = b"",
    state: State | None = None,
    problems: tuple[Problem, ...] = (),
    notes: tuple[str, ...] = (),
    size_bytes: int | None = 10,
) -> Containment:
    """Return a member of the content `parent` with the content that stands for `number`."""
    return Containment(
        parent_sha256=sha256(parent),
        ordinal=ordinal,
        name=name or b"member-%d" % ordinal,
        child_sha256=None if number is None else sha256(number),
        state=state,
        size_bytes=size_bytes,
        offset_bytes=ordinal * 1000,
        times=(Time(at="2024-01-02T03:04:06", basis="zip:dos"),) if ordinal else (),
        notes=notes,
        problems=problems,
    )


EXIF = (
    b'{"make":"Maker","model":"Model 1","place":{"latitude_degrees":48.5,'
    b'"longitude_degrees":-0.25},"times":[{"basis":"exif:original","at":"2024-05-06T07:08:09",'
    b'"raw":"x"}]}'
)
PICTURE = b'{"header":{"width_px":4000,"height_px":3000}}'
PDQ = b'{"pdq":"' + b"0f" * 32 + b'","quality":87}'


def small_batches(source_id: int) -> Iterator[Batch]:
    """Yield batches that put at least one row into every table, and supersede some."""
    full = {"exif": EXIF, "picture": PICTURE, "pdq": PDQ}
    yield Batch(
        outcomes=(
            outcome(1, measurements=full, blobs=(b"thumbnail one", b"icon")),
            outcome(2, measurements={"picture": PICTURE}, blobs=(b"icon",), problems=(CRASH,)),
            outcome(3, kind="other", state="not_media"),
            outcome(4, kind="archive", measurements={"container": b"{}"}),
        ),
        occurrences=(
            file(source_id, "DCIM/one.jpg", 1),
            file(source_id, "DCIM/two.jpg", 2, problems=(LIMIT,)),
            file(source_id, "three.bin", 3),
            file(source_id, "lost.jpg", None, state="failed", problems=(CRASH,)),
        ),
        attempts=(Attempt(key=sha256(2), reason="killed by signal 11"),),
    )
    yield Batch(
        outcomes=(outcome(5, measurements=full),),
        containments=(
            member(4, 0, 1),
            member(4, 1, 5, notes=("absolute path",)),
            member(4, 2, None, state="refused", problems=(LIMIT,)),
        ),
        walks=(Walk(parent_sha256=sha256(4), members=3, unpacked_bytes=30, problems=(LIMIT,)),),
        occurrences=(file(source_id, "backup.zip", 4),),
    )
    yield Batch(
        outcomes=(outcome(2, measurements={"picture": PICTURE}, blobs=(b"second try",)),),
        occurrences=(file(source_id, "lost.jpg", 3),),
    )


def small_case(folder: Path) -> str:
    """Make a small case in `folder` and return its root, 64 hex digits."""
    store = CaseStore.create(folder, INFO)
    run = store.begin_run(RUN)
    source_id = store.source("folder", b"/evidence/\xff")
    for batch in small_batches(source_id):
        store.commit(batch)
    add_matches(store)
    root = store.end_run(run, "finished", {"places": 5}).root_hex
    store.close()
    return root


def add_matches(store: CaseStore) -> None:
    """Serve a list, match two items with it and with each other, and decide of one."""
    version = store.serve_list(LIST)
    with_list = FoundMatch(item_id=1, list_version_id=version, kind="md5", standing="match")
    with_partner = FoundMatch(
        item_id=1, partner_item_id=2, kind="pdq", standing="match", distance=7, detail={"how": {}}
    )
    store.commit_matches(
        [with_list, with_partner],
        Compared(item_ids=frozenset((1, 2)), partners=True),
        [MatchPass(list_version_id=version, rule="{}", outcome_id=1)],
        [Rehash(outcome_id=1, methods=(method("pdq_full"),), pdq=b"p" * 256, quality=70)],
    )
    store.decide(1, "2", "A. Examiner", "looked at")


def logical_dump(database: Path) -> list[object]:
    """Return everything a database says, schema included, read by SQLite alone."""
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        found: list[object] = list(
            connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2")
        )
        tables = [row[1].decode() for row in found if row[0] == b"table"]  # type: ignore[index]
        for table in sorted(tables):
            found.append(table)
            query = f'SELECT * FROM "{table}"'
            found += sorted(connection.execute(query), key=repr)
    finally:
        connection.close()
    return found
