"""Fixtures of the tests of the case."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case import building


@pytest.fixture(autouse=True)
def key_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for the signing key of each test."""
    folder = tmp_path / "keys"
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(folder))
    return folder


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    """Where a test may make its case."""
    return tmp_path / "case"


@pytest.fixture
def small_case(case_folder: Path) -> tuple[Path, str]:
    """A small case with rows in every table: its folder and its root in hex digits."""
    return case_folder, building.small_case(case_folder)
