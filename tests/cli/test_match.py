"""Matching as a user meets it: real pictures, real lists, and the program itself."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.case.query import Case
from headwater.case.records import Comparable
from headwater.cli.run_match import MatchRequest, run_match
from headwater.match import run as run_of_matching
from headwater.match.items import Items, items_of
from headwater.match.rule import Rule
from tests.cli.known import Desk, ended, flipped, make_evidence, matches
from tests.pictures import jpeg
from tests.program import examine, killed_at, run

COPIES = {"half.jpg", "mirror.jpg", "first.jpg"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_KEY_DIR", str(tmp_path_factory.mktemp("keys")))
        yield


@pytest.fixture(scope="module")
def examined(keys: None, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A case that was examined, without a list. No test changes it."""
    desk = Desk(tmp_path_factory.mktemp("examined"))
    make_evidence(desk.source)
    desk.examine()
    return desk


@pytest.fixture
def desk(examined: Desk, tmp_path: Path) -> Desk:
    """A copy of that case, for one test; its sources are those of the first."""
    shutil.copytree(examined.case, tmp_path / "case", ignore=shutil.ignore_patterns("lock"))
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def items(examined: Desk) -> dict[str, dict[str, Any]]:
    return examined.items()


def pdq_of(document: dict[str, Any]) -> str:
    pdq: str = document["measurements"]["pdq"]["pdq"]
    return pdq


def test_copies_match_each_other_before_any_list(items: dict[str, dict[str, Any]]) -> None:
    digests = {items[name]["item"]["sha256"] for name in COPIES}
    for name, document in items.items():
        partners = {one["item"] for one in document["matches"]}
        own = {document["item"]["sha256"]}
        assert partners == (digests - own if name in COPIES else set()), name
    mirrored = {one["item"]: one for one in items["first.jpg"]["matches"]}
    match = mirrored[items["mirror.jpg"]["item"]["sha256"]]
    assert match["how"]["form"] == "fliph"
    assert match["score"]["value"] <= 31
    assert match["score"]["unit"] == "differing bits"


def test_matches_by_digest_and_by_pdq(desk: Desk, items: dict[str, dict[str, Any]]) -> None:
    first, second = items["first.jpg"], items["second.jpg"]
    desk.import_table("sha1", "sha1,category", f"{second['item']['sha1']},2")
    desk.import_table("md5", "md5", second["item"]["md5"], "0" * 32)
    desk.import_table("near", "pdq,category,series", f"{flipped(pdq_of(first), 4)},1,Lake")
    said = desk.match()
    assert (said["complete"], said["lists"], said["items"]) == (True, 3, len(items))
    now = desk.items()
    assert [one["kind"] for one in matches(now["second.jpg"], "sha1")] == ["sha1"]
    (equal,) = matches(now["second.jpg"], "md5")
    assert equal["score"]["value"] == 0
    assert (equal["role"], equal["signed"], equal["standing"]) == ("watch", False, "match")
    assert now["second.jpg"]["category"] == {
        "code": "2",
        "meaning": "related",
        "basis": "list",
        "by": "sha1",
        "at": None,
        "note": None,
        "contradicted_by": [],
    }
    found = {name: matches(document, "near") for name, document in now.items()}
    assert {name for name, held in found.items() if held} == COPIES
    (exact,) = found["first.jpg"]
    assert (exact["score"]["value"], exact["how"]["form"]) == (4, "original")
    assert (exact["labels"], exact["entries"]) == ({"series": ["Lake"]}, 1)
    (mirror,) = found["mirror.jpg"]
    assert mirror["how"]["form"] == "fliph"
    assert {now[name]["category"]["code"] for name in COPIES} == {"1"}
    counted = {one["name"]: one["matched"] for one in said["on_lists"]}
    assert counted == {"sha1": 1, "md5": 1, "near": 3}
    assert said["watched"] == 4


def test_the_radius_and_the_quality_are_held(desk: Desk, items: dict[str, dict[str, Any]]) -> None:
    code = pdq_of(items["third.jpg"])
    for flips in (10, 31, 32):
        desk.import_table(f"at{flips}", "pdq", flipped(code, flips))
    desk.match()
    held = {one["list"] for one in desk.items()["third.jpg"]["matches"]}
    assert held == {"at10", "at31"}
    desk.match("--radius", "10")
    assert {one["list"] for one in desk.items()["third.jpg"]["matches"]} == {"at10"}
    desk.match("--least-quality", "100", "--radius", "32")
    quality = items["third.jpg"]["measurements"]["pdq"]["quality"]
    held = {one["list"] for one in desk.items()["third.jpg"]["matches"]}
    assert held == ({"at10", "at31", "at32"} if quality == 100 else set())


def test_a_match_in_doubt_is_decided_by_the_full_decode(
    desk: Desk, items: dict[str, dict[str, Any]]
) -> None:
    large = items["large.jpg"]["measurements"]["pdq"]
    assert large["decode"]["scale"] != "full"
    code = flipped(large["pdq"], 20)
    desk.import_table("doubt", "pdq", code)
    said = desk.match()
    assert said["full_decodes"] == 1
    (match,) = matches(desk.items()["large.jpg"], "doubt")
    assert (match["standing"], match["how"]["decode"]) == ("match", "full")
    assert match["how"]["hash"]["method"] == "pdq_full"
    full = run("show", "path:large.jpg", "--case", desk.case).decode()
    assert "full decode" in full
    # Far within the radius nothing hangs on it, so nothing is decoded.
    desk.import_table("sure", "pdq", flipped(large["pdq"], 2))
    assert desk.match()["full_decodes"] == 0
    (match,) = matches(desk.items()["large.jpg"], "sure")
    assert (match["how"]["decode"], match["how"]["hash"]["method"]) == ("scaled", "pdq")


def test_without_the_evidence_a_match_in_doubt_is_unconfirmed(keys: None, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    make_evidence(desk.source)
    desk.examine()
    code = flipped(pdq_of(desk.items()["large.jpg"]), 20)
    desk.source.rename(tmp_path / "gone")
    desk.import_table("doubt", "pdq,category", f"{code},1")
    said = desk.match()
    (match,) = matches(desk.items()["large.jpg"], "doubt")
    assert match["standing"] == "unconfirmed"
    assert desk.items()["large.jpg"]["category"] is None
    (counted,) = said["on_lists"]
    assert (counted["matched"], counted["unconfirmed"]) == (0, 1)
    assert "unconfirmed" in run("show", "path:large.jpg", "--case", desk.case).decode()
    # The evidence is there again: it is tried again when that is asked for.
    (tmp_path / "gone").rename(desk.source)
    assert desk.match()["full_decodes"] == 0
    (counted,) = desk.match("--again")["on_lists"]
    assert (counted["matched"], counted["unconfirmed"]) == (1, 0)
    assert desk.items()["large.jpg"]["category"]["code"] == "1"


def test_a_negative_list_suppresses(desk: Desk, items: dict[str, dict[str, Any]]) -> None:
    first = items["first.jpg"]
    desk.import_table("watched", "pdq,category", f"{pdq_of(first)},1")
    desk.match()
    assert desk.items()["first.jpg"]["category"]["code"] == "1"
    digest = first["item"]["sha1"]
    desk.import_table("cleared", "sha1", digest, more=("--role", "negative"))
    assert desk.match()["changed"] == 1
    now = desk.items()
    (match,) = matches(now["first.jpg"], "watched")
    assert (match["standing"], match["suppressed_by"]) == ("suppressed", "cleared")
    assert now["first.jpg"]["category"] is None
    assert now["half.jpg"]["category"]["code"] == "1"
    counted = desk.lists()["watched"]
    assert (counted["items_matched"], counted["items_suppressed"]) == (2, 1)
    run("lists", "remove", "cleared", "--case", desk.case, "--by", "A. Examiner")
    assert desk.items()["first.jpg"]["category"]["code"] == "1"


def test_a_withdrawn_list_takes_its_matches_with_it(
    desk: Desk, items: dict[str, dict[str, Any]]
) -> None:
    desk.import_table("brief", "md5,category", f"{items['second.jpg']['item']['md5']},1")
    desk.match()
    assert matches(desk.items()["second.jpg"], "brief")
    run("lists", "remove", "brief", "--case", desk.case, "--reason", "sent in error")
    now = desk.items()["second.jpg"]
    assert (now["matches"], now["category"]) == ([], None)
    assert json.loads(run("status", "--case", desk.case, "--json"))["known"]["lists"] == []


def test_a_list_that_comes_later_matches_what_was_examined(
    desk: Desk, items: dict[str, dict[str, Any]]
) -> None:
    """Retroactively, and without reading the sources."""
    before = desk.match()
    assert (before["lists"], before["items"], before["changed"]) == (0, 0, 0)
    desk.import_table("one", "md5", items["second.jpg"]["item"]["md5"])
    first = desk.match()
    assert (first["lists"], first["changed"], first["full_decodes"]) == (1, 1, 0)
    desk.import_table("two", "md5", items["third.jpg"]["item"]["md5"])
    second = desk.match()
    assert (second["lists"], second["changed"]) == (1, 1)
    again = desk.match()
    assert (again["lists"], again["items"], again["changed"]) == (0, 0, 0)
    assert again["on_lists"] == second["on_lists"]


def test_a_new_version_takes_the_place_of_the_old(
    desk: Desk, items: dict[str, dict[str, Any]]
) -> None:
    desk.import_table("list", "md5", items["second.jpg"]["item"]["md5"])
    desk.match()
    desk.import_table("list", "md5", items["third.jpg"]["item"]["md5"])
    assert desk.lists()["list"]["compared"] == "none"
    desk.match()
    now = desk.items()
    assert not matches(now["second.jpg"], "list")
    assert matches(now["third.jpg"], "list")


def test_the_same_evidence_and_lists_give_the_same_bytes(
    desk: Desk, items: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """In whatever order they come: lists first and all at once, or one after the other."""
    rows = {
        "near": ("pdq,category", f"{flipped(pdq_of(items['first.jpg']), 9)},1"),
        "large": ("pdq,category", f"{flipped(pdq_of(items['large.jpg']), 20)},2"),
        "md5": ("md5", items["third.jpg"]["item"]["md5"]),
    }
    for name, (header, row) in rows.items():
        desk.import_table(name, header, row)
        desk.match()
    (tmp_path / "other").mkdir()
    other = Desk(tmp_path / "other")
    for name, (header, row) in reversed(rows.items()):
        other.import_table(name, header, row)
    (source,) = json.loads(run("status", "--case", desk.case, "--json"))["sources"]
    examine(Path(source["path"]), other.case)
    assert run("export", "--case", other.case) == run("export", "--case", desk.case)


def test_the_csv_has_category_and_lists(desk: Desk, items: dict[str, dict[str, Any]]) -> None:
    digest = items["second.jpg"]["item"]["sha256"]
    desk.import_table("b", "sha256,category", f"{digest},1", more=())
    desk.import_table("=a", "sha256", digest)
    desk.match()
    text = run("export", "--case", desk.case, "--format", "csv").decode()
    rows = {row["path"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["second.jpg"]["category"] == "1"
    assert rows["second.jpg"]["matched_lists"] == "'=a; b"
    assert rows["third.jpg"]["matched_lists"] == ""


def test_known_is_never_a_category(desk: Desk, items: dict[str, dict[str, Any]]) -> None:
    item = items["second.jpg"]["item"]
    header = (
        '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"'
    )
    row = f'"{item["sha1"].upper()}","{item["md5"].upper()}","0","a.jpg",1,1,"WIN",""'
    file = desk.write("NSRLFile.txt", f"{header}\r\n{row}\r\n")
    said = desk.import_("rds", file)
    assert (said["format"], said["role"], said["scheme"]) == ("nsrl2", "known", "nsrl")
    desk.match()
    now = desk.items()["second.jpg"]
    assert {one["role"] for one in matches(now, "rds")} == {"known"}
    assert now["category"] is None


def test_examine_matches_at_its_end_and_goes_on_after_a_kill(
    keys: None, tmp_path: Path, items: dict[str, dict[str, Any]]
) -> None:
    """Killed between measuring and matching, the same command goes on with matching."""
    desk = Desk(tmp_path)
    make_evidence(desk.source)
    desk.import_table("near", "pdq,category", f"{flipped(pdq_of(items['first.jpg']), 4)},1")
    shutil.copytree(desk.case, tmp_path / "whole", ignore=shutil.ignore_patterns("lock"))
    with Case.open(desk.case) as case:
        before = case.counts().leaves
    examine(desk.source, tmp_path / "whole")
    expected = run("export", "--case", tmp_path / "whole")
    with Case.open(tmp_path / "whole") as case:
        commits = case.counts().leaves - before
    between = 0
    for passage in range(commits - 2, commits + 1):
        killed = Desk(tmp_path / f"killed{passage}")
        killed.folder.mkdir()
        shutil.copytree(desk.case, killed.case, ignore=shutil.ignore_patterns("lock"))
        assert killed_at("commit.before-insert", passage, desk.source, killed.case)
        with Case.open(killed.case) as case:
            measured = case.counts().items == len(items)
            between += measured and len(case.match_passes()) < 2
        again = json.loads(examine(desk.source, killed.case))
        assert again["complete"]
        assert run("export", "--case", killed.case) == expected
    assert between, "no kill came between measuring and matching"


def test_a_stopped_match_ends_in_order_and_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = MatchRequest(case=desk.case, rule=Rule(radius_bits=20), quiet=True)
    with monkeypatch.context() as patch:

        def interrupted(comparables: Iterable[Comparable]) -> Items:
            signal.raise_signal(signal.SIGINT)
            return items_of(comparables)

        patch.setattr(run_of_matching, "items_of", interrupted)
        summary = run_match(request)
    assert not summary.complete
    with Case.open(desk.case) as case:
        last = case.runs()[-1]
        assert [one.event for one in last.events] == ["stopped"]
        assert case.latest_checkpoint() is not None
        assert (None, request.rule.text()) not in case.match_passes()
    assert desk.match("--radius", "20")["complete"]
    with Case.open(desk.case) as case:
        assert (None, request.rule.text()) in case.match_passes()


def test_examine_tells_before_it_works_that_lists_cannot_be_opened(
    desk: Desk, items: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A case that came from another machine, without its key: nothing is read, hours are not lost.

    What the case holds can be read all the same.
    """
    desk.import_table("one", "md5", items["second.jpg"]["item"]["md5"])
    desk.match()
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(tmp_path / "other-keys"))
    more = tmp_path / "more"
    more.mkdir()
    (more / "new.jpg").write_bytes(jpeg(77))
    for verb in (("examine", more), ("match",)):
        code, _, said = ended(*verb, "--case", desk.case, "--quiet")
        if verb[0] == "match":
            # Nothing is new, so no list has to be opened.
            assert code == 0
            continue
        assert code == 4
        assert "HEADWATER_KEY_DIR" in said
        assert "restore it from a copy" in said
    assert len(desk.items()) == len(items)
    assert matches(desk.items()["second.jpg"], "one")
    assert json.loads(run("verify", "--case", desk.case, "--sources", "none", "--json"))["ok"]
