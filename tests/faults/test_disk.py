"""A full disk and a folder that cannot be written cost the run, with a clear word, not the case."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pictures import jpeg
from tests.program import examine, run, start


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.jpg").write_bytes(jpeg(number, 640, 480))
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, mounted for this test alone."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs root, to mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stops_the_run_and_keeps_the_case(
    source: Path, small_disk: Path, tmp_path: Path
) -> None:
    case = small_disk / "case"
    process = start("examine", source, "--case", case, "--quiet")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 4, errors.decode()
    assert b"space" in errors
    assert b"Traceback" not in errors
    moved = tmp_path / "moved"
    shutil.copytree(case, moved)
    run("verify", "--case", moved, "--replay", "none", "--sources", "none")
    examine(source, moved)
    examine(source, tmp_path / "undisturbed")
    assert run("export", "--case", moved) == run("export", "--case", tmp_path / "undisturbed")


def test_a_read_only_case_folder_is_said_and_left_alone(source: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    examine(source, case)
    before = run("export", "--case", case)
    mounted = subprocess.run(
        ["mount", "--bind", "-o", "ro", case, case], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs root, to mount a folder read-only")
    subprocess.run(["mount", "-o", "remount,bind,ro", case], check=True)
    try:
        process = start("examine", source, "--case", case, "--quiet")
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 4, errors.decode()
        assert b"Traceback" not in errors
        assert b"ead-only" in errors
    finally:
        subprocess.run(["umount", case], check=True)
    assert run("export", "--case", case) == before


def test_a_parent_that_cannot_be_written_is_said(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    process = start("examine", source, "--case", tmp_path / "file" / "case", "--quiet")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 4, errors.decode()
    assert b"Traceback" not in errors


def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(
    source: Path, tmp_path: Path
) -> None:
    case = tmp_path / "case"
    process = start("examine", source, "--case", case)
    deadline = time.monotonic() + 60
    while not (case / "case.sqlite").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.9)
    os.kill(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode in (0, 130), errors.decode()
    assert b"Traceback" not in errors
    if process.returncode == 130:
        assert b"same command" in out
    examine(source, case)
    examine(source, tmp_path / "undisturbed")
    assert run("export", "--case", case) == run("export", "--case", tmp_path / "undisturbed")


def test_a_killed_main_process_leaves_no_worker_behind(source: Path, tmp_path: Path) -> None:
    process = start("examine", source, "--case", tmp_path / "case", "--quiet")
    time.sleep(1.5)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    deadline = time.monotonic() + 15
    while (left := in_session(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def in_session(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found
