"""How contents lie in each other is recorded alike, whatever was met first."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.engine import examine as module
from tests.engine.boxes import Holding, box, examine_boxes, put_boxes, understand
from tests.engine.examined import documents, exported

DEPTH = 3


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "keys"))


@st.composite
def nestings(draw: st.DrawFn) -> tuple[Holding, list[int]]:
    """Up to seven containers that hold anything, themselves included, and which of them are files.

    0 to 6 are containers, 7 to 9 are not.
    """
    containers = draw(st.integers(1, 7))
    content = st.one_of(st.integers(0, containers - 1), st.integers(7, 9))
    held = st.lists(content, max_size=4)
    holding = {number: draw(held) for number in range(containers)}
    files = draw(st.lists(st.integers(0, containers - 1), min_size=1, max_size=4))
    return holding, files


def depths(holding: Holding, files: Sequence[int]) -> dict[int, int]:
    """The plain twin: how many containers at the fewest are around each content that is reached."""
    found = dict.fromkeys(files, 0)
    level = list(files)
    while level:
        below = []
        for container in level:
            for inner in holding.get(container, ()) if found[container] < DEPTH else ():
                if inner not in found:
                    found[inner] = found[container] + 1
                    below.append(inner)
        level = below
    return found


def states(case: Path) -> dict[int, str]:
    numbers = {hashlib.sha256(box(number)).hexdigest(): number for number in range(10)}
    return {
        numbers[one["item"]["sha256"]]: one["item"]["state"]
        for one in documents(case)
        if one["item"]["sha256"]
    }


def expected_states(holding: Holding, files: Sequence[int]) -> dict[int, str]:
    opened = {True: "measured", False: "refused"}
    return {
        number: opened[depth < DEPTH] if number in holding else "not_media"
        for number, depth in depths(holding, files).items()
    }


@settings(max_examples=40, deadline=None)
@given(nestings(), st.integers(0, 2**32), st.integers(1, 12))
@example(({0: [1], 1: [2], 2: [3], 3: [4], 4: [7]}, [0, 2]), 1, 2)
@example(({0: [1], 1: [0, 7]}, [0, 1]), 1, 1)
@example(({0: [1], 1: [2, 8], 2: [0, 7]}, [1, 1, 0]), 3, 2)
def test_no_order_and_no_death_shows_in_the_case(
    nesting: tuple[Holding, list[int]], seed: int, ends: int
) -> None:
    holding, files = nesting
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        folder = Path(name)
        understand(patched, holding)
        patched.setenv("HEADWATER_KEY_DIR", str(folder / "keys"))
        source = put_boxes(folder / "source", files)
        examine_boxes(source, folder / "first", random.Random(0), DEPTH)
        assert states(folder / "first") == expected_states(holding, files)
        for order in range(4):
            case = folder / f"order-{order}"
            examine_boxes(source, case, random.Random(seed + order), DEPTH)
            assert exported(case) == exported(folder / "first")
        examine_boxes(source, folder / "died", random.Random(seed + 1), DEPTH, ends)
        examine_boxes(source, folder / "died", random.Random(seed + 2), DEPTH)
        assert exported(folder / "died") == exported(folder / "first")


def test_a_source_added_later_gives_the_same_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two containers hold each other, and a third lies too deep until the second run."""
    holding = {0: [1], 1: [0, 2], 2: [3], 3: [4, 8], 4: [7]}
    understand(monkeypatch, holding)
    source = put_boxes(tmp_path / "source", [0])
    examine_boxes(source, tmp_path / "case", random.Random(0), DEPTH)
    assert states(tmp_path / "case") == expected_states(holding, [0])
    put_boxes(source, [0, 1, 3])
    examine_boxes(source, tmp_path / "case", random.Random(0), DEPTH)
    examine_boxes(source, tmp_path / "together", random.Random(1), DEPTH)
    assert states(tmp_path / "case") == expected_states(holding, [0, 1, 3])
    assert exported(tmp_path / "case") == exported(tmp_path / "together")


@pytest.mark.parametrize("most", [3, 40])
def test_the_places_that_wait_are_bounded(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two walks take both turns of their depth, and all that they hold waits for a third."""
    holding = {0: [2] * 500, 1: [2] * 500, 2: [7], 3: [0, 1, 2]}
    understand(monkeypatch, holding)
    monkeypatch.setattr(module, "_MOST_WAITING", most)
    source = put_boxes(tmp_path / "source", [0, 1, 2])
    done = [
        examine_boxes(source, tmp_path / f"{seed}", random.Random(seed), DEPTH, crowded=True)
        for seed in range(8)
    ]
    # Without the bound it is 500: each walk goes on by one place at a time.
    assert most <= max(examination.most_waiting for examination in done) <= most + 2 * 2
    assert min(examination.tally.places_done for examination in done) == 3
    for seed in range(8):
        assert exported(tmp_path / f"{seed}") == exported(tmp_path / "0")
