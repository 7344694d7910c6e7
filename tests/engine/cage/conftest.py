"""Running a test's body in a child, so that no cage closes around the tests themselves."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest

# A child may no longer be able to read these from the disk.
import headwater.engine.cage.close
import headwater.engine.cage.probes  # noqa: F401
from headwater.engine.cage import bpf, seccomp, syscalls
from headwater.engine.cage.kernel import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, prctl
from headwater.engine.cage.privileges import NOBODY

ANSWER = 99
"""The descriptor a child answers by: keep it open in the cage."""


def run_in_child(body: Callable[[], Any]) -> Any:
    """Fork, call `body` there, and return its answer (by way of JSON).

    Raises AssertionError with the child's traceback, or with how it ended.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _answer(body, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, f"the child ended with {code}: {answer.decode()}"
    return json.loads(answer)


def _answer(body: Callable[[], Any], writing: int) -> None:
    os.dup2(writing, ANSWER, inheritable=False)
    code = 1
    try:
        _write_all(json.dumps(body()).encode())
        code = 0
    finally:
        if code:
            _write_all("".join(traceback.format_exception(sys.exception())).encode())
        os._exit(code)


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(ANSWER, data) :]


def become_ordinary() -> None:
    """Make the child an ordinary user, where the tests run as root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    # Changing ids makes a process undumpable; a program started by the user would be dumpable.
    prctl(PR_SET_DUMPABLE, 1)


def refuse(answers: dict[str, int]) -> None:
    """Answer system calls with an errno from now on, as an old kernel or a container would."""
    machine = syscalls.this_architecture()
    rows = [bpf.load(bpf.NUMBER_OFFSET)]
    for name, code in answers.items():
        number = syscalls.number(name, machine)
        if number is not None:
            rows += [bpf.jump_if_equal(number, 0, 1), bpf.answer(0x00050000 | code)]
    rows.append(bpf.answer(seccomp.ALLOW))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(bpf.assemble(rows))


class Child:
    """What tests of the cage do in children."""

    ANSWER = ANSWER
    run = staticmethod(run_in_child)
    become_ordinary = staticmethod(become_ordinary)
    refuse = staticmethod(refuse)


@pytest.fixture(scope="session")
def child() -> type[Child]:
    return Child
