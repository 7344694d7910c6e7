"""What is written down: nothing of what was asked."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path

import pytest

from headwater.errors import CaseError
from headwater.exchange.hma.record import BareLog, Recorder

SECRET = "c4n4ry" * 10


def test_the_file_grows_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "lists" / "record.jsonl"
    for number in range(2):
        with Recorder(path, quiet=True) as recorder:
            recorder.keep("began", number=number)
            recorder.say("not kept")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["event"], line["number"]) for line in lines] == [("began", 0), ("began", 1)]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "record").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CaseError):
        Recorder(tmp_path / "record", quiet=True)
    assert not (tmp_path / "elsewhere").exists()


def test_libraries_cannot_log_what_was_asked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Recorder(tmp_path / "record", quiet=False) as recorder:
        logger = logging.Logger("library")
        logger.addHandler(BareLog(recorder))
        try:
            raise ValueError(SECRET)
        except ValueError:
            logger.exception("of %s: " + SECRET, SECRET)
        logger.warning("about %s", SECRET)
        logger.info("quietly")
    written = capfd.readouterr().err
    assert SECRET not in written
    assert SECRET not in (tmp_path / "record").read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    assert [line["level"] for line in lines] == ["ERROR", "WARNING"]
    assert lines[0]["error"] == "ValueError"
    assert lines[0]["at_line"].startswith("test_record.py:")
