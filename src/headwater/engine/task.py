"""What the caller of an engine gives and gets: tasks, and who answers for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from headwater.engine.methods import MethodRow
from headwater.engine.spool import SpoolFile
from headwater.engine.wire import MemberFound, Visited, Walked, Window
from headwater.model import Digests, Identity


@dataclass(frozen=True, slots=True)
class Task:
    """One visit to an item, or one walk of a container.

    `descriptor` is read-only and stays the caller's, open until the task has ended.
    """

    kind: Literal["visit", "walk"]
    descriptor: int
    window: Window
    format: str = ""
    only: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Death:
    """Why a task ended without a result."""

    code: Literal["crashed", "limit", "broke_protocol"]
    reason: str
    limit: str | None = None


class Handler(Protocol):
    """Who a task's answers go to. Called from `Engine.wait` and `Engine.start`, never at once."""

    def digested(self, digests: Digests) -> bool:
        """Return whether the item still needs measuring; if not, the task has ended."""
        ...

    def identified(self, identity: Identity) -> None: ...

    def visited(self, result: Visited) -> None: ...

    @property
    def depth(self) -> int:
        """Number of containers around the place."""
        ...

    def unread(self, reason: str) -> None:
        """The item's bytes could not be read; the task has ended."""
        ...

    def has_disk(self, size_bytes: int | None) -> bool:
        """Return whether `spool_file` is to be asked now; where not, room may come free later."""
        ...

    def spool_file(self, size_bytes: int | None) -> SpoolFile | None:
        """Return a writable file (the handler's own), or None: no room."""
        ...

    def member(self, found: MemberFound, descriptor: int | None) -> None:
        """Take a member; the descriptor of its bytes becomes the handler's."""
        ...

    def has_room(self) -> bool:
        """Return whether the next member may be unpacked now."""
        ...

    def make_room(self) -> bool:
        """Get on with what is unpacked already (for an engine without processes of its own).

        Returns False where there is nothing to get on with: the walk goes on without room.
        """
        ...

    def walked(self, result: Walked) -> None: ...

    def died(self, death: Death) -> None:
        """The task has ended without a result."""
        ...


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine is made of; facts of the run."""

    name: str
    workers: int
    methods: tuple[MethodRow, ...]
    cage: dict[str, str]
    probes: int


class Engine(Protocol):
    """Runs tasks somewhere. `inline` and `pool` give the same results for the same tasks."""

    facts: EngineFacts

    def is_free(self, kind: Literal["visit", "walk"]) -> bool:
        """Return whether `start` would take a task of this kind now."""
        ...

    def start(self, task: Task, handler: Handler) -> None: ...

    def wait(self, seconds: float) -> None:
        """Deliver answers; returns after `seconds` at the latest."""
        ...

    def is_busy(self) -> bool:
        """Return whether any task is under way."""
        ...

    def is_stalled(self) -> bool:
        """Return whether there are tasks under way and each of them waits for room."""
        ...

    def close(self) -> None: ...
