"""Trying steps in a child."""

from __future__ import annotations

import os
import signal

from headwater.engine.cage.trial import tried
from headwater.errors import CageError


def fail(error: Exception) -> None:
    raise error


def test_success_is_none() -> None:
    assert tried(lambda: None, lambda: 1) is None


def test_the_reason_comes_back() -> None:
    assert tried(lambda: fail(PermissionError(1, "no", "mount"))) == "EPERM at mount"
    assert tried(lambda: fail(OSError(22, "no"))) == "EINVAL"
    assert tried(lambda: fail(CageError("the whole reason"))) == "the whole reason"


def test_a_surprise_is_a_failure() -> None:
    assert tried(lambda: fail(ValueError("odd"))) == "a child that tried it ended with 1"
    assert (
        tried(lambda: os.kill(os.getpid(), signal.SIGKILL)) == "a child that tried it ended with -9"
    )


def test_steps_stop_at_the_first_failure_and_leave_the_parent_alone() -> None:
    folder = os.getcwd()
    reason = tried(
        lambda: os.chdir("/"), lambda: fail(OSError(2, "")), lambda: fail(OSError(1, ""))
    )
    assert reason == "ENOENT"
    assert os.getcwd() == folder


def test_the_closing_step_can_close_everything_else() -> None:
    def closing(kept: int) -> None:
        os.closerange(0, kept)
        os.closerange(kept + 1, 1024)
        raise CageError("still heard")

    assert tried(closing=closing) == "still heard"
