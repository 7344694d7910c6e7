"""A writer that tests kill: it makes or goes on with a case, in the same small batches always."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from headwater.case.records import Batch
from headwater.case.store import CaseStore
from tests.case import building

BATCHES = 6


def batch(source_id: int, number: int) -> Batch:
    """Return the batch of a number: two items with blobs, in two files and one container."""
    first = number * 10
    archive = building.outcome(first, kind="archive", measurements={"container": b"{}"})
    picture = building.outcome(
        first + 1,
        measurements={"exif": building.EXIF},
        blobs=(b"blob %d" % number * 200, b"shared"),
        problems=(building.CRASH,) if number % 2 else (),
    )
    return Batch(
        outcomes=(archive, picture),
        occurrences=(
            building.file(source_id, f"d{number}/a.zip", first),
            building.file(source_id, f"d{number}/b.jpg", first + 1),
        ),
        containments=(building.member(first, 0, first + 1),),
    )


def write(folder: Path) -> None:
    """Bring the case to its end, from wherever an earlier writer was stopped."""
    if (folder / "case.sqlite").exists():
        store = CaseStore.open(folder)
    else:
        store = CaseStore.create(folder, building.INFO)
    run = store.begin_run(building.RUN)
    source_id = store.source("folder", b"/evidence")
    for number in range(BATCHES):
        store.commit(batch(source_id, number))
        if number == BATCHES // 2:
            store.end_run(run, "halfway", {})
    store.end_run(run, "finished", {})
    store.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    os._exit(0)
