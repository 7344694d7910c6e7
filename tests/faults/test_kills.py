"""Stopped in any way at any moment, a case goes on with nothing lost and nothing doubled."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from headwater.case.faultpoints import POINTS
from headwater.demo.evidence import make_evidence
from tests.pictures import jpeg
from tests.program import examine, killed_after, killed_at, run

WRITE_POINTS = tuple(point for point in POINTS if not point.startswith("key."))


class Undisturbed:
    """Evidence, and what an undisturbed run makes of it."""

    def __init__(self, folder: Path, pictures: int) -> None:
        self.folder = folder
        self.source = folder / "evidence"
        make_evidence(self.source / "demo", size="small")
        (self.source / "many").mkdir()
        for number in range(pictures):
            (self.source / "many" / f"{number:05}.jpg").write_bytes(jpeg(number, 640, 480))
        began = time.monotonic()
        examine(self.source, folder / "undisturbed")
        self.seconds = time.monotonic() - began
        self.export = run("export", "--case", folder / "undisturbed")
        self.cases = 0

    def finish(self, case: Path) -> None:
        """Finish what was killed, and compare."""
        examine(self.source, case)
        assert run("export", "--case", case) == self.export
        run("verify", "--case", case, "--replay", "none", "--sources", "none")

    def new_case(self) -> Path:
        self.cases += 1
        return self.folder / f"case-{self.cases}"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("kills"), pictures=300)


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("many-kills"), pictures=1500)


def kill_over_the_run(undisturbed: Undisturbed, moments: int) -> int:
    """Kill at evenly spread shares of a run's time; return how many kills met unfinished work.

    Where a run was quicker than the one that was timed, because the machine has less else to do,
    its own time counts from then on, and the same moment is tried once more.
    """
    under_way = 0
    for moment in range(moments):
        for _ in range(2):
            case = undisturbed.new_case()
            share = (moment + 0.5) / moments
            took = killed_after(undisturbed.seconds * share, undisturbed.source, case)
            undisturbed.finish(case)
            if took is None:
                under_way += 1
                break
            undisturbed.seconds = min(undisturbed.seconds, took)
    return under_way


def kill_at_write_points(undisturbed: Undisturbed, passages: list[tuple[str, int]]) -> int:
    reached = 0
    for point, passage in passages:
        case = undisturbed.new_case()
        reached += killed_at(point, passage, undisturbed.source, case)
        undisturbed.finish(case)
    return reached


def test_kills_spread_over_the_run(undisturbed: Undisturbed) -> None:
    assert kill_over_the_run(undisturbed, 8) >= 7


def test_kills_at_write_points(undisturbed: Undisturbed) -> None:
    passages = [
        ("create.before-rename", 1),
        ("pack.after-write", 1),
        ("pack.after-sync", 1),
        ("commit.before-insert", 2),
        ("commit.before", 3),
        ("commit.after", 3),
        ("checkpoint.before-rename", 1),
    ]
    assert kill_at_write_points(undisturbed, passages) == len(passages)


@pytest.mark.faults
def test_sixty_kills_spread_over_the_run(larger: Undisturbed) -> None:
    assert kill_over_the_run(larger, 60) >= 54


@pytest.mark.faults
def test_forty_kills_at_write_points(larger: Undisturbed) -> None:
    """Every point at its first passage, and the commit's points at later ones."""
    passages = [(point, 1) for point in WRITE_POINTS]
    repeated = ("commit.before-insert", "commit.before", "commit.after", "pack.after-sync")
    passages += [(point, passage) for passage in (2, 3, 4, 5, 6) for point in repeated]
    assert len(passages) >= 40
    assert kill_at_write_points(larger, passages) >= 36
