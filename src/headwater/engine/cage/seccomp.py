"""The list of system calls a worker may make; every other call answers EPERM.

The list is what decoding needs once everything is imported: bytes of descriptors that are already
open, memory, threads, time, and messages on the inherited socket. Some calls are allowed with some
arguments alone; the filter sees numbers and never what an address points to, so a call whose
meaning lies behind an address (`openat2`, `clone3`) is refused whole.

Machine code: a mapping that can be executed must be of a file and not writable, so that a library
can still be loaded lazily, and `mprotect` never adds the right to execute. That is a hurdle for
injected code, not a wall (a memory file can be mapped too): the wall is the list itself.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Callable
from dataclasses import dataclass

from headwater.engine.cage import bpf, syscalls
from headwater.engine.cage.bpf import Instruction
from headwater.engine.cage.kernel import (
    PR_GET_NAME,
    PR_GET_NO_NEW_PRIVS,
    PR_SET_NAME,
    PR_SET_VMA,
    call,
)
from headwater.engine.cage.syscalls import Architecture

# linux/seccomp.h
ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_SET_MODE_FILTER = 1
_ON_ALL_THREADS = 1

REFUSE = _ERRNO | errno.EPERM
MISSING = _ERRNO | errno.ENOSYS

_X32_BIT = 0x40000000
_OWN_PROCESS = 0x7FFFFFFF
"""Stands in the program for the process's own id until that is known; no id is so large."""

_CLONE_THREAD = 0x00010000
_CLONE_OF_A_THREAD = 0x007D0F00
"""VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID, DETACHED."""

_O_NONBLOCK_NOCTTY_CLOEXEC = 0o4000 | 0o400 | 0o2000000
_PROT_WRITE, _PROT_EXEC, _MAP_ANONYMOUS = 2, 4, 0x20
_MFD_CLOEXEC_SEALING_NOEXEC = 1 | 2 | 8

_F_DUPFD, _F_GETFD, _F_SETFD, _F_GETFL = 0, 1, 2, 3
_F_DUPFD_CLOEXEC, _F_ADD_SEALS, _F_GET_SEALS = 1030, 1033, 1034
_TCGETS, _FIONREAD, _FIONBIO, _FIONCLEX, _FIOCLEX = 0x5401, 0x541B, 0x5421, 0x5450, 0x5451

Check = Callable[[Architecture], list[Instruction]]
"""Emits instructions that go on at their end, or have answered already."""


def _one_of(index: int, *values: int) -> Check:
    """Go on where the lower half of an argument is one of the values."""

    def emit(_: Architecture) -> list[Instruction]:
        rows = [bpf.load_argument(index)]
        for place, value in enumerate(values):
            behind = len(values) - place
            rows.append(bpf.jump_if_equal(value, behind, 0))
        return [*rows, bpf.answer(REFUSE)]

    return emit


def _no_bit(index: int, mask: int) -> Check:
    """Go on where no bit of the mask is set."""

    def emit(_: Architecture) -> list[Instruction]:
        return [
            bpf.load_argument(index),
            bpf.jump_if_any_bit(mask, 0, 1),
            bpf.answer(REFUSE),
        ]

    return emit


def _bit(index: int, bit: int) -> Check:
    """Go on where the bit is set."""

    def emit(_: Architecture) -> list[Instruction]:
        return [bpf.load_argument(index), bpf.jump_if_any_bit(bit, 1, 0), bpf.answer(REFUSE)]

    return emit


def _enough_if_no_bit(index: int, mask: int) -> Check:
    """Allow at once where no bit of the mask is set, else go on."""

    def emit(_: Architecture) -> list[Instruction]:
        return [bpf.load_argument(index), bpf.jump_if_any_bit(mask, 1, 0), bpf.answer(ALLOW)]

    return emit


def _null(index: int) -> Check:
    """Go on where an address is NULL."""

    def emit(_: Architecture) -> list[Instruction]:
        rows = []
        for upper in (False, True):
            rows += [
                bpf.load_argument(index, upper=upper),
                bpf.jump_if_equal(0, 1, 0),
                bpf.answer(REFUSE),
            ]
        return rows

    return emit


def _only_for_reading(index: int) -> Check:
    """Go on where the flags of an open are those of reading; O_PATH and O_NOATIME are none."""

    def emit(machine: Architecture) -> list[Instruction]:
        harmless = machine.o_directory | machine.o_nofollow | machine.o_largefile
        harmless |= _O_NONBLOCK_NOCTTY_CLOEXEC
        return _no_bit(index, ~harmless & 0xFFFFFFFF)(machine)

    return emit


_ALWAYS = (
    # The most frequent first: the kernel tries them in this order where it keeps no cache.
    *("read", "pread64", "write", "futex", "munmap", "lseek", "fstat", "close"),
    *("recvmsg", "sendmsg", "recvfrom", "brk", "madvise", "mremap", "clock_gettime"),
    *("pwrite64", "readv", "writev", "preadv", "pwritev", "newfstatat", "statx", "stat", "lstat"),
    *("poll", "ppoll", "select", "pselect6", "dup", "dup2", "dup3", "close_range"),
    *("ftruncate", "fadvise64", "getdents64"),
    *("shutdown", "getsockopt", "getsockname", "getpeername"),
    *("set_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity"),
    *("exit", "exit_group", "restart_syscall"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack"),
    *("clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time"),
    *("getrandom", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid"),
    *("getresuid", "getresgid", "getcwd", "uname", "sysinfo", "getrusage", "times", "getcpu"),
    "getrlimit",
)

_CHECKED: dict[str, tuple[Check, ...]] = {
    "mmap": (
        _enough_if_no_bit(2, _PROT_EXEC),
        _no_bit(2, _PROT_WRITE),
        _no_bit(3, _MAP_ANONYMOUS),
    ),
    "mprotect": (_no_bit(2, _PROT_EXEC),),
    "open": (_only_for_reading(1),),
    "openat": (_only_for_reading(2),),
    # No F_SETFL: it could take O_NOATIME off a descriptor of evidence. No locks, no owners.
    "fcntl": (
        _one_of(
            1,
            *(_F_DUPFD_CLOEXEC, _F_GETFD, _F_SETFD, _F_GETFL, _F_DUPFD),
            *(_F_ADD_SEALS, _F_GET_SEALS),
        ),
    ),
    "ioctl": (_one_of(1, _TCGETS, _FIOCLEX, _FIONBIO, _FIONCLEX, _FIONREAD),),
    # A plain size, no holes and no collapsing.
    "fallocate": (_one_of(1, 0),),
    "memfd_create": (_no_bit(1, ~_MFD_CLOEXEC_SEALING_NOEXEC & 0xFFFFFFFF),),
    # To whom the socket is connected, and to nobody else.
    "sendto": (_null(4),),
    "clone": (_bit(0, _CLONE_THREAD), _no_bit(0, ~_CLONE_OF_A_THREAD & 0xFFFFFFFF)),
    "tgkill": (_one_of(0, _OWN_PROCESS),),
    "kill": (_one_of(0, _OWN_PROCESS),),
    # Reading limits, and only one's own.
    "prlimit64": (_one_of(0, 0, _OWN_PROCESS), _null(2)),
    "prctl": (_one_of(0, PR_SET_NAME, PR_GET_NAME, PR_GET_NO_NEW_PRIVS, PR_SET_VMA),),
}

_MAKES_CODE = ("mmap", "mprotect")

_MISSING = ("clone3",)
"""Answered as if the kernel were too old, so that the C library falls back to `clone`."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A program that is ready but for the id of the process it will hold."""

    template: bytes
    own_process_offsets: tuple[int, ...]
    calls: int
    """How many system calls are let through, with some arguments at least."""

    def for_process(self, process: int) -> bytes:
        """Return the program for the process with this id."""
        program = bytearray(self.template)
        for offset in self.own_process_offsets:
            struct.pack_into("=I", program, offset, process)
        return bytes(program)


def build(architecture: Architecture, *, executable_memory: bool = False) -> Filter:
    """Return the filter for an architecture; `executable_memory` lets machine code be made."""
    rows = [
        bpf.load(bpf.ARCHITECTURE_OFFSET),
        bpf.jump_if_equal(architecture.audit, 1, 0),
        # No program of ours changes its architecture in mid-run.
        bpf.answer(KILL_PROCESS),
        bpf.load(bpf.NUMBER_OFFSET),
    ]
    if architecture is syscalls.X86_64:
        rows += [bpf.jump_if_at_least(_X32_BIT, 0, 1), bpf.answer(REFUSE)]
    for name in _ALWAYS:
        rows += _rule(architecture, name, [])
    for name, checks in _CHECKED.items():
        free = executable_memory and name in _MAKES_CODE
        emitted = [] if free else [row for check in checks for row in check(architecture)]
        rows += _rule(architecture, name, emitted)
    for name in _MISSING:
        rows += _rule(architecture, name, [bpf.answer(MISSING)])
    rows.append(bpf.answer(REFUSE))
    offsets = tuple(
        8 * place + 4
        for place, row in enumerate(rows)
        if row.code == bpf.JUMP_EQUAL and row.value == _OWN_PROCESS
    )
    allowed = [syscalls.number(name, architecture) for name in (*_ALWAYS, *_CHECKED)]
    calls = sum(number is not None for number in allowed)
    return Filter(bpf.assemble(rows), offsets, calls)


def _rule(architecture: Architecture, name: str, checks: list[Instruction]) -> list[Instruction]:
    number = syscalls.number(name, architecture)
    if number is None:
        return []
    body = [*checks, bpf.answer(ALLOW)]
    return [bpf.jump_if_equal(number, 0, len(body)), *body]


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(program: bytes) -> None:
    """Put the calling process, all its threads and all that it starts under a program, for good.

    Needs no_new_privs. Raises OSError; nothing is changed then.
    """
    held = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.addressof(held))
    stray = call("seccomp", _SET_MODE_FILTER, _ON_ALL_THREADS, ctypes.addressof(described))
    if stray:
        raise OSError(errno.EBUSY, f"thread {stray} cannot be put under the filter", "seccomp")
