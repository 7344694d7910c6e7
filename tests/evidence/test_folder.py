"""Sources are listed and opened without changing anything about them."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import EvidenceError
from headwater.evidence.folder import Place, Walk, changed_while_read

OLD = 1_000_000_000_000_000_000


def everything(walk: Walk) -> dict[bytes, Place]:
    found: dict[bytes, Place] = {}
    for directory, names in walk.directories():
        if isinstance(names, OSError) or not names:
            continue
        for place in walk.places(directory, names):
            found[os.path.join(directory, place.name)] = place
    walk.close()
    return found


def read(walk: Walk, place: Place) -> bytes:
    descriptor = walk.open_place(place)
    try:
        return os.read(descriptor, 1 << 20)
    finally:
        os.close(descriptor)


def open_to_others(folder: Path) -> None:
    """Let another user reach a test's folder, which pytest makes private."""
    while folder != Path(tempfile.gettempdir()):
        folder.chmod(0o755)
        folder = folder.parent


def test_finds_what_os_walk_finds(tmp_path: Path) -> None:
    for name in ("a/b/c/deep.txt", "a/shallow.txt", "top.txt", "a/b2/x", "z/.hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    walk = Walk(os.fsencode(tmp_path), accept_atime=False)
    found = everything(walk)
    expected = {
        os.fsencode(Path(folder, name).relative_to(tmp_path))
        for folder, _, names in os.walk(tmp_path)
        for name in names
    }
    assert set(found) == expected
    for path, place in found.items():
        assert read(walk, place) == path


@pytest.mark.parametrize("parents", ["listing", "reading"])
def test_no_time_changes_on_a_mount_that_keeps_access_times(tmp_path: Path, parents: str) -> None:
    (tmp_path / "folder").mkdir()
    file, link = tmp_path / "folder" / "file", tmp_path / "folder" / "link"
    file.write_bytes(b"x" * 5000)
    link.symlink_to("file")
    paths = (tmp_path, tmp_path / "folder", file, link)
    for path in paths:
        # Access older than modification: what relatime would update on the next read.
        os.utime(path, ns=(OLD, OLD + 1), follow_symlinks=False)
    before = {path: os.lstat(path) for path in paths}
    walk = Walk(os.fsencode(tmp_path), accept_atime=False)
    for place in everything(walk).values():
        if place.kind == "file" and parents == "reading":
            read(walk, place)
    for path in paths:
        after = os.lstat(path)
        for field in ("st_atime_ns", "st_mtime_ns", "st_ctime_ns"):
            assert getattr(after, field) == getattr(before[path], field), (path, field)


def test_the_mount_here_would_have_changed_them(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    os.utime(file, ns=(OLD, OLD + 1))
    file.read_bytes()
    if file.stat().st_atime_ns == OLD:
        pytest.skip("this mount keeps no access times")
    assert file.stat().st_atime_ns > OLD


def test_links_devices_and_pipes_are_recorded_and_never_opened(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    source = tmp_path / "source"
    source.mkdir()
    (source / "link").symlink_to(outside)
    (source / "folder-link").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(source / "socket"))
    kinds = {"link": "link", "folder-link": "link", "pipe": "fifo", "socket": "socket"}
    if os.geteuid() == 0:
        os.mknod(source / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        kinds["null"] = "device"
    found = everything(Walk(os.fsencode(source), accept_atime=False))
    listener.close()
    assert {os.fsdecode(path): place.kind for path, place in found.items()} == kinds
    assert all(place.size_bytes is None for place in found.values())


def test_a_pipe_put_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    walk = Walk(os.fsencode(tmp_path), accept_atime=False)
    (place,) = everything(walk).values()
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(FileNotFoundError):
        walk.open_place(place)


def test_a_link_put_in_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "file").write_text("inside")
    elsewhere.mkdir()
    (elsewhere / "file").write_text("outside")
    walk = Walk(os.fsencode(source), accept_atime=False)
    (place,) = everything(walk).values()
    (source / "folder" / "file").unlink()
    (source / "folder").rmdir()
    (source / "folder").symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"."):
        walk.open_place(place)


@given(
    st.lists(
        st.binary(min_size=1, max_size=255).filter(
            lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
        ),
        unique=True,
        max_size=8,
    )
)
def test_names_are_any_bytes(tmp_path_factory: pytest.TempPathFactory, names: list[bytes]) -> None:
    folder = os.fsencode(tmp_path_factory.mktemp("names"))
    for name in names:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(name)
    walk = Walk(folder, accept_atime=False)
    found = everything(walk)
    assert sorted(found) == sorted(names)
    assert all(read(walk, place) == name for name, place in found.items())
    walk.close()


def test_a_single_file_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "one.bin"
    file.write_bytes(b"alone")
    walk = Walk(os.fsencode(file), accept_atime=False)
    (place,) = everything(walk).values()
    assert (walk.kind, place.name, place.directory) == ("file", b"one.bin", b"")
    assert read(walk, place) == b"alone"


@pytest.mark.parametrize("make", ["missing", "link", "pipe"])
def test_what_is_no_source_is_refused_with_the_reason(tmp_path: Path, make: str) -> None:
    path = tmp_path / "source"
    if make == "link":
        path.symlink_to(tmp_path)
    elif make == "pipe":
        os.mkfifo(path)
    with pytest.raises(EvidenceError, match="source"):
        Walk(os.fsencode(path), accept_atime=False)


def test_a_change_while_reading_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"before")
    walk = Walk(os.fsencode(tmp_path), accept_atime=False)
    (place,) = everything(walk).values()
    descriptor = walk.open_place(place)
    assert changed_while_read(place, descriptor) is None
    with file.open("ab") as appended:
        appended.write(b"and after")
    problem = changed_while_read(place, descriptor)
    os.close(descriptor)
    assert problem is not None
    assert problem.code == "changed"


def test_an_unreadable_folder_is_yielded_with_its_error(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    (tmp_path / "open").write_text("x")
    script = (
        "import os, sys\n"
        "from headwater.evidence.folder import Walk\n"
        "if os.geteuid() == 0: os.setgid(65534), os.setuid(65534)\n"
        "walk = Walk(os.fsencode(sys.argv[1]), accept_atime=True)\n"
        "print(sorted((d, type(n).__name__) for d, n in walk.directories()))\n"
    )
    open_to_others(tmp_path)
    locked.chmod(0)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    locked.chmod(0o700)
    assert ran.stdout.strip() == "[(b'', 'list'), (b'locked', 'PermissionError')]"


def test_refuses_to_touch_what_it_cannot_open_without_access_times(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file to somebody else")
    file = tmp_path / "file"
    file.write_bytes(b"x")
    open_to_others(tmp_path)
    file.chmod(0o644)
    script = (
        "import os, sys\n"
        "from headwater.errors import EvidenceError\n"
        "from headwater.evidence.folder import Walk\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "for accept in (False, True):\n"
        "    try:\n"
        "        walk = Walk(os.fsencode(sys.argv[1]), accept_atime=accept)\n"
        "        print([names for _, names in walk.directories()])\n"
        "    except EvidenceError as error:\n"
        "        print('refused', 'mount -o ro' in str(error), '--accept-atime' in str(error))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == ["refused True True", "[[b'file']]"]
