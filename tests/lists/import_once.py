"""Imports a made list as a process of its own: `python -m tests.lists.import_once ...`.

Arguments: the list file, the folder of lists, and at which call that makes something durable the
process is to kill itself (0: at none).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headwater.lists.importing import ImportOptions, identity_of, import_list
from headwater.lists.stream import FileStream
from tests.lists.made_list import MadeReader, a_key, some_memory

CALLS = ("open", "fsync", "rename", "unlink", "mkdir")
NAME = "the list"
SEGMENT_ENTRIES = 200


class _Killing:
    """Counts calls, and kills the process before or after one of them."""

    def __init__(self, at: int) -> None:
        self.passed = 0
        self._at = at

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self._pass()
            result = call(*arguments, **named)
            self._pass()
            return result

        return counted

    def _pass(self) -> None:
        self.passed += 1
        if self.passed == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def main(path: Path, folder: Path, at: int) -> None:
    """Import, and print the version, its manifest's digest and how many calls there were."""
    killing = _Killing(at)
    for name in CALLS:
        setattr(os, name, killing.around(getattr(os, name)))
    options = ImportOptions(name=NAME, segment_entries=SEGMENT_ENTRIES)
    with FileStream(path) as stream:
        imported = import_list(
            MadeReader(), stream, folder, a_key(), some_memory(), options, identity_of(path)
        )
    said = f"{imported.version_id} {imported.manifest_sha256.hex()} {killing.passed}\n"
    sys.stdout.write(said)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
