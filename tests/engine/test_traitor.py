"""A worker in the hands of hostile bytes can spoil its own item's result and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from headwater.cli import run_examine as module
from tests.engine import traitor
from tests.engine.examined import documents, examine
from tests.pictures import jpeg

MEASURES = ("headwater.measures.picture:Picture", "tests.engine.traitor:Traitor")


@pytest.mark.parametrize("ask", traitor.ASKS, ids=lambda ask: ask.decode().removeprefix("ask:"))
def test_lies_cost_only_the_liar(
    ask: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "keys"))
    monkeypatch.setattr(module, "measure_names", lambda: MEASURES)
    source = tmp_path / "source"
    source.mkdir()
    contents = {f"{number:02}.jpg": jpeg(number) for number in range(20)}
    contents["10.jpg"] = jpeg(10, after=ask)
    for name, content in contents.items():
        (source / name).write_bytes(content)
    summary = examine(source, tmp_path / "case", engine="pool", uncaged=False, workers=2)
    assert summary.complete
    found = {
        document["occurrences"][0]["path"]: document for document in documents(tmp_path / "case")
    }
    assert sorted(found) == sorted(contents)
    for name, document in found.items():
        assert document["item"]["sha256"] == hashlib.sha256(contents[name]).hexdigest()
        if name != "10.jpg":
            assert document["item"]["state"] == "measured"
            assert document["measurements"]["traitor"] == {"done": True}
    liar = found["10.jpg"]
    assert liar["item"]["state"] == "failed"
    assert "quarantined" in liar["problems"][0]["reason"]
