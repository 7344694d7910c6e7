"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real, benign media that is not part of this repository."""
    value = os.environ.get("HEADWATER_DATA")
    if not value:
        pytest.skip("HEADWATER_DATA is not set")
    return Path(value)
