"""The store against a plain model: dictionaries that hold the latest word on everything."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headwater.case.query import Case
from headwater.case.records import Attempt, Batch, Walk
from headwater.case.store import CaseStore
from headwater.case.verify import verify_record
from headwater.errors import CaseBusy, CaseDamaged, CaseError
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
        self.folder = building.quick_folder()
        os.environ["HEADWATER_KEY_DIR"] = str(self.folder / "keys")
        self.outcomes: dict[int, Outcome] = {}
        self.files: dict[str, Occurrence] = {}
        self.members: dict[tuple[int, int], Containment] = {}
        self.walked: dict[int, Walk] = {}
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
        said = {self.number(outcome): outcome for outcome in outcomes}
        for content, outcome in said.items():
            if self.outcomes.get(content) != outcome:
                # A walk belongs to the outcome before it, and a new outcome has none yet.
                self.walked.pop(content, None)
        self.outcomes |= said
        self.files |= dict(files)
        self.members |= dict(members)
        for parent, walk in walks:
            self.walked[parent] = walk
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
        self.store = CaseStore.open(self.folder / "case")
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
            assert len(list(case.unread_places())) == counts.unread_places == len(unread)
        for key in (b"a", b"b", b"c"):
            assert self.store.attempts(key) == self.attempts.get(key, 0)

    def compare_item(self, case: Case, item_id: int, number: int, outcome: Outcome) -> None:
        problems = tuple(map(stored, outcome.problems))
        walked = self.walked.get(number)
        if walked is not None:
            problems += tuple(map(stored, walked.problems))
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
        assert state.finished == (walked is not None or not is_archive)

    def problem_count(self) -> int:
        held = [row.problems for row in self.outcomes.values()]
        held += [row.problems for row in self.files.values()]
        held += [row.problems for row in self.members.values()]
        held += [row.problems for row in self.walked.values()]
        return sum(map(len, held))

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


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_order_within_a_batch_carries_no_meaning(data: st.DataObject) -> None:
    """The rows, and so all ids, are the same bytes in whatever order they were handed in."""
    batches = list(building.small_batches(1))
    shuffled = [
        Batch(
            **{
                name: tuple(data.draw(st.permutations(getattr(batch, name))))
                for name in batch.__struct_fields__
            }
        )
        for batch in batches
    ]
    assert rows_of(batches) == rows_of(shuffled)


def rows_of(batches: list[Batch]) -> list[object]:
    folder = building.quick_folder()
    os.environ["HEADWATER_KEY_DIR"] = str(folder / "keys")
    try:
        with closing(CaseStore.create(folder / "case", building.INFO)) as store:
            store.source("folder", b"/evidence")
            for batch in batches:
                store.commit(batch)
        return rows_but_times(folder / "case")
    finally:
        shutil.rmtree(folder)


def rows_but_times(folder: Path) -> list[object]:
    said = building.logical_dump(folder / "case.sqlite")
    skipped = {"case_info", "signing_key", "leaf", "source", "attempt"}
    kept, table = [], ""
    for row in said:
        table = row if isinstance(row, str) else table
        if table not in skipped:
            kept.append(row)
    return kept


def test_files_and_folders_are_for_their_owner_alone(small_case: tuple[Path, str]) -> None:
    folder, _root = small_case
    with closing(CaseStore.open(folder)) as store:
        store.commit(Batch(outcomes=(building.outcome(9, blobs=(b"new",)),)))
        for path in [folder, *folder.rglob("*")]:
            mode = path.stat().st_mode
            assert stat.S_IMODE(mode) == (0o700 if stat.S_ISDIR(mode) else 0o600), path


def test_a_case_is_made_only_where_nothing_is(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").write_text("x")
    with pytest.raises(CaseError, match="not empty"):
        CaseStore.create(taken, building.INFO)
    with pytest.raises(CaseError, match="not empty"):
        CaseStore.create(taken / "file", building.INFO)
    empty = tmp_path / "deep" / "empty"
    empty.mkdir(parents=True)
    CaseStore.create(empty, building.INFO).close()
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["empty"]
    assert verify_record(empty).findings == ()


def test_what_is_no_case_is_not_opened(tmp_path: Path) -> None:
    for opening in (Case.open, CaseStore.open):
        with pytest.raises(CaseError, match="not a case"):
            opening(tmp_path / "nowhere")
    (tmp_path / "case.sqlite").write_bytes(b"")
    for opening in (Case.open, CaseStore.open):
        with pytest.raises(CaseDamaged):
            opening(tmp_path)
    (tmp_path / "case.sqlite").write_bytes(b"x" * 10_000)
    for opening in (Case.open, CaseStore.open):
        with pytest.raises(CaseDamaged):
            opening(tmp_path)


def test_a_second_writer_is_told_who_the_first_is(small_case: tuple[Path, str]) -> None:
    folder, _root = small_case
    with closing(CaseStore.open(folder)) as store:
        with pytest.raises(CaseBusy, match=str(os.getpid())):
            CaseStore.open(folder)
        with Case.open(folder) as reader:
            before = reader.counts().items
            store.commit(Batch(outcomes=(building.outcome(9),)))
            assert reader.counts().items == before + 1
    CaseStore.open(folder).close()


def test_what_a_case_says_of_itself_is_kept(small_case: tuple[Path, str]) -> None:
    with Case.open(small_case[0]) as case:
        info = case.info
    assert (info.name, info.examiner, info.organisation) == (
        building.INFO.name,
        building.INFO.examiner,
        building.INFO.organisation,
    )
    assert len(info.case_id) == 32
    assert info.thumbnails
    assert len(info.public_key) == 64


def test_a_place_of_an_unknown_item_is_refused_and_costs_nothing_else(
    small_case: tuple[Path, str],
) -> None:
    folder, root = small_case
    with closing(CaseStore.open(folder)) as store:
        source_id = store.source("folder", b"/evidence/\xff")
        bad = Batch(
            outcomes=(building.outcome(50, blobs=(b"blob of a batch that is refused",)),),
            occurrences=(building.file(source_id, "x", 51),),
        )
        with pytest.raises(CaseError, match="no outcome"):
            store.commit(bad)
        assert verify_record(folder, expect_root=root).findings == ()
        store.commit(msgspec.structs.replace(bad, occurrences=()))
    assert verify_record(folder).findings == ()


@pytest.mark.parametrize("measured", [b"", b"{", b'1,"pdq":2', b"nan", b"\xff", b"{}}"])
def test_a_measurement_that_is_not_json_is_refused(
    small_case: tuple[Path, str], measured: bytes
) -> None:
    folder, root = small_case
    batch = Batch(outcomes=(building.outcome(50, measurements={"exif": measured}),))
    store = CaseStore.open(folder)
    with pytest.raises(CaseError, match="JSON"):
        store.commit(batch)
    store.close()
    assert verify_record(folder, expect_root=root).findings == ()


@pytest.mark.parametrize("number", [1 << 63, (1 << 64) - 1, 1 << 64, -(1 << 63) - 1])
def test_numbers_that_no_file_has_are_refused_and_cost_nothing_else(
    small_case: tuple[Path, str], number: int
) -> None:
    """Such numbers can only come from a worker that was taken over."""
    folder, root = small_case
    outcome = building.outcome(50, measurements={"exif": b"{}"})
    digests = msgspec.structs.replace(outcome.digests, size_bytes=number)
    method = msgspec.structs.replace(outcome.methods[0], version=number)
    walk = Walk(parent_sha256=building.sha256(4), members=number, unpacked_bytes=0)
    batches = [
        Batch(outcomes=(msgspec.structs.replace(outcome, digests=digests),)),
        Batch(outcomes=(msgspec.structs.replace(outcome, methods=(method,)),)),
        Batch(containments=(building.member(4, number, 1),)),
        Batch(walks=(walk,)),
        Batch(walks=(msgspec.structs.replace(walk, members=0, unpacked_bytes=number),)),
    ]
    with closing(CaseStore.open(folder)) as store:
        for batch in batches:
            with pytest.raises(CaseError, match="no number of a real file"):
                store.commit(batch)
        assert verify_record(folder, expect_root=root).findings == ()
        store.commit(Batch(outcomes=(outcome,)))
    assert verify_record(folder).intact


def test_what_was_seen_in_a_directory(case_folder: Path) -> None:
    with closing(CaseStore.create(case_folder, building.INFO)) as store:
        source_id = store.source("folder", b"/evidence")
        other = store.source("folder", b"/other")
        names = [f"d/{letter}" for letter in "abcde"]
        batch = Batch(
            outcomes=(building.outcome(1),),
            occurrences=(
                *(building.file(source_id, name, 1, size_bytes=1 << 65) for name in names),
                building.file(source_id, "e/a", 1),
                building.file(other, "d/b", None, state="failed"),
            ),
        )
        store.commit(batch)
        newer = building.file(source_id, "d/c", None, state="refused", modified_ns=-(1 << 70))
        store.commit(Batch(occurrences=(newer,)))
        seen = store.seen(source_id, b"d", b"b", b"d")
        assert sorted(seen) == [b"b", b"c", b"d"]
        assert seen[b"b"].item_sha256 == building.sha256(1)
        assert seen[b"b"].size_bytes == 1 << 65
        assert (seen[b"c"].item_id, seen[b"c"].state) == (None, "refused")
        assert seen[b"c"].modified_ns == -(1 << 70)
        assert list(store.seen(other, b"d", b"", b"\xff")) == [b"b"]
        assert store.seen(source_id, b"nowhere", b"", b"\xff") == {}


def test_the_later_of_two_words_in_one_batch_holds(case_folder: Path) -> None:
    with closing(CaseStore.create(case_folder, building.INFO)) as store:
        announced = building.outcome(1, kind="archive")
        ended = building.outcome(1, kind="archive", state="failed", problems=(building.CRASH,))
        store.commit(Batch(outcomes=(announced, ended)))
        state = store.item_state(building.sha256(1))
        assert state is not None
        assert (state.state, state.finished, state.reproducible) == ("failed", True, False)
        assert state.problems == ("crashed",)
        assert store.item_state(building.sha256(2)) is None
