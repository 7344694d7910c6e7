"""Fixtures of the tests of the report."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def key_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for the signing key of each test."""
    folder = tmp_path / "keys"
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(folder))
    return folder
