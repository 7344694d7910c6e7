"""Matching whole cases against plain twins, and in any order of work."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.case.query import Case
from headwater.case.verify import verify_record
from headwater.match.rule import Rule
from tests.case import building
from tests.match.made import Code, MadeCase, MadeItem, MadeList, code

RADIUS, MARGIN = Rule().radius_bits, Rule().margin_bits


def apart(one: Code, other: Code) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def test_equal_digests_of_each_kind_match() -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(1)), MadeItem(2, code(2)))
    first = building.digests(1)
    made.serve(
        "harbour",
        MadeList(
            digests={"sha256": [(first.sha256, 0)], "md5": [(first.md5, 0), (first.md5, 7)]},
            categories={0: "1", 7: "2"},
        ),
    )
    made.match()
    assert made.held() == {
        (1, "harbour", "sha256"): ("match", None),
        (1, "harbour", "md5"): ("match", None),
    }
    with Case.open(made.folder) as case:
        item = case.item(first.sha256)
        assert item is not None
        by_kind = {match.kind: match for match in case.matches(item.item_id)}
    assert by_kind["md5"].entries == 2
    assert by_kind["md5"].detail["categories"] == [
        {"code": "1", "meaning": "pertinent", "entries": 1},
        {"code": "2", "meaning": "related", "entries": 1},
    ]


@pytest.mark.parametrize(
    ("shared", "full", "standing"),
    [
        (0, 0, ("match", 0)),
        (RADIUS - MARGIN - 1, 60, ("match", RADIUS - MARGIN - 1)),
        (RADIUS - MARGIN, RADIUS + 1, None),
        (RADIUS, 20, ("match", 20)),
        (RADIUS + 1, RADIUS, ("match", RADIUS)),
        (RADIUS + MARGIN, 3, ("match", 3)),
        (RADIUS + MARGIN, RADIUS + 1, None),
        (RADIUS + MARGIN + 1, 0, None),
    ],
)
def test_near_the_radius_the_full_decode_decides(
    shared: int, full: int, standing: tuple[str, int] | None
) -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(5, range(shared)), code(5, range(full)), form=3))
    made.serve("harbour", MadeList(codes=[(code(5), 0)]))
    made.match()
    assert made.held() == ({} if standing is None else {(1, "harbour", "pdq"): standing})
    assert made.rehashed == ([1] if abs(shared - RADIUS) <= MARGIN else [])
    made.match()
    assert len(made.rehashed) <= 1


def test_what_hangs_on_a_decode_that_cannot_be_made_is_unconfirmed() -> None:
    made = MadeCase()
    made.unreadable = {1}
    made.examine(MadeItem(1, code(5, range(20)), code(5)), MadeItem(2, code(5, range(2)), code(5)))
    made.serve("harbour", MadeList(codes=[(code(5), 0)]))
    made.match()
    held = made.held()
    assert held[1, "harbour", "pdq"] == ("unconfirmed", 20)
    assert held[2, "harbour", "pdq"] == ("match", 2)
    assert held[1, "2", "pdq"] == held[2, "1", "pdq"]
    assert held[1, "2", "pdq"][0] == "unconfirmed"


def test_hashes_of_low_quality_are_not_compared() -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(5), quality=49), MadeItem(2, code(5), quality=50))
    made.serve("harbour", MadeList(codes=[(code(5), 0)]))
    made.match()
    assert made.held() == {(2, "harbour", "pdq"): ("match", 0)}


def test_entries_that_the_list_withdrew_match_nothing() -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(1)), MadeItem(2, code(2)))
    made.serve(
        "harbour",
        MadeList(
            digests={"md5": [(building.digests(1).md5, 0), (building.digests(2).md5, 1)]},
            codes=[(code(1), 2), (code(1, [0, 1]), 3), (code(2), 4)],
            withdrawn=frozenset((0, 2, 4)),
        ),
    )
    made.match()
    assert made.held() == {
        (1, "harbour", "pdq"): ("match", 2),
        (2, "harbour", "md5"): ("match", None),
    }


def test_only_what_changed_is_done() -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(1)), MadeItem(2, code(2)))
    made.serve("harbour", MadeList(codes=[(code(1), 0)]))
    first = made.match()
    assert (first.lists, first.items, first.changed) == (1, 2, 1)
    assert made.match().lists == 0
    made.serve("quay", MadeList(codes=[(code(2), 0)]))
    made.desk.opened_names.clear()
    made.match()
    assert made.desk.opened_names == ["quay"]
    made.examine(MadeItem(3, code(1, [9])))
    made.desk.opened_names.clear()
    third = made.match()
    assert sorted(made.desk.opened_names) == ["harbour", "quay"]
    assert third.items == 1
    assert made.held()[3, "1", "pdq"] == ("match", 1)
    assert made.match(Rule(radius_bits=10)).lists == 2


def test_matches_go_with_their_list_and_come_with_its_new_version() -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(1)))
    made.serve("harbour", MadeList(codes=[(code(1), 0)]))
    made.match()
    made.serve("harbour", MadeList(codes=[(code(2), 0)]))
    assert made.held() == {}
    made.match()
    assert made.held() == {}
    made.serve("harbour", MadeList(codes=[(code(1, [3]), 0)]))
    made.match()
    assert made.held() == {(1, "harbour", "pdq"): ("match", 1)}
    made.withdraw("harbour")
    assert made.held() == {}
    assert verify_record(made.folder).intact


CODES = st.builds(
    lambda center, first, count: code(center, range(first, first + count)),
    st.integers(0, 2),
    st.integers(0, 200),
    st.integers(0, 50),
)
ITEMS = st.lists(
    st.tuples(CODES, st.none() | CODES, st.sampled_from([49, 50, 99]), st.integers(0, 7)),
    max_size=7,
)


@settings(max_examples=20, deadline=None)
@given(ITEMS, st.lists(CODES, max_size=6), st.lists(CODES, max_size=3), st.data())
def test_equals_a_plain_twin_in_any_order(
    said: list[tuple[Code, Code | None, int, int]],
    one: list[Code],
    two: list[Code],
    data: st.DataObject,
) -> None:
    items = [
        MadeItem(number, shared, full, quality, form)
        for number, (shared, full, quality, form) in enumerate(said)
    ]
    lists = {"one": one, "two": two}
    steps: list[MadeItem | str] = data.draw(st.permutations([*items, *lists]))
    made = MadeCase()
    for step in steps:
        if isinstance(step, MadeItem):
            made.examine(step)
        else:
            made.serve(step, MadeList(codes=[(held, n) for n, held in enumerate(lists[step])]))
        if data.draw(st.booleans()):
            made.match()
    made.match()
    assert {key: value for key, value in made.held().items() if key[1] in lists} == expected(
        items, lists
    )
    assert verify_record(made.folder).intact


def expected(
    items: list[MadeItem], lists: dict[str, list[Code]]
) -> dict[tuple[int, str, str], tuple[str, int | None]]:
    """Whether an item's full decode counts is decided for each list alone."""
    found: dict[tuple[int, str, str], tuple[str, int | None]] = {}
    for item in items:
        if item.quality < 50:
            continue
        for name, codes in lists.items():
            distances = [apart(item.shared, held) for held in codes]
            full = [apart(item.full or item.shared, held) for held in codes]
            doubted = item.full is not None and any(abs(d - RADIUS) <= MARGIN for d in distances)
            near = min((d for d in (full if doubted else distances)), default=999)
            if near <= RADIUS:
                found[item.number, name, "pdq"] = ("match", near)
    return found
