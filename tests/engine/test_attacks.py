"""Evidence made to stall, starve or mislead the engine, and surroundings that do the same."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from headwater.cli import run_examine as module
from headwater.cli.run_verify import VerifyRequest, run_verify
from headwater.engine.job import Job
from headwater.engine.nursery import Config
from headwater.engine.pool import Pool
from headwater.engine.task import Task
from headwater.engine.wire import Channel, ToWorker, WalkArchive, Window
from headwater.errors import EvidenceError, UsageError
from headwater.evidence.content import DescriptorSource
from headwater.evidence.folder import Place, Walk
from headwater.exchange.document import MOST_PLACES
from headwater.limits import Limits
from headwater.model import Identity
from tests.engine import traitor
from tests.engine.examined import documents, examine, exported
from tests.engine.test_pool import Answers
from tests.pictures import jpeg
from tests.program import HEADWATER, run, start

POOL: dict[str, Any] = {"engine": "pool", "uncaged": False, "workers": 1}
ENGINES: tuple[dict[str, Any], ...] = ({}, POOL)
either_engine = pytest.mark.parametrize("engine", ENGINES, ids=("inline", "pool"))


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "keys"))


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


# Archives that wait for each other.


@either_engine
@pytest.mark.parametrize("nested", [False, True], ids=["members", "members of members"])
def test_archives_full_of_one_that_waits_its_turn_come_to_an_end(
    engine: dict[str, Any], nested: bool, tmp_path: Path
) -> None:
    """Two walks hold all places of their depth, and every member waits for a third archive."""
    awaited = zipped({"picture.jpg": jpeg(1)})

    def full(name: str) -> bytes:
        return zipped(
            {
                f"{name}{number}.zip": zipped({f"{name}{number}": awaited}) if nested else awaited
                for number in range(70)
            }
        )

    files = {"a.zip": full("a"), "b.zip": full("b"), "c.zip": awaited}
    summary = examine(put(tmp_path / "source", files), tmp_path / "case", **engine)
    assert summary.complete
    assert summary.problems == 0
    levels = 3 if nested else 2
    assert summary.occurrences == 2 * (1 + 70 * levels) + 2


def test_an_archive_refused_for_its_depth_is_opened_where_it_lies_less_deep(
    tmp_path: Path,
) -> None:
    both = zipped({"picture.jpg": jpeg(1)})
    files = {"a.zip": zipped({"deep.zip": both}), "z.zip": both}
    files |= {f"between{number:02}.jpg": jpeg(number + 2) for number in range(60)}
    source = put(tmp_path / "source", files)
    limits = Limits(archive_depth=1)
    examine(source, tmp_path / "inline", limits=limits)
    examine(source, tmp_path / "pool", limits=limits, **POOL)
    assert exported(tmp_path / "pool") == exported(tmp_path / "inline")
    states = [document["item"]["state"] for document in documents(tmp_path / "pool")]
    assert states == ["measured"] * 63


# Room.


@either_engine
def test_large_members_wait_for_room_on_the_disk(engine: dict[str, Any], tmp_path: Path) -> None:
    pictures = {f"{number}.jpg": jpeg(number, 640, 480) for number in range(12)}
    source = put(tmp_path / "source", {"a.zip": zipped(pictures)})
    quota = 3 * max(map(len, pictures.values()))
    limits = Limits(spool_member_memory_bytes=1000, spool_disk_bytes=quota)
    summary = examine(source, tmp_path / "case", limits=limits, **engine)
    assert (summary.items, summary.problems) == (13, 0)


@either_engine
@pytest.mark.parametrize("quota", [0, 5000])
def test_a_member_of_unknown_size_stays_within_the_quota(
    engine: dict[str, Any], quota: int, tmp_path: Path
) -> None:
    source = put(tmp_path / "source", {"a.gz": gzip.compress(jpeg(1, 640, 480), mtime=0)})
    limits = Limits(spool_member_memory_bytes=1000, spool_disk_bytes=quota)
    examine(source, tmp_path / "case", limits=limits, **engine)
    (unread,) = (one for one in documents(tmp_path / "case") if one["item"]["sha256"] is None)
    (problem,) = unread["problems"]
    assert (problem["limit"], problem["reproducible"]) == ("spool_disk_bytes", False)


def test_members_refused_for_want_of_room_are_read_when_asked_again(tmp_path: Path) -> None:
    members = {"large.jpg": jpeg(1, 1600, 1200), "small.jpg": jpeg(2)}
    source = put(tmp_path / "source", {"two.zip": zipped(members)})
    tiny = Limits(spool_member_memory_bytes=10_000, spool_disk_bytes=20_000)
    examine(source, tmp_path / "case", limits=tiny)
    examine(source, tmp_path / "undisturbed")
    assert exported(tmp_path / "case") != exported(tmp_path / "undisturbed")
    examine(source, tmp_path / "case", retry_limits=True)
    assert exported(tmp_path / "case") == exported(tmp_path / "undisturbed")


def test_a_few_kilobytes_cannot_make_an_endless_export(tmp_path: Path) -> None:
    content = zipped({"picture.jpg": jpeg(1)})
    for _ in range(5):
        members = {f"{number}.zip": content for number in range(20)}
        content = zipped(members, zipfile.ZIP_DEFLATED)
    summary = examine(put(tmp_path / "source", {"a.zip": content}), tmp_path / "case")
    picture = next(one for one in documents(tmp_path / "case") if one["item"]["kind"] == "picture")
    assert len(picture["occurrences"]) == MOST_PLACES
    assert picture["occurrences_left_out"] == 20**5 - MOST_PLACES
    assert summary.occurrences == 20**5 + sum(20**depth for depth in range(6))


# Time.


def test_a_stop_in_the_middle_of_an_archive_ends_the_run(tmp_path: Path) -> None:
    pictures = {f"{number}.jpg": jpeg(number, 640, 480) for number in range(400)}
    source = put(tmp_path / "source", {"a.zip": zipped(pictures)})
    case = tmp_path / "case"
    process = start("examine", source, "--case", case, "--quiet", "--workers", "1")
    deadline = time.monotonic() + 60
    while not (case / "packs").exists() or not any((case / "packs").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    examine(source, case)
    examine(source, tmp_path / "undisturbed")
    assert exported(case) == exported(tmp_path / "undisturbed")


def test_inline_stops_in_the_middle_of_an_archive_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = {f"{number}.jpg": jpeg(number) for number in range(100)}
    source = put(tmp_path / "source", {"a.zip": zipped(pictures)})
    identified = Job.identified

    def stop_at_a_member(job: Job, identity: Identity) -> None:
        identified(job, identity)
        if job.depth:
            job.examination.stop()

    with monkeypatch.context() as patched:
        patched.setattr(Job, "identified", stop_at_a_member)
        assert not examine(source, tmp_path / "case").complete
    examine(source, tmp_path / "case")
    examine(source, tmp_path / "undisturbed")
    assert exported(tmp_path / "case") == exported(tmp_path / "undisturbed")


def test_workers_are_not_hung_while_the_main_process_stood_still(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(1))
    measures = ("headwater.measures.picture:Picture",)
    pool = Pool(1, Config(limits=Limits(task_idle_seconds=0.7), measures=measures))
    descriptor = os.open(path, os.O_RDONLY)
    answers = Answers()
    try:
        window = Window(start_bytes=0, size_bytes=path.stat().st_size)
        pool.start(Task("visit", descriptor, window), answers)
        time.sleep(2)
        while pool.is_busy():
            pool.wait(0.1)
    finally:
        os.close(descriptor)
        pool.close()
    assert answers.death is None
    assert answers.result is not None


# Workers.


def test_a_worker_that_goes_on_talking_after_its_last_task_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(1, after=traitor.TWICE))
    config = Config(limits=Limits(), measures=("tests.engine.traitor:Traitor",))
    pool = Pool(1, config, tasks_per_worker=1)
    try:
        for _ in range(2):
            descriptor = os.open(path, os.O_RDONLY)
            answers = Answers()
            window = Window(start_bytes=0, size_bytes=path.stat().st_size)
            pool.start(Task("visit", descriptor, window), answers)
            while pool.is_busy():
                pool.wait(0.1)
            os.close(descriptor)
            assert (answers.result is None) != (answers.death is None)
    finally:
        pool.close()


def test_a_message_larger_than_the_socket_takes_arrives_whole() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setblocking(False)
    window = Window(start_bytes=0, size_bytes=1)
    sent = WalkArchive(task=1, window=window, format="zip", only=tuple(range(300_000)))
    received: list[object] = []
    reader = Channel(theirs, ToWorker, 16 << 20)
    listening = threading.Thread(target=lambda: received.append(reader.receive()))
    listening.start()
    writer = Channel(ours, ToWorker, 16 << 20)
    writer.send(sent)
    listening.join(20)
    assert received == [sent]
    reader.close()
    writer.close()


# Files that are not what they were.


def test_a_file_that_changes_after_it_was_digested_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(tmp_path / "source", {"a.zip": zipped({"a.jpg": jpeg(1)}), "b.jpg": jpeg(2)})
    identified = Job.identified

    def change(job: Job, identity: Identity) -> None:
        identified(job, identity)
        if job.depth == 0:
            os.utime(source / "a.zip")
            os.utime(source / "b.jpg")

    monkeypatch.setattr(Job, "identified", change)
    examine(source, tmp_path / "case")
    found = {
        place["path"]: [problem["code"] for problem in place["problems"]]
        for document in documents(tmp_path / "case")
        for place in document["occurrences"]
        if not place["inside"]
    }
    assert found == {"a.zip": ["changed"], "b.jpg": ["changed"]}


def test_a_bad_sector_costs_its_file_until_it_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(tmp_path / "source", {f"{number}.jpg": jpeg(number) for number in range(5)})
    bad = (source / "3.jpg").stat().st_ino
    read_at = DescriptorSource.read_at

    def fail(content: DescriptorSource, offset: int, size: int) -> bytes:
        if os.fstat(content._descriptor).st_ino == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_at(content, offset, size)

    with monkeypatch.context() as patched:
        patched.setattr(DescriptorSource, "read_at", fail)
        examine(source, tmp_path / "case")
    (unread,) = (one for one in documents(tmp_path / "case") if one["item"]["sha256"] is None)
    assert unread["item"]["state"] == "failed"
    assert unread["problems"][0]["code"] == "unreadable"
    examine(source, tmp_path / "case")
    examine(source, tmp_path / "undisturbed")
    assert exported(tmp_path / "case") == exported(tmp_path / "undisturbed")


def test_a_directory_that_goes_away_costs_its_own_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    put(tmp_path / "source", {"a.jpg": b"a"})
    put(source / "gone", {"b.jpg": b"b"})
    walk = Walk(os.fsencode(source), accept_atime=False)
    listed = list(walk.directories())
    (source / "gone" / "b.jpg").unlink()
    (source / "gone").rmdir()
    places = [
        place
        for directory, names in listed
        if not isinstance(names, OSError)
        for place in walk.places(directory, names)
    ]
    codes = {place.name: place.problem and place.problem.code for place in places}
    assert codes == {b"a.jpg": None, b"b.jpg": "unreadable"}


def test_a_fifo_in_place_of_a_file_is_not_opened(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {})
    os.mkfifo(source / "a.jpg")
    opened = threading.Event()

    def write() -> None:
        with (source / "a.jpg").open("wb"):
            opened.set()

    writer = threading.Thread(target=write)
    writer.start()
    walk = Walk(os.fsencode(source), accept_atime=False)
    place = Place(b"", b"a.jpg", "file", 1, 1, 1, 1)
    with pytest.raises(FileNotFoundError, match="regular"):
        walk.open_place(place)
    assert not opened.wait(0.3)
    walk.close()
    with (source / "a.jpg").open("rb"):
        writer.join(10)
    assert opened.is_set()


@either_engine
def test_everything_in_archives_is_replayed(engine: dict[str, Any], tmp_path: Path) -> None:
    """More members than are open at once, and more archives than are walked at once."""
    files = {
        f"{one}.zip": zipped({f"{member}.jpg": jpeg(10 * one + member) for member in range(3)})
        for one in range(3)
    }
    files["many.zip"] = zipped({f"{n}.jpg": jpeg(n, 40, 40) for n in range(100, 190)})
    source = put(tmp_path / "source", files)
    examine(source, tmp_path / "case", **engine)
    verdict = run_verify(VerifyRequest(case=tmp_path / "case", replay="all", workers=1))
    assert verdict.ok
    assert verdict.items_replayed == 99
    (source / "many.zip").write_bytes(files["many.zip"][:-30])
    verdict = run_verify(VerifyRequest(case=tmp_path / "case", replay="all", workers=1))
    assert not verdict.ok
    assert [finding.code for finding in verdict.source_findings] == ["changed"]


# Surroundings.


def test_a_case_inside_its_source_is_found_behind_a_link(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.jpg": jpeg(1)})
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(UsageError, match="inside the source"):
        examine(source, tmp_path / "link" / "below" / "case")
    assert [path.name for path in source.iterdir()] == ["a.jpg"]


def test_names_that_are_no_text_are_examined_and_shown(tmp_path: Path) -> None:
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/source\xff\n"))
    put(source, {os.fsdecode(b"=\xfe\x1b[31m.jpg"): jpeg(1)})
    case = Path(os.fsdecode(os.fsencode(tmp_path) + b"/case\xfe"))
    examine(source, case)
    shown = run("show", "path:31m", "--case", case)
    assert b"\x1b" not in shown
    assert b"\\u001b[31m.jpg" in shown
    (document,) = documents(case)
    assert document["occurrences"][0]["path"] == "=\\xfe\x1b[31m.jpg"
    table = run("export", "--format", "csv", "--case", case)
    assert b",'=\\xfe" in table


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_streams_do_no_harm(closed: str, tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.jpg": jpeg(1)})
    arguments = ("examine", str(source), "--case", str(tmp_path / "case"))
    options = ("--engine", "inline", "--uncaged")
    script = f'exec "$@" {closed}'
    command = ["sh", "-c", script, "sh", *HEADWATER, *arguments, *options]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(documents(tmp_path / "case")) == 1


def test_too_few_open_files_are_said_before_anything_is_left_out(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.jpg": jpeg(1)})
    arguments = ("examine", str(source), "--case", str(tmp_path / "case"))
    command = ["sh", "-c", 'ulimit -n 200; exec "$@"', "sh", *HEADWATER, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 6
    assert b"ulimit" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_export_does_not_overwrite(tmp_path: Path) -> None:
    examine(put(tmp_path / "source", {"a.jpg": jpeg(1)}), tmp_path / "case")
    (tmp_path / "out").write_text("kept")
    process = start("export", "--case", tmp_path / "case", "--output", tmp_path / "out")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"Traceback" not in errors
    assert (tmp_path / "out").read_text() == "kept"
    process = start("export", "--case", tmp_path / "case", "--output", tmp_path / "no" / "out")
    assert process.wait(60) == 2
    process.communicate()


def test_overlapping_sources_and_sources_given_twice_are_the_same_items(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.jpg": jpeg(1)})
    below = put(source / "below", {"b.jpg": jpeg(2)})
    request = module.ExamineRequest(
        sources=(source, Path(f"{source}/"), below, source / "a.jpg"),
        case=tmp_path / "case",
        engine="inline",
        uncaged=True,
        quiet=True,
    )
    summary = module.run_examine(request)
    assert (summary.items, summary.occurrences) == (2, 4)


def test_assertions_do_no_work(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.zip": zipped({"a.jpg": jpeg(1)}), "b.jpg": jpeg(1)})
    arguments = ["examine", str(source), "--case", str(tmp_path / "o"), "--quiet", "--json"]
    command = [sys.executable, "-O", "-m", "headwater", *arguments]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert json.loads(done.stdout)["complete"]
    examine(source, tmp_path / "plain")
    assert exported(tmp_path / "o") == exported(tmp_path / "plain")


def test_a_file_that_reading_would_alter_stops_the_run_and_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(6):
        (source / f"{number}.jpg").write_bytes(jpeg(number))
    opened = Walk.open_place

    def refusing(self: Walk, place: Place) -> int:
        if place.name == b"4.jpg":
            raise EvidenceError("the kernel refuses O_NOATIME; mount it read-only")
        return opened(self, place)

    monkeypatch.setattr(Walk, "open_place", refusing)
    with pytest.raises(EvidenceError, match="read-only"):
        examine(source, tmp_path / "case")
    kept = {one["occurrences"][0]["path"] for one in documents(tmp_path / "case")}
    assert kept == {f"{number}.jpg" for number in range(4)}
    monkeypatch.undo()
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "keys"))
    assert examine(source, tmp_path / "case").resumed == 4
