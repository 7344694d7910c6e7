"""Imports end whole or not at all, and go on where they were stopped."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import msgspec
import pytest

from headwater.errors import CaseDamaged, CaseError, UsageError
from headwater.lists.contract import Entry, ListFault, Stream
from headwater.lists.importing import (
    FileIdentity,
    Imported,
    ImportOptions,
    ImportProgress,
    discard_unfinished,
    identity_of,
    import_list,
    remove_version,
    unreferenced,
)
from headwater.lists.manifest import REPORT, changed_files
from headwater.lists.opened import open_list
from headwater.lists.stream import FileStream, PipeStream
from tests.lists.import_once import NAME, SEGMENT_ENTRIES
from tests.lists.made_list import (
    MadeReader,
    a_key,
    line_of,
    random_entries,
    some_memory,
    write_list,
)
from tests.lists.test_segments import compare

OPTIONS = ImportOptions(name=NAME, segment_entries=SEGMENT_ENTRIES)


class Stopped(Exception):
    """What a test stops an import with."""


def run(
    path: Path,
    folder: Path,
    options: ImportOptions = OPTIONS,
    *,
    stop_at: int | None = None,
    resumed: list[int] | None = None,
) -> Imported:
    def progress(now: ImportProgress) -> None:
        if resumed is not None:
            resumed.append(now.resumed_entries)
        if stop_at is not None and now.entries >= stop_at:
            raise Stopped

    with FileStream(path) as stream:
        return import_list(
            MadeReader(),
            stream,
            folder,
            a_key(),
            some_memory(),
            options,
            identity_of(path),
            progress,
        )


def check(folder: Path, imported: Imported, entries: list[Entry]) -> None:
    version = folder / imported.version_id
    assert changed_files(version, imported.manifest_sha256) == []
    with open_list(version, a_key(), imported.manifest_sha256, some_memory()) as known:
        compare(known, entries)


def with_lines(entries: list[Entry], broken_each: int = 0) -> list[Entry]:
    """Return entries as their lines number them when broken lines stand between."""
    return [
        msgspec.structs.replace(
            entry,
            spot=msgspec.structs.replace(
                entry.spot, line=number + 1 + (number // broken_each if broken_each else 0)
            ),
        )
        for number, entry in enumerate(entries)
    ]


def test_a_list_is_imported_and_reported(tmp_path: Path) -> None:
    entries = random_entries(1, 1000)
    path = write_list(tmp_path / "list", entries, broken_each=50)
    imported = run(path, tmp_path / "lists")
    check(tmp_path / "lists", imported, with_lines(entries, 50))
    assert imported.file_sha256 == hashlib.sha256(path.read_bytes()).digest()
    assert imported.entries == 1000
    report = imported.report
    assert report["broken_entries"] == 20
    assert report["faults"] == [{"field": "line", "rule": "no JSON", "count": 20}]
    assert [one["line"] for one in report["first_faults"]][:3] == [51, 102, 153]
    assert report["lost"] == {"Media.Name": 1000}
    assert report["hashes"]["md5"] == sum(entry.md5 is not None for entry in entries)
    stored = json.loads((tmp_path / "lists" / imported.version_id / REPORT).read_bytes())
    assert stored == report
    assert os.listdir(tmp_path / "lists") == [imported.version_id]
    for place in (tmp_path / "lists").rglob("*"):
        assert place.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("stop_at", [1, 199, 200, 450, 999, 1000])
def test_a_stopped_import_goes_on(tmp_path: Path, stop_at: int) -> None:
    entries = random_entries(2, 1000)
    path = write_list(tmp_path / "list", entries, broken_each=30)
    with pytest.raises(Stopped):
        run(path, tmp_path / "lists", stop_at=stop_at)
    seen: list[ImportProgress] = []
    with FileStream(path) as stream:
        imported = import_list(
            MadeReader(),
            stream,
            tmp_path / "lists",
            a_key(),
            some_memory(),
            OPTIONS,
            identity_of(path),
            seen.append,
        )
    check(tmp_path / "lists", imported, with_lines(entries, 30))
    undisturbed = run(path, tmp_path / "others")
    assert imported.report == undisturbed.report
    assert seen[0].resumed_entries < stop_at + 37
    assert stop_at - seen[0].resumed_entries <= SEGMENT_ENTRIES + 2 * 37
    assert seen[-1].position_bytes == seen[-1].size_bytes == path.stat().st_size
    assert os.listdir(tmp_path / "lists") == [imported.version_id]


def test_another_file_is_refused_until_told_to_forget(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list", random_entries(2, 600))
    lists = tmp_path / "lists"
    with pytest.raises(Stopped):
        run(path, lists, stop_at=500)
    other_entries = random_entries(3, 600)
    other = write_list(tmp_path / "other", other_entries)
    with pytest.raises(UsageError, match=r"another file.*--fresh"):
        run(other, lists)
    changed = os.stat(path).st_mtime_ns + 10
    os.utime(path, ns=(changed, changed))
    with pytest.raises(UsageError, match="another file"):
        run(path, lists)
    with pytest.raises(UsageError, match="other settings"):
        run(path, lists, msgspec.structs.replace(OPTIONS, settings="columns=2"))
    fresh = run(other, lists, msgspec.structs.replace(OPTIONS, fresh=True))
    check(lists, fresh, other_entries)


def test_lists_of_other_names_are_imported_beside(tmp_path: Path) -> None:
    entries, others = random_entries(2, 600), random_entries(3, 600)
    path, other = write_list(tmp_path / "a", entries), write_list(tmp_path / "b", others)
    lists = tmp_path / "lists"
    with pytest.raises(Stopped):
        run(path, lists, stop_at=500)
    imported = run(other, lists, msgspec.structs.replace(OPTIONS, name="../another"))
    check(lists, imported, others)
    check(lists, run(path, lists), entries)
    assert {entry.parent for entry in tmp_path.iterdir()} == {tmp_path}
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "lists"]


def test_a_file_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    entries = random_entries(2, 500)
    lists = tmp_path / "lists"
    good = run(write_list(tmp_path / "list", entries), lists)
    bad = tmp_path / "bad"
    for end in (b"cut\n", b"no end of line"):
        bad.write_bytes(b"".join(map(line_of, entries)) + end)
        with pytest.raises(ListFault, match="at line 501"):
            run(bad, lists)
        assert os.listdir(lists) == [good.version_id]
        check(lists, good, entries)
    bad.write_bytes(b"")
    with pytest.raises(ListFault, match="no entry"):
        run(bad, lists)
    assert os.listdir(lists) == [good.version_id]


def test_too_many_broken_entries_are_refused_and_may_be_allowed(tmp_path: Path) -> None:
    entries = random_entries(2, 900)
    path = write_list(tmp_path / "list", entries, broken_each=5)
    lists = tmp_path / "lists"
    with pytest.raises(UsageError, match="more than 10%"):
        run(path, lists)
    imported = run(path, lists, msgspec.structs.replace(OPTIONS, broken_share=0.2))
    check(lists, imported, with_lines(entries, 5))
    with pytest.raises(UsageError, match="more than 16%"):
        run(path, lists, msgspec.structs.replace(OPTIONS, broken_share=0.16))


def test_codes_are_asked_about_and_a_refusal_can_be_answered(tmp_path: Path) -> None:
    entries = random_entries(2, 900)
    path = write_list(tmp_path / "list", entries)
    asked: list[frozenset[str]] = []

    def refuse(codes: frozenset[str]) -> None:
        asked.append(codes)
        raise UsageError("choose a scheme")

    def attempt(checked: object) -> Imported:
        with FileStream(path) as stream:
            return import_list(
                MadeReader(),
                stream,
                tmp_path / "lists",
                a_key(),
                some_memory(),
                OPTIONS,
                identity_of(path),
                check_codes=checked,  # type: ignore[arg-type]
            )

    with pytest.raises(UsageError, match="choose a scheme"):
        attempt(refuse)
    assert len(asked) == 1
    imported = attempt(asked.append)
    assert asked[-1] == {"1", "2", "A2"}
    check(tmp_path / "lists", imported, entries)


def test_a_pipe_is_imported_whole_and_never_gone_on_with(tmp_path: Path) -> None:
    entries = random_entries(4, 700)
    data = b"".join(map(line_of, entries))
    lists = tmp_path / "lists"
    for stop in (True, False):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            with open(writing, "wb") as out:
                out.write(data)
            os._exit(0)
        os.close(writing)

        def progress(now: ImportProgress, stop: bool = stop) -> None:
            assert now.size_bytes is None
            assert now.resumed_entries == 0
            if stop and now.entries > 500:
                raise Stopped

        stream: Stream
        with PipeStream(reading) as stream:
            memory = some_memory()
            if stop:
                with pytest.raises(Stopped):
                    import_list(
                        MadeReader(), stream, lists, a_key(), memory, OPTIONS, None, progress
                    )
            else:
                imported = import_list(
                    MadeReader(), stream, lists, a_key(), memory, OPTIONS, None, progress
                )
        os.waitpid(child, 0)
    check(lists, imported, entries)
    assert imported.file_sha256 == hashlib.sha256(data).digest()
    assert os.listdir(lists) == [imported.version_id]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list", random_entries(4, 300))

    def change(now: ImportProgress) -> None:
        with path.open("r+b") as stream:
            stream.write(b"[")

    with FileStream(path) as stream, pytest.raises(ListFault, match="changed while"):
        import_list(
            MadeReader(),
            stream,
            tmp_path / "lists",
            a_key(),
            some_memory(),
            OPTIONS,
            identity_of(path),
            change,
        )
    assert os.listdir(tmp_path / "lists") == []


def test_a_damaged_state_is_said_and_can_be_forgotten(tmp_path: Path) -> None:
    entries = random_entries(2, 600)
    path = write_list(tmp_path / "list", entries)
    lists = tmp_path / "lists"
    with pytest.raises(Stopped):
        run(path, lists, stop_at=500)
    state = next(lists.glob("*.state"))
    good = state.read_bytes()
    state.write_bytes(good[:-1])
    with pytest.raises(CaseDamaged):
        run(path, lists)
    state.write_bytes(good[:8] + bytes(16) + good[24:])
    with pytest.raises(CaseError, match="another key"):
        run(path, lists)
    discard_unfinished(lists, NAME)
    assert os.listdir(lists) == []
    check(lists, run(path, lists), entries)


def test_versions_that_nothing_refers_to_are_found_and_removed(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list", random_entries(2, 600))
    lists = tmp_path / "lists"
    one, other = run(path, lists), run(path, lists)
    with pytest.raises(Stopped):
        run(path, lists, stop_at=300)
    assert unreferenced(lists, frozenset({one.version_id})) == [other.version_id]
    remove_version(lists, other.version_id)
    remove_version(lists, other.version_id)
    assert unreferenced(lists, frozenset({one.version_id})) == []


def test_what_is_no_regular_file_has_no_identity(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert identity_of(tmp_path / "pipe") is None
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    assert identity_of(tmp_path / "file") == FileIdentity(
        size_bytes=3_000_000,
        modified_ns=(tmp_path / "file").stat().st_mtime_ns,
        head_sha256=hashlib.sha256(b"x" * (1 << 20)).digest(),
    )


# Killed.

ENTRIES = 3_000


def child(path: Path, folder: Path, at: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lists.import_once", str(path), str(folder), str(at)],
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> list[str] | None:
    """Return what an import printed, None where it was killed."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode in (0, -signal.SIGKILL)
    return out.split() if process.returncode == 0 else None


def versions(folder: Path) -> list[str]:
    return unreferenced(folder, frozenset()) if folder.exists() else []


def test_killed_at_any_write_and_gone_on_with(tmp_path: Path) -> None:
    entries = random_entries(6, ENTRIES)
    path = write_list(tmp_path / "list", entries, broken_each=100)
    said = ended(child(path, tmp_path / "undisturbed", 0))
    assert said is not None
    calls = int(said[2])
    # Spread over the import, and each step of its end.
    points = sorted(
        {*(round(1 + n * (calls - 20) / 13) for n in range(14)), *range(calls - 8, calls)}
    )
    assert len(points) >= 20
    lists = tmp_path / "lists"
    resumed: list[int] = []
    kept: list[int] = []
    for at in points:
        assert ended(child(path, lists, at)) is None
        imported = run(path, lists, resumed=resumed)
        check(lists, imported, with_lines(entries, 100))
        # Killed after the last step, it has left a version that nobody was told of.
        strays = unreferenced(lists, frozenset({imported.version_id}))
        assert len(strays) <= (at >= calls - 5), at
        for version in (imported.version_id, *strays):
            remove_version(lists, version)
        assert os.listdir(lists) == [], at
        kept.append(0 if strays else resumed[-1])
    # The later it was killed, the more of it had not to be done again.
    before_end = kept[: len(points) - 5]
    assert before_end == sorted(before_end)
    assert before_end[-1] >= ENTRIES - SEGMENT_ENTRIES - 2 * 37
    assert len(set(before_end)) >= 10


def test_killed_again_and_again_it_comes_to_its_end(tmp_path: Path) -> None:
    entries = random_entries(7, ENTRIES)
    path = write_list(tmp_path / "list", entries)
    lists = tmp_path / "lists"
    random = Random(3)
    said, kills = None, 0
    # An import makes some 600 calls, and each run takes at least one whole segment of 15 further.
    while said is None and kills < 60:
        said = ended(child(path, lists, random.randrange(60, 400)))
        kills += said is None
    assert said is not None
    assert kills >= 2
    imported = Imported(
        version_id=said[0],
        manifest_sha256=bytes.fromhex(said[1]),
        file_sha256=b"",
        entries=ENTRIES,
        report={},
    )
    check(lists, imported, entries)


def test_killed_at_moments_that_nobody_chose(tmp_path: Path) -> None:
    entries = random_entries(8, ENTRIES)
    path = write_list(tmp_path / "list", entries)
    lists = tmp_path / "lists"
    began = time.monotonic()
    assert ended(child(path, tmp_path / "undisturbed", 0)) is not None
    took = time.monotonic() - began
    random = Random(4)
    for _ in range(4):
        process = child(path, lists, 0)
        time.sleep(took * random.uniform(0.2, 1.0))
        process.kill()
        said = ended(process)
        if said is None:
            said = ended(child(path, lists, 0))
        assert said is not None
        with open_list(lists / said[0], a_key(), bytes.fromhex(said[1]), some_memory()) as known:
            compare(known, entries)
        for version in versions(lists):
            remove_version(lists, version)
