"""What `examine` and `demo` both do: open or make the case, the sources and the engine, and run."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec
import typer

from headwater.case.database import DATABASE_NAME
from headwater.case.query import Case
from headwater.case.records import CaseInfo, Checkpoint, ItemFilter, RunInfo
from headwater.case.signing import key_folder
from headwater.case.store import CaseStore
from headwater.cli.progress import Ahead, Progress
from headwater.cli.terminal import say
from headwater.engine.deferred import Deferred
from headwater.engine.examine import Examination, Retry, Tally, expected_methods
from headwater.engine.methods import container_row, load_measures, measure_names
from headwater.engine.nursery import Config
from headwater.engine.spool import Spool
from headwater.engine.task import Engine, EngineFacts
from headwater.engine.warm import kernel_folder
from headwater.errors import EvidenceError, HeadwaterError, UsageError
from headwater.evidence.folder import Walk
from headwater.exchange.text import text_of
from headwater.limits import Limits
from headwater.version import VERSION

if TYPE_CHECKING:
    from headwater.cli.run_match import Matched  # which imports this

_OPEN_FILES = 4096
_FEWEST_OPEN_FILES = 1024
_PLACES_TO_RETRY = 100
"""Places through which one content is reached again; one is enough to measure it."""


class ExamineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    sources: tuple[Path, ...]
    case: Path
    name: str = ""
    examiner: str = ""
    organisation: str = ""
    authority: str = ""
    workers: int = 0
    engine: str = "pool"
    accept_atime: bool = False
    uncaged: bool = False
    thumbnails: bool = True
    retry_limits: bool = False
    accept_swap: bool = False
    quiet: bool = False
    limits: Limits = Limits()


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run leaves: totals of the case, and facts of this run.

    `occurrences` counts every place, those inside containers included; `resumed` counts the
    places of the sources that earlier runs had finished.
    """

    occurrences: int
    items: int
    measurements: int
    problems: int
    bytes: int
    seconds: float
    cpu_seconds: float
    resumed: int
    complete: bool
    root: str
    log_size: int


def run_examine(request: ExamineRequest) -> Summary:
    """Examine; raises HeadwaterError of the kind that says what stands in the way."""
    began, cpu_began = time.monotonic(), _cpu_seconds()
    if request.engine not in ("pool", "inline"):
        raise UsageError(f"there is no engine {request.engine!r}; use pool or inline")
    if request.engine == "inline" and not request.uncaged:
        raise UsageError(
            "the inline engine opens evidence without a cage; add --uncaged to accept that, or "
            "leave --engine out"
        )
    walks = [_walk(source, request) for source in request.sources]
    raise_open_files()
    with closing(_open_case(request)) as store:
        _protect_lists(request)
        tally, complete, checkpoint = _examine(store, walks, request)
    with Case.open(request.case) as case:
        counts = case.counts()
    return Summary(
        occurrences=counts.occurrences,
        items=counts.items,
        measurements=counts.measurements,
        problems=counts.problems,
        bytes=tally.bytes_read,
        seconds=round(time.monotonic() - began, 3),
        cpu_seconds=round(_cpu_seconds() - cpu_began, 3),
        resumed=tally.resumed,
        complete=complete,
        root=checkpoint.root_hex,
        log_size=checkpoint.size,
    )


def _examine(
    store: CaseStore, walks: list[Walk], request: ExamineRequest
) -> tuple[Tally, bool, Checkpoint]:
    runs = RunRecord(store, request)
    config = examine_config(request, thumbnails=store.info.thumbnails)
    methods = (
        *(one.row for one in load_measures(config.measures, config.options)),
        container_row(),
    )
    engine = Deferred(lambda: started_engine(request, config), methods, runs.begin)
    try:
        retry = _to_examine_again(request, engine)
        sources = [(store.source(walk.kind, walk.source), walk) for walk in walks]
        with Progress(Ahead(_sizes(request)), quiet=request.quiet) as progress:
            examination = Examination(
                store,
                engine,
                request.limits,
                Spool(request.case / "spool", request.limits),
                retry=retry,
                tick=progress.show,
            )
            with stop_on_signals(examination.stop):
                try:
                    complete = examination.run(sources)
                except EvidenceError as error:
                    runs.end("stopped", {"reason": str(error)}, engine)
                    raise
        facts: dict[str, object] = {
            "resumed": examination.tally.resumed,
            "bytes_read": examination.tally.bytes_read,
        }
        if complete:
            try:
                matched = _match(store, request)
            except HeadwaterError as error:
                runs.end("stopped", {**facts, "reason": str(error)}, engine)
                raise
            facts |= {"matches_changed": matched.changed, "memory": matched.memory or "no list"}
            complete = matched.complete
        event = "finished" if complete else "stopped"
        return examination.tally, complete, runs.end(event, facts, engine)
    finally:
        engine.close()


def _protect_lists(request: ExamineRequest) -> None:
    """Raise at once, and not after hours, where lists cannot be opened as they have to be."""
    with Case.open(request.case) as case:
        has_lists, case_id = any(one.serves for one in case.lists()), case.info.case_id
    if has_lists:
        from headwater.lists.keys import list_key  # noqa: PLC0415
        from headwater.lists.locked import protect_process  # noqa: PLC0415

        protect_process(accept_swap=request.accept_swap)
        list_key(key_folder(), case_id, request.case.absolute(), make=False)


def _match(store: CaseStore, request: ExamineRequest) -> Matched:
    """Match what is new with the lists of the case and within it."""
    from headwater.cli.run_match import MatchRequest, latest_rule, match_new  # noqa: PLC0415

    asked = MatchRequest(
        case=request.case,
        rule=latest_rule(request.case),
        workers=request.workers,
        uncaged=request.uncaged,
        accept_atime=request.accept_atime,
        accept_swap=request.accept_swap,
        quiet=request.quiet,
    )
    matched, _engine_used = match_new(store, asked, lambda _facts: None)
    return matched


class RunRecord:
    """Writes that a run began, once its engine is there, and how it ended."""

    def __init__(self, store: CaseStore, request: ExamineRequest) -> None:
        self._store = store
        self._request = request
        self._run: int | None = None

    def begin(self, facts: EngineFacts) -> None:
        """Record what the run is made by."""
        self._run = self._store.begin_run(_run_info(self._request, facts))

    def end(self, event: str, detail: Mapping[str, object], engine: Engine) -> Checkpoint:
        """Record the end, and the beginning too where nothing had to be opened."""
        if self._run is None:
            self.begin(engine.facts)
        assert self._run is not None
        return self._store.end_run(self._run, event, detail)


def started_engine(request: ExamineRequest, config: Config) -> Engine:
    """Return an engine for this configuration, started."""
    if not request.quiet and not kernel_folder().exists():
        typer.echo("first run here: compiling kernels, which takes a while ...", err=True)
    return _engine(request, config)


def _to_examine_again(request: ExamineRequest, engine: Engine) -> Retry:
    """Return what is to be examined although its places are known, and all that is around it.

    That is what was measured by other methods than this program's now and, with --retry-limits,
    what ended by chance.
    """
    contents: set[bytes] = set()
    places: set[tuple[int, bytes, bytes]] = set()
    codes = ItemFilter(problem_codes=("limit", "crashed"))
    with Case.open(request.case) as case:

        def add_places_of(item_id: int) -> None:
            for place in case.places(item_id, limit=_PLACES_TO_RETRY):
                contents.update(step.parent_sha256 for step in place.steps)
                places.add((place.source_id, place.directory, place.name))

        for item in case.outdated(expected_methods(engine)):
            add_places_of(item.item_id)
        for item in case.all_items(codes) if request.retry_limits else ():
            if all(problem.reproducible for problem in case.problems(item.item_id)):
                continue
            contents.add(item.sha256)
            add_places_of(item.item_id)
        for row in case.unread_places() if request.retry_limits else ():
            if all(problem.reproducible for problem in row.problems):
                continue
            if row.occurrence is not None:
                file = row.occurrence
                places.add((file.source_id, file.directory, file.name))
            elif row.containment is not None:
                contents.add(row.containment.parent_sha256)
                container = case.item(row.containment.parent_sha256)
                if container is not None:
                    add_places_of(container.item_id)
    return Retry(frozenset(contents), frozenset(places))


def make_engine(request: ExamineRequest, *, thumbnails: bool) -> Engine:
    """Return the engine that a request asks for."""
    return _engine(request, examine_config(request, thumbnails=thumbnails))


def examine_config(
    request: ExamineRequest,
    *,
    thumbnails: bool = True,
    measures: tuple[str, ...] | None = None,
) -> Config:
    """Return what workers are told: all measures that are not on demand, or those named."""
    names = measure_names() if measures is None else measures
    options: dict[str, dict[str, int | float | str | bool]] = {}
    if not thumbnails:
        names = tuple(name for name in names if not name.endswith(":Thumbnail"))
        options["storyboard"] = {"thumbnails": False}
    limits = request.limits
    return Config(
        limits=limits,
        measures=names,
        options=options,
        caged=not request.uncaged,
        group_memory_bytes=_workers(request) * limits.worker_memory_bytes
        + limits.spool_memory_bytes,
    )


def _workers(request: ExamineRequest) -> int:
    return request.workers or len(os.sched_getaffinity(0))


def _engine(request: ExamineRequest, config: Config) -> Engine:
    if request.engine == "inline":
        from headwater.engine.inline import Inline  # noqa: PLC0415

        return Inline(config)
    from headwater.engine.pool import Pool  # noqa: PLC0415

    return Pool(_workers(request), config)


def _open_case(request: ExamineRequest) -> CaseStore:
    if (request.case / DATABASE_NAME).exists():
        store = CaseStore.open(request.case)
        _say_what_stays(store.info, request)
        return store
    info = CaseInfo(
        name=request.name or text_of(os.fsencode(request.case.resolve().name)),
        examiner=request.examiner,
        organisation=request.organisation,
        authority=request.authority,
        thumbnails=request.thumbnails,
    )
    return CaseStore.create(request.case, info)


def _say_what_stays(info: CaseInfo, request: ExamineRequest) -> None:
    """Tell which words the case was made with, where other ones are given now."""
    for field in ("name", "examiner", "organisation", "authority"):
        asked, kept = getattr(request, field), getattr(info, field)
        if asked and asked != kept and not request.quiet:
            was = f"as {kept!r}" if kept else "without one"
            say(f"the case was made {was}: {field} {asked!r} is kept for this run alone", err=True)


def _walk(source: Path, request: ExamineRequest) -> Walk:
    walk = Walk(os.fsencode(source), accept_atime=request.accept_atime)
    if walk.is_folder and _lies_in(request.case, walk.source):
        raise UsageError(
            f"the case {request.case} lies inside the source {source}, which must not change; "
            "choose a case folder elsewhere"
        )
    return walk


def _lies_in(folder: Path, source: bytes) -> bool:
    """Return whether a folder, or where it will be made, is the source or lies in it."""
    resolved = folder.resolve()
    return any(
        around.exists() and os.path.samefile(around, source)
        for around in (resolved, *resolved.parents)
    )


def _run_info(request: ExamineRequest, facts: EngineFacts) -> RunInfo:
    environment: dict[str, str] = {}
    for row in facts.methods:
        environment |= row.environment
    return RunInfo(
        program_version=VERSION,
        options=msgspec.json.encode(request, enc_hook=_shown, order="sorted").decode(),
        engine=facts.name,
        workers=facts.workers,
        cage=facts.cage,
        probes=facts.probes,
        uncaged=request.uncaged,
        accept_atime=request.accept_atime,
        versions=environment,
    )


def _shown(value: object) -> str:
    """Return a path as text: its bytes may be no text at all."""
    return text_of(os.fsencode(value)) if isinstance(value, Path) else str(value)


def _sizes(request: ExamineRequest) -> Iterator[int]:
    """Yield the bytes of each place of the sources, for progress alone."""
    for source in request.sources:
        try:
            walk = Walk(os.fsencode(source), accept_atime=request.accept_atime)
            for directory, names in walk.directories():
                if not isinstance(names, OSError) and names:
                    yield from (place.size_bytes or 0 for place in walk.places(directory, names))
        except (EvidenceError, OSError):
            # The examination itself says what is wrong; here it only ends the count.
            return


@contextmanager
def stop_on_signals(stop_work: Callable[[], None]) -> Iterator[None]:
    """End in order on the first interrupt; a second one ends at once, and loses nothing kept."""

    def stop(number: int, _frame: FrameType | None) -> None:
        stop_work()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_open_files() -> None:
    """Let the process hold as many open files as members of archives may need.

    Raises HeadwaterError where the system allows too few to be sure that none is left out.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if wanted < _FEWEST_OPEN_FILES:
        raise HeadwaterError(
            f"this process may open no more than {hard} files, and archives need "
            f"{_FEWEST_OPEN_FILES}; raise the limit (ulimit -Hn, or LimitNOFILE= of a service)"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of all that it has waited for."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
