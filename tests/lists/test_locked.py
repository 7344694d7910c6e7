"""Memory for secrets does what it says, asked of the kernel where the kernel can tell."""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.lists import locked
from headwater.lists.locked import (
    LockedMemory,
    Protection,
    lock_obstacle,
    protect_process,
    swap_in_use,
)
from tests.lists.made_list import some_memory

SWAP = "Filename Type Size Used Priority\n/dev/sdb2 partition 8388604 0 -2\n"
NO_SWAP = "Filename Type Size Used Priority\n"


def mapping_of(address: int) -> dict[str, str]:
    """Return what the kernel says of the mapping that an address lies in (proc(5), smaps)."""
    found: dict[str, str] = {}
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if place := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            inside = int(place[1], 16) <= address < int(place[2], 16)
        elif inside:
            name, _, value = line.partition(":")
            found[name] = value.strip()
    return found


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 0), (7, 5), (1 << 16, 3)])
@pytest.mark.parametrize("kind", ["u1", "<u4", "<u8", "f8"])
def test_arrays_have_the_asked_shape_and_hold_zeros(shape: tuple[int, ...], kind: str) -> None:
    with some_memory() as memory:
        array = memory.allocate(shape, kind)
        assert array.shape == shape
        assert array.dtype == np.dtype(kind)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not array.any()


def test_pages_are_locked_and_left_out_of_dumps_and_children() -> None:
    with some_memory() as memory:
        array = memory.allocate((4096,), np.uint8)
        array[:] = 7
        flags = mapping_of(array.ctypes.data)["VmFlags"].split()
    # dd: not in core dumps; wf: wiped on fork; lo: locked
    assert {"dd", "wf", "lo"} <= set(flags)


def test_a_forked_child_sees_zeros() -> None:
    with some_memory() as memory:
        array = memory.allocate((1 << 20,), np.uint8)
        array[:] = 7
        child = os.fork()
        if child == 0:
            seen = int(array.max())
            del array
            gc.collect()
            os._exit(seen)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert array.min() == 7


def test_close_wipes_what_arrays_still_look_at() -> None:
    memory = some_memory()
    array = memory.allocate((100, 3), np.uint64)
    part = array[10:20, 1]
    array[:] = 5
    memory.close()
    assert not array.any()
    assert not part.any()
    part[:] = 1
    assert array.sum() == 10


def test_memory_is_wiped_and_given_back_when_the_last_view_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wiped: list[bytes] = []
    wipe = locked._Pages.wipe

    def watched(pages: locked._Pages) -> None:
        wipe(pages)
        wiped.append(pages[:8])

    monkeypatch.setattr(locked._Pages, "wipe", watched)
    memory = some_memory()
    array = memory.allocate((8,), np.uint8)
    array[:] = 9
    view = array[2:]
    del array
    gc.collect()
    assert not wiped
    assert view[0] == 9
    assert memory.held_bytes == 4096
    del view
    gc.collect()
    assert wiped == [bytes(8)]
    assert memory.held_bytes == 0


def test_what_cannot_be_mapped_is_a_memory_error() -> None:
    with some_memory() as memory, pytest.raises(MemoryError):
        memory.allocate((1 << 50,), np.uint8)


@pytest.mark.parametrize(("text", "used"), [(NO_SWAP, False), (SWAP, True), ("", True)])
def test_swap_is_told_by_the_kernel(
    text: str, used: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "swaps").write_text(text)
    monkeypatch.setattr(locked, "SWAPS", tmp_path / "swaps")
    assert swap_in_use() is used


def test_swap_that_cannot_be_told_counts_as_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locked, "SWAPS", tmp_path / "none")
    assert swap_in_use()


def test_looking_whether_memory_can_be_locked_locks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Path("/proc/self/status").read_text()
    limits = resource.getrlimit(resource.RLIMIT_MEMLOCK), resource.getrlimit(resource.RLIMIT_CORE)
    lock_obstacle()
    assert limits == (
        resource.getrlimit(resource.RLIMIT_MEMLOCK),
        resource.getrlimit(resource.RLIMIT_CORE),
    )
    after = Path("/proc/self/status").read_text()
    locked_kib = [text.partition("VmLck:")[2].split()[0] for text in (before, after)]
    assert locked_kib[0] == locked_kib[1]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1 << 16, 1 << 16))
    monkeypatch.setattr(locked, "_may_lock_beyond_limit", lambda: False)
    assert lock_obstacle() == "the limit on locked memory is 64 KiB"
    monkeypatch.setattr(locked, "_may_lock_beyond_limit", lambda: True)
    assert lock_obstacle() == ""


@pytest.fixture
def cannot_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked, "_no_dumps", lambda: None)
    monkeypatch.setattr(locked, "_lock_all", lambda: "the limit on locked memory is 64 KiB")


@pytest.mark.usefixtures("cannot_lock")
def test_swap_without_locks_is_refused_unless_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "swaps").write_text(SWAP)
    monkeypatch.setattr(locked, "SWAPS", tmp_path / "swaps")
    with pytest.raises(UsageError, match=r"64 KiB.*ulimit -l.*swapoff.*--accept-swap"):
        protect_process()
    assert protect_process(accept_swap=True).held == "accepted"
    (tmp_path / "swaps").write_text(NO_SWAP)
    assert protect_process().held == "no_swap"
    assert protect_process(accept_swap=True).held == "no_swap"


REPORT = """
import ctypes, os, resource, sys
import numpy as np
from headwater.lists.locked import LockedMemory, protect_process
{before}
protection = protect_process(accept_swap=True)
array = LockedMemory(protection).allocate((1 << 16,), np.uint8)
array[:] = 1
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(protection.held, bool(protection.reason), resource.getrlimit(resource.RLIMIT_CORE))
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), int(status["VmLck"].split()[0]) > 60)
print(os.stat("/proc/self/environ").st_uid, open("/proc/self/stat").read() != "")
"""
LIMITED = """
resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20))
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
library = ctypes.CDLL(None)
assert library.capget(header, sets) == 0
for place in range(3):
    sets[place] &= ~(1 << 14)  # CAP_IPC_LOCK
assert library.capset(header, sets) == 0
"""


def test_the_process_cannot_be_dumped_and_is_locked_where_it_may() -> None:
    ran = run_python(REPORT.format(before=""))
    assert ran.returncode == 0, ran.stderr
    held, core, rest = ran.stdout.splitlines()
    assert held.split()[0] in {"locked", "no_swap", "accepted"}
    assert held.endswith("(0, 0)")
    assert core == "0 True"
    assert rest == "0 True"


def test_under_a_finite_limit_arrays_alone_are_locked() -> None:
    ran = run_python(REPORT.format(before=LIMITED))
    assert ran.returncode == 0, ran.stderr
    held, core, rest = ran.stdout.splitlines()
    assert held.split()[0] in {"no_swap", "accepted"}
    assert held.split()[1] == "True"
    assert core == "0 True"
    assert rest == "0 True"


READS_ITSELF = """
import os, subprocess, sys
from headwater.engine.pool import _cpu_seconds
from headwater.engine.spool import read_only
from headwater.engine.cage.memory_group import own_group
from headwater.lists.locked import protect_process, swap_in_use
own_group()
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
protect_process(accept_swap=True)
file = os.memfd_create("a")
os.write(file, b"evidence")
assert os.read(read_only(file), 8) == b"evidence"
assert os.read(os.open(f"/proc/self/fd/{file}", os.O_RDONLY), 8) == b"evidence"
child = os.fork()
if child == 0:
    while True:
        pass
while _cpu_seconds(child) == 0.0:
    pass
os.kill(child, 9)
try:
    open("/proc/self/cgroup").close()
except FileNotFoundError:
    pass
print("all read")
"""


def test_an_ordinary_user_still_reads_what_the_program_reads_of_itself() -> None:
    ran = run_python(READS_ITSELF)
    assert ran.stdout == "all read\n", ran.stderr


def test_a_crash_leaves_no_core_file(tmp_path: Path) -> None:
    script = (
        "import os, signal, resource\n"
        "from headwater.lists.locked import protect_process\n"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "protect_process(accept_swap=True)\n"
        "os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert not list(tmp_path.iterdir())


def test_locked_memory_needs_no_lock_of_its_own_in_a_locked_process() -> None:
    with LockedMemory(Protection(held="locked")) as memory:
        assert memory.allocate((10,), np.uint8).sum() == 0
