"""CPU time and memory of processes, from proc(5)."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of one live process, 0.0 for none: in nanoseconds where kept so."""
    try:
        return sum(
            int((task / "schedstat").read_bytes().split()[0]) / 1e9
            for task in Path(f"/proc/{pid}/task").iterdir()
        )
    except (OSError, ValueError, IndexError):
        fields = _fields(pid)
        return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def ready_seconds(pid: int) -> float:
    """Return how long a live process has run or waited for a core, 0.0 where that is not kept."""
    try:
        run, waited = Path(f"/proc/{pid}/schedstat").read_bytes().split()[:2]
    except (OSError, ValueError):
        return 0.0
    return (int(run) + int(waited)) / 1e9


def buried_cpu_seconds(pid: int) -> float:
    """Return the CPU time of the dead children that a process has waited for."""
    fields = _fields(pid)
    return (int(fields[13]) + int(fields[14])) / _TICKS if fields else 0.0


def children(pid: int) -> list[int]:
    """Return the live children of a process."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def tree_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of all below it, the dead included."""
    below = sum(tree_cpu_seconds(child) for child in children(pid))
    return cpu_seconds(pid) + buried_cpu_seconds(pid) + below


def peak_resident_bytes(pid: int) -> int:
    """Return the most memory that a live process has held, 0 for none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    kib = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kib[0]) * 1024 if kib else 0


def _fields(pid: int) -> list[bytes]:
    """Return the fields of `stat` behind the name: state first."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []
