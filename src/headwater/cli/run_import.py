"""What `lists import` and `lists remove` do."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import get_args

import msgspec
import typer

from headwater.case.database import DATABASE_NAME
from headwater.case.lock import WriterLock
from headwater.case.query import Case
from headwater.case.records import CaseInfo, ListInfo, ListRole, ListVersion
from headwater.case.signing import key_folder
from headwater.case.store import LISTS, CaseStore
from headwater.cli.progress import duration_text
from headwater.cli.show_lists import FaultPlace
from headwater.cli.terminal import say
from headwater.cli.ticker import Ticker
from headwater.errors import CaseBusy, UsageError
from headwater.exchange.text import text_of
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
from headwater.lists.locked import Held, LockedMemory, protect_process
from headwater.lists.sniff import HEAD_BYTES, sniff
from headwater.lists.stream import PeekedStream, open_stream
from headwater.report.words import amount

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
    case_name: str = ""
    organisation: str = ""
    authority: str = ""
    accept_swap: bool = False
    quiet: bool = False


class FaultCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often something could not be read of entries, by field and rule."""

    field: str
    rule: str
    count: int


class ImportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an import leaves."""

    schema: str = "headwater/list-import/1"
    name: str
    format: str
    role: ListRole
    scheme: str
    entries: int
    broken_entries: int
    """Entries that were left out."""
    withdrawn_entries: int
    """Entries of which the list itself says that they no longer hold."""
    hashes: dict[str, int]
    """By kind: `md5`, `sha1`, `sha256`, `pdq`, `photodna`."""
    faults: list[FaultCount]
    first_faults: list[FaultPlace]
    lost: dict[str, int]
    """Values that were read and not kept, by the field's name in the format."""
    signed_by: str | None
    """Number of the key whose signature holds for the file, None for an unsigned list."""
    signature_unchecked: bool
    """A signature lies beside the file, and no key was given to check it with."""
    replaces: str | None
    """When the version that this one replaces was imported, None for the first of its name."""
    resumed_entries: int
    """Entries that an earlier run, which was stopped, had taken."""
    made_case: bool
    """The case was not there, and was made."""
    memory: Held
    """How the memory that held the list was kept from the disk."""
    seconds: float


def run_import(request: ImportRequest) -> ImportAnswer:
    """Import a list. Raises HeadwaterError of the kind that says what stands in the way."""
    began = time.monotonic()
    if not request.name.strip():
        raise UsageError("a list needs a name: --name")
    scheme, signer = _scheme(request.scheme), _signer(request)
    _check_words(request)
    protection = protect_process(accept_swap=request.accept_swap)
    made_case = not (request.case / DATABASE_NAME).exists()
    case_id, versions = _case(request)
    before = next((one for one in versions if one.serves and one.info.name == request.name), None)
    _stays_signed(request, signer, before)
    make_key = not any(one.serves for one in versions)
    key = list_key(key_folder(), case_id, request.case.absolute(), make=make_key)
    folder = request.case / LISTS
    folder.mkdir(mode=0o700, exist_ok=True)
    with _writing(folder), LockedMemory(protection) as memory:
        imported, info, resumed = _imported(request, folder, key, memory, scheme, signer, before)
        with closing(_store_when_free(request)) as store:
            store.serve_list(info)
        _clear(request.case, folder)
    told = msgspec.convert(imported.report, _Told)
    return ImportAnswer(
        name=request.name,
        format=info.format,
        role=info.role,
        scheme=info.scheme,
        entries=imported.entries,
        **msgspec.structs.asdict(told),
        signed_by=signer,
        signature_unchecked=signer is None and _beside(request).exists(),
        replaces=None if before is None else before.imported_at,
        resumed_entries=resumed,
        made_case=made_case,
        memory=protection.held,
        seconds=round(time.monotonic() - began, 3),
    )


def _check_words(request: ImportRequest) -> None:
    """Raise UsageError for what cannot be, before a case is made for it."""
    _role(request.role, request.format)
    if request.format:
        readers.make(request.format, request.reader_options)
    if request.file != "-" and not Path(request.file).exists():
        raise UsageError(f"{request.file} cannot be opened: there is no such file")


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What of the report of an import is told again."""

    broken_entries: int
    withdrawn_entries: int
    hashes: dict[str, int]
    faults: list[FaultCount]
    first_faults: list[FaultPlace]
    lost: dict[str, int]


def _stays_signed(request: ImportRequest, signer: str | None, before: ListVersion | None) -> None:
    """Raise UsageError for an unsigned file in the place of a signed list: it may be anybody's."""
    if before is not None and before.info.signer is not None and signer is None:
        raise UsageError(
            f"the list {request.name} that serves is signed with key {before.info.signer}; give "
            "the new version's --signature and --public-key, or withdraw the list first with "
            "`lists remove`"
        )


def _keeps_role(request: ImportRequest, role: ListRole, before: ListVersion | None) -> None:
    """Raise UsageError where a new version would get another role and nobody said so.

    A negative list that came again as a watch list would call what was cleared a match.
    """
    if before is not None and not request.role and before.info.role != role:
        raise UsageError(
            f"the list {request.name} serves as {before.info.role}; say which role the new version "
            f"has, with --role {before.info.role} or another"
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


def say_stopped(request: ImportRequest) -> None:
    """Print what to do after an import was stopped."""
    if request.file != "-" and Path(request.file).is_file():
        say("stopped; the same command goes on")
    else:
        say("stopped; a list from a pipe has to be given again from its beginning")


def say_imported(answer: ImportAnswer, *, as_json: bool) -> None:
    """Print what was imported, and what of it was not kept."""
    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
        return
    hashes = ", ".join(f"{count:,} {kind}" for kind, count in answer.hashes.items() if count)
    entries = amount(answer.entries, "entry", "entries")
    say(f"{answer.name}: {entries} ({hashes}), {answer.seconds:.1f} s")
    say(f"format {answer.format}, role {answer.role}, categories by {answer.scheme}")
    signed = f"signed with key {answer.signed_by}" if answer.signed_by else "not signed"
    unchecked = "; its signature was not checked: give --public-key"
    say(f"{signed}{unchecked if answer.signature_unchecked else ''}; matches will say so")
    for words in _remarks(answer):
        say(words)
    for fault in answer.faults:
        say(f"  left out: {fault.count:,} x {fault.field}: {fault.rule}{_first(fault, answer)}")
    for field, count in answer.lost.items():
        say(f"  not kept: {count:,} x {field}")
    say("run `headwater match` to match the case with it")


def _remarks(answer: ImportAnswer) -> Iterator[str]:
    if answer.made_case:
        yield "the case was not there, and was made"
    if answer.replaces is not None:
        yield f"it replaces the version that was imported at {answer.replaces}"
    if answer.resumed_entries:
        yield f"went on after {amount(answer.resumed_entries, 'entry', 'entries')}"
    if answer.withdrawn_entries:
        yield f"{answer.withdrawn_entries:,} of them are withdrawn by the list itself"
    if answer.memory == "accepted":
        yield "memory was not locked: parts of the list may have been swapped to disk"


def _first(fault: FaultCount, answer: ImportAnswer) -> str:
    """Return where a fault came up first, if that is among what is kept."""
    for one in answer.first_faults:
        if (one.field, one.rule) == (fault.field, fault.rule):
            return f", first at {one.where}"
    return ""


def _case(request: ImportRequest) -> tuple[str, list[ListVersion]]:
    """Return the id of the case and its lists; the case is made if there is none."""
    if not (request.case / DATABASE_NAME).exists():
        name = text_of(os.fsencode(request.case.resolve().name))
        info = CaseInfo(
            name=request.case_name or name,
            examiner=request.by,
            organisation=request.organisation,
            authority=request.authority,
        )
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
    chosen: schemes.Scheme | None,
    signer: str | None,
    before: ListVersion | None,
) -> tuple[Imported, ListInfo, int]:
    """Return what was imported, how it is kept in the case, and entries taken by earlier runs."""
    ticker = Ticker(quiet=request.quiet)
    resumed = 0

    def tell(progress: ImportProgress) -> None:
        nonlocal resumed
        resumed = progress.resumed_entries
        ticker.show(_progress_text(progress))

    with open_stream(request.file) as opened:
        stream = PeekedStream(opened)
        reader = _reader(request, stream)
        role = _role(request.role, reader.FORMAT)
        _keeps_role(request, role, before)

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
            tell,
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
        report={
            **kept,
            "scheme": msgspec.to_builtins(scheme),
            "memory": memory.protection.held,
        },
    )
    return imported, info, resumed


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
    beside = _beside(request)
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


def _beside(request: ImportRequest) -> Path:
    """Return where minisign puts the signature of the list file."""
    return Path(request.file + ".minisig")


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
