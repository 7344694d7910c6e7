"""The routes: HMA's look-ups, answered from the shelf."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headwater.errors import ContentError, HeadwaterError, UsageError
from headwater.exchange.hma import answers, uploads
from headwater.exchange.hma.answers import json_answer, text_answer
from headwater.exchange.hma.caged import CagedHasher
from headwater.exchange.hma.probing import Alarm, Prober
from headwater.exchange.hma.record import Recorder
from headwater.exchange.hma.shelf import Match, Shelf
from headwater.exchange.hma.signals import SIGNAL_TYPES, SignalType, signal_type, types_of

_COMPARE_BYTES = 64 << 10


class Fresh(Protocol):
    """Says whether the shelf is what the case says."""

    @property
    def is_stale(self) -> bool:
        """Return whether the case has not been heard of for too long."""
        ...


@dataclass(slots=True)
class Tally:
    """What was asked of the server."""

    lookups: int = 0
    matched: int = 0
    alarms: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of an upload."""

    signals: Mapping[str, str]
    """By signal type, as HMA writes it; empty for a picture too poor to be compared."""
    item: Mapping[str, bytes]
    """All that is known of it, by kind."""


@dataclass(slots=True)
class Lookups:
    """Answers the routes."""

    shelf: Shelf
    on_shelf: Executor
    prober: Prober
    fresh: Fresh
    hasher: CagedHasher | None
    """None: uploads are not taken."""
    room: uploads.Room
    recorder: Recorder
    distances: bool
    tally: Tally = field(default_factory=Tally)

    def app(self) -> Starlette:
        """Return the application of all routes."""
        get, post = ["GET"], ["POST"]
        return Starlette(
            routes=[
                Route("/", self.home, methods=get),
                Route("/status", self.status, methods=get),
                Route("/livez", self.livez, methods=get),
                Route("/readyz", self.readyz, methods=get),
                Route("/site-map", self.site_map, methods=get),
                Route("/site-map/left-out", self.left_out, methods=get),
                Route("/h/hash", self.hash_get, methods=get),
                Route("/h/hash", self.hash_post, methods=post),
                Route("/m/raw_lookup", self.raw_lookup, methods=get),
                Route("/m/lookup", self.lookup_get, methods=get),
                Route("/m/lookup", self.lookup_post, methods=post),
                Route("/m/compare", self.compare, methods=post),
                Route("/m/index/status", self.index_status, methods=get),
            ],
            exception_handlers={
                HTTPException: _http_error,
                UsageError: _usage_error,
                ContentError: _content_error,
                HeadwaterError: _gone,
                Exception: _unexpected,
            },
        )

    # What needs no token.

    async def home(self, _request: Request) -> Response:
        """Lead to the status, as HMA does without pages."""
        return RedirectResponse("/status", 302)

    async def status(self, _request: Request) -> Response:
        """Say that the server is there, and its lists are fresh."""
        if self.fresh.is_stale:
            return text_answer(answers.STALE, 503)
        return text_answer(answers.ALIVE)

    async def livez(self, _request: Request) -> Response:
        """Say that the server is there."""
        return text_answer("OK")

    async def readyz(self, _request: Request) -> Response:
        """Say that look-ups are answered."""
        if self.fresh.is_stale:
            return text_answer(answers.STALE, 503)
        return text_answer("READY")

    # What says nothing of lists.

    async def site_map(self, _request: Request) -> Response:
        """List the routes."""
        return json_answer(answers.ROUTES)

    async def left_out(self, _request: Request) -> Response:
        """List what HMA answers and this server does not."""
        return json_answer(answers.LEFT_OUT)

    async def hash_get(self, _request: Request) -> Response:
        """Refuse: what HMA would fetch is not fetched."""
        raise HTTPException(400, "url is required, and always refused; upload with POST")

    async def hash_post(self, request: Request) -> Response:
        """Hash an upload: `{"pdq": "..."}`."""
        return json_answer((await self._made(request)).signals)

    async def compare(self, request: Request) -> Response:
        """Compare given signals: `{"pdq": [true, {"distance": 9}]}`."""
        try:
            asked = msgspec.json.decode(await _small_body(request), type=dict[str, list[str]])
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Not chained: its text may quote the body.
            raise UsageError("Request input was not a dict of lists of signals") from None
        return json_answer({name: self._compared(name, pair) for name, pair in asked.items()})

    def _compared(self, name: str, pair: list[str]) -> list[Any]:
        kind = signal_type(name)
        if len(pair) != 2:
            raise UsageError("Comparison hash list length must be exactly 2")
        left, right = (kind.parsed(one) for one in pair)
        return kind.compared(left, right, self.shelf.rule.radius_bits)

    async def index_status(self, request: Request) -> Response:
        """Say how many hashes serve: `{"pdq": {"built_to": 1, "present": true, "size": 2}}`."""
        limited = request.query_params.get("signal_type")
        types = SIGNAL_TYPES.values() if limited is None else [signal_type(limited)]
        return json_answer({one.name: self._built(one) for one in types})

    def _built(self, kind: SignalType) -> dict[str, Any]:
        size, newest = self.shelf.status(kind.kind)
        built_to = -1 if newest is None else newest
        return {"present": newest is not None, "built_to": built_to, "size": size}

    # Look-ups.

    async def raw_lookup(self, request: Request) -> Response:
        """Look a signal up: `{"matches": [1, 2]}`."""
        include_distance = answers.is_true(request, "include_distance")
        if include_distance is None:
            raise UsageError("invalid boolean parameter - prefer true/false")
        found = await self._signal_found(request)
        shaped = answers.raw_matches(
            found, include_distance=include_distance, distances=self.distances
        )
        return json_answer(shaped)

    async def lookup_get(self, request: Request) -> Response:
        """Look a signal up: `{"BANK": [{"bank_content_id": 1, "distance": "0"}]}`."""
        found = await self._signal_found(request)
        return json_answer(answers.matches_by_bank(found, distances=self.distances))

    async def lookup_post(self, request: Request) -> Response:
        """Look an upload up: `{"pdq": {"BANK": [...]}}`."""
        made = await self._made(request)
        shaped: dict[str, Any] = {}
        for name, signal in made.signals.items():
            kind = SIGNAL_TYPES[name]
            found = await self._found(request, kind, made.item) if signal else ()
            shaped[name] = answers.matches_by_bank(found, distances=self.distances)
        return json_answer(shaped)

    async def _signal_found(self, request: Request) -> Sequence[Match]:
        name, signal = (request.query_params.get(key) for key in ("signal_type", "signal"))
        if not name or not signal:
            raise UsageError("both signal and signal_type are required")
        kind = signal_type(name)
        return await self._found(request, kind, {kind.kind: kind.parsed(signal)})

    async def _found(
        self, request: Request, kind: SignalType, item: Mapping[str, bytes]
    ) -> Sequence[Match]:
        """Look up on the shelf's thread, raise the alarm there may be, and keep to the banks."""
        if self.fresh.is_stale:
            raise HTTPException(503, "index is stale: the case could not be read for a while")
        loop = asyncio.get_running_loop()
        found, alarm = await loop.run_in_executor(
            self.on_shelf, self._look, request.state.token, kind, item
        )
        if alarm is not None:
            self.tally.alarms += 1
            self.recorder.keep(
                "ALARM near-duplicate probing",
                token=alarm.token,
                near_signals=alarm.neighbours,
                near_signals_that_matched=alarm.matched_neighbours,
                radius_bits=self.shelf.rule.radius_bits,
            )
        banks = request.query_params.get("banks")
        return found if not banks else [one for one in found if one.bank in banks.split(",")]

    def _look(
        self, token: str, kind: SignalType, item: Mapping[str, bytes]
    ) -> tuple[list[Match], Alarm | None]:
        value = item[kind.kind]
        found = self.shelf.look_up(kind.kind, value, item)
        self.tally.lookups += 1
        self.tally.matched += bool(found)
        if kind.kind != "pdq":
            return found, None
        return found, self.prober.note(token, value, matched=bool(found))

    # Uploads.

    async def _made(self, request: Request) -> Made:
        if self.hasher is None:
            raise HTTPException(403, "Hashing is disabled: this server takes no uploads")
        uploads.check_length(request.headers.get("content-length"), self.room)
        with uploads.Upload(self.room) as upload:
            kind = request.headers.get("content-type", "")
            await uploads.receive(request.stream(), kind, upload)
            types = types_of(upload.content_type, request.query_params.get("types"))
            pdq = any(one.kind == "pdq" for one in types)
            # The memory file is open until the worker is done, whatever becomes of the client.
            future = self.hasher.hashed(upload.descriptor, upload.size_bytes, pdq=pdq)
            hashes = await _done(asyncio.wrap_future(future))
        digests = hashes.digests
        item = {"md5": digests.md5, "sha1": digests.sha1, "sha256": digests.sha256}
        if hashes.pdq is not None:
            item["pdq"] = hashes.pdq
        signals = {one.name: item[one.kind].hex() for one in types}
        if (hashes.quality or 0) < self.shelf.rule.least_quality and "pdq" in signals:
            # HMA writes a hash that is not to be trusted so.
            signals["pdq"] = ""
        return Made(signals, item)


async def _done(future: asyncio.Future[Any]) -> Any:
    """Wait for a future to its end, even where the waiting itself is given up."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


async def _small_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _COMPARE_BYTES:
            raise HTTPException(413, f"a comparison may have {_COMPARE_BYTES >> 10} KiB")
    return bytes(body)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = error.detail
    if error.status_code == 404:
        message = answers.not_found(request.url.path)
    return answers.error_answer(message, error.status_code, dict(error.headers or {}))


def _usage_error(_request: Request, error: Exception) -> Response:
    return answers.error_answer(str(error), 400)


def _content_error(_request: Request, error: Exception) -> Response:
    return answers.error_answer(f"this upload cannot be hashed: {error}", 400)


def _gone(_request: Request, _error: Exception) -> Response:
    return answers.error_answer("this cannot be answered now; the server's output says why", 503)


def _unexpected(_request: Request, _error: Exception) -> Response:
    return answers.error_answer("an unexpected error; the server's output says where", 500)
