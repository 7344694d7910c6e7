"""Trying a step in a child first, so that what half succeeds never harms the nursery."""

from __future__ import annotations

import os
from collections.abc import Callable

from headwater.engine.cage.kernel import errno_name
from headwater.errors import CageError

_LONGEST_REASON = 4096


def tried(
    *steps: Callable[[], object], closing: Callable[[int], object] | None = None
) -> str | None:
    """Carry out steps in a forked child and return None, or why one of them failed.

    For a single-threaded process. The child leaves at once, so the steps leave their mark on
    nothing that outlives it. A step fails by OSError or CageError. `closing` comes last and may
    close all descriptors but the one it is given, by which the reason goes out.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _try(steps, closing, writing)
    os.close(writing)
    reason = os.read(reading, _LONGEST_REASON)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return None
    return reason.decode(errors="replace") or f"a child that tried it ended with {code}"


def _try(
    steps: tuple[Callable[[], object], ...],
    closing: Callable[[int], object] | None,
    writing: int,
) -> None:
    """Never returns."""
    code = 1
    try:
        for step in steps:
            step()
        if closing is not None:
            closing(writing)
        code = 0
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        _tell(writing, errno_name(error) + where)
    except CageError as error:
        _tell(writing, str(error))
    finally:
        os._exit(code)


def _tell(writing: int, reason: str) -> None:
    os.write(writing, reason.encode(errors="replace")[:_LONGEST_REASON])
