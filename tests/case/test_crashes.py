"""Killed, out of space or without leave to write: a case then holds whole batches, and goes on."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest

from headwater.case import faultpoints
from headwater.case.dump import dump_lines
from headwater.case.lock import WriterLock
from headwater.case.query import Case
from headwater.case.store import CaseStore
from headwater.case.verify import verify_record
from headwater.errors import CaseBusy, CaseError
from tests.case import building, crashing

HONEST = {"unfinished_commit", "checkpoint_missing", "unexpected_file"}
"""What a killed writer may leave for `verify` to tell of."""


def in_child(action: Callable[[], None]) -> int:
    """Run `action` in a forked child, a group of its own, and return its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            action()
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    return os.waitpid(child, 0)[1]


def killed_at(point: str, passage: int, folder: Path) -> bool:
    """Write in a child that dies at a passage of a point; return whether it got there."""

    def write() -> None:
        faultpoints.arm(point, passage)
        crashing.write(folder)

    status = in_child(write)
    assert status in (0, signal.SIGKILL), status
    return status == signal.SIGKILL


def dump(folder: Path) -> list[bytes]:
    with Case.open(folder) as case:
        return list(dump_lines(case))


@pytest.fixture(scope="module")
def undisturbed() -> list[bytes]:
    """The dump of a case that nothing disturbed."""
    folder = Path(mkdtemp())
    before = os.environ.get("HEADWATER_KEY_DIR")
    os.environ["HEADWATER_KEY_DIR"] = str(folder / "keys")
    crashing.write(folder / "case")
    lines = dump(folder / "case")
    if before is not None:
        os.environ["HEADWATER_KEY_DIR"] = before
    shutil.rmtree(folder)
    assert len(lines) == crashing.BATCHES * 5
    return lines


def assert_whole_batches_only(folder: Path, undisturbed: list[bytes]) -> None:
    if not folder.exists():
        return
    report = verify_record(folder)
    assert report.intact
    assert {finding.code for finding in report.findings} <= HONEST
    lines = dump(folder)
    assert set(lines) <= set(undisturbed)
    assert len(lines) % 5 == 0


def assert_goes_on(folder: Path, undisturbed: list[bytes]) -> None:
    crashing.write(folder)
    assert dump(folder) == undisturbed
    report = verify_record(folder)
    assert report.intact
    assert {finding.code for finding in report.findings} <= {"checkpoint_missing"}
    assert sorted(path.name for path in folder.parent.iterdir() if path.name != "keys") == ["case"]


FIRST_PASSAGES = [(point, 1) for point in faultpoints.POINTS]
LATER_PASSAGES = [
    (point, passage)
    for point in ("pack.after-write", "pack.after-sync", "commit.before", "commit.after")
    for passage in (2, 4, 6)
]
ONLY_AFTER_A_CRASH = {
    "pack.before-truncate",
    "pack.after-truncate",
    "pack.before-remove",
    "pack.after-remove",
}


@pytest.mark.parametrize(("point", "passage"), FIRST_PASSAGES + LATER_PASSAGES)
def test_killed_at_a_point_it_goes_on(
    point: str, passage: int, case_folder: Path, undisturbed: list[bytes]
) -> None:
    got_there = killed_at(point, passage, case_folder)
    assert got_there == (point not in ONLY_AFTER_A_CRASH)
    assert_whole_batches_only(case_folder, undisturbed)
    assert_goes_on(case_folder, undisturbed)


@pytest.mark.parametrize("point", sorted(ONLY_AFTER_A_CRASH))
def test_killed_while_clearing_up_after_a_kill_it_goes_on(
    point: str, case_folder: Path, undisturbed: list[bytes]
) -> None:
    """The first pack is removed where nothing in it was committed; a later end is cut off."""
    first_kill = 1 if "remove" in point else 3
    assert killed_at("pack.after-write", first_kill, case_folder)
    assert killed_at(point, 1, case_folder)
    assert_whole_batches_only(case_folder, undisturbed)
    assert_goes_on(case_folder, undisturbed)


@pytest.mark.parametrize("point", ["commit.before:3", "checkpoint.before-rename:1"])
def test_the_environment_names_the_point(
    point: str, case_folder: Path, undisturbed: list[bytes]
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.case.crashing", str(case_folder)],
        env={**os.environ, "HEADWATER_KILL_AT": point},
        start_new_session=True,
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL
    assert_whole_batches_only(case_folder, undisturbed)
    assert_goes_on(case_folder, undisturbed)


def test_every_point_is_a_name_in_the_sources() -> None:
    folder = Path(faultpoints.__file__).parent
    text = "".join(
        path.read_text() for path in folder.glob("*.py") if path.name != "faultpoints.py"
    )
    for point in faultpoints.POINTS:
        assert text.count(f'reached("{point}")') == 1, point
    assert text.count("reached(") == len(faultpoints.POINTS)


def test_a_half_made_case_of_a_living_process_is_left_alone(case_folder: Path) -> None:
    making = case_folder.with_name(f".{case_folder.name}.making")
    making.mkdir()
    lock = WriterLock(making)
    with pytest.raises(CaseBusy):
        CaseStore.create(case_folder, building.INFO)
    lock.close()
    CaseStore.create(case_folder, building.INFO).close()
    assert not making.exists()


@pytest.mark.parametrize("room", [150_000, 420_000, 440_000, 500_000])
def test_a_full_disk_ends_with_a_clear_error_and_nothing_corrupt(
    room: int, case_folder: Path, undisturbed: list[bytes]
) -> None:
    """A limit on the size of files stands for the disk: writes beyond it fail in the same way."""

    def write() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        with pytest.raises(CaseError, match="could not"):
            write_again_and_again()

    def write_again_and_again() -> None:
        for _ in range(200):
            crashing.write(case_folder)

    assert in_child(write) == 0
    assert_whole_batches_only(case_folder, undisturbed)
    assert_goes_on(case_folder, undisturbed)


def test_the_store_refuses_to_go_on_after_an_error_of_the_disk(case_folder: Path) -> None:
    crashing.write(case_folder)

    def write() -> None:
        store = CaseStore.open(case_folder)
        source_id = store.source("folder", b"/evidence")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        with pytest.raises(CaseError):
            store.source("folder", b"/second")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        with pytest.raises(CaseError, match="open it again"):
            store.commit(crashing.batch(source_id, 99))
        store.close()

    assert in_child(write) == 0
    assert verify_record(case_folder).intact


def as_somebody_else(action: Callable[[], None]) -> int:
    """Run `action` without the rights of root, in a child."""

    def act() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        action()

    return in_child(act)


def test_a_case_without_leave_to_write_is_read_and_not_written() -> None:
    outside = Path(mkdtemp())
    folder = outside / "case"
    os.environ["HEADWATER_KEY_DIR"] = str(outside / "keys")
    crashing.write(folder)
    for path in [outside, folder, *folder.rglob("*")]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)

    def read_and_try() -> None:
        with Case.open(folder) as case:
            assert case.counts().items == crashing.BATCHES * 2
        assert verify_record(folder).intact
        with pytest.raises(CaseError, match="could not open"):
            CaseStore.open(folder)
        with pytest.raises(CaseError, match="could not make"):
            CaseStore.create(outside / "new", building.INFO)

    try:
        assert as_somebody_else(read_and_try) == 0
    finally:
        for path in [outside, *outside.rglob("*")]:
            os.chmod(path, 0o700)
        shutil.rmtree(outside)
