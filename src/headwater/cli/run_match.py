"""What `match` does, and `examine` at its end: the case against its lists, and within itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import typer

from headwater.case.query import Case
from headwater.case.records import Rehash
from headwater.case.signing import key_folder
from headwater.case.store import CaseStore
from headwater.cli.run_examine import (
    ExamineRequest,
    RunRecord,
    examine_config,
    raise_open_files,
    started_engine,
    stop_on_signals,
)
from headwater.cli.show_lists import matched_words
from headwater.cli.terminal import say
from headwater.cli.ticker import Ticker
from headwater.engine.deferred import Deferred
from headwater.engine.methods import container_row, load_measures
from headwater.engine.remeasure import Remeasure, remeasure
from headwater.engine.reopen import open_walks
from headwater.engine.replay import ReplayReport
from headwater.engine.spool import Spool
from headwater.engine.task import Engine, EngineFacts
from headwater.engine.warm import kernel_folder
from headwater.exchange.known_lists import ListTally, known_tally
from headwater.lists.locked import Held, LockedMemory, Protection, protect_process
from headwater.match.rule import VERSION, Rule
from headwater.measures.registry import ON_DEMAND
from headwater.model import DIHEDRAL, Outcome
from headwater.report.words import amount

_NO_LIST = Protection(held="no_swap", reason="no list is opened")


class MatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    case: Path
    rule: Rule = Rule()
    again: bool = False
    workers: int = 0
    uncaged: bool = False
    accept_atime: bool = False
    accept_swap: bool = False
    quiet: bool = False


class MatchSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of matching did."""

    schema: str = "headwater/match/1"
    complete: bool
    """False where it was stopped: the same command goes on."""
    lists: int
    """Lists that had something new to compare."""
    items: int
    """Items that were compared with something."""
    full_decodes: int
    """Pictures that were hashed again from the full decode."""
    changed: int
    """Matches that are new, different or ended."""
    watched: int
    """Items that match a watch list, of all that the case holds."""
    on_lists: list[ListTally]
    """Of each list that serves, how many items of the case it matches now."""
    memory: Held | None
    """How the memory that held the lists was kept from the disk, None where none was opened."""
    seconds: float
    root: str
    log_size: int


def run_match(request: MatchRequest) -> MatchSummary:
    """Match a case. Raises HeadwaterError of the kind that says what stands in the way."""
    began = time.monotonic()
    with closing(CaseStore.open(request.case)) as store:
        runs = RunRecord(store, _as_examining(request))
        matched, engine = match_new(store, request, runs.begin)
        event = "matched" if matched.complete else "stopped"
        checkpoint = runs.end(event, msgspec.to_builtins(matched), engine)
    with Case.open(request.case) as case:
        known = known_tally(case)
    return MatchSummary(
        **msgspec.structs.asdict(matched),
        watched=known.watched,
        on_lists=list(known.lists),
        seconds=round(time.monotonic() - began, 3),
        root=checkpoint.root_hex,
        log_size=checkpoint.size,
    )


def match_new(
    store: CaseStore, request: MatchRequest, began: Callable[[EngineFacts], None]
) -> tuple[Matched, Engine]:
    """Match what is new in a case that is open for writing; return the engine, ended, too.

    `began` is called with the facts of the engine for full decodes, if one is needed.
    """
    asked = _as_examining(request)
    config = examine_config(asked, measures=ON_DEMAND)
    measures = load_measures(config.measures, config.options)
    methods = (*(one.row for one in measures), container_row())
    engine = Deferred(lambda: started_engine(asked, config), methods, began)
    try:
        return _match_case(store, engine, request), engine
    finally:
        engine.close()


def _as_examining(request: MatchRequest) -> ExamineRequest:
    return ExamineRequest(
        sources=(),
        case=request.case,
        workers=request.workers,
        uncaged=request.uncaged,
        accept_atime=request.accept_atime,
        quiet=request.quiet,
    )


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """What matching did; the first fields of `MatchSummary`."""

    complete: bool = True
    lists: int = 0
    items: int = 0
    full_decodes: int = 0
    changed: int = 0
    memory: Held | None = None


def _match_case(store: CaseStore, engine: Engine, request: MatchRequest) -> Matched:
    with Case.open(request.case) as case:
        if not request.again and _is_done(case, request.rule):
            return Matched()
        os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_folder()))
        from headwater.match.desk import CaseLists  # noqa: PLC0415 - loads kernels
        from headwater.match.run import Matching  # noqa: PLC0415

        has_lists = any(one.serves for one in case.lists())
        protection = protect_process(accept_swap=request.accept_swap) if has_lists else None
        ticker = _StoppingTicker(quiet=request.quiet)
        with LockedMemory(protection or _NO_LIST) as memory:
            desk = CaseLists(request.case.absolute(), case.info.case_id, key_folder(), memory)
            rehasher = _Rehasher(case, engine, request, ticker)
            matching = Matching(
                case,
                store,
                desk,
                rehasher,
                request.rule,
                lambda doing, _tally: ticker.show(f"matching: {doing}"),
                threads=request.workers or len(os.sched_getaffinity(0)),
                again=request.again,
            )
            with stop_on_signals(ticker.stop), suppress(_Stopped):
                matching.run()
        ticker.end()
    tally = matching.tally
    return Matched(
        complete=not ticker.is_stopped,
        lists=tally.lists,
        items=tally.items,
        full_decodes=tally.rehashed,
        changed=tally.changed,
        memory=protection.held if protection else None,
    )


def latest_rule(folder: Path) -> Rule:
    """Return the rule by which a case was matched last, as this program matches by it."""
    with Case.open(folder) as case:
        rules = [rule for version, rule in case.match_passes() if version is None]
    try:
        return msgspec.structs.replace(msgspec.json.decode(rules[0], type=Rule), version=VERSION)
    except (IndexError, msgspec.DecodeError):
        # Never matched, or by a rule that this program does not know.
        return Rule()


def _is_done(case: Case, rule: Rule) -> bool:
    """Return whether everything was compared with everything that serves."""
    last, done, text = case.last_outcome(), case.match_passes(), rule.text()
    asked = [None, *(one.version_id for one in case.lists() if one.serves)]
    return all(done.get((version, text), 0) >= last for version in asked)


class _Stopped(BaseException):
    """The user stopped matching; raised between commits alone, so that the case can be ended."""


class _StoppingTicker(Ticker):
    """Shows how far matching is, and ends it there when it was asked to stop."""

    is_stopped = False
    _asked = False

    def stop(self) -> None:
        """End at the next line of progress."""
        self._asked = True

    def show(self, text: str) -> None:
        """Show how far matching is. Raises _Stopped where it is to end."""
        if self._asked:
            self.is_stopped = True
            raise _Stopped
        super().show(text)


class _Rehasher:
    """Hashes pictures again from the full decode, out of the sources, in caged workers."""

    def __init__(self, case: Case, engine: Engine, request: MatchRequest, ticker: Ticker) -> None:
        self._case = case
        self._engine = engine
        self._request = request
        self._ticker = ticker

    def __call__(self, outcome_ids: Sequence[int]) -> list[Rehash]:
        raise_open_files()
        items = self._case.items_of_outcomes(outcome_ids)
        made: dict[bytes, Rehash] = {}
        outcomes = {item.sha256: outcome_id for outcome_id, item in items.items()}

        def take(sha256: bytes, outcome: Outcome) -> None:
            made[sha256] = _rehash(outcomes[sha256], outcome)

        walks, _missing = open_walks(self._case, accept_atime=self._request.accept_atime)
        spool = Spool(self._request.case / "spool", _as_examining(self._request).limits)
        again = Remeasure(self._engine, spool, self._tick, take)
        try:
            remeasure(self._case, walks, items.values(), again)
        finally:
            for walk in walks.values():
                walk.close()
        gone = "its source could not be read again"
        return [
            made.get(items[one].sha256) or Rehash(outcome_id=one, problem=gone)
            for one in outcome_ids
        ]

    def _tick(self, report: ReplayReport) -> None:
        self._ticker.show(f"matching: {report.items:,} full decodes")


def _rehash(outcome_id: int, outcome: Outcome) -> Rehash:
    """Return the hash that an outcome holds, or why it holds none."""
    said = msgspec.json.decode(outcome.measurements.get("pdq_full", b"{}"))
    if "dihedral" not in said:
        reasons = [problem.reason for problem in outcome.problems]
        why = said.get("cannot_measure") or "; ".join(reasons) or "it gave no hash"
        return Rehash(outcome_id=outcome_id, methods=outcome.methods, problem=why)
    forms = bytes.fromhex("".join(said["dihedral"][form] for form in DIHEDRAL))
    return Rehash(
        outcome_id=outcome_id, methods=outcome.methods, pdq=forms, quality=said["quality"]
    )


def say_matched(summary: MatchSummary, *, as_json: bool) -> None:
    """Print what matching did."""
    if as_json:
        typer.echo(msgspec.json.encode(summary).decode())
        return
    if summary.items or summary.lists:
        done = [
            f"{amount(summary.items, 'item')} compared",
            f"{amount(summary.lists, 'list')} opened",
            amount(summary.full_decodes, "full decode"),
            f"{amount(summary.changed, 'match', 'matches')} changed",
        ]
        say(f"{', '.join(done)}, {summary.seconds:.1f} s")
    else:
        say("nothing to compare that was not compared before")
    for one in summary.on_lists:
        say(f"  {one.role} list {one.name}: items: {matched_words(one) or '0'}")
    if any(one.unconfirmed for one in summary.on_lists):
        say("unconfirmed: the source could not be read; bring it back, and match with --again")
    if not summary.complete:
        say("stopped; the same command goes on")
    say(f"root of the log: {summary.root} at {summary.log_size:,}")
