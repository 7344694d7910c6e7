from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from headwater.case.dump import dump_lines, dump_sha256
from headwater.case.query import Case
from headwater.case.records import Attempt, Batch
from headwater.case.store import CaseStore
from tests.case import building


def dump(folder: Path) -> tuple[list[bytes], str]:
    with Case.open(folder) as case:
        return list(dump_lines(case)), dump_sha256(case)


def in_pieces(folder: Path) -> None:
    """Make what the small case ends with in another order, with retries, runs and deaths."""
    store = CaseStore.create(folder, msgspec.structs.replace(building.INFO, name="Another"))
    store.source("folder", b"/elsewhere")
    for _ in range(3):
        store.end_run(store.begin_run(building.RUN), "stopped", {})
    source_id = store.source("folder", b"/evidence/\xff")
    batches = list(building.small_batches(source_id))
    last = {o.digests.sha256: o for batch in batches for o in batch.outcomes}
    for outcome in reversed(last.values()):
        store.commit(Batch(outcomes=(msgspec.structs.replace(outcome, problems=()),)))
        store.commit(Batch(attempts=(Attempt(key=b"k", reason="died"),)))
        store.commit(Batch(outcomes=(outcome,)))
    for batch in batches:
        store.commit(Batch(containments=batch.containments))
        store.commit(Batch(walks=batch.walks))
    places = {(o.directory, o.name): o for batch in batches for o in batch.occurrences}
    for place in reversed(places.values()):
        store.commit(Batch(occurrences=(place,)))
    store.close()


def test_the_dump_follows_from_the_evidence_alone(tmp_path: Path) -> None:
    building.small_case(tmp_path / "one")
    in_pieces(tmp_path / "two")
    assert dump(tmp_path / "one") == dump(tmp_path / "two")


def test_the_dump_shows_any_difference_in_what_was_found(tmp_path: Path) -> None:
    seen = set()
    changes: list[Batch] = [
        Batch(),
        Batch(outcomes=(building.outcome(1),)),
        Batch(outcomes=(building.outcome(77),)),
        Batch(outcomes=(building.outcome(3, kind="other", state="failed"),)),
        Batch(occurrences=(building.file(1, "new", 1),)),
        Batch(occurrences=(building.file(1, "three.bin", 3, modified_ns=8),)),
        Batch(containments=(building.member(4, 7, 1),)),
        Batch(containments=(building.member(4, 1, 5),)),
    ]
    for number, change in enumerate(changes):
        folder = tmp_path / str(number)
        building.small_case(folder)
        with closing(CaseStore.open(folder)) as store:
            assert store.source("folder", b"/evidence/\xff") == 1
            store.commit(change)
        seen.add(dump(folder)[1])
    assert len(seen) == len(changes)
