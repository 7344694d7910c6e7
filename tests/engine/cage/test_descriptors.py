"""Closing descriptors."""

from __future__ import annotations

import errno
import os
import resource
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.engine.cage.descriptors import close_others, open_null

FEW = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def still_open(highest: int) -> list[int]:
    found = []
    for descriptor in range(highest):
        try:
            os.fstat(descriptor)
        except OSError:
            continue
        found.append(descriptor)
    return found


@pytest.mark.parametrize("kernel", ["new", "before close_range"])
@FEW
@given(
    opened=st.sets(st.integers(3, 250), max_size=12), kept=st.sets(st.integers(0, 250), max_size=8)
)
def test_what_is_not_kept_is_closed(
    child: Any, kernel: str, opened: set[int], kept: set[int]
) -> None:
    kept = (kept & (opened | {0, 1, 2})) | {child.ANSWER}

    def body() -> list[Any]:
        null = os.open("/dev/null", os.O_RDWR)
        processes = os.open("/proc", os.O_PATH)
        standard = [os.fstat(descriptor).st_ino for descriptor in range(3)]
        for descriptor in opened - {null, processes, child.ANSWER}:
            os.dup2(null, descriptor)
        if kernel != "new":
            child.refuse({"close_range": errno.ENOSYS})
        device = os.fstat(null).st_rdev
        close_others(kept, null, processes)
        nulls = [d for d in range(3) if os.fstat(d).st_rdev == device]
        same = [d for d in range(3) if os.fstat(d).st_ino == standard[d]]
        return [still_open(1024), nulls, same]

    left, nulls, same = child.run(body)
    assert set(left) == kept | {0, 1, 2}
    assert {0, 1, 2} - kept <= set(nulls)
    assert kept & {0, 1, 2} <= set(same)


def test_the_highest_descriptors_are_closed_too(child: Any) -> None:
    def body() -> list[int]:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        highest = min(hard, 100_000)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, highest - 1)
        close_others((child.ANSWER,), null, null)
        return [d for d in (null, highest - 1) if d in still_open(highest)]

    assert child.run(body) == []


def test_a_process_started_without_standard_descriptors_gets_them(child: Any) -> None:
    def body() -> list[Any]:
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        null = open_null()
        devices = {os.fstat(descriptor).st_rdev for descriptor in (0, 1, 2, null)}
        return [null > 2, len(devices)]

    assert child.run(body) == [True, 1]
