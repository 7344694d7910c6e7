"""Control groups: the tree of groups is played by a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headwater.engine.cage import memory_group

Created = list[str]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Created:
    """Make a new folder a group whose parent hands the memory controller on."""
    created: Created = []
    make = os.mkdir

    def make_group(path: str, mode: int = 0o777) -> None:
        make(path, mode)
        created.append(path)
        for name in ("memory.max", "cgroup.procs"):
            Path(path, name).touch()

    monkeypatch.setattr(os, "mkdir", make_group)
    return created


def test_a_group_bounds_the_process(tmp_path: Path, kernel: Created) -> None:
    bounded, words = memory_group.join_below(str(tmp_path), 1 << 30, 4711)
    group = tmp_path / "headwater-4711"
    assert kernel == [str(group)]
    assert (group / "memory.max").read_text() == "1073741824"
    assert (group / "cgroup.procs").read_text() == "4711"
    assert bounded
    assert "1073741824 bytes" in words


def test_empty_groups_of_earlier_runs_are_removed(tmp_path: Path, kernel: Created) -> None:
    # A folder with something in it cannot be removed, like a group with a process in it.
    for name in ("headwater-1", "headwater-2/process", "other"):
        (tmp_path / name).mkdir(parents=True)
    for group in ("headwater-1", "headwater-2/process", "other"):
        for file in (tmp_path / group).iterdir():
            file.unlink()
    memory_group.join_below(str(tmp_path), 1, 3)
    assert kernel[-1] == str(tmp_path / "headwater-3")
    assert sorted(os.listdir(tmp_path)) == ["headwater-2", "headwater-3", "other"]


def test_where_the_controller_is_not_handed_on_nothing_is_left(tmp_path: Path) -> None:
    bounded, words = memory_group.join_below(str(tmp_path), 1, 3)
    assert not bounded
    assert words == "the memory controller is not handed on (ENOENT)"
    assert os.listdir(tmp_path) == []


def test_a_bound_from_outside_is_told(tmp_path: Path) -> None:
    inner = tmp_path / "service" / "scope"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (inner.parent / "memory.max").write_text("2147483648\n")
    (tmp_path / "memory.max").write_text("3221225472\n")
    bounded, words = memory_group.describe(str(inner), "why")
    assert (bounded, words) == (True, "2147483648 bytes, set from outside (why)")


def test_no_bound_is_told_with_its_reason(tmp_path: Path) -> None:
    assert memory_group.describe(str(tmp_path), "why") == (False, "why")
