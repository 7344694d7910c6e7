"""Invented containers: a few bytes that stand for any content, with any members, even themselves.

No real archive can be made on purpose to hold a copy of one that holds it, so what a box holds
stands in a table beside it.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from headwater.case.records import CaseInfo
from headwater.case.store import CaseStore
from headwater.engine import examine as module
from headwater.engine.inline import Inline
from headwater.engine.job import Job
from headwater.engine.nursery import Config
from headwater.engine.spool import Spool
from headwater.evidence.archives.contract import Member
from headwater.evidence.content import Content
from headwater.evidence.folder import Place, Walk
from headwater.limits import Limits
from headwater.model import Identity

Holding = Mapping[int, Sequence[int]]
"""What each box holds, by number, in stored order. What is in no key is no container."""


def box(number: int) -> bytes:
    """Return the bytes of a box."""
    return b"box %d" % number


class Shuffled(Inline):
    """Carries out what waits in any order, several visits at a time."""

    def __init__(self, chance: random.Random, *, crowded: bool) -> None:
        super().__init__(Config(limits=Limits(), measures=()))
        self._chance = chance
        self._visits_at_once = 3 if crowded else chance.choice((1, 3, 8))
        self._walks_first = 0.4 if crowded else chance.choice((0.1, 0.5, 0.95))

    def is_free(self, kind: str) -> bool:
        return kind == "walk" or len(self._queue) < self._visits_at_once

    def wait(self, seconds: float) -> None:
        for queue in (self._queue, self._walks):
            queue.rotate(self._chance.randrange(len(queue)) if queue else 0)
        if self._walks and self._chance.random() < self._walks_first:
            self._walk(*self._walks.popleft())
        else:
            super().wait(seconds)


class ShuffledWalk(Walk):
    """Meets the files of a folder in any order."""

    chance: random.Random

    def places(self, directory: bytes, names: list[bytes]) -> Iterator[Place]:
        found = list(super().places(directory, names))
        self.chance.shuffle(found)
        yield from found


def understand(monkeypatch: pytest.MonkeyPatch, holding: Holding) -> None:
    """Let boxes be identified and walked as this table says."""

    def identify(content: Content) -> Identity:
        if int(content.whole(100).split()[-1]) in holding:
            return Identity(kind="archive", format="zip", media_type=None)
        return Identity(kind="other", format="unknown", media_type=None)

    def read_archive(content: Content, archive_format: str, limits: Limits) -> Iterator[Member]:
        number = int(content.whole(100).split()[-1])
        for ordinal, inner in enumerate(holding[number]):
            stream = partial(io.BytesIO, box(inner))
            yield Member(ordinal, b"%d" % inner, len(box(inner)), open=stream)

    monkeypatch.setattr("headwater.engine.inline.warm_up", lambda _measures, _limits: None)
    monkeypatch.setattr("headwater.media.identify.identify", identify)
    monkeypatch.setattr("headwater.evidence.archives.open.read_archive", read_archive)


class Watched(module.Examination):
    """Remembers how many places waited at one time, and may stop or die of itself."""

    most_waiting = 0
    ends_left: int | None = None

    def end(self, job: Job) -> None:
        self.most_waiting = max(self.most_waiting, self._waiting)
        if self.ends_left is not None:
            self.ends_left -= 1
            if self.ends_left == 0:
                raise KeyboardInterrupt
        super().end(job)
        if self.ends_left is not None:
            self._commit()


def examine_boxes(
    source: Path,
    case: Path,
    chance: random.Random,
    depth: int,
    ends: int | None = None,
    *,
    crowded: bool = False,
) -> Watched:
    """Examine a folder of boxes in some order; with `ends`, die when so many contents ended.

    `crowded` opens several files before the first is walked, with little room for members.
    """
    if (case / "case.sqlite").exists():
        store = CaseStore.open(case)
    else:
        info = CaseInfo(name="boxes", examiner="", organisation="", authority="")
        store = CaseStore.create(case, info)
    limits = Limits(archive_depth=depth)
    walk = ShuffledWalk(os.fsencode(source), accept_atime=False)
    walk.chance = chance
    with closing(store), pytest.MonkeyPatch.context() as patched:
        chosen = 2 if crowded else chance.choice((1, 2, 64))
        patched.setattr("headwater.engine.job._MEMBERS_AT_ONCE", chosen)
        examination = Watched(
            store, Shuffled(chance, crowded=crowded), limits, Spool(case / "spool", limits)
        )
        examination.ends_left = ends
        try:
            examination.run([(store.source(walk.kind, walk.source), walk)])
        except KeyboardInterrupt:
            examination._let_go()
        walk.close()
    return examination


def put_boxes(folder: Path, files: Sequence[int]) -> Path:
    """Write boxes as files, each named for its place in the sequence; those there are stay."""
    folder.mkdir(exist_ok=True)
    for place, number in enumerate(files):
        path = folder / f"{place:03}"
        if not path.exists():
            path.write_bytes(box(number))
    return folder
