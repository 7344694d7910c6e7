"""What a bench ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor() -> str:
    """Return the processor's model name, as the kernel gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def load() -> str:
    """Return the load average of the last minute: what else ran, and this."""
    return f"{os.getloadavg()[0]:.1f}"


def described() -> str:
    """Return one line on the machine."""
    kernel = f"{platform.system()} {platform.release()}"
    return f"{cores()} cores, {processor()}, Python {platform.python_version()}, {kernel}"
