"""What a process sets on itself: limits, its end, and what others can see of it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct

from headwater.engine.cage.kernel import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, call, prctl
from headwater.engine.cage.spec import CageSpec
from headwater.errors import CageError

_FIRST_TO_GO = b"1000"
"""OOM_SCORE_ADJ_MAX: the kernel ends a worker before anything else when memory runs out."""

_PAGE = resource.getpagesize()


def address_space(process_folder: int) -> int:
    """Return the size of the process's address space in bytes (proc(5), statm)."""
    return int(_read_own(process_folder, "self/statm").split()[0]) * _PAGE


def check_single_thread(process_folder: int) -> None:
    """Raise CageError where the process has other threads: they would stay outside the cage."""
    folder = os.open("self/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=process_folder)
    try:
        threads = len(os.listdir(folder))
    finally:
        os.close(folder)
    if threads > 1:
        raise CageError(
            f"the cage cannot be closed around a process of {threads} threads; "
            "set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 before it starts"
        )


def set_limits(spec: CageSpec, process_folder: int) -> str:
    """Set the kernel's limits; none is ever raised. Return them in words."""
    memory = address_space(process_folder) + spec.memory_bytes
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: spec.file_bytes,
        resource.RLIMIT_NOFILE: spec.open_files,
        resource.RLIMIT_NPROC: spec.tasks,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)  # noqa: PLW2901
        set_limit(kind, value, value)
    return (
        f"{spec.memory_bytes} bytes of memory beyond the start, files of {spec.file_bytes} bytes, "
        f"{spec.open_files} descriptors, no core dumps, no locked memory"
    )


def set_limit(kind: int, soft: int, hard: int) -> None:
    """Set one limit of the process. Raises OSError, with the kernel's own errno."""
    call("prlimit64", 0, kind, struct.pack("=qq", soft, hard), None)


def hide() -> None:
    """Let no other process of the same user read or trace this one."""
    prctl(PR_SET_DUMPABLE, 0)


def end_with(parent: int | None) -> None:
    """Let the kernel end this process with its parent. Raises CageError where that has ended."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        raise CageError("the nursery ended while a worker was made; start again")


def go_first(process_folder: int) -> None:
    """Ask the kernel to end this process first when memory runs out. Raises OSError."""
    # The file belongs to root while the process is not dumpable.
    prctl(PR_SET_DUMPABLE, 1)
    try:
        descriptor = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=process_folder)
        try:
            os.write(descriptor, _FIRST_TO_GO)
        finally:
            os.close(descriptor)
    finally:
        hide()


def scrub_environment(process_folder: int) -> None:
    """Forget the environment, and blank what of it the process was started with."""
    forget_environment()
    start, end = _environment_block(process_folder)
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)


def forget_environment() -> None:
    """Empty the environment, for Python and for C."""
    os.environ.clear()
    ctypes.CDLL(None).clearenv()


def _environment_block(process_folder: int) -> tuple[int, int]:
    """Return where the first environment lies (proc(5), stat, fields 50 and 51), or zeros."""
    fields = _read_own(process_folder, "self/stat").rpartition(b")")[2].split()
    with contextlib.suppress(IndexError):
        return int(fields[47]), int(fields[48])
    return 0, 0


def _read_own(process_folder: int, name: str) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process_folder)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)
