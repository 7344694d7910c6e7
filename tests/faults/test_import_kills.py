"""Killed at any moment, an import and a matching go on by the same command, and come to the same.

The export tells: it is that of a case in which nothing was killed, byte for byte.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.cli.canaries import busy_picture, near
from tests.program import examine, run, start

PICTURES = 60
PLANTED = 40


class Stopped:
    """A case, a list that knows some of its items, and what an undisturbed run makes of both."""

    def __init__(self, folder: Path, entries: int) -> None:
        self.folder = folder
        self.examined, self.imported = folder / "examined", folder / "imported"
        source = folder / "source"
        source.mkdir()
        for number in range(PICTURES):
            busy_picture(number).save(source / f"{number}.jpg", quality=85)
        examine(source, self.examined)
        self.list = folder / "list.csv"
        self._write_list(entries)
        shutil.copytree(self.examined, self.imported)
        self.import_seconds = _timed(*self.importing(self.imported))
        matched = folder / "matched"
        shutil.copytree(self.imported, matched)
        self.match_seconds = _timed(*self.matching(matched))
        self.export = run("export", "--case", matched)
        self.cases = 0

    def _write_list(self, entries: int) -> None:
        random = Random(5)
        items = [json.loads(line) for line in run("export", "--case", self.examined).splitlines()]
        rows = [
            (random.randbytes(16).hex(), random.randbytes(20).hex(), random.randbytes(32).hex())
            for _ in range(entries)
        ]
        for number, item in enumerate(items[:PLANTED]):
            md5, sha1, pdq = rows[number]
            if number % 2:
                md5 = item["item"]["md5"]
            else:
                pdq = near(item["measurements"]["pdq"]["pdq"], 8).hex()
            rows[number] = (md5, sha1, pdq)
        random.shuffle(rows)
        lines = (f"{','.join(row)},{number % 3}\n" for number, row in enumerate(rows))
        with self.list.open("w") as out:
            out.write("md5,sha1,pdq,category\n")
            out.writelines(lines)

    def importing(self, case: Path) -> list[str | Path]:
        named = ("--case", case, "--name", "known", "--scheme", "vics-us", "--quiet")
        return ["lists", "import", self.list, *named]

    def matching(self, case: Path) -> list[str | Path]:
        return ["match", "--case", case, "--quiet"]

    def copy(self, of: Path) -> Path:
        self.cases += 1
        return Path(shutil.copytree(of, self.folder / f"case-{self.cases}"))

    def finish_import(self, case: Path) -> None:
        """Give the same command again, and look at all that came of it."""
        run(*self.importing(case))
        said = json.loads(run("lists", "show", "--case", case, "--json"))
        assert len(said["lists"]) == 1
        folders = [one.name for one in (case / "lists").iterdir() if one.is_dir()]
        assert len(folders) == 1, "what a killed import left behind is still there"
        self.finish_match(case)

    def finish_match(self, case: Path) -> None:
        """Match, and compare the export."""
        run(*self.matching(case))
        assert run("export", "--case", case) == self.export
        run("verify", "--case", case, "--replay", "none", "--sources", "none")
        shutil.rmtree(case)

    def kill_imports(self, moments: int) -> int:
        """Kill at evenly spread shares of an import's time; return how many were under way."""
        under_way = 0
        for moment in range(moments):
            case = self.copy(self.examined)
            after = self.import_seconds * (moment + 0.5) / moments
            took = _killed_after(after, *self.importing(case))
            under_way += took is None
            self.import_seconds = min(self.import_seconds, took or self.import_seconds)
            self.finish_import(case)
        return under_way

    def kill_matches(self, moments: int) -> int:
        """Kill at evenly spread shares of a matching's time; return how many were under way."""
        under_way = 0
        for moment in range(moments):
            case = self.copy(self.imported)
            after = self.match_seconds * (moment + 0.5) / moments
            took = _killed_after(after, *self.matching(case))
            under_way += took is None
            self.match_seconds = min(self.match_seconds, took or self.match_seconds)
            self.finish_match(case)
        return under_way

    def kill_at_write_points(self, passages: list[tuple[str, int]]) -> int:
        """Kill imports and matchings at points of their commits; return how many came there."""
        reached = 0
        for point, passage in passages:
            case = self.copy(self.examined)
            reached += _killed_at(point, passage, *self.importing(case))
            self.finish_import(case)
            case = self.copy(self.imported)
            reached += _killed_at(point, passage, *self.matching(case))
            self.finish_match(case)
        return reached


def _timed(*command: str | Path) -> float:
    began = time.monotonic()
    run(*command)
    return time.monotonic() - began


def _killed_after(seconds: float, *command: str | Path) -> float | None:
    """Kill a command after so long; return None, or its time where it had come to its end."""
    began = time.monotonic()
    process = start(*command)
    while time.monotonic() - began < seconds and process.poll() is None:
        time.sleep(0.005)
    took = None if process.poll() is None else time.monotonic() - began
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return took


def _killed_at(point: str, passage: int, *command: str | Path) -> bool:
    process = start(*command, kill_at=f"{point}:{passage}")
    process.communicate(timeout=600)
    return process.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys of the copied cases in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_KEY_DIR", str(tmp_path_factory.mktemp("keys")))
        yield


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, keys: None) -> Stopped:
    return Stopped(tmp_path_factory.mktemp("stopped"), entries=30_000)


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory, keys: None) -> Stopped:
    """A list of more than one segment, so that an import goes on within it."""
    return Stopped(tmp_path_factory.mktemp("larger"), entries=1_200_000)


def test_what_is_compared_has_matches(stopped: Stopped) -> None:
    kinds = [
        match["kind"]
        for line in stopped.export.splitlines()
        for match in json.loads(line)["matches"]
        if "list" in match
    ]
    assert sorted(kinds) == ["md5"] * (PLANTED // 2) + ["pdq"] * (PLANTED // 2)


def test_a_few_kills(stopped: Stopped) -> None:
    assert stopped.kill_imports(3) >= 2
    assert stopped.kill_matches(2) >= 1


def test_kills_at_write_points(stopped: Stopped) -> None:
    assert stopped.kill_at_write_points([("commit.before", 1), ("commit.after", 1)]) == 4


@pytest.mark.faults
def test_twenty_kills_of_an_import(larger: Stopped) -> None:
    assert larger.kill_imports(20) >= 18


@pytest.mark.faults
def test_twenty_kills_of_a_matching(larger: Stopped) -> None:
    assert larger.kill_matches(20) >= 18


@pytest.mark.faults
def test_kills_at_every_write_point(stopped: Stopped) -> None:
    points = ("commit.before-insert", "commit.before", "commit.after")
    assert stopped.kill_at_write_points([(point, 1) for point in points]) == 2 * len(points)
    # Later passages: what was found, and the end of the run.
    later = [*((point, 2) for point in points), ("checkpoint.before-rename", 1)]
    for point, passage in later:
        case = stopped.copy(stopped.imported)
        assert _killed_at(point, passage, *stopped.matching(case))
        stopped.finish_match(case)
