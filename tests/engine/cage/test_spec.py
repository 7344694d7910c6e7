"""What a cage may read, and how its report is told."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import headwater
from headwater.engine.cage.spec import CageReport, CageSpec, Property, library_folders, outermost


def lies_in(path: str, folders: tuple[str, ...]) -> bool:
    return any(os.path.commonpath([path, folder]) == folder for folder in folders)


def test_what_is_loaded_lazily_lies_in_the_library_folders() -> None:
    folders = library_folders()
    for module in (os, np, headwater):
        assert module.__file__ is not None
        assert lies_in(os.path.abspath(module.__file__), folders)


def test_homes_and_places_for_data_do_not() -> None:
    folders = library_folders()
    for path in ("/", "/etc/passwd", "/proc", "/tmp", os.path.expanduser("~"), "/var", "/dev"):
        assert not lies_in(path, folders)


def test_every_folder_is_there_and_absolute() -> None:
    for path in library_folders():
        assert os.path.isabs(path)
        assert os.path.exists(path)


PATHS = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


@given(st.lists(PATHS))
def test_outermost_keeps_what_lies_below_nothing_else(paths: list[str]) -> None:
    def is_below(path: str, other: str) -> bool:
        parts, others = path.split("/"), other.split("/")
        return len(parts) > len(others) and parts[: len(others)] == others

    expected = {path for path in paths if not any(is_below(path, other) for other in paths)}
    assert outermost(paths) == tuple(sorted(expected))


def test_a_report_is_told_in_words() -> None:
    report = CageReport(
        level="required",
        properties=(
            Property(name="files", on=True, why="Landlock"),
            Property(name="network", on=False, why="no rights"),
        ),
    )
    assert report.as_text() == {
        "level": "required",
        "files": "on: Landlock",
        "network": "off: no rights",
    }


def test_specs_that_are_equal_are_one_key() -> None:
    assert hash(CageSpec(memory_bytes=1)) == hash(CageSpec(memory_bytes=1))
