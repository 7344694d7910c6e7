"""What `show` prints of a path is a reference that `show` takes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from headwater.case.query import Case
from headwater.case.records import Batch
from headwater.case.store import CaseStore
from headwater.cli.reference import MOST_CANDIDATES, resolve
from headwater.cli.show_item import say_candidates, say_item
from headwater.errors import UsageError
from headwater.exchange.document import item_document
from headwater.exchange.text import escaped, text_of
from tests.case import building

NAMES = (
    b"plain.jpg",
    b"caf\xe9.jpg",
    rb"caf\xe9.jpg",
    rb"caf\x5cxe9.jpg",
    b"red\x1b[31m\nname.jpg",
    rb"red\u001b[31m\u000aname.jpg",
    "gpj.\u202eexe".encode(),
    rb"gpj.\u202eexe",
    "tag\U000e0001.jpg".encode(),
    rb"C:\xdata\users\x.jpg",
    b"\\",
    b"\xff",
    b"two  spaces " + b"long " * 40 + b"end",
)
"""Names that are hard to print; the contents 1, 2, ... lie under them, as files and as members."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    archive = len(NAMES) + 1
    files = [
        msgspec.structs.replace(building.file(1, "x", number), directory=b"d\xe9", name=name)
        for number, name in enumerate(NAMES, 1)
        if number % 2
    ]
    members = [
        building.member(archive, number, number, name=b"in//side/" + name)
        for number, name in enumerate(NAMES, 1)
    ]
    many = range(archive + 1, archive + MOST_CANDIDATES + 11)
    files += [building.file(1, f"many/{number}", number) for number in many]
    files.append(building.file(1, "odd/ar\u202echive.zip", archive))
    outcomes = [building.outcome(n, kind="other") for n in (*range(1, archive), *many)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_KEY_DIR", str(folder / "keys"))
        with closing(CaseStore.create(folder / "case", building.INFO)) as store:
            store.source("folder", b"/evidence")
            store.commit(
                Batch(
                    outcomes=(*outcomes, building.outcome(archive, kind="archive")),
                    occurrences=tuple(files),
                    containments=tuple(members),
                )
            )
    return folder / "case"


def test_every_printed_path_names_its_item(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = 0
    with Case.open(case) as opened:
        for item in opened.all_items():
            say_item(item_document(opened, item))
            shown = capsys.readouterr().out.splitlines()
            for place in opened.places(item.item_id):
                path = escaped(text_of(place.whole_path))
                assert f"  {path}" in shown
                found = resolve(opened, f"path:{path}")
                assert found.item == item, path
                seen += 1
    assert seen > 2 * len(NAMES)


def test_a_name_may_be_typed_letter_for_letter(case: Path) -> None:
    with Case.open(case) as opened:
        found = resolve(opened, "path:data\\users")
        assert found.item is not None
        assert found.item.sha256 == building.sha256(NAMES.index(rb"C:\xdata\users\x.jpg") + 1)
        assert resolve(opened, "path:C:\\xdata\\users").item == found.item


def test_a_long_list_is_cut_and_says_so(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Case.open(case) as opened:
        found = resolve(opened, "path:many/")
    assert found.item is None
    assert found.candidates.fitting == MOST_CANDIDATES + 10
    assert len(found.candidates.candidates) == MOST_CANDIDATES
    say_candidates(found.candidates)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == MOST_CANDIDATES
    assert f"{MOST_CANDIDATES + 10} items fit path:many/" in printed.err
    assert f"cut after {MOST_CANDIDATES} of {MOST_CANDIDATES + 10}" in printed.err


def test_a_candidate_is_shown_at_the_place_that_fits(case: Path) -> None:
    with Case.open(case) as opened:
        found = resolve(opened, "path:chive.zip//in//side/")
        assert found.candidates.fitting == len(NAMES)
        assert all("chive.zip//in//side/" in one.path for one in found.candidates.candidates)


@pytest.mark.parametrize("wrong", ["", "1234567", "xyz", "PATH:x", "0" * 65])
def test_what_names_nothing_is_refused(case: Path, wrong: str) -> None:
    with Case.open(case) as opened, pytest.raises(UsageError, match="8 hex digits"):
        resolve(opened, wrong)
