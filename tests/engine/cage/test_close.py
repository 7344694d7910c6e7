"""Closing the cage on machines of varied rights, and what a closed cage is."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from headwater.engine.cage.close import close_cage, enter_nursery
from headwater.engine.cage.kernel import PR_GET_NO_NEW_PRIVS, call, prctl
from headwater.engine.cage.privileges import (
    CAP_SYS_ADMIN,
    effective_capabilities,
    holds,
    why_not_nobody,
)
from headwater.engine.cage.probes import run_probes
from headwater.engine.cage.spec import REQUIRED, STRONG, CageSpec, library_folders
from headwater.errors import CageError

READABLE = library_folders()
MIB = 1 << 20


def spec(*kept: int, memory_bytes: int = 256 * MIB, file_bytes: int = 64 * MIB) -> CageSpec:
    return CageSpec(
        memory_bytes=memory_bytes,
        file_bytes=file_bytes,
        readable=READABLE,
        kept_descriptors=kept,
    )


NO_NAMESPACES = dict.fromkeys(("unshare", "mount"), errno.EPERM)
NO_LANDLOCK = {"landlock_create_ruleset": errno.ENOSYS}
OLD = {"close_range": errno.ENOSYS}

MACHINES: dict[str, tuple[bool, dict[str, int]]] = {
    "as started": (False, {}),
    "ordinary user": (True, {}),
    "container": (False, NO_NAMESPACES),
    "ordinary user in a container": (True, NO_NAMESPACES),
    "kernel without Landlock": (False, NO_LANDLOCK),
    "ordinary user, kernel without Landlock": (True, NO_LANDLOCK | OLD),
    "kernel before close_range": (False, OLD),
}


def prepare(child: Any, machine: str) -> None:
    ordinary, refused = MACHINES[machine]
    if ordinary:
        child.become_ordinary()
    if refused:
        child.refuse(refused)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_cage_holds_on_every_machine(child: Any, machine: str) -> None:
    """All probes, in a worker forked by a nursery that was entered as on a real start."""

    def body() -> Any:
        prepare(child, machine)
        entered = enter_nursery(spec())

        def worker() -> Any:
            report = close_cage(spec(child.ANSWER))
            through = [result.name for result in run_probes() if not result.blocked]
            return [report.as_text(), through]

        return [entered, *child.run(worker)]

    entered, report, through = child.run(body)
    assert through == []
    assert all(report[name].startswith("on: ") for name in REQUIRED)
    strong = all(report[name].startswith("on: ") for name in STRONG)
    assert report["level"] == ("strong" if strong else "required")
    assert entered.items() <= report.items()
    if "container" in machine:
        assert report["mount_view"].startswith("off: ")
        assert report["network"].startswith("off: ")
        assert report["files"] == "on: Landlock"
    if "without Landlock" in machine:
        assert report["landlock"].startswith("off: ")
        assert report["files"] == "on: the mount view alone"
    if machine == "as started" and os.geteuid() == 0 and holds(CAP_SYS_ADMIN):
        assert report["level"] == "strong"
        assert report["identity"] == "on: root became nobody, in no group"


@pytest.mark.parametrize(
    ("refused", "missing"),
    [
        (NO_NAMESPACES | NO_LANDLOCK, "files"),
        ({"seccomp": errno.EINVAL}, "system_calls"),
        ({"landlock_restrict_self": errno.EPERM}, "files"),
        ({"prlimit64": errno.EPERM}, "limits"),
    ],
)
@pytest.mark.parametrize("enter", [True, False], ids=["nursery", "worker"])
def test_without_a_required_property_there_is_no_cage(
    child: Any, refused: dict[str, int], missing: str, enter: bool
) -> None:
    def body() -> str:
        child.refuse(refused)
        try:
            if enter:
                enter_nursery(spec(child.ANSWER))
            else:
                close_cage(spec(child.ANSWER))
        except CageError as error:
            return str(error)
        return "closed"

    message = child.run(body)
    assert message.endswith("or let the container have them")
    assert message.startswith("the cage for untrusted bytes cannot be closed on this machine")
    assert f"missing: {missing} (" in message


def test_a_worker_may_close_its_cage_without_a_nursery(child: Any) -> None:
    def body() -> list[Any]:
        report = close_cage(spec(child.ANSWER))
        through = [result.name for result in run_probes() if not result.blocked]
        return [report.level in {"strong", "required"}, through]

    assert child.run(body) == [True, []]


def test_the_report_is_sorted_and_names_each_property_once(child: Any) -> None:
    names = child.run(lambda: [entry.name for entry in close_cage(spec(child.ANSWER)).properties])
    assert names == sorted(set(names))
    assert set(REQUIRED) | set(STRONG) <= set(names)


def test_a_worker_has_no_rights_left(child: Any) -> None:
    def body() -> list[Any]:
        report = close_cage(spec(child.ANSWER))
        status = prctl(PR_GET_NO_NEW_PRIVS)
        return [status, os.environ.copy(), os.getcwd(), report.as_text()["capabilities"]]

    status, environment, folder, capabilities = child.run(body)
    assert (status, environment, folder) == (1, {}, "/")
    assert capabilities.startswith("on: none held")


def test_the_nursery_itself_has_no_rights_left(child: Any) -> None:
    def body() -> list[Any]:
        enter_nursery(spec())
        return [effective_capabilities(), prctl(PR_GET_NO_NEW_PRIVS), dict(os.environ)]

    assert child.run(body) == [0, 1, {}]


def test_entering_twice_changes_nothing(child: Any) -> None:
    def body() -> bool:
        return enter_nursery(spec()) == enter_nursery(spec())

    assert child.run(body)


def test_memory_beyond_the_cap_is_refused(child: Any) -> None:
    def body() -> list[str]:
        close_cage(spec(child.ANSWER, memory_bytes=128 * MIB))
        answers = []
        for size in (64 * MIB, 160 * MIB):
            try:
                bytearray(size)
            except MemoryError:
                answers.append("refused")
            else:
                answers.append("given")
        return answers

    assert child.run(body) == ["given", "refused"]


def test_files_beyond_the_cap_are_refused(child: Any) -> None:
    def body() -> list[Any]:
        close_cage(spec(child.ANSWER, file_bytes=MIB))
        memory = os.memfd_create("large")
        answers: list[Any] = [os.pwrite(memory, bytes(MIB), 0)]
        attempts: list[Callable[[], object]] = [
            lambda: os.pwrite(memory, b"x", MIB),
            lambda: os.ftruncate(memory, MIB + 1),
            lambda: os.posix_fallocate(memory, 0, MIB + 1),
        ]
        for attempt in attempts:
            try:
                attempt()
            except OSError as error:
                answers.append(errno.errorcode[error.errno or 0])
        return answers

    assert child.run(body) == [MIB, "EFBIG", "EFBIG", "EFBIG"]


def test_a_worker_ends_with_its_nursery() -> None:
    """The worker holds the pipe's end: it is closed when the kernel has ended the worker."""
    reading, writing = os.pipe()
    nursery = os.fork()
    if nursery == 0:
        try:
            enter_nursery(spec())
            if os.fork() == 0:
                close_cage(spec(writing))
                os.write(writing, b"r")
                select.select([], [], [], 600)
            else:
                os.close(writing)
                select.select([], [], [], 600)
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"r"
    os.kill(nursery, signal.SIGKILL)
    os.waitpid(nursery, 0)
    ready, _, _ = select.select([reading], [], [], 60)
    assert ready
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_worker_of_a_dead_nursery_does_not_start(child: Any) -> None:
    """The nursery ends before its worker closes the cage; the worker must refuse."""
    go, come = os.pipe()
    reading, writing = os.pipe()
    nursery = os.fork()
    if nursery == 0:
        try:
            enter_nursery(spec())
            if os.fork() == 0:
                os.close(come)
                os.read(go, 1)
                try:
                    close_cage(spec(writing))
                except CageError as error:
                    os.write(writing, str(error).encode())
        finally:
            os._exit(1)
    os.close(go)
    os.close(writing)
    os.waitpid(nursery, 0)
    os.close(come)
    with os.fdopen(reading, "rb") as file:
        assert b"the nursery ended" in file.read()


def test_nothing_of_the_environment_stays() -> None:
    program = (
        "import ctypes, os\n"
        "from headwater.engine.cage.process import scrub_environment\n"
        "scrub_environment(os.open('/proc', os.O_PATH))\n"
        "c = ctypes.CDLL(None)\n"
        "c.getenv.restype = ctypes.c_char_p\n"
        "print(dict(os.environ), c.getenv(b'CANARY'))\n"
        "print(open('/proc/self/environ', 'rb').read().strip(bytes(1)))\n"
    )
    environment = {"CANARY": "yellow bird"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True
    )
    assert done.stdout == b"{} None\nb''\n"


ANYBODYS = ("/lib", "/lib64", "/usr/lib")
"""Folders that every user can read."""


@pytest.mark.parametrize("namespaces", [True, False])
@pytest.mark.parametrize("readable", [READABLE, ANYBODYS], ids=["as installed", "anybody's"])
def test_root_without_rights_over_the_system_gives_up_its_id_where_it_can(
    child: Any, readable: tuple[str, ...], namespaces: bool
) -> None:
    """Root as in a container, without CAP_SYS_ADMIN: the id goes before the user namespace."""

    def body() -> Any:
        root = os.geteuid() == 0
        stays = root and why_not_nobody(readable) is not None
        if not namespaces:
            child.refuse(NO_NAMESPACES)
        drop_system_administration()
        asked = msgspec.structs.replace(spec(child.ANSWER), readable=readable)
        report = close_cage(asked).as_text()
        through = [result.name for result in run_probes() if not result.blocked]
        return [root, stays, report["identity"], os.getuid(), through]

    root, stays, identity, user, through = child.run(body)
    assert identity.startswith("off: stays root" if stays else "on: ")
    assert (user == 0) == stays
    assert through == []
    if root and readable is ANYBODYS:
        assert identity == "on: root became nobody, in no group"


def drop_system_administration() -> None:
    kept = effective_capabilities() & ~(1 << CAP_SYS_ADMIN)
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
    low, high = kept & 0xFFFFFFFF, kept >> 32
    sets = ctypes.create_string_buffer(struct.pack("=6I", low, low, 0, high, high, 0))
    call("capset", ctypes.addressof(header), ctypes.addressof(sets))


@pytest.mark.parametrize("kind", ["folder", "closed", "datagrams", "IPv4"])
def test_a_descriptor_that_is_a_way_out_is_not_kept(child: Any, kind: str) -> None:
    def body() -> str:
        held = (
            socket.socket(socket.AF_INET)
            if kind == "IPv4"
            else socket.socketpair(type=socket.SOCK_DGRAM)[0]
        )
        descriptor = held.fileno()
        if kind == "folder":
            descriptor = os.open("/", os.O_RDONLY)
        if kind == "closed":
            descriptor = 77
        try:
            close_cage(spec(child.ANSWER, descriptor))
        except CageError as error:
            return str(error)
        return "kept"

    words = {
        "folder": "it is a folder",
        "closed": "it is not open",
        "datagrams": "it is a socket that can reach others than its peer",
        "IPv4": "it is a socket that can reach others than its peer",
    }
    assert child.run(body).endswith(words[kind])


def test_a_process_with_threads_gets_no_cage(child: Any) -> None:
    """Landlock would hold the calling thread alone."""

    def body() -> str:
        stop = threading.Event()
        other = threading.Thread(target=stop.wait)
        other.start()
        try:
            close_cage(spec(child.ANSWER))
        except CageError as error:
            return str(error)
        finally:
            stop.set()
            other.join()
        return "closed"

    assert "a process of 2 threads" in child.run(body)
