"""The store against a plain model: dictionaries that hold the latest word on everything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headwater.case.query import Case
from headwater.case.records import Attempt, Batch, Walk
from headwater.case.store import CaseStore
from headwater.case.verify import verify_record
from headwater.model import Containment, Occurrence, Outcome, Problem
from tests.case import building

NUMBERS = st.integers(0, 5)
TEXT = st.text(max_size=6)
PROBLEMS = st.lists(
    st.builds(
        Problem,
        code=st.sampled_from(["crashed", "limit", "malformed"]),
        where=st.just("measure"),
        reason=TEXT,
        limit=st.none() | st.just("task_cpu_seconds"),
        reproducible=st.booleans(),
    ),
    max_size=2,
).map(tuple)
MEASUREMENTS = st.dictionaries(
    st.sampled_from(["exif", "pdq", "structure"]), st.sampled_from([b"{}", b'{"a":1}', b"[1.5]"])
)
OUTCOMES = st.builds(
    building.outcome,
    NUMBERS,
    kind=st.sampled_from(["picture", "archive", "other"]),
    state=st.sampled_from(["measured", "failed", "refused"]),
    measurements=MEASUREMENTS,
    blobs=st.lists(st.sampled_from([b"", b"one", b"two" * 50]), max_size=2).map(tuple),
    problems=PROBLEMS,
)
SIZES = st.none() | st.integers(0, 1 << 66)
CLOCKS = st.none() | st.integers(-(1 << 70), 1 << 70)


def stored(problem: Problem) -> Problem:
    """Return a problem as the case keeps it: text that no database takes is replaced."""
    text = problem.reason.replace("\0", "\ufffd")
    return msgspec.structs.replace(problem, reason=text)


class CaseMachine(RuleBasedStateMachine):
    """Commits of anything, reopenings and repetitions; the case must equal the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        os.environ["HEADWATER_KEY_DIR"] = str(self.folder / "keys")
        self.outcomes: dict[int, Outcome] = {}
        self.files: dict[str, Occurrence] = {}
        self.members: dict[tuple[int, int], Containment] = {}
        self.walked: dict[int, tuple[Outcome, Walk]] = {}
        self.attempts: dict[bytes, int] = {}
        self.last = Batch()

    @initialize()
    def create(self) -> None:
        self.store = CaseStore.create(self.folder / "case", building.INFO)
        self.source_id = self.store.source("folder", b"/evidence")

    @rule(outcomes=st.lists(OUTCOMES, max_size=4), data=st.data())
    def commit(self, outcomes: list[Outcome], data: st.DataObject) -> None:
        known = {*self.outcomes, *(self.number(outcome) for outcome in outcomes)}
        files: list[tuple[str, Occurrence]] = []
        members: list[tuple[tuple[int, int], Containment]] = []
        walks: list[tuple[int, Walk]] = []
        if known:
            number = st.sampled_from(sorted(known))
            files = data.draw(st.lists(self.a_file(st.none() | number), max_size=4))
            members = data.draw(st.lists(self.a_member(number), max_size=3))
            walks = data.draw(st.lists(self.a_walk(number), max_size=2))
        keys = data.draw(st.lists(st.sampled_from([b"a", b"b"]), max_size=2))
        self.last = Batch(
            outcomes=tuple(outcomes),
            occurrences=tuple(file for _, file in files),
            containments=tuple(member for _, member in members),
            walks=tuple(walk for _, walk in walks),
            attempts=tuple(Attempt(key=key, reason="died") for key in keys),
        )
        self.store.commit(self.last)
        self.outcomes |= {self.number(outcome): outcome for outcome in outcomes}
        self.files |= dict(files)
        self.members |= dict(members)
        for parent, walk in walks:
            self.walked[parent] = (self.outcomes[parent], walk)
        for key in keys:
            self.attempts[key] = self.attempts.get(key, 0) + 1

    @rule()
    def repeat(self) -> None:
        """What is already the latest word adds no leaf."""
        before = verify_record(self.folder / "case").leaves
        self.store.commit(msgspec.structs.replace(self.last, attempts=()))
        assert verify_record(self.folder / "case").leaves == before

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = CaseStore.open(self.folder / "case", writing=True)
        assert self.store.source("folder", b"/evidence") == self.source_id

    @rule()
    def end_run(self) -> None:
        signed = self.store.end_run(self.store.begin_run(building.RUN), "finished", {"a": 1})
        report = verify_record(self.folder / "case", expect_root=signed.root_hex)
        assert report.findings == ()
        assert report.proven_leaves == signed.size == report.leaves

    @invariant()
    def the_case_says_what_the_model_says(self) -> None:
        if not hasattr(self, "store"):
            return
        with Case.open(self.folder / "case") as case:
            items = {item.sha256: item for item in case.all_items()}
            assert sorted(items) == sorted(map(building.sha256, self.outcomes))
            for number, outcome in self.outcomes.items():
                self.compare_item(case, items[building.sha256(number)].item_id, number, outcome)
            files = {row.name.decode(): row for _, row in case.files()}
            assert files == {path: self.as_stored(file) for path, file in self.files.items()}
            counts = case.counts()
            assert counts.items == len(self.outcomes)
            assert counts.files == len(self.files)
            assert counts.members == len(self.members)
            assert counts.problems == self.problem_count()
            assert counts.measurements == sum(len(o.measurements) for o in self.outcomes.values())
            unread = [file for file in self.files.values() if file.item_sha256 is None]
            assert len(list(case.placeless())) == counts.placeless == len(unread)
        for key in (b"a", b"b", b"c"):
            assert self.store.attempts(key) == self.attempts.get(key, 0)

    def compare_item(self, case: Case, item_id: int, number: int, outcome: Outcome) -> None:
        problems = tuple(map(stored, outcome.problems))
        walked = self.walked.get(number)
        is_walked = walked is not None and self.same(walked[0], outcome)
        if walked is not None and is_walked:
            problems += tuple(map(stored, walked[1].problems))
        assert case.measured(item_id) == outcome.measurements
        assert case.identity(item_id) == outcome.identity
        assert case.methods_of(item_id) == outcome.methods
        assert case.problems(item_id) == problems
        assert tuple(case.blob(digest) for digest in case.blobs_of(item_id)) == outcome.blobs
        members = {row.ordinal: row for row in case.members(item_id)}
        assert members == {
            ordinal: self.as_stored(member)
            for (parent, ordinal), member in self.members.items()
            if parent == number
        }
        state = self.store.item_state(building.sha256(number))
        assert state is not None
        is_archive = outcome.identity.kind == "archive" and outcome.state == "measured"
        assert (state.item_id, state.state) == (item_id, outcome.state)
        assert state.finished == (is_walked or not is_archive)

    def problem_count(self) -> int:
        rows = [*self.outcomes.values(), *self.files.values(), *self.members.values()]
        rows += [
            walk  # type: ignore[list-item]
            for number, (outcome, walk) in self.walked.items()
            if self.same(outcome, self.outcomes[number])
        ]
        return sum(len(row.problems) for row in rows)

    @staticmethod
    def same(one: Outcome, other: Outcome) -> bool:
        return one == other

    @staticmethod
    def as_stored(row: Occurrence | Containment) -> Occurrence | Containment:
        return msgspec.structs.replace(row, problems=tuple(map(stored, row.problems)))

    @staticmethod
    def number(outcome: Outcome) -> int:
        return next(n for n in range(6) if building.sha256(n) == outcome.digests.sha256)

    def a_file(
        self, number: st.SearchStrategy[int | None]
    ) -> st.SearchStrategy[tuple[str, Occurrence]]:
        return st.builds(
            lambda path, content, problems, modified, size: (
                path,
                building.file(
                    self.source_id,
                    path,
                    content,
                    state=None if content is not None else "failed",
                    problems=problems,
                    modified_ns=modified,
                    size_bytes=size,
                ),
            ),
            st.sampled_from(["a", "b", "c"]),
            number,
            PROBLEMS,
            CLOCKS,
            SIZES,
        )

    def a_member(
        self, number: st.SearchStrategy[int]
    ) -> st.SearchStrategy[tuple[tuple[int, int], Containment]]:
        return st.builds(
            lambda parent, ordinal, child, problems, size: (
                (parent, ordinal),
                building.member(parent, ordinal, child, problems=problems, size_bytes=size),
            ),
            number,
            st.integers(0, 2),
            number,
            PROBLEMS,
            SIZES,
        )

    def a_walk(self, number: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, Walk]]:
        return st.builds(
            lambda parent, members, problems: (
                parent,
                Walk(
                    parent_sha256=building.sha256(parent),
                    members=members,
                    unpacked_bytes=9,
                    problems=problems,
                ),
            ),
            number,
            st.integers(0, 2),
            PROBLEMS,
        )

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            assert verify_record(self.folder / "case").findings == ()
        shutil.rmtree(self.folder)
        super().teardown()


CaseMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
TestCaseMachine = CaseMachine.TestCase
