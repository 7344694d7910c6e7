"""What `serve-match` does: open the lists of a case, and answer until it is stopped."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from headwater.case.query import Case
from headwater.case.signing import key_folder
from headwater.case.store import LISTS
from headwater.cli.terminal import say
from headwater.engine.warm import kernel_folder
from headwater.errors import UsageError
from headwater.limits import Limits
from headwater.lists.locked import LockedMemory, Protection, protect_process
from headwater.match.rule import Rule
from headwater.version import VERSION

if TYPE_CHECKING:
    from headwater.exchange.hma.caged import CagedHasher
    from headwater.exchange.hma.serve import Listener
    from headwater.exchange.hma.tokens import Tokens


class ServeMatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    case: Path
    port: int = 5100
    bind: str = "127.0.0.1"
    token_file: Path | None = None
    rate_per_minute: float = 600
    burst: int = 60
    alarm_at: int = 32
    distances: bool = False
    uploads: bool = True
    workers: int = 0
    uncaged: bool = False
    accept_swap: bool = False
    quiet: bool = False
    limits: Limits = Limits()


def run_serve_match(request: ServeMatchRequest) -> None:
    """Serve until SIGTERM or SIGINT; raises HeadwaterError of the kind that stands in the way."""
    from headwater.exchange.hma.serve import listen  # noqa: PLC0415
    from headwater.exchange.hma.tokens import make_token_file, read_tokens  # noqa: PLC0415

    with Case.open(request.case) as case:
        case_id = case.info.case_id
        if not case.lists():
            raise UsageError("this case has no known list; `headwater lists import` brings one")
    path = _token_path(request, case_id)
    if request.token_file is None and not path.exists():
        make_token_file(path)
        say(f"made a token: {path}")
    tokens = read_tokens(path)
    with closing(listen(request.bind, request.port)) as listener, ExitStack() as opened:
        from headwater.exchange.hma.caged import CagedHasher, caged_config  # noqa: PLC0415

        workers = request.workers or len(os.sched_getaffinity(0))
        hasher = None
        if request.uploads:
            config = caged_config(request.limits, workers, uncaged=request.uncaged)
            hasher = opened.enter_context(CagedHasher(config, workers))
        protection = protect_process(accept_swap=request.accept_swap)
        _answer(request, case_id, tokens, listener, hasher, protection)


def _answer(
    request: ServeMatchRequest,
    case_id: str,
    tokens: Tokens,
    listener: Listener,
    hasher: CagedHasher | None,
    protection: Protection,
) -> None:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_folder()))
    from headwater.exchange.hma.banks import ContentIds  # noqa: PLC0415 - loads kernels
    from headwater.exchange.hma.following import Following  # noqa: PLC0415
    from headwater.exchange.hma.guard import Guard  # noqa: PLC0415
    from headwater.exchange.hma.pace import Pace  # noqa: PLC0415
    from headwater.exchange.hma.probing import Prober  # noqa: PLC0415
    from headwater.exchange.hma.record import RECORD_NAME, Recorder  # noqa: PLC0415
    from headwater.exchange.hma.routes import Lookups  # noqa: PLC0415
    from headwater.exchange.hma.serve import serve, url_of  # noqa: PLC0415
    from headwater.exchange.hma.shelf import Shelf  # noqa: PLC0415
    from headwater.exchange.hma.uploads import Room  # noqa: PLC0415
    from headwater.match.desk import CaseLists  # noqa: PLC0415

    folder = request.case.absolute()
    with (
        LockedMemory(protection) as memory,
        Recorder(folder / LISTS / RECORD_NAME, quiet=request.quiet) as recorder,
        ThreadPoolExecutor(1, "look-up") as on_shelf,
    ):
        desk = CaseLists(folder, case_id, key_folder(), memory)
        rule = Rule()
        with closing(Shelf(desk, rule, ContentIds(desk.key.digests))) as shelf:
            following = Following(folder, desk, shelf, on_shelf, recorder)
            following.open_all()
            lookups = Lookups(
                shelf=shelf,
                on_shelf=on_shelf,
                prober=Prober(rule.radius_bits, request.alarm_at, memory.allocate),
                fresh=following,
                hasher=hasher,
                room=Room(request.limits),
                recorder=recorder,
                distances=request.distances,
            )
            pace = Pace(request.rate_per_minute, request.burst)
            guard = Guard(lookups.app(), tokens, pace, recorder)
            _say_start(request, url_of(listener), shelf.banks, tokens, protection)
            recorder.keep(
                "began",
                program=VERSION,
                address=url_of(listener),
                banks=shelf.banks,
                tokens=tokens.names,
                distances=request.distances,
                uploads=hasher is not None,
                memory=protection.held,
            )
            serve(guard, listener, following.follow(), recorder)
            tally = lookups.tally
            recorder.keep(
                "ended", lookups=tally.lookups, matched=tally.matched, alarms=tally.alarms
            )


def _say_start(
    request: ServeMatchRequest,
    url: str,
    banks: list[str],
    tokens: Tokens,
    protection: Protection,
) -> None:
    names = ", ".join(banks) or "none yet"
    say(f"serving on {url}")
    say(f"banks: {names}; tokens: {', '.join(tokens.names)}")
    if protection.held != "locked":
        say(f"lists lie in memory that could be swapped ({protection.reason}): {protection.held}")
    if request.uncaged and request.uploads:
        say("uploads are opened without a cage")
    sys.stdout.flush()


def _token_path(request: ServeMatchRequest, case_id: str) -> Path:
    path = request.token_file or key_folder() / f"serve-match-{case_id}.tokens"
    if path.resolve().is_relative_to(request.case.resolve()):
        raise UsageError(
            f"the token file may not lie inside the case ({path}), which is handed on; put it "
            "elsewhere"
        )
    return path
