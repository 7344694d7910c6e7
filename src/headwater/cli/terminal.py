"""Showing evidence on a terminal: nothing in it may steer the terminal or read as our own words."""

from __future__ import annotations

from typing import Any

import typer

from headwater.exchange.text import escaped

_LONG = 200


def say(text: str = "", *, err: bool = False) -> None:
    """Print one line in which control characters are escaped."""
    typer.echo(escaped(text), err=err)


def say_value(key: str, value: Any, depth: int = 0) -> None:
    """Print a document's value as indented lines; long texts are cut, with their length."""
    indent = "  " * depth
    if isinstance(value, dict) and value:
        say(f"{indent}{key}:")
        for inner, held in value.items():
            say_value(str(inner), held, depth + 1)
    elif isinstance(value, list | tuple) and any(isinstance(held, dict) for held in value):
        say(f"{indent}{key}:")
        for number, held in enumerate(value, 1):
            say_value(str(number), held, depth + 1)
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        cut = text if len(text) <= _LONG else f"{text[:_LONG]}... ({len(text):,} characters)"
        say(f"{indent}{key}: {cut}")
