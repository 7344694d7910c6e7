"""Landlock by itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.engine.cage import landlock
from headwater.engine.cage.kernel import PR_SET_NO_NEW_PRIVS, prctl


def answer_of(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def test_only_what_was_given_can_be_read(child: Any, tmp_path: Path) -> None:
    given, other = tmp_path / "given", tmp_path / "other"
    for folder in (given, other):
        (folder / "below").mkdir(parents=True)
        (folder / "below" / "file").write_bytes(b"x")
    (given / "out").symlink_to(other / "below" / "file")
    single = other / "below" / "single"
    single.write_bytes(b"y")

    def body() -> list[str]:
        ruleset = landlock.build([str(given), str(single), "/no/such/folder", str(single / "x")])
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        landlock.enter(ruleset)
        attempts: list[Callable[[], Any]] = [
            (given / "below" / "file").read_bytes,
            lambda: os.listdir(given / "below"),
            single.read_bytes,
            (other / "below" / "file").read_bytes,
            lambda: os.listdir(other),
            (given / "out").read_bytes,
            lambda: (given / "new").write_bytes(b""),
            lambda: (given / "below" / "file").open("r+b"),
            (given / "below" / "file").unlink,
            (given / "folder").mkdir,
            lambda: os.truncate(given / "below" / "file", 0),
            lambda: os.rename(given / "below" / "file", given / "moved"),
            lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        ]
        return [answer_of(attempt) for attempt in attempts]

    assert child.run(body) == [*["done"] * 3, *["EACCES"] * 10]


def test_where_there_is_none_that_is_said(child: Any) -> None:
    def body() -> str:
        child.refuse({"landlock_create_ruleset": errno.ENOSYS})
        return answer_of(lambda: landlock.build(["/usr"]))

    assert child.run(body) == "ENOSYS"


@pytest.mark.parametrize(
    ("abi", "words"),
    [
        (1, "files"),
        (2, "files"),
        (3, "files, truncation"),
        (4, "files, truncation, TCP"),
        (5, "files, truncation, TCP, devices"),
        (7, "files, truncation, TCP, devices, signals and abstract sockets"),
    ],
)
def test_what_a_version_holds_is_told(abi: int, words: str) -> None:
    assert landlock.Ruleset(0, abi).covers() == f"Landlock version {abi}: {words}"


@pytest.mark.parametrize(
    ("abi", "size", "rights"),
    [(1, 8, 0x1FFF), (2, 8, 0x3FFF), (3, 8, 0x7FFF), (4, 16, 0x7FFF), (5, 16, 0xFFFF),
     (6, 24, 0xFFFF), (9, 24, 0xFFFF)],
)  # fmt: skip
def test_every_right_of_a_version_is_taken(
    monkeypatch: pytest.MonkeyPatch, abi: int, size: int, rights: int
) -> None:
    asked: list[tuple[Any, ...]] = []

    def record(name: str, *arguments: Any) -> int:
        asked.append((name, *arguments))
        return abi if arguments[0] is None else os.open("/dev/null", os.O_RDONLY)

    monkeypatch.setattr(landlock, "call", record)
    os.close(landlock.build([]).descriptor)
    _, attributes, asked_size, flags = asked[-1]
    assert (asked_size, flags) == (size, 0)
    words = [int.from_bytes(attributes[at : at + 8], "little") for at in (0, 8, 16)]
    assert words == [rights, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0]
