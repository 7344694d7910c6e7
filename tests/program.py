"""Running the real program as a user does, and killing it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HEADWATER = (sys.executable, "-m", "headwater")


def start(
    *arguments: str | Path, kill_at: str = "", stdin: int | None = None
) -> subprocess.Popen[bytes]:
    """Start the program in a process group of its own; `stdin` is as `subprocess` takes it."""
    environment = {**os.environ}
    if kill_at:
        environment["HEADWATER_KILL_AT"] = kill_at
    return subprocess.Popen(
        [*HEADWATER, *map(str, arguments)],
        env=environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def run(*arguments: str | Path) -> bytes:
    """Run the program to its end and return what it printed; it must succeed."""
    process = start(*arguments)
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors.decode(errors="replace")[-2000:]
    return out


def examine(source: Path, case: Path) -> bytes:
    """Examine `source` into `case`, to the end."""
    return run("examine", source, "--case", case, "--quiet", "--json")


def killed_after(seconds: float, source: Path, case: Path) -> float | None:
    """Start an examination and kill its whole process group after so long.

    Returns None where it was under way, else after how many seconds it had come to its end.
    """
    began = time.monotonic()
    process = start("examine", source, "--case", case, "--quiet")
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    took = None if process.poll() is None else time.monotonic() - began
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return took


def killed_at(point: str, passage: int, source: Path, case: Path) -> bool:
    """Let an examination kill itself at a write point; return whether it came there."""
    process = start("examine", source, "--case", case, "--quiet", kill_at=f"{point}:{passage}")
    process.communicate(timeout=600)
    return process.returncode == -signal.SIGKILL
