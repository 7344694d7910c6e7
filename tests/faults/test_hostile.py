"""Every file of a hostile collection ends in exactly one state, and nothing else suffers."""

from __future__ import annotations

import json
import resource
from collections import Counter
from pathlib import Path

import pytest

from tests.program import examine, run

pytestmark = pytest.mark.data


def test_every_hostile_file_has_exactly_one_end(data_folder: Path, tmp_path: Path) -> None:
    hostile = data_folder / "hostile"
    before = {path.name: path.stat() for path in hostile.iterdir()}
    said = json.loads(examine(hostile, tmp_path / "case"))
    ends: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for line in run("export", "--case", tmp_path / "case").splitlines():
        document = json.loads(line)
        state = document["item"]["state"]
        states[state] += 1
        assert state in ("measured", "not_media", "refused", "failed")
        if state in ("refused", "failed"):
            reasons = document["problems"] + [
                problem for place in document["occurrences"] for problem in place["problems"]
            ]
            assert reasons
            assert all(problem["reason"] for problem in reasons)
        for place in document["occurrences"]:
            if not place["inside"]:
                ends[place["path"]] += 1
    assert said["complete"]
    assert set(ends) == set(before)
    assert set(ends.values()) == {1}
    assert states["measured"] > 300
    assert not any("unexpected" in code for code in problem_codes(tmp_path / "case"))
    after = {path.name: path.stat() for path in hostile.iterdir()}
    for name, status in before.items():
        assert (status.st_size, status.st_mtime_ns) == (
            after[name].st_size,
            after[name].st_mtime_ns,
        )
    # The largest of all processes that this test has waited for, in KiB.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 3 << 20


def problem_codes(case: Path) -> Counter[str]:
    status = json.loads(run("status", "--case", case, "--json"))
    codes: Counter[str] = Counter(status["counts"]["problems_by_code"])
    return codes


@pytest.mark.parametrize("folder", ["metadata", "c2pa", "clips", "cameras"])
def test_ordinary_media_are_all_measured(data_folder: Path, tmp_path: Path, folder: str) -> None:
    said = json.loads(examine(data_folder / folder, tmp_path / "case"))
    status = json.loads(run("status", "--case", tmp_path / "case", "--json"))
    assert said["occurrences"] >= 16
    assert set(status["counts"]["items_by_state"]) == {"measured"}
    assert "unexpected" not in status["counts"]["problems_by_code"]
    assert not {"crashed", "limit"} & set(status["counts"]["problems_by_code"])
