"""Showing evidence on a terminal: nothing in it may steer the terminal or read as our own words."""

from __future__ import annotations

import functools
import os
import select
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from headwater.exchange.text import escaped


def say(text: str = "", *, err: bool = False) -> None:
    """Print one line in which control characters are escaped."""
    typer.echo(escaped(text), err=err)


Arguments = ParamSpec("Arguments")


def until_unread(verb: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Return a verb that ends well where whoever reads its output has seen enough (`| head`)."""

    @functools.wraps(verb)
    def ending(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            verb(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            if not _is_unread():
                raise
            raise typer.Exit from None

    return ending


def _is_unread() -> bool:
    """Return whether nobody reads standard output any more; then what is left goes nowhere."""
    output = sys.stdout.fileno()
    poll = select.poll()
    poll.register(output, 0)
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True
