"""Whole commands of the real program, in a process of their own: what they print, and cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ran:
    """One command that came to its end."""

    said: dict[str, Any]
    """Its line of JSON."""
    wall: float
    cpu: float
    """Seconds, all processes below it included."""
    peak_mb: float
    """The most memory that one of its processes held, in 10^6 bytes."""


def started(arguments: list[str], keys: Path) -> subprocess.Popen[bytes]:
    """Start a command whose keys lie in a folder of the bench."""
    command = [sys.executable, "-m", "headwater", *arguments]
    environment = {**os.environ, "HEADWATER_KEY_DIR": str(keys)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def ran(arguments: list[str], keys: Path) -> Ran:
    """Run a command to its end; it gets `--json` and `--quiet`."""
    began = time.monotonic()
    return ended(started([*arguments, "--json", "--quiet"], keys), began)


def ended(program: subprocess.Popen[bytes], began: float) -> Ran:
    """Wait for a command that was started at `began` (monotonic), and take its line."""
    assert program.stdout is not None
    said = program.stdout.read()
    _, status, used = os.wait4(program.pid, 0)
    wall = time.monotonic() - began
    program.returncode = os.waitstatus_to_exitcode(status)
    assert program.returncode == 0, f"the program ended with {program.returncode}"
    cpu = used.ru_utime + used.ru_stime
    return Ran(json.loads(said), wall, cpu, 1024 * used.ru_maxrss / 1e6)
