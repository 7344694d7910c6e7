"""What lists and decisions come to is counted as each item's document says it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.case.query import Case
from headwater.case.records import Compared, FoundMatch, ListRole, MatchPass
from headwater.case.store import CaseStore
from headwater.exchange.document import item_document
from headwater.exchange.known_lists import groups_of, known_tally
from tests.case.building import LIST
from tests.report.cases import outcome, plain_case

NUMBERS = st.integers(0, 12)


@given(st.lists(st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1])))
def test_groups_are_those_of_a_plain_search(pairs: list[tuple[int, int]]) -> None:
    left = {one for pair in pairs for one in pair}
    sizes = []
    while left:
        group = {min(left)}
        while more := {one for pair in pairs for one in pair if group & set(pair)} - group:
            group |= more
        left -= group
        sizes.append(len(group))
    assert groups_of(pairs) == sorted(sizes, reverse=True)


def test_no_list_and_no_decision_is_nothing(tmp_path: Path, keys: None) -> None:
    plain_case(tmp_path / "case", [outcome(b"one")])
    with Case.open(tmp_path / "case") as case:
        known = known_tally(case)
    assert (known.lists, known.watched, known.categories) == ((), 0, ())


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "keys"))


def fill(folder: Path) -> dict[int, int]:
    """Make a case with lists of every role and matches of every standing; return ids of lists."""
    plain_case(folder, [outcome(b"item %d" % number) for number in range(8)])
    store = CaseStore.open(folder)
    with Case.open(folder) as case:
        ids = [item.item_id for item in case.all_items()]
        last = case.last_outcome()
    roles: tuple[ListRole, ...] = ("watch", "watch", "known", "negative", "watch")
    lists = [
        store.serve_list(
            msgspec.structs.replace(LIST, name=f"list {number}", folder=f"{number:032x}", role=role)
        )
        for number, role in enumerate(roles)
    ]
    said = {"categories": [{"code": "1", "meaning": "pertinent", "entries": 1}]}
    other = {"categories": [{"code": "5", "meaning": "not_pertinent", "entries": 1}]}
    rows = [
        FoundMatch(
            item_id=ids[0], list_version_id=lists[0], kind="md5", standing="match", detail=said
        ),
        FoundMatch(item_id=ids[0], list_version_id=lists[0], kind="pdq", standing="unconfirmed"),
        FoundMatch(
            item_id=ids[0], list_version_id=lists[1], kind="md5", standing="match", detail=other
        ),
        FoundMatch(item_id=ids[1], list_version_id=lists[0], kind="pdq", standing="unconfirmed"),
        FoundMatch(
            item_id=ids[2], list_version_id=lists[0], kind="md5", standing="match", detail=said
        ),
        FoundMatch(item_id=ids[2], list_version_id=lists[3], kind="sha1", standing="match"),
        FoundMatch(item_id=ids[3], list_version_id=lists[2], kind="sha1", standing="match"),
        FoundMatch(
            item_id=ids[4], list_version_id=lists[4], kind="sha1", standing="match", detail=said
        ),
        FoundMatch(
            item_id=ids[5], list_version_id=lists[1], kind="md5", standing="match", detail=other
        ),
        FoundMatch(
            item_id=ids[5], partner_item_id=ids[6], kind="pdq", standing="match", distance=3
        ),
    ]
    passes = [MatchPass(list_version_id=lists[0], rule="{}", outcome_id=last)]
    passes.append(MatchPass(list_version_id=lists[1], rule="{}", outcome_id=last - 1))
    everything = Compared(item_ids=frozenset(ids), list_version_ids=frozenset(lists), partners=True)
    store.commit_matches(rows, everything, passes)
    store.withdraw_list("list 4", "A", "")
    store.decide(ids[5], "2", "A. Moreau")
    store.decide(ids[7], "2", "A. Moreau")
    store.close()
    return dict(enumerate(lists))


def test_counts_are_those_of_the_documents(tmp_path: Path, keys: None) -> None:
    """Counted again by the plain way: item by item, from what `show` prints."""
    fill(tmp_path / "case")
    with Case.open(tmp_path / "case") as case:
        known = known_tally(case)
        documents = [item_document(case, item) for item in case.all_items()]
    best = ("match", "unconfirmed", "suppressed")
    counted: Counter[tuple[str, str]] = Counter()
    said: Counter[str] = Counter()
    for document in documents:
        for name in {one["list"] for one in document["matches"] if "list" in one}:
            held = [one["standing"] for one in document["matches"] if one.get("list") == name]
            counted[name, min(held, key=best.index)] += 1
        if document["category"] is not None:
            kept = ("code", "meaning", "basis", "by")
            said[json.dumps({key: document["category"][key] for key in kept})] += 1
    assert [one.name for one in known.lists] == [f"list {number}" for number in range(4)]
    for one in known.lists:
        for word, count in zip(best, (one.matched, one.unconfirmed, one.suppressed), strict=True):
            assert count == counted[one.name, word], (one.name, word)
    assert sum(counted.values()) == 7
    got = {
        json.dumps({"code": one.code, "meaning": one.meaning, "basis": one.basis, "by": one.by}): (
            one.items
        )
        for one in known.categories
    }
    assert got == said
    assert sum(got.values()) == 3
    contradicted = [one for one in documents if (one["category"] or {}).get("contradicted_by")]
    assert known.contradicted == len(contradicted) == 2
    watched = [
        one
        for one in documents
        if any(m.get("role") == "watch" and m["standing"] == "match" for m in one["matches"])
    ]
    assert known.watched == len(watched) == 2


def test_how_far_each_list_was_compared_is_told(tmp_path: Path, keys: None) -> None:
    fill(tmp_path / "case")
    with Case.open(tmp_path / "case") as case:
        known = known_tally(case)
    assert [one.compared for one in known.lists] == ["all", "some", "none", "none"]
