from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headwater.case.query import Case
from headwater.case.records import Batch, ItemFilter
from headwater.case.store import CaseStore
from headwater.errors import CaseDamaged, UsageError
from tests.case import building


@pytest.fixture
def case(small_case: tuple[Path, str]) -> Iterator[Case]:
    with Case.open(small_case[0]) as opened:
        yield opened


def contents(case: Case, **filters: tuple[str, ...]) -> set[int]:
    wanted = ItemFilter(**filters)  # type: ignore[arg-type]
    found = {item.sha256 for item in case.all_items(wanted)}
    return {number for number in range(100) if building.sha256(number) in found}


def item_id(case: Case, number: int) -> int:
    item = case.item(building.sha256(number))
    assert item is not None
    return item.item_id


def test_counts(case: Case) -> None:
    counts = case.counts()
    assert (counts.files, counts.members, counts.items, counts.unread_places) == (5, 3, 5, 1)
    assert counts.occurrences == 8
    assert counts.items_by_state == {"measured": 4, "not_media": 1}
    assert counts.items_by_kind == {"archive": 1, "other": 1, "picture": 3}
    assert counts.items_by_format == {"jpeg": 3, "unknown": 1, "zip": 1}
    assert counts.measurements_by_method == {"container": 1, "exif": 2, "pdq": 2, "picture": 3}
    # The crashes were superseded; left are those of a file, of a member and of the walk.
    assert counts.problems_by_code == {"limit": 3}
    assert (counts.blobs, counts.blob_bytes) == (3, 27)


def test_items_come_in_pages_by_digest(case: Case) -> None:
    digests = sorted(building.sha256(number) for number in range(1, 6))
    assert [item.sha256 for item in case.items(limit=2)] == digests[:2]
    assert [item.sha256 for item in case.items(digests[1], 2)] == digests[2:4]
    assert [item.sha256 for item in case.all_items()] == digests
    assert case.items(digests[-1]) == []
    assert case.item(building.sha256(77)) is None


def test_items_are_filtered(case: Case) -> None:
    assert contents(case, kinds=("picture",)) == {1, 2, 5}
    assert contents(case, states=("not_media",)) == {3}
    assert contents(case, formats=("zip", "unknown")) == {3, 4}
    assert contents(case, kinds=("picture",), formats=("zip",)) == set()
    assert contents(case, problem_codes=("limit",)) == {4}
    assert contents(case, problem_codes=("crashed",)) == set()


def test_items_are_found_by_any_beginning_of_their_digest(case: Case) -> None:
    digest = building.sha256(1).hex()
    for length in range(1, 65):
        found = [item.sha256.hex() for item in case.find(digest[:length]).items]
        assert digest in found
        assert found == sorted(
            other
            for other in (building.sha256(number).hex() for number in range(1, 6))
            if other.startswith(digest[:length])
        )
    for wrong in ("", "xyz", "A", digest + "0", "0 "):
        with pytest.raises(UsageError):
            case.find(wrong)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one", {1}),
        ("DCIM", {1, 2}),
        ("DCIM/o", {1}),
        ("CIM/two.jpg", {2}),
        ("three.bin", {3}),
        ("/three", set()),
        ("lost", {3}),
        ("member-1", {5}),
        ("backup.zip//member-1", {5}),
        ("backup.zip//", {1, 5}),
        ("up.zip//m", {1, 5}),
        ("ackup//", set()),
        (".jpg", {1, 2, 3}),
        ("dcim", set()),
        ("%", set()),
        ("", set()),
    ],
)
def test_items_are_found_by_part_of_a_path(case: Case, text: str, found: set[int]) -> None:
    told = case.find_path(text.encode())
    assert {item.sha256 for item in told.items} == set(map(building.sha256, found))
    assert told.total == len(found)


def test_one_item_is_read_back_whole(case: Case) -> None:
    number = item_id(case, 1)
    assert case.measurements(number)["pdq"] == {"pdq": "0f" * 32, "quality": 87}
    assert [method.name for method in case.methods_of(number)] == ["exif", "pdq", "picture"]
    facts = case.facts(number)
    assert (facts.width_px, facts.make, facts.latitude_degrees) == (4000, "Maker", 48.5)
    assert case.identity(number) == building.outcome(1).identity
    assert [case.blob(digest) for digest in case.blobs_of(number)] == [b"thumbnail one", b"icon"]
    assert [place.name for place in case.places(number)] == [b"one.jpg", b"backup.zip"]
    assert case.problems(item_id(case, 4)) == (building.LIMIT,)
    assert case.problems(item_id(case, 2)) == ()
    assert case.places(item_id(case, 2))[0].problems == (building.LIMIT,)
    with pytest.raises(UsageError):
        case.identity(9999)
    with pytest.raises(UsageError):
        case.blob(b"\0" * 32)


def test_what_was_not_read_is_listed(case: Case) -> None:
    (row,) = case.unread_places()
    assert row.containment == building.member(
        4, 2, None, state="refused", problems=(building.LIMIT,)
    )
    assert (row.state, row.problems) == ("refused", (building.LIMIT,))


def test_the_whole_is_told(case: Case) -> None:
    (source,) = case.sources()
    assert (source.kind, source.path) == ("folder", b"/evidence/\xff")
    (run,) = case.runs()
    assert run.info == building.RUN
    assert [(event.event, event.detail) for event in run.events] == [("finished", {"places": 5})]
    assert [method.name for method in case.methods()] == [
        "container",
        "exif",
        "pdq",
        "pdq_full",
        "picture",
    ]
    checkpoint = case.latest_checkpoint()
    assert checkpoint is not None
    assert checkpoint.size == case.counts().leaves
    assert case.days() == [("2024-05-06", 2)]
    assert case.locations() == [(48.5, -0.25, 2)]
    told = dict(case.facts_of_items())
    assert set(told) == set(map(building.sha256, (1, 2, 5)))


def test_damaged_bytes_are_told_when_they_are_read(small_case: tuple[Path, str]) -> None:
    folder, _root = small_case
    for path in [*(folder / "packs").iterdir(), *(folder / "checkpoints").iterdir()]:
        path.write_bytes(path.read_bytes()[:-20] + b"x" * 20)
    with Case.open(folder) as case:
        with pytest.raises(CaseDamaged):
            case.latest_checkpoint()
        last = max(case.blobs_of(item_id(case, 2)))
        with pytest.raises(CaseDamaged):
            case.blob(last)


def test_a_new_word_on_an_item_replaces_all_of_the_earlier_one(case_folder: Path) -> None:
    with closing(CaseStore.create(case_folder, building.INFO)) as store:
        full = {"exif": building.EXIF, "picture": building.PICTURE}
        store.commit(Batch(outcomes=(building.outcome(1, measurements=full, blobs=(b"a",)),)))
        store.commit(Batch(outcomes=(building.outcome(1, state="failed"),)))
        with Case.open(case_folder) as case:
            number = item_id(case, 1)
            assert case.measurements(number) == {}
            assert case.blobs_of(number) == []
            assert case.facts(number).make is None
            assert case.days() == []
            assert case.methods_of(number) == ()
            assert contents(case, states=("failed",)) == {1}
            assert contents(case, states=("measured",)) == set()
