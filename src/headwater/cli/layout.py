"""Laying out text for a terminal: headings, columns and nested values, wrapped to its width.

Nothing is cut: what is longer than a line goes on in the next one, and words without a space
(digests, paths) stay whole, to be copied.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from headwater.cli.terminal import say
from headwater.exchange.text import escaped

_NARROWEST, _WIDEST = 60, 110
_INDENT = "  "
_GAP = 2


def say_heading(text: str) -> None:
    """Print an empty line and a heading."""
    say()
    say(text)


def say_wrapped(text: str, first: str = _INDENT, further: str = _INDENT) -> None:
    """Print a text in lines that begin with `first`, then with `further`."""
    lines = textwrap.wrap(
        escaped(text),
        _width(),
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines or [first.rstrip()]:
        say(line)


def say_pairs(pairs: Iterable[tuple[str, Any]], indent: str = _INDENT) -> None:
    """Print names and values in two columns; pairs without a value are left out."""
    shown = [(escaped(name), words(value)) for name, value in pairs if not is_nothing(value)]
    across = max((len(name) for name, _ in shown), default=0) + _GAP
    for name, value in shown:
        lead = f"{indent}{name:<{across}}"
        say_wrapped(value, lead, " " * len(lead))


def say_columns(rows: Sequence[Sequence[str]], indent: str = _INDENT) -> None:
    """Print rows of as many cells, each column as wide as its widest cell."""
    shown = [[escaped(cell) for cell in row] for row in rows]
    across = [max(map(len, column)) + _GAP for column in zip(*shown, strict=True)]
    for row in shown:
        *cells, last = row
        lead = indent + "".join(
            f"{cell:<{wide}}" for cell, wide in zip(cells, across, strict=False)
        )
        say_wrapped(last, lead, " " * len(lead))


def say_nested(name: str, value: Any, depth: int = 1) -> None:
    """Print a value of a document: on one line where it fits, else one line for each part.

    Parts without a value are left out.
    """
    if is_nothing(value):
        return
    indent = _INDENT * depth
    line = f"{indent}{name}: {words(value)}"
    parts = _parts(value)
    if parts is None or (depth > 2 and _is_flat(value) and len(line) <= _width()):
        say_wrapped(words(value), f"{indent}{escaped(name)}: ", indent + _INDENT)
        return
    say(f"{indent}{name}:")
    for inner, held in parts:
        say_nested(inner, held, depth + 1)


def words(value: Any) -> str:
    """Return a value in words, on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        held = [(name, one) for name, one in value.items() if not is_nothing(one)]
        return ", ".join(f"{name} {words(one)}" for name, one in held)
    if isinstance(value, list | tuple):
        if value and all(isinstance(one, list | tuple) for one in value):
            return ", ".join("/".join(map(words, one)) for one in value)
        return ", ".join(map(words, value))
    return str(value)


def is_nothing(value: Any) -> bool:
    """Return whether there is nothing to print of a value."""
    if isinstance(value, dict):
        return all(map(is_nothing, value.values()))
    return value is None or (isinstance(value, str | list | tuple) and not value)


def _parts(value: Any) -> list[tuple[str, Any]] | None:
    """Return the named parts of a value, None for one that has none."""
    if isinstance(value, dict):
        return [(str(name), held) for name, held in value.items()]
    if isinstance(value, list | tuple) and any(isinstance(held, dict) for held in value):
        return [(str(number), held) for number, held in enumerate(value, 1)]
    return None


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and not any(_parts(held) for held in value.values())


def _width() -> int:
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
