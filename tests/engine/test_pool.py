"""Whatever happens to a worker costs its own item and nothing else."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.engine.nursery import Config
from headwater.engine.pool import Pool
from headwater.engine.task import Death, Task
from headwater.engine.wire import MemberFound, Visited, Walked, Window
from headwater.limits import MIB, Limits
from headwater.model import Digests, Identity
from tests.engine import saboteur
from tests.pictures import jpeg

MEASURES = (
    "headwater.measures.picture:Picture",
    "headwater.measures.pdq:Pdq",
    "tests.engine.saboteur:Saboteur",
)
LIMITS = Limits(task_cpu_seconds=2.0, task_idle_seconds=2.0, worker_memory_bytes=768 * MIB)


class Answers:
    """Collects what happened to one task."""

    def __init__(self) -> None:
        self.digests: Digests | None = None
        self.identity: Identity | None = None
        self.result: Visited | None = None
        self.death: Death | None = None

    def digested(self, digests: Digests) -> bool:
        self.digests = digests
        return True

    def identified(self, identity: Identity) -> None:
        self.identity = identity

    def visited(self, result: Visited) -> None:
        assert self.result is None
        self.result = result

    def died(self, death: Death) -> None:
        assert self.death is None
        self.death = death

    depth = 0

    def unread(self, reason: str) -> None:
        raise AssertionError(reason)

    def has_disk(self, size_bytes: int | None) -> bool:
        raise AssertionError(size_bytes)

    def spool_file(self, size_bytes: int | None) -> None:
        raise AssertionError(size_bytes)

    def member(self, found: MemberFound, descriptor: int | None) -> None:
        raise AssertionError(found)

    def has_room(self) -> bool:
        return True

    def make_room(self) -> bool:
        return False

    def walked(self, result: Walked) -> None:
        raise AssertionError(result)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(2, Config(limits=LIMITS, measures=MEASURES))
    yield made
    made.close()


def run(
    pool: Pool, folder: Path, contents: list[bytes], meddle: Callable[[], None] = lambda: None
) -> list[Answers]:
    answers = [Answers() for _ in contents]
    opened: list[int] = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.bin"
        path.write_bytes(content)
        opened.append(os.open(path, os.O_RDONLY))
    ahead = list(range(len(contents)))
    while ahead or pool.is_busy():
        while ahead and pool.is_free("visit"):
            number = ahead.pop(0)
            window = Window(start_bytes=0, size_bytes=len(contents[number]))
            pool.start(Task("visit", opened[number], window), answers[number])
        meddle()
        pool.wait(0.05)
    for descriptor in opened:
        os.close(descriptor)
    return answers


def test_every_task_has_exactly_one_end(pool: Pool, tmp_path: Path) -> None:
    """One task in twenty-five does its worst; all the others come out whole."""
    asks = [saboteur.SEGFAULT, saboteur.HANG, saboteur.SPIN, saboteur.MEMORY]
    contents = [jpeg(number) for number in range(96)]
    poisoned = {11: asks[0], 37: asks[1], 53: asks[2], 80: asks[3]}
    for number, ask in poisoned.items():
        contents[number] = jpeg(number, after=ask)
    answers = run(pool, tmp_path, contents)
    for number, answer in enumerate(answers):
        assert answer.digests is not None
        if number not in poisoned:
            assert answer.death is None
            assert answer.result is not None
            assert set(answer.result.outcome.measurements) == {"picture", "pdq", "saboteur"}
    segfault, hang, spin, memory = (answers[number] for number in poisoned)
    assert segfault.death is not None
    assert (segfault.death.code, "SIGSEGV" in segfault.death.reason) == ("crashed", True)
    assert hang.death is not None
    assert (hang.death.code, hang.death.limit) == ("limit", "task_idle_seconds")
    assert spin.death is not None
    assert (spin.death.code, spin.death.limit) == ("limit", "task_cpu_seconds")
    assert memory.result is not None, memory.death
    (problem,) = (p for p in memory.result.outcome.problems if p.where == "saboteur")
    assert (problem.code, problem.limit) == ("limit", "worker_memory_bytes")
    assert set(memory.result.outcome.measurements) == {"picture", "pdq"}
    for answer in (segfault, hang, spin):
        assert answer.identity is not None
        assert answer.identity.format == "jpeg"


def test_workers_killed_at_random_cost_their_own_tasks_only(pool: Pool, tmp_path: Path) -> None:
    chance = random.Random(7)
    killed = 0

    def meddle() -> None:
        nonlocal killed
        pids = pool.pids()
        if pids and chance.random() < 0.2:
            victim = chance.choice(pids)
            try:
                os.kill(victim, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                return

    answers = run(pool, tmp_path, [jpeg(number) for number in range(120)], meddle)
    dead = [answer for answer in answers if answer.death is not None]
    whole = [answer for answer in answers if answer.result is not None]
    assert len(dead) + len(whole) == len(answers)
    assert killed > 0
    assert len(dead) <= killed
    assert all("SIGKILL" in answer.death.reason for answer in dead if answer.death)


def test_a_worker_is_replaced_after_its_share_of_tasks(tmp_path: Path) -> None:
    small = Pool(1, Config(limits=LIMITS, measures=MEASURES), tasks_per_worker=5)
    try:
        first = set(small.pids())
        answers = run(small, tmp_path, [jpeg(number) for number in range(17)])
        assert all(answer.result is not None for answer in answers)
        assert not first & set(small.pids())
    finally:
        small.close()


def test_nothing_is_left_running(tmp_path: Path) -> None:
    made = Pool(2, Config(limits=LIMITS, measures=MEASURES))
    run(made, tmp_path, [jpeg(1)])
    pids = made.pids()
    made.close()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_the_cage_is_proven_before_the_first_task(pool: Pool) -> None:
    assert pool.facts.cage["level"] in ("strong", "required")
    assert pool.facts.probes > 20
