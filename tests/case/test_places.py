"""Expanded places against the plainest way to find them: walking down from every file."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.case.query import Case
from headwater.case.records import Batch, Place
from headwater.case.store import CaseStore
from tests.case import building

Edges = list[tuple[int, int, int | None]]
"""Container, ordinal, content."""


@st.composite
def nestings(draw: st.DrawFn) -> tuple[list[tuple[str, int | None]], Edges]:
    """Draw files, and containers that hold contents of higher numbers only."""
    contents = draw(st.integers(1, 7))
    number = st.integers(0, contents - 1)
    paths = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "z/1", "z/2", "z/3"])
    files = draw(st.dictionaries(paths, st.none() | number, max_size=6))
    edges: Edges = []
    for container in range(contents):
        inner = st.none() | st.integers(container + 1, contents - 1)
        inside = st.none() if container == contents - 1 else inner
        for ordinal, content in enumerate(draw(st.lists(inside, max_size=3))):
            edges.append((container, ordinal, content))
    return sorted(files.items()), edges


def walk_down(files: list[tuple[str, int | None]], edges: Edges) -> Counter[tuple[object, ...]]:
    """Return every place with its content: path, ordinals on the way, content."""
    found: Counter[tuple[object, ...]] = Counter()

    def enter(path: str, ordinals: tuple[int, ...], content: int | None) -> None:
        found[path, ordinals, content] += 1
        for container, ordinal, inner in edges:
            if content is not None and container == content:
                enter(path, (*ordinals, ordinal), inner)

    for path, content in files:
        enter(path, (), content)
    return found


def path_of(place: Place) -> str:
    return b"/".join(part for part in (place.directory, place.name) if part).decode()


def make(folder: Path, files: list[tuple[str, int | None]], edges: Edges) -> None:
    with closing(CaseStore.create(folder, building.INFO)) as store:
        source_id = store.source("folder", b"/evidence")
        numbers = {content for _, content in files} | {edge[0] for edge in edges}
        numbers |= {edge[2] for edge in edges}
        outcomes = [building.outcome(number) for number in numbers if number is not None]
        store.commit(
            Batch(
                outcomes=tuple(outcomes),
                occurrences=tuple(
                    building.file(source_id, path, content, state=None if content else "failed")
                    for path, content in files
                ),
                containments=tuple(building.member(*edge) for edge in edges),
            )
        )


@settings(max_examples=60, deadline=None)
@given(nestings())
def test_places_are_those_found_by_walking_down(
    drawn: tuple[list[tuple[str, int | None]], Edges],
) -> None:
    files, edges = drawn
    expected = walk_down(files, edges)
    folder = building.quick_folder()
    try:
        make(folder / "case", files, edges)
        with Case.open(folder / "case") as case:
            assert case.counts().occurrences == expected.total()
            for number in {content for *_, content in expected} - {None}:
                assert isinstance(number, int)
                item = case.item(building.sha256(number))
                assert item is not None
                found = case.places(item.item_id)
                ways = Counter(
                    (path_of(place), tuple(step.ordinal for step in place.steps), number)
                    for place in found
                )
                assert ways == Counter(
                    {way: times for way, times in expected.items() if way[2] == number}
                )
                assert case.place_count(item.item_id) == len(found)
                assert case.places(item.item_id, limit=2) == found[:2]
    finally:
        shutil.rmtree(folder)


def test_the_order_of_places_follows_from_the_evidence_alone(tmp_path: Path) -> None:
    files: list[tuple[str, int | None]] = [("b", 0), ("a", 1), ("d/x", 2)]
    edges: Edges = [(0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 0)]
    make(tmp_path / "one", files, edges)
    with closing(CaseStore.create(tmp_path / "two", building.INFO)) as store:
        source_id = store.source("folder", b"/evidence")
        for number in (2, 1, 0):
            store.commit(Batch(outcomes=(building.outcome(number),)))
        for edge in reversed(edges):
            store.commit(Batch(containments=(building.member(*edge),)))
        for path, content in reversed(files):
            store.commit(Batch(occurrences=(building.file(source_id, path, content),)))
    both = []
    for name in ("one", "two"):
        with Case.open(tmp_path / name) as case:
            item = case.item(building.sha256(2))
            assert item is not None
            both.append(case.places(item.item_id))
    assert both[0] == both[1]
    assert len(both[0]) == 6


def test_a_chain_longer_than_the_interpreter_s_stack(tmp_path: Path) -> None:
    depth = 1500
    make(tmp_path / "case", [("outermost", 0)], [(n, 0, n + 1) for n in range(depth)])
    with Case.open(tmp_path / "case") as case:
        item = case.item(building.sha256(depth))
        assert item is not None
        (place,) = case.places(item.item_id)
        assert len(place.steps) == depth
        assert case.place_count(item.item_id) == 1
        assert case.counts().occurrences == depth + 1


def test_places_multiply_without_being_listed(tmp_path: Path) -> None:
    """Forty layers of containers that hold the next one twice: 2^40 places of the innermost."""
    layers = 40
    edges: Edges = [(n, ordinal, n + 1) for n in range(layers) for ordinal in (0, 1)]
    make(tmp_path / "case", [("bomb", 0)], edges)
    with Case.open(tmp_path / "case") as case:
        item = case.item(building.sha256(layers))
        assert item is not None
        assert case.place_count(item.item_id) == 2**layers
        assert case.counts().occurrences == 2 ** (layers + 1) - 1
        assert len(case.places(item.item_id, limit=7)) == 7


def test_contents_without_a_file_around_them_end_too(tmp_path: Path) -> None:
    """The containers of an unfinished run: no place yet, and no walk over all ways to say so."""
    layers = 60
    edges: Edges = [(n, ordinal, n + 1) for n in range(layers) for ordinal in (0, 1)]
    make(tmp_path / "case", [], edges)
    with Case.open(tmp_path / "case") as case:
        item = case.item(building.sha256(layers))
        assert item is not None
        assert case.places(item.item_id) == []
        assert case.place_count(item.item_id) == 0


def test_a_forged_cycle_ends(tmp_path: Path) -> None:
    make(tmp_path / "case", [("a", 0)], [(0, 0, 1), (1, 0, 2), (2, 0, 3)])
    with closing(sqlite3.connect(tmp_path / "case" / "case.sqlite")) as connection:
        ids = dict(connection.execute("SELECT sha256, id FROM item"))
        first, third = ids[building.sha256(0)], ids[building.sha256(2)]
        connection.execute(
            "INSERT INTO containment (id, leaf, parent_item_id, ordinal, name, child_item_id)"
            " VALUES (99, 1, ?, 5, x'00', ?)",
            (third, first),
        )
        connection.commit()
    with Case.open(tmp_path / "case") as case:
        for row in case.all_items():
            assert len(case.places(row.item_id)) >= 1
            assert case.place_count(row.item_id) >= 1
        assert case.counts().occurrences >= 1
