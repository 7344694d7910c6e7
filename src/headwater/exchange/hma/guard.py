"""What every request passes: who asks, how often, and the line that says it was answered."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater.exchange.hma.answers import OPEN_ROUTES, ROUTES, error_answer
from headwater.exchange.hma.pace import Pace
from headwater.exchange.hma.record import Recorder
from headwater.exchange.hma.tokens import Tokens
from headwater.exchange.hma.uploads import URL_REFUSED

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MOST_HEADER = 4096


@dataclass(slots=True)
class Guard:
    """An application around another one."""

    app: ASGIApp
    tokens: Tokens
    pace: Pace
    recorder: Recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application within do so."""
        if scope["type"] != "http":
            return
        began, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        name = self._who(Request(scope))
        try:
            refusal = self._refusal(Request(scope), name)
            scope.setdefault("state", {})["token"] = name
            await (refusal or self.app)(scope, receive, sending)
        finally:
            # Neither a query nor an unknown path: both may hold what was asked.
            self.recorder.request(
                token=name,
                method=scope["method"] if scope["method"] in _METHODS else "other",
                route=scope["path"] if scope["path"] in ROUTES else "other",
                status=status,
                milliseconds=round(1000 * (time.monotonic() - began)),
            )

    def _who(self, request: Request) -> str | None:
        """Return whose token comes with a request: a bearer token, a key, or a password."""
        given = request.headers.get("authorization", "")[:_MOST_HEADER]
        scheme, _, value = given.partition(" ")
        token = request.headers.get("x-api-key", "")[:_MOST_HEADER]
        if scheme.lower() == "bearer":
            token = value.strip()
        elif scheme.lower() == "basic":
            token = _password(value)
        return self.tokens.name_of(token) if token else None

    def _refusal(self, request: Request, name: str | None) -> Response | None:
        if request.url.path in OPEN_ROUTES:
            return None
        if name is None:
            return error_answer(
                "a token is required: send the header `Authorization: Bearer TOKEN`",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        if wait := self.pace.wait_seconds(name):
            return error_answer(
                f"this token asks too often; try again in {wait} s", 429, {"Retry-After": str(wait)}
            )
        if "url" in request.query_params:
            return error_answer(URL_REFUSED, 403)
        return None


def _password(value: str) -> str:
    """Return the password of a Basic header (RFC 7617), "" where it is none."""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
