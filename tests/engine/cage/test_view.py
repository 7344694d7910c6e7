"""The view of the file system, where this machine lets one be made."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.engine.cage.namespaces import enter_namespaces, enter_user_namespace
from headwater.engine.cage.view import enter_view


@pytest.fixture
def tree() -> Iterator[Path]:
    """Folders and links of every kind, some broken, where every user can read them."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        for folder in ("given", "given/below", "hidden", "deep", "deep/er"):
            (top / folder).mkdir()
            (top / folder / "file").write_bytes(folder.encode())
        (top / "link").symlink_to("deep")
        (top / "link of link").symlink_to(top / "link")
        (top / "loop").symlink_to("loop")
        (top / "broken").symlink_to("nowhere")
        yield top


def view_of(paths: list[str]) -> str | None:
    """Enter a view and return None, or the reason where the machine refuses."""
    refusal = enter_user_namespace() or enter_namespaces()["mounts"]
    if refusal is None:
        enter_view(paths)
    return refusal


def everything_below(top: str) -> list[str]:
    found = []
    for folder, folders, files in os.walk(top):
        found += [os.path.join(folder, name) for name in (*folders, *files)]
    return sorted(found)


@pytest.mark.parametrize("ordinary", [False, True])
def test_only_the_given_is_there_and_cannot_be_written(
    child: Any, tree: Path, ordinary: bool
) -> None:
    paths = [
        str(tree / name)
        for name in ("given", "given/below", "link of link/er", "loop", "broken", "none")
    ]
    paths.append(str(tree / "deep" / "file"))

    def body() -> Any:
        if ordinary:
            child.become_ordinary()
        refusal = view_of(paths)
        if refusal is not None:
            return refusal
        attempts: list[Callable[[], Any]] = [
            lambda: os.open(tree / "given" / "new", os.O_CREAT | os.O_WRONLY),
            lambda: os.open(tree / "given" / "file", os.O_WRONLY),
            lambda: os.mkdir("/new"),
            lambda: os.unlink(tree / "link"),
        ]
        codes = []
        for attempt in attempts:
            try:
                attempt()
            except OSError as error:
                codes.append(errno.errorcode[error.errno or 0])
        return [
            everything_below("/"),
            codes,
            (tree / "link of link" / "er" / "file").read_text(),
            os.getcwd(),
        ]

    answer = child.run(body)
    if isinstance(answer, str):
        assert "refused here" in answer
        return
    found, codes, text, folder = answer
    top = str(tree)
    parents = [str(parent) for parent in tree.parents if str(parent) != "/"]
    expected = [
        *("broken", "deep", "deep/er", "deep/er/file", "deep/file", "given", "given/below"),
        *("given/below/file", "given/file", "link", "link of link", "loop"),
    ]
    assert found == sorted([*parents, top, *(f"{top}/{name}" for name in expected)])
    assert set(codes) <= {"EROFS", "EACCES"}
    assert len(codes) == 4
    assert text == "deep/er"
    assert folder == "/"


def test_the_machine_itself_is_left_as_it_was(child: Any, tree: Path) -> None:
    def listing() -> list[str]:
        with open("/proc/self/mountinfo") as file:
            return sorted(line.split()[4] for line in file)

    before = listing()
    child.run(lambda: view_of([str(tree / "given")]))
    assert listing() == before
    assert os.path.exists("/proc/self")


def test_a_view_that_cannot_be_had_changes_nothing(child: Any) -> None:
    def body() -> list[Any]:
        child.refuse({"unshare": errno.EPERM})
        enter_user_namespace()
        return [enter_namespaces(), os.path.exists("/proc/self")]

    outcome, whole = child.run(body)
    assert whole
    assert sorted(outcome) == ["ipc", "mounts", "network"]
    assert all("EPERM" in reason for reason in outcome.values())
