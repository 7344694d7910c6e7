"""The README shows what the program prints."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.program import run

README = Path(__file__).parent.parent.parent / "README.md"
CUT = "..."
VARYING = ((r"\d+\.\d s\b", "0.0 s"), (r"checkpoint: \d+ [0-9a-f]{64}", "checkpoint: 0 root"))
"""Seconds, and the log's size and root: they depend on the machine and on the day."""


def steady(line: str) -> str:
    for pattern, instead in VARYING:
        line = re.sub(pattern, instead, line)
    return line


def shown() -> list[list[str]]:
    """Return the lines of each block of the README that shows output."""
    blocks = re.findall(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return [block.splitlines() for block in blocks]


def assert_prints(printed: str, lines: list[str]) -> None:
    """Assert that lines were printed one after the other, but where `...` stands between them."""
    found = [steady(line) for line in printed.splitlines()]
    assert CUT not in found
    at = -1
    for before, line in pairwise(["", *map(steady, lines)]):
        if line == CUT:
            continue
        follows = at >= 0 and before != CUT
        assert line in found[at + 1 :], line
        following = found.index(line, at + 1)
        assert not follows or following == at + 1, f"not shown: {found[at + 1]}"
        at = following


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        return folder, run("demo", folder / "demo").decode()


def test_the_demonstration_prints_what_is_shown(demo: tuple[Path, str]) -> None:
    assert_prints(demo[1], shown()[0])


def test_an_examination_and_an_item_print_what_is_shown(
    demo: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = demo
    monkeypatch.setenv("COLUMNS", "80")
    case = folder / "case-0417"
    examined = run("examine", folder / "demo" / "evidence", "--case", case, "--quiet")
    assert_prints(examined.decode(), shown()[1])
    item = run("show", "path:town-cropped", "--case", case)
    assert_prints(item.decode(), shown()[2])


def test_a_line_that_is_not_shown_is_noticed() -> None:
    assert_prints("one\ntwo\nthree\n", ["one", CUT, "three"])
    assert_prints("4.2 s\n", ["1.0 s"])
    for lines in (["one", "three"], ["two", "one"], ["four"]):
        with pytest.raises(AssertionError):
            assert_prints("one\ntwo\nthree\n", lines)
