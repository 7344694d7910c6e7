"""The filter of system calls: against a model of what it should say, and in the kernel."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.engine.cage import bpf, seccomp, syscalls
from headwater.engine.cage.kernel import PR_SET_NO_NEW_PRIVS, call, prctl
from headwater.engine.cage.syscalls import AARCH64, X86_64, Architecture

ALLOW, REFUSE, MISSING, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
PROCESS = 4711
WORD = 1 << 64
ARCHITECTURES = pytest.mark.parametrize("machine", [X86_64, AARCH64], ids=lambda item: item.name)


def interpret(program: bytes, record: bytes) -> int:
    """Run a filter as the kernel would (Documentation/networking/filter.rst)."""
    rows = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at, held = 0, 0
    while True:
        code, if_so, if_not, value = rows[at]
        at += 1
        if code == bpf.LOAD:
            (held,) = struct.unpack_from("<I", record, value)
        elif code == bpf.JUMP_EQUAL:
            at += if_so if held == value else if_not
        elif code == bpf.JUMP_AT_LEAST:
            at += if_so if held >= value else if_not
        elif code == bpf.JUMP_ANY_BIT:
            at += if_so if held & value else if_not
        elif code == bpf.RETURN:
            return int(value)
        else:
            raise AssertionError(f"unknown instruction {code:#x}")


def ask(
    machine: Architecture, number: int, arguments: tuple[int, ...], audit: int | None = None
) -> int:
    record = struct.pack("<IIQ6Q", number, audit or machine.audit, 0, *arguments)
    return interpret(PROGRAMS[machine.name], record)


PROGRAMS = {
    machine.name: seccomp.build(machine).for_process(PROCESS) for machine in (X86_64, AARCH64)
}

# What each call may be asked, written apart from the filter. Arguments are the 64-bit words.
FREE = frozenset(
    """
    read write pread64 pwrite64 readv writev preadv pwritev lseek close close_range fstat newfstatat
    statx stat lstat poll ppoll select pselect6 dup dup2 dup3 ftruncate fadvise64 getdents64 munmap
    mremap madvise brk sendmsg recvmsg recvfrom shutdown getsockopt getsockname getpeername futex
    set_robust_list rseq set_tid_address sched_yield sched_getaffinity exit exit_group
    restart_syscall rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack clock_gettime clock_getres
    clock_nanosleep nanosleep gettimeofday time getrandom getpid gettid getppid getuid geteuid
    getgid getegid getresuid getresgid getcwd uname sysinfo getrusage times getcpu getrlimit
""".split()  # noqa: SIM905
)


def low(value: int) -> int:
    return value & 0xFFFFFFFF


def reads_only(machine: Architecture, flags: int) -> bool:
    named = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    named |= {"x86_64": 0o200000 | 0o400000 | 0o100000, "aarch64": 0o40000 | 0o100000 | 0o400000}[
        machine.name
    ]
    return low(flags) & ~named == 0


THREAD = 0x00010000
FORBIDDEN_IN_A_THREAD = (
    # PTRACE VFORK PARENT NEWNS UNTRACED CHILD_SETTID and every other namespace, PIDFD, IO, signal
    *(0x2000, 0x4000, 0x8000, 0x20000, 0x800000, 0x1000000, 0x2000000, 0x4000000, 0x8000000),
    *(0x10000000, 0x20000000, 0x40000000, 0x80000000, 0x1000, 0xFF),
)

Model = Callable[[Architecture, tuple[int, ...]], bool]
CHECKED: dict[str, Model] = {
    "mmap": lambda _, a: not a[2] & 4 or (not a[2] & 2 and not a[3] & 0x20),
    "mprotect": lambda _, a: not a[2] & 4,
    "open": lambda machine, a: reads_only(machine, a[1]),
    "openat": lambda machine, a: reads_only(machine, a[2]),
    "fcntl": lambda _, a: low(a[1]) in {0, 1, 2, 3, 1030, 1033, 1034},
    "ioctl": lambda _, a: low(a[1]) in {0x5401, 0x541B, 0x5421, 0x5450, 0x5451},
    "fallocate": lambda _, a: low(a[1]) == 0,
    "memfd_create": lambda _, a: low(a[1]) & ~0b1011 == 0,
    "sendto": lambda _, a: a[4] == 0,
    "clone": lambda _, a: (
        bool(a[0] & THREAD) and not any(a[0] & mask for mask in FORBIDDEN_IN_A_THREAD)
    ),
    "tgkill": lambda _, a: low(a[0]) == PROCESS,
    "kill": lambda _, a: low(a[0]) == PROCESS,
    "prlimit64": lambda _, a: low(a[0]) in {0, PROCESS} and a[2] == 0,
    "prctl": lambda _, a: low(a[0]) in {15, 16, 39, 0x53564D41},
}


def numbers(machine: Architecture, names: Iterable[str]) -> dict[int, str]:
    found = {syscalls.number(name, machine): name for name in names}
    return {number: name for number, name in found.items() if number is not None}


def model(machine: Architecture, number: int, arguments: tuple[int, ...]) -> int:
    if number in numbers(machine, FREE):
        return ALLOW
    name = numbers(machine, CHECKED).get(number)
    if name is not None:
        return ALLOW if CHECKED[name](machine, arguments) else REFUSE
    return MISSING if number == 435 else REFUSE


INTERESTING = st.one_of(
    st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 0x20, 0x22, PROCESS, PROCESS + 1, WORD - 1, 1 << 32]),
    st.sampled_from([0o1, 0o2, 0o100, 0o1000, 0o10000000, 0o2000000, 0o2200000, 0o20200000]),
    st.sampled_from([0x3D0F00, 0x7D0F00, 0x4003D0F00, 0x1200011, 0x4111, 0x50F00, 0x103D0F00]),
    st.sampled_from([15, 16, 39, 1030, 1033, 1034, 8, 0x5401, 0x5412, 0x5421, 0x53564D41]),
    st.integers(0, WORD - 1),
)


@ARCHITECTURES
def test_every_number_answers_as_the_model_says(machine: Architecture) -> None:
    zeros, ones = (0,) * 6, (WORD - 1,) * 6
    for number in range(1024):
        for arguments in (zeros, ones):
            assert ask(machine, number, arguments) == model(machine, number, arguments), number


@ARCHITECTURES
@given(data=st.data(), arguments=st.tuples(*[INTERESTING] * 6))
def test_checked_calls_answer_as_the_model_says(
    machine: Architecture, data: st.DataObject, arguments: tuple[int, ...]
) -> None:
    number = data.draw(st.sampled_from(sorted(numbers(machine, CHECKED))))
    assert ask(machine, number, arguments) == model(machine, number, arguments)


@ARCHITECTURES
@given(audit=st.integers(0, 0xFFFFFFFF), number=st.integers(0, 0xFFFFFFFF))
@example(audit=0x40000003, number=20)
def test_a_foreign_architecture_ends_the_process(
    machine: Architecture, audit: int, number: int
) -> None:
    if audit not in {0, machine.audit}:
        assert ask(machine, number, (0,) * 6, audit) == KILL


@given(number=st.integers(0x40000000, 0xFFFFFFFF), arguments=st.tuples(*[INTERESTING] * 6))
@example(number=0x40000000, arguments=(0,) * 6)
def test_x32_calls_are_refused(number: int, arguments: tuple[int, ...]) -> None:
    assert ask(X86_64, number, arguments) == REFUSE


@ARCHITECTURES
def test_the_list_of_calls_is_no_longer_than_written_here(machine: Architecture) -> None:
    through = {n for n in range(1024) if any(ask(machine, n, (v,) * 6) == ALLOW for v in (0, 1))}
    assert through <= set(numbers(machine, [*FREE, *CHECKED]))
    assert len(numbers(machine, [*FREE, *CHECKED])) == seccomp.build(machine).calls


@ARCHITECTURES
def test_the_process_stands_in_every_place_for_it(machine: Architecture) -> None:
    built = seccomp.build(machine)
    assert len(built.own_process_offsets) == 3
    for process in (1, 2, 4194304):
        words = [word for _, word in struct.iter_unpack("=II", built.for_process(process))]
        assert words.count(process) >= 3
        assert 0x7FFFFFFF not in words


@ARCHITECTURES
def test_machine_code_may_be_made_where_that_is_asked_for(machine: Architecture) -> None:
    program = seccomp.build(machine, executable_memory=True).for_process(PROCESS)
    for name in ("mmap", "mprotect"):
        record = struct.pack("<IIQ6Q", syscalls.number(name, machine), machine.audit, 0, *(7,) * 6)
        assert interpret(program, record) == ALLOW
        assert interpret(PROGRAMS[machine.name], record) == REFUSE


@pytest.mark.parametrize(
    ("name", "x86_64", "aarch64"),
    [
        ("read", 0, 63), ("openat", 257, 56), ("execve", 59, 221), ("clone", 56, 220),
        ("mmap", 9, 222), ("sendmsg", 46, 211), ("recvmsg", 47, 212), ("futex", 202, 98),
        ("memfd_create", 319, 279), ("ptrace", 101, 117), ("io_uring_setup", 425, 425),
        ("open", 2, None), ("fork", 57, None), ("tgkill", 234, 131), ("prlimit64", 302, 261),
    ],
)  # fmt: skip
def test_numbers(name: str, x86_64: int, aarch64: int | None) -> None:
    assert syscalls.number(name, X86_64) == x86_64
    assert syscalls.number(name, AARCH64) == aarch64


# In the kernel.


def close_filter(*, executable_memory: bool = False) -> None:
    machine = syscalls.this_architecture()
    built = seccomp.build(machine, executable_memory=executable_memory)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(built.for_process(os.getpid()))


def answer_of(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def test_what_decoding_needs_is_let_through(child: Any) -> None:
    def body() -> list[Any]:
        ours, theirs = socket.socketpair()
        close_filter()
        memory = os.memfd_create("result", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, 5)
        os.pwrite(memory, b"hello", 0)
        sealed = call("fcntl", memory, 1033, 0xF)
        socket.send_fds(ours, [b"x"], [memory])
        _, (received,), _, _ = socket.recv_fds(theirs, 1, 1)
        with mmap.mmap(received, 5, mmap.MAP_SHARED, mmap.PROT_READ) as mapped:
            text = mapped[:].decode()
        done: list[int] = []
        threads = [threading.Thread(target=done.append, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.kill(os.getpid(), 0)
        return [text, sealed, sorted(done)]

    assert child.run(body) == ["hello", 0, [0, 1, 2, 3]]


def test_the_rest_is_refused(child: Any) -> None:
    def body() -> list[str]:
        close_filter()
        beyond = 0x40000000 | 39
        attempts: list[Callable[[], Any]] = [
            socket.socket,
            os.fork,
            lambda: os.open("/dev/null", os.O_WRONLY),
            lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
            lambda: os.kill(os.getppid(), 0),
            lambda: mmap.mmap(-1, 1, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 5),
            lambda: call("clone3", None, 0),
        ]
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall(ctypes.c_long(beyond))
        x32 = errno.errorcode[ctypes.get_errno()]
        return [*map(answer_of, attempts), x32]

    expected = [*["EPERM"] * 6, "ENOSYS", "EPERM"]
    assert child.run(body) == expected


def test_no_machine_code_is_made_but_where_that_is_asked_for(child: Any) -> None:
    def body(executable_memory: bool) -> list[str]:
        close_filter(executable_memory=executable_memory)
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        plain = mmap.mmap(-1, 4096, private, mmap.PROT_READ | mmap.PROT_WRITE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(plain))
        return [
            answer_of(lambda: mmap.mmap(-1, 1, private, 7)),
            answer_of(lambda: call("mprotect", address, 4096, 5)),
        ]

    assert child.run(lambda: body(False)) == ["EPERM", "EPERM"]
    assert child.run(lambda: body(True)) == ["done", "done"]


INT_80 = bytes.fromhex("b814000000cd80c3")
"""mov eax, 20 (getpid of i386); int 0x80; ret"""


if os.uname().machine == "x86_64":

    @pytest.mark.parametrize("caged", [False, True])
    def test_calls_of_the_32_bit_kind_end_the_process(caged: bool) -> None:
        child = os.fork()
        if child == 0:
            try:
                code = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
                code.write(INT_80)
                entry = ctypes.addressof(ctypes.c_char.from_buffer(code))
                if caged:
                    close_filter()
                ctypes.CFUNCTYPE(ctypes.c_int)(entry)()
            finally:
                os._exit(0)
        code_of_child = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        # Uncaged, a kernel with that kind of call carries it out and one without ends the
        # process by SIGSEGV: never by SIGSYS.
        assert (code_of_child == -signal.SIGSYS) == caged


def test_a_filter_needs_no_new_privileges_or_rights(child: Any) -> None:
    def body() -> list[Any]:
        if os.geteuid() == 0:
            os.setresuid(65534, 65534, 65534)
        refused = answer_of(lambda: seccomp.install(b"\x06\0\0\0\0\0\xff\x7f"))
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        return [refused, answer_of(lambda: seccomp.install(b"\x06\0\0\0\0\0\xff\x7f"))]

    assert child.run(body) == ["EACCES", "done"]
