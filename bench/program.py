"""Runs of the real program, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def best_of(times: int, arguments: list[str]) -> tuple[float, float]:
    """Return the shortest wall time of the program in seconds, and the CPU time of that run."""
    runs = []
    for _ in range(times):
        began = time.monotonic()
        command = [sys.executable, "-m", "headwater", *arguments]
        program = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(program.pid, 0)
        wall = time.monotonic() - began
        program.returncode = os.waitstatus_to_exitcode(status)
        assert program.returncode == 0, f"{arguments[0]} ended with {program.returncode}"
        runs.append((wall, used.ru_utime + used.ru_stime))
    return min(runs)
