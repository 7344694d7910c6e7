"""What `lists import` and `lists remove` do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec
import typer

from headwater.case.lock import WriterLock
from headwater.case.query import Case
from headwater.case.records import CaseInfo, ListInfo, ListRole, ListVersion
from headwater.case.signing import key_folder
from headwater.case.store import LISTS, CaseStore
from headwater.cli.progress import duration_text
from headwater.cli.terminal import say
from headwater.cli.ticker import Ticker
from headwater.errors import CaseBusy, UsageError
from headwater.lists import readers, schemes, signature
from headwater.lists.contract import Reader
from headwater.lists.importing import (
    Imported,
    ImportOptions,
    ImportProgress,
    identity_of,
    import_list,
    remove_version,
    unreferenced,
)
from headwater.lists.keys import ListKey, list_key
from headwater.lists.locked import LockedMemory, protect_process
from headwater.lists.sniff import HEAD_BYTES, sniff
from headwater.lists.stream import PeekedStream, open_stream

_WAIT_SECONDS = 1.0
_KNOWN_ALONE = ("nsrl2", "nsrl3")
"""Formats whose entries are known files, and nothing else."""


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    file: str
    case: Path
    name: str
    format: str = ""
    role: str = ""
    scheme: str = ""
    reader_options: dict[str, str] = {}
    version: str = ""
    source: str = ""
    purpose: str = ""
    licence: str = ""
    dated: str = ""
    signature: Path | None = None
    public_key: str = ""
    broken_share: float = 0.1
    fresh: bool = False
    by: str = ""
    accept_swap: bool = False
    quiet: bool = False


class ImportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an import leaves."""

    schema: str = "headwater/list-import/1"
    name: str
    format: str
    role: str
    scheme: str
    entries: int
    broken_entries: int
    hashes: dict[str, int]
    faults: list[dict[str, Any]]
    lost: dict[str, int]
    signed_by: str | None
    memory: str
    """How the memory that held the list was kept from the disk."""
    seconds: float


def run_import(request: ImportRequest) -> ImportAnswer:
    """Import a list. Raises HeadwaterError of the kind that says what stands in the way."""
    began = time.monotonic()
    if not request.name.strip():
        raise UsageError("a list needs a name: --name")
    protection = protect_process(accept_swap=request.accept_swap)
    case_id, versions = _case(request)
    make_key = not any(one.serves for one in versions)
    key = list_key(key_folder(), case_id, request.case.absolute(), make=make_key)
    folder = request.case / LISTS
    folder.mkdir(mode=0o700, exist_ok=True)
    with _writing(folder), LockedMemory(protection) as memory:
        signer = _signer(request)
        imported, info = _imported(request, folder, key, memory, signer)
        with closing(_store_when_free(request)) as store:
            store.serve_list(info)
        _clear(request.case, folder)
    report = imported.report
    return ImportAnswer(
        name=request.name,
        format=info.format,
        role=info.role,
        scheme=info.scheme,
        entries=imported.entries,
        broken_entries=report["broken_entries"],
        hashes=report["hashes"],
        faults=report["faults"],
        lost=report["lost"],
        signed_by=signer,
        memory=protection.held,
        seconds=round(time.monotonic() - began, 3),
    )


def remove_list(case: Path, name: str, by: str, reason: str) -> ListVersion:
    """Withdraw a list and delete its sealed files."""
    with closing(CaseStore.open(case)) as store:
        withdrawn = store.withdraw_list(name, by, reason)
    folder = case / LISTS
    if folder.is_dir():
        with _writing(folder):
            remove_version(folder, withdrawn.info.folder)
    return withdrawn


def say_imported(answer: ImportAnswer, *, as_json: bool) -> None:
    """Print what was imported, and what of it was not kept."""
    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
        return
    hashes = ", ".join(f"{count:,} {kind}" for kind, count in answer.hashes.items() if count)
    say(f"{answer.name}: {answer.entries:,} entries ({hashes}), {answer.seconds:.1f} s")
    say(f"format {answer.format}, role {answer.role}, categories by {answer.scheme}")
    signed = f"signed with key {answer.signed_by}" if answer.signed_by else "not signed"
    say(f"{signed}; matches will say so")
    for fault in answer.faults:
        say(f"  left out: {fault['count']:,} x {fault['field']}: {fault['rule']}")
    for field, count in answer.lost.items():
        say(f"  not kept: {count:,} x {field}")
    say("run `headwater match` to match the case with it")


def _case(request: ImportRequest) -> tuple[str, list[ListVersion]]:
    """Return the id of the case and its lists; the case is made if there is none."""
    if not (request.case / "case.sqlite").exists():
        name = request.case.resolve().name
        info = CaseInfo(name=name, examiner=request.by, organisation="", authority="")
        CaseStore.create(request.case, info).close()
    else:
        # A case of an earlier version gains the tables of lists.
        _store_when_free(request).close()
    with Case.open(request.case) as case:
        return case.info.case_id, case.lists()


def _imported(
    request: ImportRequest,
    folder: Path,
    key: ListKey,
    memory: LockedMemory,
    signer: str | None,
) -> tuple[Imported, ListInfo]:
    chosen = _scheme(request.scheme)
    ticker = Ticker(quiet=request.quiet)
    with open_stream(request.file) as opened:
        stream = PeekedStream(opened)
        reader = _reader(request, stream)
        role = _role(request.role, reader.FORMAT)

        def check_codes(codes: frozenset[str]) -> None:
            schemes.for_import(reader.FORMAT, chosen, carries_codes=bool(codes - {""}))

        options = ImportOptions(
            name=request.name,
            settings=msgspec.json.encode(request.reader_options, order="sorted").decode(),
            broken_share=request.broken_share,
            fresh=request.fresh,
        )
        file = None if request.file == "-" else identity_of(Path(request.file))
        imported = import_list(
            reader,
            stream,
            folder,
            key,
            memory,
            options,
            file,
            lambda progress: ticker.show(_progress_text(progress)),
            check_codes,
        )
    ticker.end()
    codes = imported.report["categories"].keys() - {""}
    scheme = schemes.for_import(reader.FORMAT, chosen, carries_codes=bool(codes))
    # Faults one by one lie beside the sealed files.
    kept = {name: said for name, said in imported.report.items() if name != "first_faults"}
    info = ListInfo(
        name=request.name,
        folder=imported.version_id,
        format=reader.FORMAT,
        role=role,
        version=request.version,
        source=request.source,
        purpose=request.purpose,
        licence=request.licence,
        dated=request.dated,
        scheme=scheme.name,
        signer=signer,
        imported_by=request.by,
        file_sha256=imported.file_sha256,
        manifest_sha256=imported.manifest_sha256,
        entries=imported.entries,
        report={**kept, "scheme": msgspec.to_builtins(scheme)},
    )
    return imported, info


def _reader(request: ImportRequest, stream: PeekedStream) -> Reader:
    name = request.format
    if not name:
        head = stream.peek(HEAD_BYTES)
        name = sniff(head, request.file)
    return readers.make(name, request.reader_options)


def _role(asked: str, list_format: str) -> ListRole:
    usual: ListRole = "known" if list_format in _KNOWN_ALONE else "watch"
    for role in get_args(ListRole):
        if asked == role or (not asked and role == usual):
            if list_format in _KNOWN_ALONE and role != "known":
                raise UsageError("NSRL lists say that a file is known, never more: --role known")
            return role  # type: ignore[no-any-return]
    raise UsageError(f"--role is one of {', '.join(get_args(ListRole))}, not {asked!r}")


def _scheme(asked: str) -> schemes.Scheme | None:
    if not asked:
        return None
    if asked in schemes.NAMES:
        return schemes.named(asked)
    if asked.endswith(".json"):
        return schemes.from_file(Path(asked))
    choices = ", ".join(schemes.NAMES)
    raise UsageError(f"--scheme is one of {choices}, or a JSON file of your own")


def _signer(request: ImportRequest) -> str | None:
    """Return the id of the key that signed the file, None for an unsigned list."""
    beside = Path(request.file + ".minisig")
    path = request.signature or (beside if request.public_key and beside.exists() else None)
    if path is None and not request.public_key:
        return None
    if path is None:
        raise UsageError(f"a public key was given and no signature: {beside} is not there")
    if not request.public_key:
        raise UsageError("a signature needs the key to check it with: --public-key")
    if request.file == "-":
        raise UsageError("a signature is checked on a file, not on a pipe: save the list first")
    given = Path(request.public_key)
    try:
        signed = path.read_bytes()
        key: bytes | str = (
            given.read_bytes() if request.public_key.endswith(".pub") else request.public_key
        )
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error
    with open_stream(request.file) as stream:
        return signature.verify(stream, signed, key).key_id


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Keep other imports away from the folder of lists."""
    lock = WriterLock(folder)
    try:
        yield
    finally:
        lock.close()


def _store_when_free(request: ImportRequest) -> CaseStore:
    """Open the case for writing, once nothing else does."""
    ticker = Ticker(quiet=request.quiet)
    while True:
        try:
            return CaseStore.open(request.case)
        except CaseBusy as error:
            ticker.show(f"waiting: {error}")
            time.sleep(_WAIT_SECONDS)


def _clear(case_folder: Path, folder: Path) -> None:
    """Delete the sealed files of lists that serve no more, or never did."""
    with Case.open(case_folder) as case:
        kept = frozenset(one.info.folder for one in case.lists() if one.serves)
    for version_id in unreferenced(folder, kept):
        remove_version(folder, version_id)


def _progress_text(progress: ImportProgress) -> str:
    said = f"{progress.entries:,} entries, {progress.entries_per_second:,.0f} a second"
    if progress.broken:
        said += f", {progress.broken:,} broken"
    if not progress.size_bytes or not progress.position_bytes:
        return said
    share = progress.position_bytes / progress.size_bytes
    left = progress.elapsed_seconds * (1 - share) / max(share, 1e-9)
    return f"{said}, {share:.0%}, {duration_text(left)} left"
