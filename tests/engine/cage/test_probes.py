"""The probes: they must notice a cage that is open, and do no harm to it."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import pytest

from headwater.engine.cage import probes, seccomp, syscalls
from headwater.engine.cage.close import close_cage
from headwater.engine.cage.kernel import PR_SET_NO_NEW_PRIVS, prctl
from headwater.engine.cage.probes import PROBES, STARTUP_PROBES, prove_cage, run_probes
from headwater.engine.cage.spec import CageSpec, library_folders
from headwater.errors import CageError

READABLE = library_folders()

OPEN_TO_ANYONE = {
    "read /etc/passwd",
    "read /proc/self/maps",
    "open one's own memory for writing",
    "list the temporary folder",
    "list the processes",
    "create a file in the temporary folder",
    "create a file in shared memory",
    "open as a handle by path",
    "change a file's mode",
    "change a file's owner",
    "change a file's times",
    "lock a file",
    "change a file's flags",
    "make a symbolic link",
    "make a hard link",
    "rename",
    "unlink",
    "make a folder",
    "truncate by path",
    "inotify",
    "change the working folder",
    "use a stray descriptor",
    "make a socket: IPv4",
    "make a socket: IPv4 datagrams",
    "make a socket: Unix",
    "make a socket: netlink",
    "make a pair of sockets",
    "connect",
    "bind",
    "listen",
    "send to an address",
    "execve",
    "execveat",
    "fork",
    "vfork",
    "posix_spawn",
    "clone",
    "signal the parent",
    "signal the group",
    "signal the parent's thread",
    "read the parent's limits",
    "set a limit",
    "map beyond the limit",
    "make machine code",
    "read the environment",
    "splice",
}
"""What every system lets a process do that is in no cage, whoever runs it."""


def test_an_open_cage_is_noticed(child: Any) -> None:
    """The child's parent is of the same user here; as root far more gets through."""

    def body() -> list[str]:
        stray = os.open("/", os.O_RDONLY)
        through = [result.name for result in run_probes() if not result.blocked]
        os.close(stray)
        return through

    assert set(child.run(body)) >= OPEN_TO_ANYONE


def test_the_probes_leave_nothing_behind(child: Any) -> None:
    def listing() -> list[Any]:
        folders = ("/tmp", "/dev/shm", ".")
        mine = f"headwater-probe-{os.getpid()}"
        left = [mine in os.listdir(folder) for folder in folders]
        return [left, len(os.listdir("/proc/self/fd")), os.getcwd(), os.getpriority(0, 0)]

    def body() -> Any:
        before = listing()
        run_probes()
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return [before, listing()]
        return "a child was left"

    before, after = child.run(body)
    assert before == after
    assert before[0] == [False] * 3


@pytest.mark.parametrize("layer", ["filter", "nothing"])
def test_a_half_open_cage_is_not_proved(child: Any, layer: str) -> None:
    def body() -> str:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        if layer == "filter":
            # Without Landlock, a view or limits.
            built = seccomp.build(syscalls.this_architecture())
            seccomp.install(built.for_process(os.getpid()))
        try:
            prove_cage()
        except CageError as error:
            return str(error)
        return "proved"

    message = child.run(body)
    assert message.startswith("the cage leaks: these probes got through: ")
    assert "read /etc/passwd" in message
    assert "map beyond the limit" in message
    assert ("execve" in message) == (layer == "nothing")


def test_a_closed_cage_is_proved(child: Any) -> None:
    def body() -> int:
        kept = (child.ANSWER,)
        close_cage(CageSpec(memory_bytes=1 << 28, readable=READABLE, kept_descriptors=kept))
        return prove_cage()

    assert child.run(body) == len(STARTUP_PROBES)


def test_there_are_enough_and_each_has_its_name() -> None:
    names = [probe.name for probe in PROBES]
    assert len(names) == len(set(names))
    assert len(names) >= 100
    assert len(STARTUP_PROBES) >= 40


def test_what_makes_something_is_not_run_at_start() -> None:
    making = {probe.name for probe in PROBES if not probe.at_start}
    assert {"fork", "vfork", "posix_spawn", "raise the limit of memory"} <= making
    assert {name for name in making if name.startswith("create a file")} == {
        "create a file in the working folder",
        "create a file in the temporary folder",
        "create a file in shared memory",
    }


def test_an_answer_other_than_a_refusal_gets_through() -> None:
    def fail(code: int) -> None:
        raise OSError(code, "")

    strict = [probes.Probe(str(code), partial(fail, code)) for code in (1, 13, 38, 14, 22)]
    lenient = [probes.Probe("any", lambda: fail(2), refusals=None)]
    results = run_probes([*strict, *lenient, probes.Probe("done", lambda: None)])
    assert [result.blocked for result in results] == [True, True, True, False, False, True, False]
    assert [result.answer for result in results][3:] == ["EFAULT", "EINVAL", "ENOENT", "succeeded"]
