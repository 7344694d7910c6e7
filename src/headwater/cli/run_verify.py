"""What `verify` does: the record, then the sources, then results made again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import typer

from headwater.case.query import Case
from headwater.case.records import Place
from headwater.case.verify import RecordReport, verify_record
from headwater.cli.run_examine import ExamineRequest, make_engine, raise_open_files
from headwater.cli.terminal import say
from headwater.engine.replay import Node, Replay, ReplayReport, Root, SourceFinding, Stored
from headwater.engine.spool import Spool
from headwater.errors import EvidenceError, UsageError
from headwater.evidence.folder import Place as FolderPlace
from headwater.evidence.folder import Walk
from headwater.exchange.text import text_of

_SHOWN = 20


class VerifyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    case: Path
    expect: str | None = None
    checkpoint: Path | None = None
    replay: str = "5%"
    sources: str = "all"
    workers: int = 0
    uncaged: bool = False
    accept_atime: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was."""

    code: str
    where: str
    detail: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. `ok` is False where anything is wrong."""

    schema: str = "headwater/verify/1"
    ok: bool
    statement: str
    record: RecordReport
    files_read: int
    bytes_read: int
    source_findings: tuple[Finding, ...]
    items_replayed: int
    results: dict[str, int]
    """Results made again, by outcome: `equal`, `tolerance`, `other_versions`, `alarm`."""
    result_findings: tuple[Finding, ...]


def run_verify(request: VerifyRequest) -> Verdict:
    """Check a case. Raises HeadwaterError where it cannot be checked at all."""
    share = _share(request.replay)
    if request.sources not in ("all", "none"):
        raise UsageError(f"--sources is all or none, not {request.sources!r}")
    record = verify_record(request.case, request.expect, request.checkpoint)
    replay, missing = ReplayReport(), tuple[Finding, ...]()
    if record.intact and (share or request.sources == "all"):
        replay, missing = _replay(request, share)
    found = missing + tuple(
        Finding(code=one.code, where=_path_text(one), detail=one.reason) for one in replay.findings
    )
    differing = tuple(
        Finding(code=one.verdict, where=f"{one.sha256.hex()} {one.method}", detail=one.detail)
        for one in replay.compared
    )
    alarm = any(finding.code == "alarm" for finding in differing)
    return Verdict(
        ok=record.intact and not found and not alarm,
        statement=record.statement,
        record=record,
        files_read=replay.files,
        bytes_read=replay.bytes_read,
        source_findings=found,
        items_replayed=replay.items,
        results=dict(sorted(replay.verdicts.items())),
        result_findings=differing,
    )


def _path_text(finding: SourceFinding) -> str:
    return f"{text_of(finding.source)}: {text_of(finding.path)}"


def _share(text: str) -> float | int:
    """Return a share of all items below 1.0, a number of items, or 1.0 for all."""
    if text in ("all", "none"):
        return 1.0 if text == "all" else 0
    number = text.removesuffix("%")
    if not number.replace(".", "", 1).isdigit():
        raise UsageError(f"--replay is all, none, a number or a share like 5%, not {text!r}")
    return min(1.0, float(number) / 100) if text.endswith("%") else int(float(number))


def _replay(request: VerifyRequest, share: float | int) -> tuple[ReplayReport, tuple[Finding, ...]]:
    raise_open_files()
    with Case.open(request.case) as case:
        walks, missing = _walks(case, accept_atime=request.accept_atime)
        asked = ExamineRequest(
            sources=(), case=request.case, workers=request.workers, uncaged=request.uncaged
        )
        engine = make_engine(asked, thumbnails=case.info.thumbnails)
        try:
            spool = Spool(request.case / "spool", asked.limits)
            replay = Replay(engine, spool, _Ticker())
            nodes = _sampled(case, share)
            report = replay.run(_roots(case, walks, nodes, everything=request.sources == "all"))
        finally:
            engine.close()
    return report, missing


class _Ticker:
    """Progress of a replay on a terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()

    def __call__(self, report: ReplayReport) -> None:
        if self._is_terminal:
            read = f"{report.files:,} files, {report.bytes_read / 1e6:,.1f} MB"
            sys.stderr.write(f"\r\x1b[Kread again: {read}, {report.items:,} items measured\r")


def _walks(case: Case, *, accept_atime: bool) -> tuple[dict[int, Walk], tuple[Finding, ...]]:
    walks: dict[int, Walk] = {}
    missing: list[Finding] = []
    for source in case.sources():
        try:
            walks[source.source_id] = Walk(source.path, accept_atime=accept_atime)
        except EvidenceError as error:
            where = text_of(source.path)
            missing.append(Finding(code="missing", where=where, detail=str(error)))
    return walks, tuple(missing)


Key = tuple[int, bytes, bytes]


def _sampled(case: Case, share: float | int) -> dict[Key, Node]:
    """Return what to measure again, by the file under which it lies.

    The sample follows from the digests, so it is the same each time: a share takes the items
    whose digest is below that share of all digests, a number the first ones.
    """
    nodes: dict[Key, Node] = {}
    for number, item in enumerate(case.all_items()):
        if isinstance(share, int) and number >= share:
            break
        if isinstance(share, float) and int.from_bytes(item.sha256[:6], "big") >= share * 2**48:
            break
        if item.kind == "archive" or (place := _first_place(case, item.item_id)) is None:
            continue
        if not all(problem.reproducible for problem in case.problems(item.item_id)):
            # A crash or a limit of the machine cut its results short: nothing to compare with.
            continue
        node = _node_of(case, nodes, place, item.sha256)
        node.measure = Stored(
            sha256=item.sha256,
            measurements=case.measurements(item.item_id),
            methods=case.methods_of(item.item_id),
        )
    return nodes


def _first_place(case: Case, item_id: int) -> Place | None:
    places = case.places(item_id, limit=1)
    return places[0] if places else None


def _node_of(case: Case, nodes: dict[Key, Node], place: Place, sha256: bytes) -> Node:
    contents = [*(step.parent_sha256 for step in place.steps), sha256]
    key = (place.source_id, place.directory, place.name)
    node = nodes.setdefault(key, Node(contents[0]))
    for step, content in zip(place.steps, contents[1:], strict=True):
        node = node.inside.setdefault(step.ordinal, Node(content))
    return node


def _roots(
    case: Case, walks: dict[int, Walk], nodes: dict[Key, Node], *, everything: bool
) -> Iterator[Root]:
    for _source, file in case.files():
        if file.item_sha256 is None or file.source_id not in walks:
            continue
        node = nodes.get((file.source_id, file.directory, file.name))
        if node is None and not everything:
            continue
        place = FolderPlace(
            file.directory, file.name, "file", file.size_bytes, file.modified_ns, None, None
        )
        yield Root(walks[file.source_id], place, node or Node(file.item_sha256))


def say_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """Print the answer."""
    if as_json:
        typer.echo(msgspec.json.encode(verdict, enc_hook=bytes.hex).decode())
        return
    say(f"{'GOOD' if verdict.ok else 'NOT GOOD'}: {verdict.statement}")
    for found in verdict.record.findings[:_SHOWN]:
        say(f"  {'damage' if found.damage else 'note'}: {found.where}: {found.detail}")
    if verdict.files_read:
        say(f"sources: {verdict.files_read:,} files read again, {verdict.bytes_read:,} bytes")
    for finding in verdict.source_findings[:_SHOWN]:
        say(f"  {finding.code}: {finding.where}: {finding.detail}")
    if verdict.items_replayed:
        results = ", ".join(f"{count:,} {name}" for name, count in verdict.results.items())
        say(f"results made again: {verdict.items_replayed:,} items: {results}")
    for finding in verdict.result_findings[:_SHOWN]:
        say(f"  {finding.code}: {finding.where}: {finding.detail}")
    hidden = len(verdict.source_findings) + len(verdict.result_findings) - 2 * _SHOWN
    if hidden > 0:
        say("  more are left out here; --json has them all")
