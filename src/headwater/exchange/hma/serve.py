"""Listening: on the loopback address alone, until a signal says that it is enough."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import signal
import socket
from collections.abc import Coroutine, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from headwater.errors import UsageError
from headwater.exchange.hma.record import BareLog, Recorder

Listener = socket.socket

_CONNECTIONS = 256
_HEADER_BYTES = 64 << 10
_LAST_SECONDS = 30


def listen(address: str, port: int) -> Listener:
    """Return a socket that listens; port 0 takes any that is free.

    Raises UsageError for an address that is not loopback, or that cannot be had.
    """
    try:
        given = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise UsageError(f"{address!r} is no IP address; use 127.0.0.1 or ::1") from None
    if not given.is_loopback:
        raise UsageError(
            f"{given} is not a loopback address: whoever can ask can probe the lists, and nothing "
            "here encrypts what is sent; bind 127.0.0.1 or ::1, and reach it from elsewhere "
            "through a tunnel that knows who comes"
        )
    family = socket.AF_INET6 if given.version == 6 else socket.AF_INET
    # With its protocol named, asyncio sends answers without waiting for acknowledgements (40 ms).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(given), port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise UsageError(
                f"{given} port {port} cannot be had ({error.strerror}); choose another --port"
            ) from error
        raise
    return listener


def url_of(listener: Listener) -> str:
    """Return the address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    app: ASGIApp, listener: Listener, beside: Coroutine[Any, Any, None], recorder: Recorder
) -> None:
    """Answer until SIGTERM or SIGINT, with `beside` running; what was begun is finished."""
    handlers = [BareLog(recorder)]
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers[:] = handlers
    try:
        asyncio.run(_serve(app, listener, beside))
    finally:
        root.handlers[:] = before


async def _serve(app: ASGIApp, listener: Listener, beside: Coroutine[Any, Any, None]) -> None:
    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    server = _Server(config)

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    following = asyncio.create_task(beside)
    # Without this task lists would serve that were withdrawn.
    following.add_done_callback(lambda _: stop())
    try:
        await server.serve([listener])
    finally:
        ended_by_itself = following.done()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        assert not ended_by_itself


class _Server(uvicorn.Server):
    """A server whose signals are handled by its caller."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: ending by one in order is no failure."""
        yield
