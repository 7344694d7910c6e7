"""The example that teaches how to add a measure works as it is printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import jpeg
from tests.program import examine, run

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "add-a-measure.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return found[number]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the example, installed as far as Python is concerned."""
    package = tmp_path / "package"
    metadata = package / "colourfulness-1.dist-info"
    metadata.mkdir(parents=True)
    (package / "colourfulness.py").write_text(block("python", 0), encoding="utf-8")
    (package / "test_colourfulness.py").write_text(block("python", 1), encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: colourfulness\nVersion: 1\n")
    group, line = block("toml").strip().splitlines()
    name = group.removeprefix("[project.entry-points.").strip('"]')
    (metadata / "entry_points.txt").write_text(f"[{name}]\n{line.replace(chr(34), '')}\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package), str(ROOT)]))
    return package


def test_its_own_tests_pass(package: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(package), str(package)],
        capture_output=True,
        text=True,
        cwd=package,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "5 passed" in ran.stdout


def test_it_runs_in_the_cage_like_any_other(package: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "one.jpg").write_bytes(jpeg(1))
    (source / "damaged.jpg").write_bytes(jpeg(2, 640, 480)[:300])
    examine(source, tmp_path / "case")
    lines = run("export", "--case", tmp_path / "case").splitlines()
    documents = {one["occurrences"][0]["path"]: one for one in map(json.loads, lines)}
    measured = documents["one.jpg"]["measurements"]["colourfulness"]
    assert measured.keys() == {"colourfulness"}
    assert 0 <= measured["colourfulness"] < 256
    assert "colourfulness" not in documents["damaged.jpg"]["measurements"]
    status = json.loads(run("status", "--case", tmp_path / "case", "--json"))
    assert status["counts"]["measurements_by_method"]["colourfulness"] == 2
    assert status["runs"][0]["info"]["uncaged"] is False
