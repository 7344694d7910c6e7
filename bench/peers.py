"""Virtual environments for the programs that Headwater is compared with, under build/."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def python_with(name: str, *requirements: str) -> Path:
    """Return an interpreter that has exactly these packages; the first call installs them."""
    folder = ROOT / "build" / "peers" / name
    python = folder / "bin" / "python"
    done = folder / "installed"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([str(python), *install, *requirements], check=True)
        done.write_text(wanted)
    return python


class Peer:
    """A peer in a process of its own: one line of JSON is asked, one answered."""

    def __init__(self, python: Path, worker: Path) -> None:
        self._process = subprocess.Popen(
            [python, worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()
