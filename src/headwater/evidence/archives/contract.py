"""What every archive reader gives: members in stored order, one at a time, nothing written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Problem, Time


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a container.

    `name` is the stored name, untouched, as bytes (UTF-8 where the format stores text): it is
    data and never becomes a path. `ordinal` is its position in stored order, from 0.
    `offset_bytes` is where its data begins inside the container, where that can be told.
    `problem` says why there is nothing to read (`open` is then None); directories are not listed.
    """

    ordinal: int
    name: bytes
    size_bytes: int | None
    """Unpacked size as the container states it; a claim until it was read."""
    offset_bytes: int | None = None
    times: tuple[Time, ...] = ()
    notes: tuple[str, ...] = ()
    """What is odd about the entry: `absolute path`, `parent traversal`, `case clash`, ..."""
    problem: Problem | None = None
    open: Callable[[], BinaryIO] | None = field(default=None, compare=False)
    """Called at most once, before the next member is taken; reads unpacked bytes forward."""


class ArchiveReader(Protocol):
    """Yields the members of one container in stored order.

    Raises `errors.Refused` (encrypted as a whole, unsupported), `errors.Malformed` or
    `errors.LimitExceeded`; what was yielded before stays valid. A member's stream may raise the
    same, and costs that member alone where the format allows going on.
    """

    def __call__(self, content: Content, limits: Limits) -> Iterator[Member]: ...
