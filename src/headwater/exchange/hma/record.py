"""What the server writes down: lines of JSON, without queries and without values.

Every line goes to standard error. Starts, alarms and ends are also appended to a file beside the
lists, which only its owner may read.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import CaseError

RECORD_NAME = "serve-match.jsonl"


class Recorder:
    """Writes lines; a context that closes the file. Raises CaseError where it cannot be opened."""

    def __init__(self, path: Path, *, quiet: bool) -> None:
        self._quiet = quiet
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._descriptor = os.open(path, flags, 0o600)
            os.fchmod(self._descriptor, 0o600)
        except OSError as error:
            raise CaseError(f"the record {path} cannot be written: {error.strerror}") from error

    def request(self, **facts: Any) -> None:
        """Write that a request was answered, to standard error alone."""
        if not self._quiet:
            _say(_line("request", facts))

    def say(self, event: str, **facts: Any) -> None:
        """Write an event to standard error alone."""
        _say(_line(event, facts))

    def keep(self, event: str, **facts: Any) -> None:
        """Write an event to standard error and to the file. Raises OSError where that fails."""
        line = _line(event, facts)
        _say(line)
        os.write(self._descriptor, line)
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BareLog(logging.Handler):
    """Takes what libraries log, and keeps of an error only its type and where it arose.

    The text of an error may hold what was asked.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.WARNING)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, without what was formatted into the message."""
        facts: dict[str, Any] = {"logger": record.name, "level": record.levelname}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            facts["error"] = type(error).__name__
            facts["at_line"] = _innermost(error)
        self._recorder.say("library", **facts)


def _innermost(error: BaseException) -> str:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return ""
    return f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}"


def _line(event: str, facts: dict[str, Any]) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode({"at": at, "event": event, **facts}) + b"\n"


def _say(line: bytes) -> None:
    # Whoever read it may have gone; the server serves on.
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), line)
