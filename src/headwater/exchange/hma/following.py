"""Follows the case: lists that are imported come to serve, withdrawn ones vanish at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from headwater.case.query import Case
from headwater.case.records import ListVersion
from headwater.errors import HeadwaterError
from headwater.exchange.hma.record import Recorder
from headwater.exchange.hma.shelf import Desk, OpenedList, Shelf, open_whole

POLL_SECONDS = 1.0
STALE_SECONDS = 65.0
"""After so long without a word from the case nothing is answered, as HMA's index grows stale."""
_ASK_ANYWAY_SECONDS = 10.0
_RETRY_SECONDS = 30.0
_FILES = ("case.sqlite", "case.sqlite-wal")


class Following:
    """Keeps a shelf as the case says. `on_shelf` is the one thread that uses the shelf."""

    def __init__(
        self, case_folder: Path, desk: Desk, shelf: Shelf, on_shelf: Executor, recorder: Recorder
    ) -> None:
        self._folder = case_folder
        self._desk = desk
        self._shelf = shelf
        self._on_shelf = on_shelf
        self._recorder = recorder
        self._wanted: dict[int, ListVersion] = {}
        self._withdrawn: frozenset[int] = frozenset()
        self._seen: list[tuple[int, int]] = []
        self._asked_at = self._heard_at = time.monotonic()
        self._failed_at: dict[int, float] = {}
        self._opening: asyncio.Task[None] | None = None

    @property
    def is_stale(self) -> bool:
        """Return whether it is too long ago that the case said which lists serve."""
        return time.monotonic() - self._heard_at > STALE_SECONDS

    def open_all(self) -> None:
        """Open every list that serves. Raises HeadwaterError where one cannot be."""
        self._seen = self._file_state()
        self._take(self._all_lists())
        for version in self._wanted.values():
            opened = open_whole(version, self._desk, self._shelf.rule)
            self._shelf.exchange((), [opened])

    async def follow(self) -> None:
        """Look at the case again and again, until this is cancelled."""
        try:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                await self._poll()
        finally:
            if self._opening is not None:
                # What is being opened cannot be stopped half way; it is waited for.
                with suppress(asyncio.CancelledError):
                    await self._opening

    async def _poll(self) -> None:
        now, state = time.monotonic(), self._file_state()
        if state != self._seen or now - self._asked_at > _ASK_ANYWAY_SECONDS:
            self._asked_at = now
            try:
                self._take(await asyncio.to_thread(self._all_lists))
            except HeadwaterError as error:
                self._recorder.say("case unread", reason=str(error))
            else:
                self._seen = state
        else:
            self._heard_at = now
        await self._drop_withdrawn()
        if self._missing() and (self._opening is None or self._opening.done()):
            self._opening = asyncio.create_task(self._open_missing())

    def _all_lists(self) -> list[ListVersion]:
        with Case.open(self._folder) as case:
            return case.lists()

    def _take(self, lists: list[ListVersion]) -> None:
        self._wanted = {one.version_id: one for one in lists if one.serves and _is_asked(one)}
        self._withdrawn = frozenset(one.version_id for one in lists if one.standing == "withdrawn")
        self._heard_at = time.monotonic()

    def _missing(self) -> list[ListVersion]:
        held = {one.version.version_id for one in self._shelf.lists}
        now = time.monotonic()
        return [
            version
            for number, version in self._wanted.items()
            if number not in held
            and now - self._failed_at.get(number, float("-inf")) > _RETRY_SECONDS
        ]

    async def _drop_withdrawn(self) -> None:
        """Take off what serves no more; what is replaced stays until its successor is open."""
        names = {one.info.name for one in self._wanted.values()}
        gone = [
            one.version.version_id
            for one in self._shelf.lists
            if one.version.version_id in self._withdrawn or one.version.info.name not in names
        ]
        if gone:
            await self._on_the_shelf(lambda: self._shelf.exchange(gone))
            self._recorder.keep("lists", banks=self._shelf.banks)

    async def _open_missing(self) -> None:
        for version in self._missing():
            try:
                opened = await asyncio.to_thread(open_whole, version, self._desk, self._shelf.rule)
            except (HeadwaterError, OSError, MemoryError) as error:
                self._failed_at[version.version_id] = time.monotonic()
                reason = str(error) if isinstance(error, HeadwaterError) else type(error).__name__
                self._recorder.say("list not opened", name=version.info.name, reason=reason)
                continue
            await self._put(opened)

    async def _put(self, opened: OpenedList) -> None:
        if opened.version.version_id not in self._wanted:
            opened.close()
            return
        replaced = [
            one.version.version_id
            for one in self._shelf.lists
            if one.version.info.name == opened.version.info.name
        ]
        await self._on_the_shelf(lambda: self._shelf.exchange(replaced, [opened]))
        self._recorder.keep("lists", banks=self._shelf.banks)

    async def _on_the_shelf(self, change: Callable[[], Any]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._on_shelf, change)

    def _file_state(self) -> list[tuple[int, int]]:
        """Return what changes whenever the case is written; a look that costs next to nothing."""
        state = []
        for name in _FILES:
            try:
                status = os.stat(self._folder / name)
            except OSError:
                state.append((0, 0))
            else:
                state.append((status.st_mtime_ns, status.st_size))
        return state


def _is_asked(version: ListVersion) -> bool:
    """Return whether look-ups need a list: what is merely known answers none."""
    return version.info.role in ("watch", "negative")
