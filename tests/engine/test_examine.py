"""The main job: every place found, every content measured once, by any engine alike."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pytest

from headwater.case.query import Case
from headwater.cli.run_examine import ExamineRequest, run_examine
from headwater.demo.evidence import make_evidence
from headwater.errors import CaseBusy, UsageError
from headwater.limits import Limits
from tests.engine.examined import documents, examine, exported
from tests.pictures import jpeg


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "keys"))


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence") / "evidence"
    make_evidence(folder, size="small")
    return folder


def test_all_engines_give_the_same_case(evidence: Path, tmp_path: Path) -> None:
    examine(evidence, tmp_path / "inline")
    examine(evidence, tmp_path / "one", engine="pool", uncaged=False, workers=1)
    examine(evidence, tmp_path / "two", engine="pool", uncaged=False, workers=2)
    assert exported(tmp_path / "one") == exported(tmp_path / "inline")
    assert exported(tmp_path / "two") == exported(tmp_path / "inline")


def test_nothing_about_the_evidence_changes(evidence: Path, tmp_path: Path) -> None:
    def facts() -> dict[str, tuple[int, int, int, int]]:
        found = {}
        for path in sorted([evidence, *evidence.rglob("*")]):
            now = path.lstat()
            found[str(path)] = (now.st_atime_ns, now.st_mtime_ns, now.st_ctime_ns, now.st_size)
        return found

    for path in evidence.rglob("*"):
        # The next careless read would move the access time.
        os.utime(path, ns=(10**18, path.lstat().st_mtime_ns), follow_symlinks=False)
    before = facts()
    examine(evidence, tmp_path / "case", engine="pool", uncaged=False, workers=2)
    assert facts() == before


def test_each_content_is_one_item_wherever_it_lies(tmp_path: Path) -> None:
    picture, other = jpeg(1), jpeg(2)
    inner = zipped({"again.jpg": picture, "other.jpg": other})
    source = put(
        tmp_path / "source",
        {
            "a.jpg": picture,
            "copies/b.jpg": picture,
            "archive.zip": inner,
            "copies/same-archive.zip": inner,
            "nested.tar.gz": tarred({"deep/archive.zip": inner, "deep/c.jpg": picture}),
            "notes.txt": b"nothing to see",
        },
    )
    summary = examine(source, tmp_path / "case")
    by_digest = {document["item"]["sha256"]: document for document in documents(tmp_path / "case")}
    document = by_digest[hashlib.sha256(picture).hexdigest()]
    places = sorted(
        "//".join([place["path"], *(step["name"] for step in place["inside"])])
        for place in document["occurrences"]
    )
    assert places == [
        "a.jpg",
        "archive.zip//again.jpg",
        "copies/b.jpg",
        "copies/same-archive.zip//again.jpg",
        "nested.tar.gz//deep/archive.zip//again.jpg",
        "nested.tar.gz//deep/c.jpg",
    ]
    assert document["item"]["state"] == "measured"
    assert document["measurements"]["pdq"]["pdq"]
    states = {one["item"]["state"] for one in by_digest.values()}
    assert states == {"measured", "not_media"}
    # Six files, two members in each of three places of the archive, and two of the tar.
    assert summary.occurrences == 6 + 3 * 2 + 2
    assert summary.items == len(by_digest) == 5


def test_a_finished_case_has_nothing_left_to_do(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {f"{n}.jpg": jpeg(n) for n in range(5)})
    first = examine(source, tmp_path / "case")
    again = examine(source, tmp_path / "case")
    assert (first.resumed, again.resumed) == (0, 5)
    assert again.bytes == 0
    assert again.items == first.items


def test_new_and_changed_files_are_examined_on_the_next_run(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    examine(source, tmp_path / "case")
    put(source, {"a.jpg": jpeg(3, 200, 100), "c.jpg": jpeg(4)})
    summary = examine(source, tmp_path / "case")
    assert summary.resumed == 1
    found = {
        place["path"]: document["item"]["sha256"]
        for document in documents(tmp_path / "case")
        for place in document["occurrences"]
    }
    expected = {"a.jpg": jpeg(3, 200, 100), "b.jpg": jpeg(2), "c.jpg": jpeg(4)}
    assert found == {name: hashlib.sha256(data).hexdigest() for name, data in expected.items()}


def test_containers_deeper_than_the_limit_are_refused_by_name(tmp_path: Path) -> None:
    content = zipped({"picture.jpg": jpeg(1)})
    for _ in range(4):
        content = zipped({"inner.zip": content})
    source = put(tmp_path / "source", {"deep.zip": content})
    examine(source, tmp_path / "case", limits=Limits(archive_depth=3))
    refused = [one for one in documents(tmp_path / "case") if one["item"]["state"] == "refused"]
    assert len(refused) == 1
    assert refused[0]["problems"][0]["limit"] == "archive_depth"
    assert len(refused[0]["occurrences"][0]["inside"]) == 3


def test_large_members_are_spooled_to_disk_and_read_back(tmp_path: Path) -> None:
    pictures = {f"{n}.jpg": jpeg(n, 640, 480) for n in range(6)}
    source = put(tmp_path / "source", {"many.tar.gz": tarred(pictures)})
    examine(source, tmp_path / "memory")
    small = Limits(spool_member_memory_bytes=1000, spool_memory_bytes=4000)
    examine(source, tmp_path / "disk", engine="pool", uncaged=False, workers=2, limits=small)
    assert exported(tmp_path / "disk") == exported(tmp_path / "memory")
    assert not any((tmp_path / "disk" / "spool").iterdir())


def test_a_full_spool_is_a_problem_of_the_member_alone(tmp_path: Path) -> None:
    members = {"large.jpg": jpeg(1, 1600, 1200), "small.jpg": jpeg(2)}
    source = put(tmp_path / "source", {"two.zip": zipped(members)})
    tiny = Limits(spool_member_memory_bytes=10_000, spool_disk_bytes=20_000)
    examine(source, tmp_path / "case", limits=tiny)
    found = {
        one["occurrences"][0]["inside"][-1]["name"]: one
        for one in documents(tmp_path / "case")
        if one["occurrences"][0]["inside"]
    }
    assert found["small.jpg"]["item"]["state"] == "measured"
    assert found["large.jpg"]["item"]["state"] == "refused"
    assert found["large.jpg"]["problems"][0]["limit"] == "spool_disk_bytes"


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path) -> None:
    from headwater.case.store import CaseStore

    source = put(tmp_path / "source", {"a.jpg": jpeg(1)})
    examine(source, tmp_path / "case")
    held = CaseStore.open(tmp_path / "case")
    try:
        with pytest.raises(CaseBusy, match=str(os.getpid())):
            examine(source, tmp_path / "case")
    finally:
        held.close()


def test_a_case_inside_its_source_is_refused(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.jpg": jpeg(1)})
    with pytest.raises(UsageError, match="inside the source"):
        examine(source, source / "case")
    assert sorted(path.name for path in source.iterdir()) == ["a.jpg"]


def test_inline_is_not_offered_as_if_it_were_caged(tmp_path: Path) -> None:
    request = ExamineRequest(sources=(tmp_path,), case=tmp_path / "case", engine="inline")
    with pytest.raises(UsageError, match="--uncaged"):
        run_examine(request)


def test_without_thumbnails_no_picture_is_kept(tmp_path: Path) -> None:
    source = put(tmp_path / "source", {"a.jpg": jpeg(1, 800, 600)})
    examine(source, tmp_path / "with")
    examine(source, tmp_path / "without", thumbnails=False)
    packs = {
        name: sum(f.stat().st_size for f in (tmp_path / name / "packs").iterdir())
        for name in ("with", "without")
    }
    assert packs["with"] > 1000
    (document,) = documents(tmp_path / "without")
    assert "thumbnail" not in document["measurements"]
    assert packs["without"] < 200


def test_what_an_older_version_measured_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.measures.picture import Picture

    source = put(
        tmp_path / "source",
        {"a.jpg": jpeg(1), "b.zip": zipped({"inside.jpg": jpeg(2)}), "notes.txt": b"text"},
    )
    examine(source, tmp_path / "case")
    before = exported(tmp_path / "case")
    monkeypatch.setattr(Picture, "VERSION", Picture.VERSION + 1)
    again = examine(source, tmp_path / "case")
    assert again.resumed == 1
    assert exported(tmp_path / "case") == before
    assert examine(source, tmp_path / "case").resumed == 3


def test_copies_of_what_kills_its_worker_are_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.cli import run_examine as module
    from tests.engine import saboteur

    measures = ("headwater.measures.picture:Picture", "tests.engine.saboteur:Saboteur")
    monkeypatch.setattr(module, "measure_names", lambda: measures)
    killer = jpeg(1, after=saboteur.SEGFAULT)
    source = put(tmp_path / "source", {f"{number}.jpg": killer for number in range(8)})
    put(source, {"later/copy.jpg": killer, "later/good.jpg": jpeg(2)})
    pooled = {"engine": "pool", "uncaged": False, "workers": 2}
    examine(source, tmp_path / "case", **pooled)
    examine(source, tmp_path / "case", **pooled)
    with Case.open(tmp_path / "case") as case:
        item = case.item(hashlib.sha256(killer).digest())
        assert item is not None
        assert (item.state, case.place_count(item.item_id)) == ("failed", 9)
        assert attempts(tmp_path / "case") == 2
    examine(source, tmp_path / "case", **pooled, retry_limits=True)
    assert attempts(tmp_path / "case") == 4


def attempts(case: Path) -> int:
    with sqlite3.connect(case / "case.sqlite") as connection:
        return int(connection.execute("SELECT count(*) FROM attempt").fetchone()[0])


def test_a_directory_that_can_be_read_again_is_taken_and_its_problem_superseded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.evidence.folder import Walk

    source = put(tmp_path / "source", {"a.jpg": jpeg(1), "shut/below/b.jpg": jpeg(2)})
    opened = Walk._open_directory

    def refuse(walk: Walk, directory: bytes) -> int:
        if directory == b"shut":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(walk, directory)

    with monkeypatch.context() as patched:
        patched.setattr(Walk, "_open_directory", refuse)
        for _ in range(2):
            assert examine(source, tmp_path / "case").problems == 1
    (unread,) = (one for one in documents(tmp_path / "case") if one["item"]["sha256"] is None)
    assert (unread["item"]["state"], unread["problems"][0]["code"]) == ("failed", "unreadable")
    for _ in range(2):
        summary = examine(source, tmp_path / "case")
        assert (summary.items, summary.problems) == (2, 0)
    (read,) = (one for one in documents(tmp_path / "case") if one["item"]["sha256"] is None)
    assert (read["item"]["state"], read["problems"]) == ("not_media", [])
    assert "shut/below/b.jpg" in exported(tmp_path / "case")
    with monkeypatch.context() as patched:
        patched.setattr(Walk, "_open_directory", refuse)
        assert examine(source, tmp_path / "case").problems == 1
