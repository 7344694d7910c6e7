"""The shapes in which HMA answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headwater.exchange.hma.shelf import Match
from headwater.exchange.hma.signals import NO_DISTANCE

ALIVE = "I-AM-ALIVE"
STALE = "INDEX-STALE"
OPEN_ROUTES = ("/", "/livez", "/readyz", "/status")
"""Answered without a token: they say no more than that the server is there."""
ROUTES = (
    "/",
    "/h/hash",
    "/livez",
    "/m/compare",
    "/m/index/status",
    "/m/lookup",
    "/m/raw_lookup",
    "/readyz",
    "/site-map",
    "/site-map/left-out",
    "/status",
)
LEFT_OUT = {
    "/c/": "banks, contents, signals and exchanges: lists are imported with `headwater lists "
    "import`, and none of their values is given or taken here",
    "/dev/": "seeding and resetting",
    "/openapi": "a description by OpenAPI: docs/serve-match.md describes the routes",
    "/ui": "pages",
    "url=": "fetching from an address: files are uploaded with POST",
}
"""What HMA answers and this server does not, by the beginning of its route, and why."""


def json_answer(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return a value as JSON that nobody may keep."""
    data = msgspec.json.encode(value, order="sorted")
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(data, status, kept, "application/json")


def error_answer(message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Return an error as HMA does: an object with a `message`."""
    return json_answer({"message": message}, status, headers)


def text_answer(text: str, status: int = 200) -> Response:
    """Return plain text that nobody may keep."""
    return Response(text, status, {"Cache-Control": "no-store"}, "text/html")


def not_found(path: str) -> str:
    """Return what is said of a route that is not there; it does not repeat the path."""
    for begin, why in LEFT_OUT.items():
        if path.startswith(begin):
            return f"this route of HMA is left out: {why}; GET /site-map/left-out lists all"
    return "no such route; GET /site-map lists those there are"


def raw_matches(
    found: Sequence[Match], *, include_distance: bool, distances: bool
) -> dict[str, list[Any]]:
    """Return matches as `/m/raw_lookup` gives them: ids, or objects where distances are asked."""
    if not include_distance:
        return {"matches": [match.content_id for match in found]}
    return {"matches": [_match(match, distances=distances) for match in found]}


def matches_by_bank(found: Sequence[Match], *, distances: bool) -> dict[str, list[dict[str, Any]]]:
    """Return matches as `/m/lookup` gives them, by bank."""
    banks: dict[str, list[dict[str, Any]]] = {}
    for match in found:
        banks.setdefault(match.bank, []).append(_match(match, distances=distances))
    return banks


def _match(match: Match, *, distances: bool) -> dict[str, Any]:
    """Return one match. A distance that is withheld is written as one that there is none of."""
    shown = distances and match.distance_bits is not None
    return {
        "bank_content_id": match.content_id,
        "distance": str(match.distance_bits) if shown else NO_DISTANCE,
    }


def is_true(request: Request, name: str) -> bool | None:
    """Return a boolean parameter as HMA reads it; None where it is neither."""
    text = request.query_params.get(name, "false").lower()
    if text in ("true", "1", "yes", "on", "t", "y"):
        return True
    return False if text in ("false", "0", "no", "off", "f", "n", "") else None
