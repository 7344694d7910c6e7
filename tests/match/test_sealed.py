"""Matching by the real commands, against lists as they are sealed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from random import Random

import pytest

from headwater.case.query import Case
from headwater.case.records import Batch
from headwater.case.store import CaseStore
from headwater.case.verify import verify_record
from tests.case import building
from tests.program import HEADWATER


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "keys"))
    store = CaseStore.create(tmp_path / "case", building.INFO)
    store.commit(Batch(outcomes=tuple(building.outcome(number) for number in range(3))))
    store.close()
    return tmp_path / "case"


def ran(*arguments: str | Path) -> None:
    done = subprocess.run(
        [*HEADWATER, *map(str, arguments)], env={**os.environ}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]


def import_rows(case: Path, name: str, rows: list[tuple[str, bytes]]) -> None:
    path = case.parent / f"{name}.csv"
    path.write_text("md5,photodna\n" + "".join(f"{md5},{held.hex()}\n" for md5, held in rows))
    ran("lists", "import", path, "--case", case, "--name", name, "--scheme", "none", "--quiet")


def found(case: Path) -> set[tuple[bytes, str, str, int | None]]:
    with Case.open(case) as opened:
        names = {one.version_id: one.info.name for one in opened.lists()}
        return {
            (item.sha256, names[match.list_version_id or 0], match.kind, match.distance)
            for item in opened.all_items()
            for match in opened.matches(item.item_id)
        }


def test_sealed_values_are_compared_where_that_is_asked_for(case: Path) -> None:
    random = Random(3)
    value = bytes(random.randrange(60, 190) for _ in range(144))
    near = bytes([value[0] + 50]) + value[1:]
    others = [(random.randbytes(16).hex(), random.randbytes(144)) for _ in range(50)]
    import_rows(case, "harbour", [*others, (building.digests(1).md5.hex(), value)])
    import_rows(case, "quay", [*others[:9], (random.randbytes(16).hex(), near), *others[20:]])
    item = building.sha256(1)
    ran("match", "--case", case, "--quiet")
    assert found(case) == {(item, "harbour", "md5", None)}
    ran("match", "--case", case, "--photodna", "--quiet")
    assert found(case) == {(item, "harbour", "md5", None), (item, "quay", "photodna", 50**2)}
    record = b"".join(path.read_bytes() for path in case.rglob("*") if path.is_file())
    assert value[:12] not in record
    assert near[:12] not in record
    ran("match", "--case", case, "--quiet")
    assert found(case) == {(item, "harbour", "md5", None)}
    assert verify_record(case).intact
