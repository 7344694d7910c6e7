"""An engine that is made when the first task is there: a finished case needs none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from headwater.engine.methods import MethodRow
from headwater.engine.task import Engine, EngineFacts, Handler, Task
from headwater.errors import HeadwaterError


class Deferred:
    """An `Engine` in front of another that is not made yet.

    `made` is called with the real engine's facts, before its first task. Raises HeadwaterError
    where the engine, once made, has other methods than were announced.
    """

    def __init__(
        self,
        make: Callable[[], Engine],
        methods: tuple[MethodRow, ...],
        made: Callable[[EngineFacts], None],
    ) -> None:
        self._make = make
        self._made = made
        self._engine: Engine | None = None
        cage = {"level": "not needed: no evidence was opened"}
        self.facts = EngineFacts("none", 0, methods, cage, 0)

    def is_free(self, kind: Literal["visit", "walk"]) -> bool:
        """Return whether `start` would take a task of this kind now."""
        return self._engine is None or self._engine.is_free(kind)

    def start(self, task: Task, handler: Handler) -> None:
        """Make the engine if this is the first task, and give it the task."""
        if self._engine is None:
            self._engine = self._make()
            if self._engine.facts.methods != self.facts.methods:
                raise HeadwaterError(
                    "the workers have other measures than this program; was a package installed "
                    "or removed just now? run the same command again"
                )
            self.facts = self._engine.facts
            self._made(self.facts)
        self._engine.start(task, handler)

    def wait(self, seconds: float) -> None:
        """Deliver answers, where there is an engine to give any."""
        if self._engine is not None:
            self._engine.wait(seconds)

    def is_busy(self) -> bool:
        """Return whether any task is under way."""
        return self._engine is not None and self._engine.is_busy()

    def is_stalled(self) -> bool:
        """Return whether all that is under way waits for room."""
        return self._engine is not None and self._engine.is_stalled()

    def close(self) -> None:
        """End the engine, if one was made."""
        if self._engine is not None:
            self._engine.close()
