"""Matches in a case, against a plain model of what was compared and found."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.case.query import Case
from headwater.case.records import Batch, Compared, FoundMatch, MatchPass, Rehash
from headwater.case.store import CaseStore
from headwater.case.verify import verify_record
from headwater.errors import UsageError
from headwater.model import DIHEDRAL
from tests.case import building
from tests.case.building import LIST

ITEMS = 4
FORMS = {form: f"{number:02x}" * 32 for number, form in enumerate(DIHEDRAL)}


def pdq(scale: str) -> bytes:
    """Return a stored PDQ, its forms in the order of their names."""
    forms = ",".join(f'"{name}":"{FORMS[name]}"' for name in sorted(FORMS))
    return (
        f'{{"pdq":"{FORMS["original"]}","quality":80,"dihedral":{{{forms}}},'
        f'"decode":{{"scale":"{scale}"}}}}'
    ).encode()


def case_of_items(folder: Path) -> CaseStore:
    store = CaseStore.create(folder, building.INFO)
    outcomes = tuple(
        building.outcome(number, measurements={"pdq": pdq("full" if number % 2 else "dct 1/4")})
        for number in range(ITEMS)
    )
    store.commit(Batch(outcomes=outcomes))
    return store


@pytest.fixture
def store(tmp_path: Path) -> CaseStore:
    return case_of_items(tmp_path / "case")


Key = tuple[int, int | None, int | None, str]


def held(store: CaseStore) -> dict[Key, FoundMatch]:
    with Case.open(store.folder) as case:
        return {
            (one.item_id, one.list_version_id, one.partner_item_id, one.kind): one
            for item_id in range(1, ITEMS + 1)
            for one in case.matches(item_id)
        }


def everything(version: int | None = None) -> Compared:
    return Compared(
        item_ids=frozenset(range(1, ITEMS + 1)),
        list_version_ids=frozenset(() if version is None else (version,)),
        partners=version is None,
    )


def test_comparables_are_the_latest_outcomes_with_their_eight_forms_in_order(
    store: CaseStore,
) -> None:
    with closing(store):
        store.commit(Batch(outcomes=(building.outcome(0, measurements={"pdq": pdq("full")}),)))
    with Case.open(store.folder) as case:
        last = case.last_outcome()
        found = list(case.comparables(0, last))
        assert list(case.comparables(ITEMS, last)) == found[-1:]
    assert [one.outcome_id for one in found] == sorted(one.outcome_id for one in found)
    assert {one.sha256: one.scaled for one in found} == {
        building.sha256(number): number == 2 for number in range(ITEMS)
    }
    assert found[0].pdq == b"".join(bytes([number]) * 32 for number in range(8))
    assert (found[-1].quality, found[-1].sha256) == (80, building.sha256(0))
    assert [one.pdq_version for one in found] == [1] * ITEMS


KEYS = st.tuples(
    st.integers(1, ITEMS),
    st.sampled_from([1, 2, None]),
    st.sampled_from(["pdq", "md5"]),
    st.integers(1, ITEMS),
)
ROUND = st.tuples(
    st.lists(st.tuples(KEYS, st.integers(0, 31)), max_size=8),
    st.frozensets(st.integers(1, ITEMS), max_size=ITEMS),
    st.sampled_from([1, 2, None]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROUND, max_size=5))
def test_what_a_comparison_covers_and_does_not_find_is_ended(
    rounds: list[
        tuple[list[tuple[tuple[int, int | None, str, int], int]], frozenset[int], int | None]
    ],
) -> None:
    folder = building.quick_folder() / "case"
    model: dict[Key, int] = {}
    with closing(case_of_items(folder)) as store:
        for name in ("one", "two"):
            store.serve_list(msgspec.structs.replace(LIST, name=name))
        for pairs, items, version in rounds:
            found: dict[Key, int] = {}
            for (item, listed, kind, partner), distance in pairs:
                if listed != version or item not in items or (listed is None and item >= partner):
                    continue
                found[item, listed, partner if listed is None else None, kind] = distance
            model = {
                key: distance
                for key, distance in model.items()
                if key[1] != version or not (key[0] in items or (key[2] in items))
            } | found
            store.commit_matches(
                [
                    FoundMatch(
                        item_id=item,
                        list_version_id=listed,
                        partner_item_id=partner,
                        kind=kind,  # type: ignore[arg-type]
                        standing="match",
                        distance=distance,
                    )
                    for (item, listed, partner, kind), distance in found.items()
                ],
                Compared(
                    item_ids=items,
                    list_version_ids=frozenset(() if version is None else (version,)),
                    partners=version is None,
                ),
            )
        both = dict(model)
        for (left, listed, right, kind), distance in model.items():
            if right is not None:
                both[right, listed, left, kind] = distance
        assert {key: one.distance for key, one in held(store).items()} == both
    assert verify_record(folder).intact


def test_the_same_again_adds_no_row(store: CaseStore) -> None:
    match = FoundMatch(item_id=1, list_version_id=1, kind="sha256", standing="match")
    with closing(store):
        version = store.serve_list(LIST)
        assert store.commit_matches([match], everything(version)) == 1
        assert store.commit_matches([match], everything(version)) == 0
        assert store.commit_matches([], everything(version)) == 1
        assert store.commit_matches([], everything(version)) == 0


def test_passes_and_full_hashes_are_remembered(store: CaseStore) -> None:
    with closing(store):
        version = store.serve_list(LIST)
        store.commit_matches(
            [],
            everything(version),
            [
                MatchPass(list_version_id=version, rule="r", outcome_id=2),
                MatchPass(list_version_id=version, rule="r", outcome_id=4),
                MatchPass(list_version_id=None, rule="r", outcome_id=3),
            ],
            [
                Rehash(outcome_id=1, methods=(building.method("pdq_full"),), pdq=b"p" * 256),
                Rehash(outcome_id=2, problem="gone"),
            ],
        )
    with Case.open(store.folder) as case:
        assert case.match_passes() == {(version, "r"): 4, (None, "r"): 3}
        made = case.rehashes([1, 2, 3])
    assert made.keys() == {1, 2}
    assert (made[1].pdq, made[2].problem) == (b"p" * 256, "gone")


def test_the_rule_of_the_latest_pass_alone_counts(store: CaseStore) -> None:
    with closing(store):
        for rule, outcome_id in (("wide", 4), ("narrow", 2)):
            passed = MatchPass(list_version_id=None, rule=rule, outcome_id=outcome_id)
            store.commit_matches([], Compared(), [passed])
    with Case.open(store.folder) as case:
        assert case.match_passes() == {(None, "narrow"): 2}


def test_partners_are_found_from_either_side_until_they_end(store: CaseStore) -> None:
    def beside(item: int, partner: int) -> FoundMatch:
        return FoundMatch(item_id=item, partner_item_id=partner, kind="pdq", standing="match")

    with closing(store):
        store.commit_matches([beside(1, 2), beside(3, 1), beside(3, 4)], everything())
        with Case.open(store.folder) as case:
            assert case.partners_of([1]) == {2, 3}
            assert case.partners_of([2, 4]) == {1, 3}
        store.commit_matches([beside(3, 1)], everything())
    with Case.open(store.folder) as case:
        assert case.partners_of([1, 2, 4]) == {3}
        assert case.partners_of([3]) == {1}
        assert case.partners_of([2]) == set()


def test_items_that_were_measured_again_are_told(store: CaseStore) -> None:
    with closing(store), Case.open(store.folder) as case:
        last = case.last_outcome()
        assert not case.any_measured_again(last)
        store.commit(Batch(outcomes=(building.outcome(9),)))
        assert not case.any_measured_again(last)
        store.commit(Batch(outcomes=(building.outcome(9, measurements={"pdq": pdq("full")}),)))
        assert not case.any_measured_again(last)
        store.commit(Batch(outcomes=(building.outcome(0, measurements={"pdq": pdq("full")}),)))
        assert case.any_measured_again(last)
        assert not case.any_measured_again(case.last_outcome())


def test_the_latest_decision_of_a_person_holds(store: CaseStore) -> None:
    with closing(store):
        store.decide(1, "2", "A. Examiner")
        store.decide(1, "0", "B. Lead", "a family photograph")
        with pytest.raises(UsageError):
            store.decide(99, "1", "A. Examiner")
    with Case.open(store.folder) as case:
        decision = case.decision(1)
        assert case.decision(2) is None
    assert decision is not None
    assert (decision.category, decision.by, decision.note) == (
        "0",
        "B. Lead",
        "a family photograph",
    )
    assert verify_record(store.folder).intact


def test_all_matches_and_decisions_at_once_are_those_of_each_item(store: CaseStore) -> None:
    lists = [
        store.serve_list(msgspec.structs.replace(LIST, name=name, folder=f"{number:032x}"))
        for number, name in enumerate(("one", "two"))
    ]
    every = Compared(
        item_ids=frozenset(range(1, ITEMS + 1)), list_version_ids=frozenset(lists), partners=True
    )
    rows = [
        FoundMatch(item_id=2, list_version_id=lists[0], kind="md5", standing="match"),
        FoundMatch(item_id=2, list_version_id=lists[1], kind="pdq", standing="unconfirmed"),
        FoundMatch(item_id=3, list_version_id=lists[0], kind="md5", standing="match"),
        FoundMatch(item_id=1, partner_item_id=4, kind="pdq", standing="match", distance=9),
        FoundMatch(item_id=1, partner_item_id=3, kind="pdq", standing="unconfirmed", distance=30),
    ]
    store.commit_matches(rows, every)
    store.commit_matches([*rows[:2], *rows[3:]], every)
    for category in ("1", "2"):
        store.decide(2, category, "A. Examiner")
    with Case.open(store.folder) as case:
        listed = dict(case.list_matches())
        assert list(listed) == [2]
        assert listed[2] == case.matches(2)
        assert list(case.partner_pairs()) == [(1, 4)]
        assert case.decisions() == {2: case.decision(2)}
