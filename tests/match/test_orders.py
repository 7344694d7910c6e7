"""What matching comes to does not hang on the order of work, or on how it is cut into parts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.case.records import Compared, FoundMatch, MatchPass, Rehash
from headwater.case.store import CaseStore
from headwater.match import items as match_items
from headwater.match import list_codes, partners, run
from headwater.match.rule import Rule
from tests.match.made import MadeCase, MadeItem, MadeList, code

Step = MadeItem | tuple[str, MadeList]

CODES = st.builds(
    lambda center, flips: code(center, sorted(flips)),
    st.integers(0, 1),
    st.sets(st.integers(0, 9), max_size=6) | st.sets(st.integers(0, 60), min_size=25, max_size=45),
)


@st.composite
def items(draw: st.DrawFn) -> list[MadeItem]:
    """Items that cluster closely, so that many are near each; some are measured twice."""
    numbers = draw(st.lists(st.integers(0, 9), min_size=2, max_size=12))
    return [
        MadeItem(
            number,
            draw(CODES),
            draw(st.none() | CODES),
            quality=draw(st.sampled_from([49, 90, 90, 90])),
            form=draw(st.integers(0, 7)),
            full_quality=draw(st.sampled_from([30, 90, 90])),
        )
        for number in numbers
    ]


@st.composite
def lists(draw: st.DrawFn) -> list[tuple[str, MadeList]]:
    entries = st.lists(st.tuples(CODES, st.sampled_from(["1", "2"])), max_size=6)
    found: list[tuple[str, MadeList]] = []
    for name in ("one", "two"):
        held = draw(entries)
        codes = [(value, entry) for entry, (value, _category) in enumerate(held)]
        categories = dict(enumerate(category for _value, category in held))
        found.append((name, MadeList(codes=codes, categories=categories)))
    return found


def after(steps: Sequence[Step], rule: Rule, matched: Sequence[bool]) -> MadeCase:
    made = MadeCase()
    for step, now in zip(steps, matched, strict=True):
        if isinstance(step, MadeItem):
            made.examine(step)
        else:
            made.serve(*step)
        if now:
            made.match(rule)
    made.match(rule)
    return made


def latest(steps: Sequence[Step]) -> list[Step]:
    """Return lists, then each item as it was measured last."""
    held = {step.number: step for step in steps if isinstance(step, MadeItem)}
    return [*(step for step in steps if not isinstance(step, MadeItem)), *held.values()]


@settings(max_examples=40, deadline=None)
@given(items(), lists(), st.sampled_from([1, 2, 64]), st.data())
def test_any_history_comes_to_what_one_run_does(
    measured: list[MadeItem], served: list[tuple[str, MadeList]], most: int, data: st.DataObject
) -> None:
    rule = Rule(most_partners=most)
    steps: list[Step] = data.draw(st.permutations([*measured, *served]))
    matched = data.draw(st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)))
    history = after(steps, rule, matched)
    with pytest.MonkeyPatch.context() as cut:
        cut.setattr(run, "MOST_ITEMS", 2)
        cut.setattr(run, "MOST_ENTRIES", 1)
        cut.setattr(partners, "_CHUNK", 3)
        cut.setattr(match_items, "_BATCH", 2)
        once = after(final := latest(steps), rule, [False] * len(final))
    assert history.told() == once.told()


def test_more_items_than_partners_are_kept_in_any_order() -> None:
    """Each is near all others; those that came first may not keep the nearer ones out."""
    measured = [MadeItem(number, code(1, range(number))) for number in range(12)]
    rule = Rule(most_partners=3)
    forward = after(measured, rule, [True] * 12)
    backward = after(measured[::-1], rule, [True] * 12)
    once = after(measured, rule, [False] * 12)
    assert forward.told() == backward.told() == once.told()
    assert 12 * 3 <= len(once.held()) < 12 * 11


def test_a_nearer_item_keeps_whom_another_still_counts() -> None:
    """The first has a nearer one now, and yet is among the nearest of the second."""
    first, second = MadeItem(1, code(1)), MadeItem(2, code(1, range(30)))
    nearer = MadeItem(3, code(1, range(100, 120)))
    rule = Rule(most_partners=1)
    made = after([first, second, nearer], rule, [False, True, True])
    assert made.told() == after([first, second, nearer], rule, [False] * 3).told()
    assert made.held()[1, "2", "pdq"] == ("match", 30)


def test_an_item_that_is_measured_again_makes_room_for_others() -> None:
    flips = [[], [3], [1, 2], [1, 2, 4]]
    measured: list[Step] = [MadeItem(n, code(1, bits)) for n, bits in enumerate(flips)]
    elsewhere = MadeItem(1, code(2))
    rule = Rule(most_partners=1)
    made = after([*measured, elsewhere], rule, [False, False, False, True, True])
    assert made.told() == after(latest([*measured, elsewhere]), rule, [False] * 4).told()
    assert made.held()[0, "2", "pdq"] == ("match", 2)


def test_a_list_does_not_crowd_out_another(monkeypatch: pytest.MonkeyPatch) -> None:
    most = list_codes.MOST_PER_FORM
    crowd = MadeList(codes=[(code(1), entry) for entry in range(most + 5)])
    other = MadeList(codes=[(code(1, range(9)), 0)])
    steps: list[Step] = [MadeItem(1, code(1)), ("crowd", crowd), ("other", other)]
    together = after(steps, Rule(), [False] * 3)
    assert together.held() == {
        (1, "crowd", "pdq"): ("match", 0),
        (1, "other", "pdq"): ("match", 9),
    }
    monkeypatch.setattr(run, "MOST_ENTRIES", 1)
    assert after(steps, Rule(), [False] * 3).told() == together.told()


def test_to_go_back_to_a_rule_is_to_compare_anew() -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(1)), MadeItem(2, code(1, range(12))))
    made.serve("harbour", MadeList(codes=[(code(1, range(20)), 0)]))
    made.match()
    wide = made.told()
    made.match(Rule(radius_bits=5))
    assert made.held() == {}
    made.match()
    assert made.told() == wide
    assert made.match().changed == 0


def test_a_full_decode_of_low_quality_matches_nothing() -> None:
    made = MadeCase()
    made.examine(MadeItem(1, code(5, range(25)), code(5), full_quality=49), MadeItem(2, code(5)))
    made.serve("harbour", MadeList(codes=[(code(5), 0)]))
    made.match()
    assert made.rehashed == [1]
    assert made.held() == {(2, "harbour", "pdq"): ("match", 0)}


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("commit", range(4))
def test_a_run_that_is_killed_between_two_commits_goes_on(
    commit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = [
        *(MadeItem(number, code(3, range(10 * number)), code(3)) for number in range(5)),
        ("one", MadeList(codes=[(code(3), 0)])),
        ("two", MadeList(codes=[(code(3, range(30)), 0)])),
    ]
    once = after(steps, Rule(), [False] * len(steps))
    made = MadeCase()
    for step in steps:
        if isinstance(step, MadeItem):
            made.examine(step)
        else:
            made.serve(*step)
    number, kept, lost = count(), CaseStore.commit_matches, list[Rehash]()

    def killed(
        store: CaseStore,
        found: Sequence[FoundMatch],
        compared: Compared,
        passes: Sequence[MatchPass] = (),
        rehashes: Sequence[Rehash] = (),
    ) -> int:
        if next(number) == commit:
            lost.extend(rehashes)
            raise Killed
        return kept(store, found, compared, passes, rehashes)

    with monkeypatch.context() as patched:
        patched.setattr(run, "MOST_ENTRIES", 1)
        patched.setattr(CaseStore, "commit_matches", killed)
        with pytest.raises(Killed):
            made.match()
    made.match()
    assert made.told() == once.told()
    # What was hashed and not committed is hashed again, and nothing else.
    assert len(made.rehashed) - len(set(made.rehashed)) == len(lost)


def test_a_match_says_which_method_made_the_hash() -> None:
    made = MadeCase()
    made.examine(
        MadeItem(1, code(5, range(25)), code(5)),
        MadeItem(2, code(5)),
        MadeItem(3, code(5), code(5)),
    )
    made.serve("harbour", MadeList(codes=[(code(5), 0)]))
    made.match()
    told = made.told()
    shared = {"method": "pdq", "version": 1}
    full = {"method": "pdq_full", "version": 1}
    assert told[1, "harbour", "pdq"][3]["how"]["hash"] == full
    assert told[1, "harbour", "pdq"][3]["how"]["decode"] == "full"
    assert told[2, "harbour", "pdq"][3]["how"]["hash"] == shared
    assert told[3, "harbour", "pdq"][3]["how"]["hash"] == shared
    assert told[3, "harbour", "pdq"][3]["how"]["decode"] == "scaled"
    beside = msgspec.json.encode(told[1, "2", "pdq"][3]["how"]["hashes"])
    assert beside.count(b"pdq_full") == 1
    assert told[2, "3", "pdq"][3]["how"]["hashes"] == [shared, shared]
