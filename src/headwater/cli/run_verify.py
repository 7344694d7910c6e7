"""What `verify` does: the record, then the sources, then results made again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from headwater.case.query import Case
from headwater.case.store import LISTS
from headwater.case.verify import RecordReport, verify_record
from headwater.cli.layout import say_wrapped
from headwater.cli.run_examine import ExamineRequest, make_engine, raise_open_files
from headwater.cli.terminal import say
from headwater.cli.ticker import Ticker
from headwater.engine.reopen import FileKey, add_item, open_walks, roots
from headwater.engine.replay import Node, Replay, ReplayReport, SourceFinding, Stored
from headwater.engine.spool import Spool
from headwater.errors import UsageError
from headwater.exchange.text import text_of
from headwater.lists.manifest import changed_files

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
    lists: int
    """Known lists that serve; their sealed files were read to the end."""
    list_findings: tuple[Finding, ...]


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
    lists, changed = _changed_lists(request.case) if record.intact else (0, ())
    return Verdict(
        ok=record.intact and not found and not alarm and not changed,
        statement=record.statement,
        record=record,
        files_read=replay.files,
        bytes_read=replay.bytes_read,
        source_findings=found,
        items_replayed=replay.items,
        results=dict(sorted(replay.verdicts.items())),
        result_findings=differing,
        lists=lists,
        list_findings=changed,
    )


def _changed_lists(folder: Path) -> tuple[int, tuple[Finding, ...]]:
    """Return how many lists serve, and what is wrong with their sealed files."""
    with Case.open(folder) as case:
        served = [one.info for one in case.lists() if one.serves]
    return len(served), tuple(
        Finding(code="list_changed", where=info.name, detail=wrong)
        for info in served
        for wrong in changed_files(folder / LISTS / info.folder, info.manifest_sha256)
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
        walks, gone = open_walks(case, accept_atime=request.accept_atime)
        asked = ExamineRequest(
            sources=(), case=request.case, workers=request.workers, uncaged=request.uncaged
        )
        engine = make_engine(asked, thumbnails=case.info.thumbnails)
        ticker = Ticker()
        try:
            spool = Spool(request.case / "spool", asked.limits)
            replay = Replay(engine, spool, lambda report: ticker.show(_read_again(report)))
            nodes = _sampled(case, share)
            report = replay.run(roots(case, walks, nodes, everything=request.sources == "all"))
        finally:
            engine.close()
            ticker.end()
    missing = (
        Finding(code="missing", where=text_of(path), detail=why) for path, why in gone.items()
    )
    return report, tuple(missing)


def _read_again(report: ReplayReport) -> str:
    read = f"{report.files:,} files, {report.bytes_read / 1e6:,.1f} MB"
    return f"read again: {read}, {report.items:,} items measured"


def _sampled(case: Case, share: float | int) -> dict[FileKey, Node]:
    """Return what to measure again, by the file under which it lies.

    The sample follows from the digests, so it is the same each time: a share takes the items
    whose digest is below that share of all digests, a number the first ones.
    """
    nodes: dict[FileKey, Node] = {}
    for number, item in enumerate(case.all_items()):
        if isinstance(share, int) and number >= share:
            break
        if isinstance(share, float) and int.from_bytes(item.sha256[:6], "big") >= share * 2**48:
            break
        if item.kind == "archive":
            continue
        if not all(problem.reproducible for problem in case.problems(item.item_id)):
            # A crash or a limit of the machine cut its results short: nothing to compare with.
            continue
        stored = Stored(
            sha256=item.sha256,
            measurements=case.measurements(item.item_id),
            methods=case.methods_of(item.item_id),
        )
        add_item(case, nodes, item, stored)
    return nodes


def say_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """Print the answer."""
    if as_json:
        typer.echo(msgspec.json.encode(verdict, enc_hook=bytes.hex).decode())
        return
    record = verdict.record
    changed = "not everything around the record is what it was; the record is "
    stands = changed if record.intact and not verdict.ok else ""
    say_wrapped(f"{'GOOD' if verdict.ok else 'NOT GOOD'}: {stands}{verdict.statement}", "")
    say(f"record: {record.leaves:,} leaves, {record.checkpoints:,} checkpoints that fit")
    _say_findings(
        [
            Finding(code="damage" if one.damage else "note", where=one.where, detail=one.detail)
            for one in record.findings
        ],
        record.more_findings,
    )
    if verdict.files_read:
        say(f"sources: {verdict.files_read:,} files read again, {verdict.bytes_read:,} bytes")
    _say_findings(verdict.source_findings)
    if verdict.items_replayed:
        results = ", ".join(f"{count:,} {name}" for name, count in verdict.results.items())
        say(f"results of {verdict.items_replayed:,} items made again: {results}")
    _say_findings(verdict.result_findings)
    if verdict.lists:
        say(f"known lists: {verdict.lists:,}, their sealed files read to the end")
    _say_findings(verdict.list_findings)


def _say_findings(findings: Sequence[Finding], more: int = 0) -> None:
    """Print the first findings and how many others there are."""
    for one in findings[:_SHOWN]:
        say_wrapped(f"{one.code}: {one.where}: {one.detail}", further="    ")
    left_out = len(findings[_SHOWN:]) + more
    if left_out:
        listed = f"{len(findings):,} of {len(findings) + more:,}"
        say(f"  ... and {left_out:,} more; --json lists {listed}")
