"""PhotoDNA values that lists give, against a plain twin; and off unless asked for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.match import photodna, run
from headwater.match.rule import PHOTODNA_DISTANCE, Rule
from tests.case import building
from tests.match.made import MadeCase, MadeItem, MadeList, code

ON = Rule(photodna_distance=PHOTODNA_DISTANCE)
Value = bytes


def value(center: int, away: int = 0) -> Value:
    """Return a value of a cluster; `away` bytes differ by 60 from the middle of the cluster."""
    held = np.random.default_rng(center).integers(60, 190, 144, dtype=np.uint8)
    held[:away] += 60
    return held.tobytes()


def flat(level: int) -> Value:
    """Return a value of low entropy."""
    return bytes([level]) * 120 + bytes(range(24))


def entropy(held: Value) -> float:
    changes = [one != other for one, other in pairwise(held)]
    return sum(changes) / len(changes)


def apart(one: Value, other: Value) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def allocate(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    return np.full(shape, 7, dtype)


def arrays(held: list[Value]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"".join(held), np.uint8).reshape(-1, 144)


def some_bytes(most: int) -> st.SearchStrategy[Value]:
    return st.binary(min_size=144, max_size=144).map(lambda held: bytes(b % most for b in held))


VALUES = st.lists(some_bytes(256) | some_bytes(40) | some_bytes(2), max_size=6)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES, st.integers(0, 2_000_000), st.data())
def test_near_values_are_those_of_a_plain_twin(
    mine: list[Value], theirs: list[Value], limit: int, data: st.DataObject
) -> None:
    theirs = [*theirs, mine[0]] if mine else theirs
    places = sorted(data.draw(st.lists(st.integers(0, 3), min_size=len(mine), max_size=len(mine))))
    givers = data.draw(st.lists(st.integers(0, 1), min_size=len(mine), max_size=len(mine)))
    owners = [7 * number + 3 for number in range(len(theirs))]
    left_out = data.draw(st.sets(st.sampled_from(owners or [0]), max_size=1))
    asked = photodna.Given(
        np.array(places, np.int64), np.array(givers, np.int64), arrays(mine), ("one", "two")
    )
    besides = (np.array([0] * len(left_out), np.int64), np.array(sorted(left_out), np.int64))
    with pytest.MonkeyPatch.context() as cut:
        cut.setattr(photodna, "_ROWS_AT_ONCE", 3)
        cut.setattr(photodna, "_GIVEN_AT_ONCE", 2)
        cut.setattr(photodna, "_HITS_AT_ONCE", 1)
        found = photodna.near_values(
            asked,
            arrays(theirs),
            np.array(owners, np.int64),
            limit,
            allocate,
            besides=besides,
            threads=data.draw(st.sampled_from([1, 2])),
        )
    expected = sorted(
        (place, distance, giver, owner)
        for place, giver, held in zip(places, givers, mine, strict=True)
        for owner, other in zip(owners, theirs, strict=True)
        if (distance := apart(held, other)) <= limit
        and entropy(other) >= photodna.LEAST_ENTROPY
        and not (place == 0 and owner in left_out)
    )
    columns = (found.place, found.distance, found.giver, found.entry)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected


def test_far_bytes_do_not_overflow() -> None:
    asked = photodna.Given(
        np.zeros(1, np.int64), np.zeros(1, np.int64), arrays([bytes([0, 255] * 72)]), ("one",)
    )
    others = arrays([bytes([255, 0] * 72)])
    far = 144 * 255**2
    for limit, hits in ((far, 1), (far - 1, 0)):
        found = photodna.near_values(asked, others, np.zeros(1, np.int64), limit, allocate)
        assert found.distance.tolist() == [far] * hits


def test_of_many_near_values_the_nearest_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photodna, "_ROWS_AT_ONCE", 64)
    held = arrays([value(1, number % 5) for number in range(1_300)])
    asked = photodna.Given(
        np.zeros(1, np.int64), np.zeros(1, np.int64), arrays([value(1)]), ("one",)
    )
    found = photodna.near_values(
        asked, held, np.arange(len(held)), PHOTODNA_DISTANCE, allocate, threads=2
    )
    assert found.entry.tolist() == list(range(0, 5 * photodna.MOST_NEAR, 5))


def test_entropy_is_the_share_of_bytes_that_change() -> None:
    held = [flat(9), value(1), bytes(144), bytes(range(101)) + bytes([100] * 43)]
    assert photodna.has_entropy(arrays(held)).tolist() == [
        entropy(one) >= photodna.LEAST_ENTROPY for one in held
    ]
    # 100 changes are just too few, 101 are enough.
    edge = [bytes(range(n + 1)) + bytes([n] * (143 - n)) for n in (100, 101)]
    assert photodna.has_entropy(arrays(edge)).tolist() == [False, True]


def a_case() -> MadeCase:
    """Item 1 is on `harbour` by its digest; `quay` holds values near the one given there."""
    made = MadeCase()
    made.examine(MadeItem(1, code(1)), MadeItem(2, code(2)))
    made.serve(
        "harbour",
        MadeList(
            digests={"md5": [(building.digests(1).md5, 4)]},
            values=[(value(1), 4), (value(1, 2), 5), (value(9), 6)],
            categories={4: "1", 5: "2"},
        ),
    )
    made.serve("quay", MadeList(values=[(value(1, 5), 0), (value(1, 4), 1), (value(1, 30), 2)]))
    return made


def test_values_are_not_compared_unless_asked_for() -> None:
    made = a_case()
    made.match()
    assert made.held() == {(1, "harbour", "md5"): ("match", None)}


def test_a_given_value_is_compared_with_all_lists() -> None:
    made = a_case()
    made.match(ON)
    assert made.held() == {
        (1, "harbour", "md5"): ("match", None),
        (1, "harbour", "photodna"): ("match", 2 * 60**2),
        (1, "quay", "photodna"): ("match", 4 * 60**2),
    }
    _standing, _distance, entries, detail = made.told()[1, "quay", "photodna"]
    assert entries == 2
    assert detail["how"]["given_by"] == "harbour"
    # The entry that the item equals is not said to be like it as well.
    own = made.told()[1, "harbour", "photodna"]
    assert own[2] == 1
    assert [one["code"] for one in own[3]["categories"]] == ["2"]
    assert made.match(ON).changed == 0


def test_matches_by_values_end_when_they_are_no_longer_compared() -> None:
    made = a_case()
    made.match(ON)
    made.match()
    assert made.held() == {(1, "harbour", "md5"): ("match", None)}


def test_matches_by_values_go_with_the_list_that_gave_them() -> None:
    made = a_case()
    made.match(ON)
    made.withdraw("harbour")
    made.match(ON)
    assert made.held() == {}


def test_a_list_that_comes_later_gives_values_to_items_of_before() -> None:
    made = a_case()
    made.withdraw("harbour")
    made.match(ON)
    assert made.held() == {}
    made.serve(
        "pier",
        MadeList(digests={"sha1": [(building.digests(2).sha1, 0)]}, values=[(value(1), 0)]),
    )
    made.match(ON)
    assert made.held()[2, "quay", "photodna"] == ("match", 4 * 60**2)


def test_lists_without_values_are_not_opened_again_for_values() -> None:
    made = a_case()
    made.serve("plain", MadeList(codes=[(code(5), 0)]))
    made.match()
    made.desk.opened_names.clear()
    assert made.match(ON).items == 2
    assert set(made.desk.opened_names) == {"harbour", "quay"}
    made.desk.opened_names.clear()
    made.serve("pier", MadeList(values=[(value(1, 1), 0)]))
    made.match(ON)
    assert "plain" not in made.desk.opened_names
    assert made.held()[1, "pier", "photodna"] == ("match", 60**2)


ENTRY = st.tuples(
    st.none() | st.tuples(st.sampled_from(["md5", "sha1", "sha256"]), st.integers(0, 4)),
    st.none()
    | st.builds(value, st.integers(0, 1), st.integers(0, 14))
    | st.builds(flat, st.integers(0, 2)),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(ENTRY, max_size=5), min_size=2, max_size=3), st.data())
def test_any_history_equals_a_plain_twin(
    said: list[list[tuple[Any, Value | None, bool]]], data: st.DataObject
) -> None:
    names = ["one", "two", "three"][: len(said)]
    lists = {name: made_list(entries) for name, entries in zip(names, said, strict=True)}
    steps: list[int | str] = data.draw(st.permutations([*range(4), *names]))
    gone = data.draw(st.none() | st.sampled_from(names))
    made = MadeCase()
    with pytest.MonkeyPatch.context() as cut:
        cut.setattr(run, "MOST_ENTRIES", data.draw(st.sampled_from([1, 10_000_000])))
        for step in steps:
            if isinstance(step, int):
                made.examine(MadeItem(step, code(step)))
            else:
                made.serve(step, lists[step])
            if data.draw(st.booleans()):
                made.match(ON)
        if gone is not None:
            made.withdraw(gone)
            del lists[gone]
        made.match(ON)
    found = {
        (number, name): (one.distance, one.entries, one.detail["how"]["given_by"])
        for (number, name, kind), one in made.matches().items()
        if kind == "photodna"
    }
    assert found == expected(lists)


def made_list(entries: list[tuple[Any, Value | None, bool]]) -> MadeList:
    made = MadeList(withdrawn=frozenset(n for n, one in enumerate(entries) if one[2]))
    for number, (digest, held, _withdrawn) in enumerate(entries):
        if digest is not None:
            kind, item = digest
            equal = getattr(building.digests(item), kind)
            made.digests.setdefault(kind, []).append((equal, number))
        if held is not None:
            made.values.append((held, number))
    return made


def expected(lists: dict[str, MadeList]) -> dict[tuple[int, str], tuple[int, int, str]]:
    def equal(item: int, made: MadeList) -> set[int]:
        digests = building.digests(item)
        return {
            entry
            for kind, held in made.digests.items()
            for digest, entry in held
            if digest == getattr(digests, kind) and entry not in made.withdrawn
        }

    found: dict[tuple[int, str], tuple[int, int, str]] = {}
    for item in range(4):
        mine = [
            (giver, held)
            for giver, made in lists.items()
            for held, entry in made.values
            if entry in equal(item, made) and entropy(held) >= 0.7
        ]
        for name, made in lists.items():
            near = [
                (distance, giver, entry)
                for giver, held in mine
                for other, entry in made.values
                if entropy(other) >= 0.7
                and (distance := apart(held, other)) <= PHOTODNA_DISTANCE
                and entry not in made.withdrawn | equal(item, made)
            ]
            if near:
                distance, giver, _entry = min(near)
                found[item, name] = distance, len({entry for *_, entry in near}), giver
    return found
