"""Hostile archives write nothing anywhere, exhaust nothing, and lose no name."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import resource
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from headwater.limits import MIB, Limits
from tests.engine.examined import documents
from tests.engine.examined import examine as examine_here
from tests.pictures import jpeg
from tests.program import examine, run

NAMES = (
    "../../outside.jpg",
    "/absolute.jpg",
    "C:\\windows\\drive.jpg",
    "\\\\server\\share\\unc.jpg",
    "a/../../b.jpg",
    "Case.jpg",
    "case.jpg",
    "trailing dot.",
    "trailing space ",
    "turned\u202egpj.exe",
    "new\nline.jpg",
    "CON",
    "x" * 300 + ".jpg",
    "deep/" * 100 + "deep.jpg",
    "~/.bashrc",
    "$(touch run).jpg",
    "-rf",
)


def nasty_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, name in enumerate(NAMES):
            archive.writestr(zipfile.ZipInfo(name), jpeg(number))
    data = out.getvalue()
    # A name with a NUL cannot be written by zipfile: put it in afterwards, in both headers.
    return data.replace(b"Case.jpg", b"Ca\0e.jpg")


def nasty_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number, name in enumerate(NAMES):
            entry = tarfile.TarInfo(name)
            entry.size = len(jpeg(number))
            archive.addfile(entry, io.BytesIO(jpeg(number)))
        for kind, name in (
            (tarfile.SYMTYPE, "link-out"),
            (tarfile.LNKTYPE, "hard-link"),
            (tarfile.CHRTYPE, "device"),
            (tarfile.BLKTYPE, "disk"),
            (tarfile.FIFOTYPE, "pipe"),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("link-out/through.jpg")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    return out.getvalue()


def everything_below(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), stat.S_IFMT(path.lstat().st_mode)) for path in folder.rglob("*")}


@pytest.mark.parametrize(("name", "make"), [("nasty.zip", nasty_zip), ("nasty.tar", nasty_tar)])
def test_nothing_is_written_and_every_name_is_recorded(
    name: str, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    (inner / name).write_bytes(make())
    monkeypatch.chdir(inner)
    home = set(os.listdir(Path.home()))
    before = everything_below(tmp_path)
    examine(inner / name, tmp_path / "case")
    new = everything_below(tmp_path) - before
    assert all(path.startswith(str(tmp_path / "case")) for path, _ in new)
    assert set(os.listdir(Path.home())) - home <= {".config", ".cache"}
    assert not any(path.endswith(".jpg") for path, _ in new), "a member became a file"
    found: dict[bytes, dict[str, Any]] = {}
    for line in run("export", "--case", tmp_path / "case").splitlines():
        document = json.loads(line)
        for place in document["occurrences"]:
            for step in place["inside"]:
                raw = step.get("name_bytes")
                key = base64.b64decode(raw) if raw else step["name"].encode()
                found[key] = {"document": document, "notes": step["notes"]}
    expected = {entry.encode() for entry in NAMES}
    if name.endswith("zip"):
        expected = {entry.replace(b"Case.jpg", b"Ca\0e.jpg") for entry in expected}
    assert expected <= set(found)
    for raw in expected & {b"../../outside.jpg", b"/absolute.jpg", b"C:\\windows\\drive.jpg"}:
        assert found[raw]["notes"], raw
        assert found[raw]["document"]["item"]["state"] == "measured"
    if name.endswith("tar"):
        for raw in (b"link-out", b"hard-link", b"device", b"disk", b"pipe"):
            assert found[raw]["document"]["item"]["state"] == "refused", raw


def flat_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zeros.bin", bytes(400 * MIB))
    return out.getvalue()


def nested_bomb() -> bytes:
    content = gzip.compress(bytes(300 * MIB), 9, mtime=0)
    for _ in range(3):
        content = gzip.compress(content, 9, mtime=0)
    return content


def many_members() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(3000):
            archive.writestr(f"{number}", b"")
    return out.getvalue()


def overlapping() -> bytes:
    """Many directory entries that share one compressed body (Fifield 2019)."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = body.compress(bytes(64 * MIB)) + body.flush()
    crc = zlib.crc32(bytes(64 * MIB))
    local = struct.pack(
        "<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 33, crc, len(packed), 64 * MIB, 1, 0
    )
    data = local + b"a" + packed
    entry = struct.pack(
        "<IHHHHHHIIIHHHHHII",
        0x02014B50, 20, 20, 0, 8, 0, 33, crc, len(packed), 64 * MIB, 1, 0, 0, 0, 0, 0, 0,
    ) + b"a"  # fmt: skip
    count = 200
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, count * len(entry), len(data), 0)
    return data + entry * count + end


@pytest.mark.parametrize("make", [flat_bomb, nested_bomb, many_members, overlapping])
def test_bombs_end_at_a_limit_with_its_name(make: Any, tmp_path: Path) -> None:
    source = tmp_path / "bomb"
    source.write_bytes(make())
    limits = Limits(
        archive_members=1000,
        archive_total_bytes=200 * MIB,
        archive_member_bytes=150 * MIB,
        archive_ratio=100,
        spool_member_memory_bytes=16 * MIB,
        spool_disk_bytes=100 * MIB,
    )
    case = tmp_path / "case"
    summary = examine_here(source, case, engine="pool", uncaged=False, workers=1, limits=limits)
    assert summary.complete
    problems = [
        problem
        for document in documents(case)
        for problem in document["problems"]
        + [one for place in document["occurrences"] for one in place["problems"]]
    ]
    assert any(problem.get("limit") or problem["code"] == "refused" for problem in problems)
    kept = sum(path.stat().st_size for path in case.rglob("*") if path.is_file())
    assert kept < 8 * MIB
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2 << 20
