"""What a person decided stands above every list, now and later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.known import Desk, ended
from tests.pictures import jpeg
from tests.program import run


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_KEY_DIR", str(tmp_path_factory.mktemp("keys")))
        desk = Desk(tmp_path_factory.mktemp("decided"))
        desk.source.mkdir()
        for number in range(2):
            (desk.source / f"{number}.jpg").write_bytes(jpeg(number))
        desk.examine()
        yield desk


@pytest.fixture
def desk(examined: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(examined.case, tmp_path / "case", ignore=shutil.ignore_patterns("lock"))
    return Desk(tmp_path)


def decide(desk: Desk, category: str, *more: str) -> bytes:
    who = () if "--by" in more else ("--by", "A. Moreau")
    return run("decide", "path:0.jpg", "--case", desk.case, "--category", category, *who, *more)


def category_of(desk: Desk) -> dict[str, Any]:
    said: dict[str, Any] = desk.items()["0.jpg"]["category"]
    return said


def test_a_decision_wins_over_lists_that_were_there_and_that_come(desk: Desk) -> None:
    digest = desk.items()["0.jpg"]["item"]["sha1"]
    desk.import_table("early", "sha1,category", f"{digest},1")
    desk.match()
    assert category_of(desk)["basis"] == "list"
    assert b"decided by A. Moreau" in decide(desk, "5", "--note", "a lake")
    desk.import_table("late", "sha1,category", f"{digest},2")
    desk.import_table("agreeing", "sha1,category", f"{digest},5")
    desk.match()
    known = category_of(desk)
    assert (known["code"], known["basis"], known["by"]) == ("5", "decision", "A. Moreau")
    assert (known["meaning"], known["note"]) == (None, "a lake")
    assert known["at"].endswith("Z")
    assert known["contradicted_by"] == ["early", "late"]
    shown = run("show", "path:0.jpg", "--case", desk.case).decode()
    assert "category 5, decided by A. Moreau" in shown
    assert "note: a lake" in shown
    assert "said otherwise by: early, late" in shown


def test_the_latest_decision_holds_and_the_earlier_one_stays(desk: Desk) -> None:
    decide(desk, "1")
    decide(desk, "not this", "--by", "B. Okafor")
    known = category_of(desk)
    assert (known["code"], known["by"]) == ("not this", "B. Okafor")
    run("verify", "--case", desk.case, "--sources", "none", "--replay", "none")


def test_a_decision_on_an_item_of_no_list(desk: Desk) -> None:
    decide(desk, "1")
    assert category_of(desk)["code"] == "1"
    assert desk.items()["1.jpg"]["category"] is None
    assert b"decided by A. Moreau" in run("status", "--case", desk.case)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("path:.jpg", "--category", "1", "--by", "A"), 1, "2 items fit"),
        (("path:none", "--category", "1", "--by", "A"), 1, "nothing in this case"),
        (("zz", "--category", "1", "--by", "A"), 2, "8 hex digits"),
        (("path:0.jpg", "--category", " ", "--by", "A"), 2, "--category"),
        (("path:0.jpg", "--category", "1", "--by", " "), 2, "--by"),
        (("path:0.jpg", "--category", "1"), 2, "--by"),
    ],
)
def test_what_cannot_be_decided(
    desk: Desk,
    arguments: tuple[str, ...],
    code: int,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HEADWATER_EXAMINER", raising=False)
    given, _, said = ended("decide", *arguments, "--case", desk.case)
    assert given == code
    assert word in said
    assert category_of(desk) is None
