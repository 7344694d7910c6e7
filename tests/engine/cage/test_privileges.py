"""Giving up rights."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from headwater.engine.cage import privileges
from headwater.engine.cage.privileges import (
    CAP_SETPCAP,
    NOBODY,
    become_nobody,
    capabilities_left,
    drop_capabilities,
    effective_capabilities,
    holds,
    seal_capabilities,
    why_not_nobody,
)


def sets_in_proc() -> dict[str, int]:
    with open("/proc/self/status") as file:
        rows = dict(line.split(":", 1) for line in file)
    return {
        name: int(rows[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    }


def test_the_capabilities_are_those_the_kernel_tells() -> None:
    assert effective_capabilities() == sets_in_proc()["CapEff"]
    for number in range(41):
        assert holds(number) == bool(sets_in_proc()["CapEff"] >> number & 1)


def test_capabilities_are_gone_from_every_set(child: Any) -> None:
    def body() -> Any:
        could_seal = holds(CAP_SETPCAP)
        seal_capabilities()
        drop_capabilities()
        return [could_seal, sets_in_proc(), capabilities_left()]

    could_seal, sets, (none_left, words) = child.run(body)
    bounding = sets.pop("CapBnd")
    assert set(sets.values()) == {0}
    assert none_left
    assert (bounding == 0) == (words == "none held, the bounding set empty")
    assert bounding == 0 or not could_seal


def test_root_as_nobody_regains_nothing(child: Any) -> None:
    def body() -> Any:
        if os.geteuid() != 0:
            return [[os.getuid()] * 3, [], []]
        seal_capabilities()
        become_nobody()
        drop_capabilities()
        ids = [*os.getresuid(), *os.getresgid()]
        answers = []
        for attempt in (partial(os.setuid, 0), partial(os.setgid, 0), partial(os.setgroups, [0])):
            try:
                attempt()
            except PermissionError:
                answers.append("refused")
        return [ids, os.getgroups(), answers]

    ids, groups, answers = child.run(body)
    if os.geteuid() == 0:
        assert ids == [NOBODY] * 6
        assert answers == ["refused"] * 3
    assert groups == []


def test_libraries_out_of_reach_keep_the_id(child: Any, tmp_path: Any) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "lib").mkdir()

    def body() -> list[str | None]:
        return [why_not_nobody(["/usr/lib"]), why_not_nobody([str(closed / "lib")])]

    reachable, hidden = child.run(body)
    if os.geteuid() == 0 and holds(5, 6, 7):
        assert reachable is None
        assert (
            hidden
            == "the libraries cannot be read as nobody (EACCES at " + str(closed / "lib") + ")"
        )
    else:
        assert reachable == hidden
        assert reachable.startswith("root without the rights")


def test_a_root_that_cannot_end_others_stays(child: Any) -> None:
    """Its workers would be out of reach for whoever supervises them with the same rights."""

    def body() -> str | None:
        seal_capabilities()
        drop_capabilities()
        return why_not_nobody(["/usr/lib"])

    assert "to end processes of another" in child.run(body)
    assert privileges.CAP_KILL == 5
