"""Attempts to get out of the cage, made from inside it. Each must fail.

Every attempt is harmless where it succeeds: signals are number 0, calls that would do harm have
arguments that no kernel carries out, so that an answer other than a refusal shows that the call
was let through, and what is made is removed at once. Those of `STARTUP_PROBES` make nothing.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import stat
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from headwater.engine.cage.descriptors import why_not_kept
from headwater.engine.cage.kernel import call, errno_name
from headwater.engine.cage.process import set_limit
from headwater.engine.cage.spec import library_folders
from headwater.errors import CageError
from headwater.model import Record

_TEMPORARY = "/tmp"  # noqa: S108
_REFUSALS = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})
"""What a refused call answers; any other answer shows that the kernel looked at its arguments."""

_ALL = 0xFFFFFFFF
"""Every bit of a set of flags: no kernel takes them together."""
_NOWHERE = b"/headwater-probe/nowhere"
_MOST_DESCRIPTORS = 4096


class ProbeResult(Record, frozen=True, kw_only=True):
    """How one attempt ended."""

    name: str
    blocked: bool
    answer: str
    """The error's symbol, or `succeeded`."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt: a function that raises OSError where it was refused."""

    name: str
    attempt: Callable[[], object]
    at_start: bool = True
    """Whether it leaves nothing behind even for a moment, and is cheap."""
    refusals: frozenset[int] | None = _REFUSALS
    """The errors that count as refused; None for every error (a file that is not there is as
    good as one that cannot be opened)."""


def run_probes(probes: Iterable[Probe] | None = None) -> tuple[ProbeResult, ...]:
    """Make the attempts (all of `PROBES`) and return how each ended, in order."""
    return tuple(_run(probe) for probe in (PROBES if probes is None else probes))


def run_startup_probes() -> tuple[ProbeResult, ...]:
    """Make the attempts of `STARTUP_PROBES`, which cost a few milliseconds together."""
    return run_probes(STARTUP_PROBES)


def prove_cage() -> int:
    """Run the startup probes and return how many there were.

    Raises CageError, naming them, where any got through.
    """
    results = run_startup_probes()
    through = [result.name for result in results if not result.blocked]
    if through:
        raise CageError(f"the cage leaks: these probes got through: {', '.join(through)}")
    return len(results)


def _run(probe: Probe) -> ProbeResult:
    try:
        probe.attempt()
    except OSError as error:
        blocked = probe.refusals is None or error.errno in probe.refusals
        return ProbeResult(name=probe.name, blocked=blocked, answer=errno_name(error))
    return ProbeResult(name=probe.name, blocked=False, answer="succeeded")


# Files.


def _read(path: str) -> Probe:
    return Probe(f"read {path}", partial(_open, path, os.O_RDONLY), refusals=None)


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC))


def _read_of_parent(name: str) -> None:
    _open(f"/proc/{_parent()}/{name}", os.O_RDONLY)


def _parent() -> int:
    """Return the parent's id, 1 where it lies in another namespace."""
    return os.getppid() or 1


def _list_home() -> None:
    # The environment may be empty: the passwd file's convention, not HOME.
    home = "/root" if os.geteuid() == 0 else "/home"
    _list_beyond_libraries(home)


def _list_beyond_libraries(folder: str) -> None:
    """List a folder; that it shows nothing but the way to the libraries counts as a refusal.

    Where this program is installed below such a folder, the view has to hold the steps to it.
    """
    way = os.path.join(folder, "")
    steps = {path[len(way) :].split("/")[0] for path in library_folders() if path.startswith(way)}
    if set(os.listdir(folder)) <= steps:
        raise PermissionError(errno.EACCES, "nothing but the way to the libraries is there")


def _create_in(folder: str) -> None:
    path = os.path.join(folder, f"headwater-probe-{os.getpid()}")
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    os.unlink(path)


def _create(folder: str, name: str) -> Probe:
    return Probe(
        f"create a file in {name}", partial(_create_in, folder), at_start=False, refusals=None
    )


def _with_library_file(attempt: Callable[[int], object]) -> None:
    """Make an attempt on a descriptor that is open for reading, as those of evidence are."""
    descriptor = os.open(os.__file__, os.O_RDONLY | os.O_CLOEXEC)
    try:
        attempt(descriptor)
    finally:
        os.close(descriptor)


def _write_nothing(descriptor: int) -> None:
    os.write(descriptor, b"")


def _reopen_for_writing(descriptor: int) -> None:
    _open(f"/proc/self/fd/{descriptor}", os.O_WRONLY)


def _map_for_writing(descriptor: int) -> None:
    mmap.mmap(descriptor, 1, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE).close()


def _through_reading(name: str, attempt: Callable[[int], object]) -> Probe:
    return Probe(name, partial(_with_library_file, attempt), refusals=None)


def _with_memory_file(attempt: Callable[[int], object]) -> None:
    """Make an attempt on a file of one's own, where the owner's rights would not stop it."""
    descriptor = os.memfd_create("probe", os.MFD_CLOEXEC)
    try:
        attempt(descriptor)
    finally:
        os.close(descriptor)


def _own_file(name: str, attempt: Callable[[int], object]) -> Probe:
    return Probe(name, partial(_with_memory_file, attempt))


_F_SETFL, _F_SETOWN = 4, 8


def _stray_descriptors() -> None:
    """Look for an open descriptor that leads somewhere."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for descriptor in range(min(soft, _MOST_DESCRIPTORS)):
        why = why_not_kept(descriptor) or _written_file(descriptor)
        if why not in {None, "it is not open"}:
            return
    raise PermissionError(errno.EPERM, "no descriptor leads anywhere")


def _written_file(descriptor: int) -> str | None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink == 0:
        return None
    flags = call("fcntl", descriptor, 3)
    return "it is a file that can be written" if flags & os.O_ACCMODE else None


_FILES = (
    _read("/etc/shadow"),
    _read("/etc/passwd"),
    _read("/etc/hostname"),
    _read("/proc/1/mem"),
    _read("/proc/self/maps"),
    _read("/proc/self/environ"),
    _read("/dev/mem"),
    _read("/sys/kernel/notes"),
    Probe("read the parent's environment", partial(_read_of_parent, "environ"), refusals=None),
    Probe("read the parent's memory map", partial(_read_of_parent, "maps"), refusals=None),
    Probe("list the parent's descriptors", partial(_read_of_parent, "fd"), refusals=None),
    Probe(
        "open one's own memory for writing",
        partial(_open, "/proc/self/mem", os.O_RDWR),
        refusals=None,
    ),
    Probe("list a home folder", _list_home, refusals=None),
    Probe("list the temporary folder", partial(_list_beyond_libraries, _TEMPORARY), refusals=None),
    Probe("list the processes", partial(os.listdir, "/proc"), refusals=None),
    _create(".", "the working folder"),
    _create(_TEMPORARY, "the temporary folder"),
    _create("/dev/shm", "shared memory"),  # noqa: S108
    _through_reading("write through a descriptor for reading", _write_nothing),
    _through_reading("reopen a descriptor for writing", _reopen_for_writing),
    _through_reading("map a descriptor for writing", _map_for_writing),
    Probe("open as a handle by path", partial(_open, "/", os.O_PATH)),
    _own_file("change a file's mode", lambda file: os.fchmod(file, 0o600)),
    _own_file("change a file's owner", lambda file: os.fchown(file, -1, -1)),
    _own_file("change a file's times", os.utime),
    _own_file("set an attribute", lambda file: call("fsetxattr", file, b"user.a", None, 0, _ALL)),
    _own_file("lock a file", lambda file: call("flock", file, _ALL)),
    _own_file("change a file's flags", lambda file: call("fcntl", file, _F_SETFL, 0)),
    _own_file("ask for signals of a file", lambda file: call("fcntl", file, _F_SETOWN, 0)),
    Probe("make a symbolic link", partial(call, "symlinkat", _NOWHERE, -1, _NOWHERE)),
    Probe("make a hard link", partial(call, "linkat", -1, _NOWHERE, -1, _NOWHERE, 0)),
    Probe("rename", partial(call, "renameat2", -1, _NOWHERE, -1, _NOWHERE, 0)),
    Probe("unlink", partial(call, "unlinkat", -1, _NOWHERE, 0)),
    Probe("make a folder", partial(call, "mkdirat", -1, _NOWHERE, 0o700)),
    Probe("make a device", partial(call, "mknodat", -1, _NOWHERE, 0o600, 0)),
    Probe("truncate by path", partial(call, "truncate", _NOWHERE, 0)),
    Probe("change a mode by path", partial(call, "fchmodat", -1, _NOWHERE, 0o600)),
    Probe("set an attribute by path", partial(call, "setxattr", _NOWHERE, b"user.a", None, 0, 0)),
    Probe("openat2", partial(call, "openat2", -1, _NOWHERE, None, 0)),
    Probe("open by handle", partial(call, "open_by_handle_at", -1, None, 0)),
    Probe("name to handle", partial(call, "name_to_handle_at", -1, b"/", None, None, _ALL)),
    Probe("inotify", partial(call, "inotify_init1", _ALL)),
    Probe("fanotify", partial(call, "fanotify_init", _ALL, 0)),
    Probe("change the working folder", partial(call, "chdir", _NOWHERE)),
    Probe("use a stray descriptor", _stray_descriptors),
)


# The network and other ways to speak.


def _make_socket(family: int, kind: int) -> None:
    socket.socket(family, kind).close()


def _socket(name: str, family: int, kind: int) -> Probe:
    refusals = _REFUSALS | {errno.EAFNOSUPPORT}
    return Probe(f"make a socket: {name}", partial(_make_socket, family, kind), refusals=refusals)


def _make_pair() -> None:
    for end in socket.socketpair():
        end.close()


_INET, _INET6, _UNIX, _NETLINK, _PACKET = 2, 10, 1, 16, 17
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

_SPEECH = (
    _socket("IPv4", _INET, socket.SOCK_STREAM),
    _socket("IPv4 datagrams", _INET, socket.SOCK_DGRAM),
    _socket("IPv6", _INET6, socket.SOCK_STREAM),
    _socket("Unix", _UNIX, socket.SOCK_STREAM),
    _socket("netlink", _NETLINK, socket.SOCK_RAW),
    _socket("packets", _PACKET, socket.SOCK_RAW),
    Probe("make a pair of sockets", _make_pair),
    Probe("connect", partial(call, "connect", -1, None, 0)),
    Probe("bind", partial(call, "bind", -1, None, 0)),
    Probe("listen", partial(call, "listen", -1, 0)),
    Probe("accept", partial(call, "accept4", -1, None, None, 0)),
    Probe("send to an address", partial(call, "sendto", -1, None, 0, 0, b"\x01\x00/nowhere", 10)),
    Probe("put input into a terminal", partial(call, "ioctl", 0, _TIOCSTI, None)),
    Probe("speak to a console", partial(call, "ioctl", 0, _TIOCLINUX, None)),
    Probe("shared memory of System V", partial(call, "shmget", 0x68656164, 1, 0)),
    Probe("messages of System V", partial(call, "msgget", 0x68656164, 0)),
    Probe("semaphores of System V", partial(call, "semget", 0x68656164, 0, 0)),
    Probe("a message queue", partial(call, "mq_open", None, 0, 0, None)),
)


# Programs and processes.

_CLONE_SIGHAND, _CLONE_VFORK = 0x0800, 0x4000
_PTRACE_SEIZE = 0x4206
_EMPTY_PATH = 0x1000


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _clone_like_vfork() -> None:
    """Make a child that we wait for as vfork does, but with memory of its own: that is safe."""
    child = call("clone", _CLONE_VFORK | signal.SIGCHLD, None, None, None, None)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _spawn() -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)


def _signal_parent() -> None:
    os.kill(_parent(), 0)


def _read_parent_memory() -> None:
    here = ctypes.create_string_buffer(8)
    there = struct.pack("=QQ", ctypes.addressof(here), 8)
    call("process_vm_readv", _parent(), there, 1, there, 1, 0)


def _read_parent_limits() -> None:
    held = ctypes.create_string_buffer(16)
    call("prlimit64", _parent(), resource.RLIMIT_NOFILE, None, ctypes.addressof(held))


def _open_parent_handle() -> None:
    os.close(call("pidfd_open", _parent(), 0))


def _on_parent(name: str, number: str, *arguments: int | bytes | None) -> Probe:
    return Probe(name, lambda: call(number, _parent(), *arguments))


_PROCESSES = (
    Probe("execve", partial(call, "execve", None, None, None)),
    Probe("execveat", partial(call, "execveat", -1, b"", None, None, _EMPTY_PATH)),
    Probe("fork", _fork, at_start=False),
    Probe("vfork", _clone_like_vfork, at_start=False),
    Probe("posix_spawn", _spawn, at_start=False, refusals=None),
    # Shared handlers without shared memory: no kernel makes that.
    Probe("clone", partial(call, "clone", _CLONE_SIGHAND, None, None, None, None)),
    Probe("clone3", partial(call, "clone3", None, 0)),
    Probe("trace the parent", lambda: call("ptrace", _PTRACE_SEIZE, _parent(), 1, 0)),
    Probe("read the parent's memory", _read_parent_memory),
    _on_parent("write the parent's memory", "process_vm_writev", None, 0, None, 0, _ALL),
    Probe("signal the parent", _signal_parent),
    Probe("signal every process", partial(os.kill, -1, 0)),
    Probe("signal the group", partial(os.kill, 0, 0)),
    Probe("signal the parent's thread", lambda: call("tgkill", _parent(), _parent(), 0)),
    _on_parent("signal a thread", "tkill", 0),
    _on_parent("queue a signal", "rt_sigqueueinfo", 0, None),
    Probe("open a handle of the parent", _open_parent_handle),
    Probe("signal by handle", partial(call, "pidfd_send_signal", -1, 0, None, 0)),
    Probe("take a descriptor by handle", partial(call, "pidfd_getfd", -1, 0, _ALL)),
    Probe("advise another's memory", partial(call, "process_madvise", -1, None, 0, 0, 0)),
    Probe("reap another's memory", partial(call, "process_mrelease", -1, 0)),
    Probe("compare processes", lambda: call("kcmp", _parent(), _parent(), _ALL, 0, 0)),
    Probe("read the parent's limits", _read_parent_limits),
    Probe("priority of the parent", lambda: call("setpriority", _ALL, _parent(), 0)),
    _on_parent("processors of the parent", "sched_setaffinity", 0, None),
    _on_parent("scheduler of the parent", "sched_setscheduler", -1, None),
    _on_parent("pages of the parent", "move_pages", 0, None, None, None, _ALL),
)


# Rights, views and limits.


def _keep_limits() -> None:
    """Set a limit to what it is: whether limits can be set at all."""
    set_limit(resource.RLIMIT_NOFILE, *resource.getrlimit(resource.RLIMIT_NOFILE))


def _raise_memory_limit() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    set_limit(resource.RLIMIT_AS, resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    set_limit(resource.RLIMIT_AS, *before)


def _map_beyond_limit() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000  # MAP_NORESERVE
    mmap.mmap(-1, soft, flags, mmap.PROT_READ).close()


def _make_code() -> None:
    mmap.mmap(-1, 1, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_EXEC).close()


def _read_environment() -> None:
    if not os.environ:
        raise PermissionError(errno.EPERM, "the environment is empty")


_RIGHTS = (
    Probe("mount", partial(call, "mount", None, None, None, 0, None)),
    Probe("unmount", partial(call, "umount2", None, _ALL)),
    Probe("change the root", partial(call, "chroot", None)),
    Probe("exchange the root", partial(call, "pivot_root", None, None)),
    Probe("leave a namespace", partial(call, "unshare", 1)),
    Probe("enter a namespace", partial(call, "setns", -1, 0)),
    Probe("open a mount", partial(call, "open_tree", -1, _NOWHERE, 0)),
    Probe("move a mount", partial(call, "move_mount", -1, _NOWHERE, -1, _NOWHERE, 0)),
    Probe("open a file system", partial(call, "fsopen", None, 0)),
    Probe("become root", partial(call, "setuid", 0)),
    Probe("become root in all ids", partial(call, "setresuid", 0, 0, 0)),
    Probe("become root's group", partial(call, "setgid", 0)),
    Probe("take groups", partial(call, "setgroups", -1, None)),
    Probe("regain capabilities", partial(call, "capset", None, None)),
    Probe("set a limit", _keep_limits),
    Probe("raise the limit of memory", _raise_memory_limit, at_start=False, refusals=None),
    Probe("map beyond the limit", _map_beyond_limit, refusals=_REFUSALS | {errno.ENOMEM}),
    Probe("make machine code", _make_code),
    Probe("read the environment", _read_environment),
    Probe("change the filter", partial(call, "seccomp", _ALL, 0, None)),
    Probe("change the personality", partial(call, "personality", _ALL)),
    Probe("keys", partial(call, "keyctl", 0xFFFF, 0, 0, 0, 0)),
    Probe("add a key", partial(call, "add_key", None, None, None, 0, 0)),
    Probe("ask for a key", partial(call, "request_key", None, None, None, 0)),
)


# The machine. Wrong magic, flags, addresses or descriptors everywhere.

_MACHINE = (
    Probe("bpf", partial(call, "bpf", 0xFFFF, None, 0)),
    Probe("performance events", partial(call, "perf_event_open", None, 0, -1, -1, _ALL)),
    Probe("userfaultfd", partial(call, "userfaultfd", _ALL)),
    Probe("io_uring", partial(call, "io_uring_setup", 0, None)),
    Probe("io_uring on a descriptor", partial(call, "io_uring_enter", -1, 0, 0, 0, None, 0)),
    Probe("asynchronous input and output", partial(call, "io_setup", 0, None)),
    Probe("reboot", partial(call, "reboot", 0, 0, 0, None)),
    Probe("set the time", partial(call, "settimeofday", 1, None)),
    Probe("set a clock", partial(call, "clock_settime", 0xFFFF, None)),
    Probe("load a module", partial(call, "init_module", None, 0, None)),
    Probe("load a module by descriptor", partial(call, "finit_module", -1, None, _ALL)),
    Probe("unload a module", partial(call, "delete_module", None, 0)),
    Probe("swap on", partial(call, "swapon", None, _ALL)),
    Probe("swap off", partial(call, "swapoff", None)),
    Probe("quotas", partial(call, "quotactl", _ALL, None, 0, None)),
    Probe("load a kernel", partial(call, "kexec_load", 0, 0, None, 0xDEAD)),
    Probe("accounting", partial(call, "acct", _NOWHERE)),
    Probe("read the kernel's log", partial(call, "syslog", 10, None, 0)),
    Probe("name the machine", partial(call, "sethostname", None, -1)),
    Probe("ports of the processor", partial(call, "ioperm", 0, 0, 0)),
    Probe("privilege of input and output", partial(call, "iopl", 99)),
    Probe("segments of the processor", partial(call, "modify_ldt", 0, None, 0)),
    Probe("secret memory", partial(call, "memfd_secret", _ALL)),
    Probe("splice", partial(call, "splice", -1, None, -1, None, 0, 0)),
)

PROBES: tuple[Probe, ...] = (*_FILES, *_SPEECH, *_PROCESSES, *_RIGHTS, *_MACHINE)
"""Every attempt, by what it is after."""

STARTUP_PROBES: tuple[Probe, ...] = tuple(probe for probe in PROBES if probe.at_start)
"""Those that prove the cage whenever workers are started."""
