"""What the page says of a case."""

from __future__ import annotations

import base64
import hashlib
import importlib
import itertools
import json
import os
from pathlib import Path

import pytest

from headwater.case.query import Case
from headwater.case.records import Batch, CaseInfo
from headwater.case.store import CaseStore
from headwater.errors import CaseError, UsageError
from headwater.measures.registry import BUILT_IN
from headwater.model import Outcome, Problem
from headwater.report.limits import PageLimits
from headwater.report.page import page_of, write_page
from tests.report.cases import file, outcome, plain_case, run_info, said_case, shown_picture
from tests.report.reading import Reading, page_text, reading_of

INFO = CaseInfo(name="x", examiner="", organisation="", authority="")


def pictures(count: int) -> list[Outcome]:
    """Return pictures with thumbnails, no two alike."""
    made = []
    for number in range(count):
        record, blob = shown_picture(number)
        made.append(outcome(b"%d" % number, measurements={"thumbnail": record}, blobs=(blob,)))
    return made


def test_the_same_case_gives_the_same_page(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    said_case(folder, ["one", "two", "three"])
    assert page_text(folder) == page_text(folder)


def test_the_head_says_whose_case_it_is_and_what_is_not_stated(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    root = plain_case(folder, pictures(1))
    found = reading_of(folder)
    assert "OrganisationHarbour" not in found.text
    assert "ExaminerA. ExaminerOrganisationnot statedAuthoritynot stated" in found.text
    with Case.open(folder) as case:
        checkpoint = case.latest_checkpoint()
        assert checkpoint is not None
        for value in (case.info.case_id, case.info.made_at, checkpoint.at, checkpoint.key_id):
            assert value in found.text
    assert f"headwater verify --case FOLDER --expect {root}" in found.text


@pytest.mark.parametrize(
    ("uncaged", "atime", "words"),
    [
        (False, False, []),
        (True, False, ["Evidence was opened without a cage"]),
        (False, True, ["Access times may have changed"]),
        (True, True, ["Evidence was opened without a cage", "Access times may have changed"]),
    ],
)
def test_what_was_given_up_is_said_first(
    tmp_path: Path, uncaged: bool, atime: bool, words: list[str]
) -> None:
    folder = tmp_path / "case"
    bad = run_info(uncaged=uncaged, accept_atime=atime)
    plain_case(folder, pictures(1), runs=[run_info(), bad])
    found = reading_of(folder)
    assert len(found.marked("warning")) == len(words)
    for word in words:
        assert f"{word}. In run 2 " in found.text
    assert found.text.count("none: uncaged") == int(uncaged)


def test_a_run_that_did_not_end_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    plain_case(folder, pictures(1), ended=False)
    found = reading_of(folder)
    assert "not ended, or not in order" in found.text
    assert found.marked("warning")


def test_the_cage_is_set_out_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    plain_case(folder, pictures(1), runs=[run_info(), run_info()])
    text = reading_of(folder).text
    assert "The cage of runs 1, 2" in text
    assert "nothing can be written filesyesLandlock and the mount view" in text
    assert "memory_groupnonone was asked for" in text
    assert "9 attempts to leave the cage, all stopped" in text


def test_every_item_has_a_card_in_the_order_of_places(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    made = pictures(12)
    plain_case(folder, made)
    found = reading_of(folder)
    ids = [attributes["id"] for attributes in found.all("h4") if "id" in attributes]
    assert ids == [f"i-{one.digests.sha256.hex()}" for one in made]
    assert "Left outNothing: the page shows everything" in found.text
    assert "All 12 items are set out below" in found.text


def test_pictures_are_covered_and_their_bytes_are_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    made = pictures(5)
    plain_case(folder, made)
    found = reading_of(folder)
    covers = [entry for entry in found.marked("cover") if "data-jpeg" in entry]
    assert [base64.b64decode(str(entry["data-jpeg"])) for entry in covers] == [
        one.blobs[0] for one in made
    ]
    assert all(entry["aria-pressed"] == "false" for entry in covers)
    assert covers[2]["aria-label"] == "Show picture 00002.jpg"
    assert "img" not in {tag for tag, _ in found.elements}


def test_too_many_items_are_counted_and_not_cut_in_silence(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    other = [
        outcome(b"text %d" % n, kind="other", item_format="text", state="not_media")
        for n in range(9)
    ]
    made = pictures(10)
    plain_case(folder, [*other, *made])
    found = reading_of(folder, PageLimits(items=7))
    kept = sorted(one.digests.sha256 for one in made)[:7]
    ids = {str(attributes["id"])[2:] for attributes in found.all("h4") if "id" in attributes}
    assert ids == {digest.hex() for digest in kept}
    assert "7 of 19 items are set out below: pictures and videos first" in found.text
    assert "item without a card12" in found.text


def test_pictures_stop_at_the_bytes_of_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    made = pictures(6)
    plain_case(folder, made)
    room = sum(len(one.blobs[0]) for one in made[:3])
    found = reading_of(folder, PageLimits(picture_bytes=room))
    covers = [entry for entry in found.marked("cover") if "data-jpeg" in entry]
    total = sum(len(base64.b64decode(str(entry["data-jpeg"]))) for entry in covers)
    assert total <= room
    assert len(covers) >= 3
    assert len(covers) + found.text.count("the page holds no more pictures") == 6
    assert f"small picture beyond the bytes that a page holds{6 - len(covers)}" in found.text


def test_a_blob_that_is_no_jpeg_is_not_given_to_a_browser(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    blob = b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'></svg>"
    record = {"sha256": hashlib.sha256(blob).hexdigest()}
    plain_case(folder, [outcome(b"x", measurements={"thumbnail": record}, blobs=(blob,))])
    found = reading_of(folder)
    assert not any("data-jpeg" in attributes for _, attributes in found.elements)
    assert base64.b64encode(blob).decode() not in page_text(folder)
    assert "small picture that is no JPEG1" in found.text


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "text",
        {"sha256": 7},
        {"sha256": "zz"},
        {"sha256": "0" * 64},
        {"cannot_measure": "too dark"},
        {"cannot_measure": 5},
    ],
)
def test_a_thumbnail_that_is_not_there_is_said(tmp_path: Path, record: object) -> None:
    folder = tmp_path / "case"
    plain_case(folder, [outcome(b"x", measurements={"thumbnail": record})])
    found = reading_of(folder)
    assert len(found.marked("cover")) == len(found.marked("empty")) == 1


def board(count: int, *, nested: bool) -> tuple[dict[str, object], tuple[bytes, ...]]:
    frames: list[object] = []
    blobs = []
    for number in range(count):
        record, blob = shown_picture(100 + number)
        blobs.append(blob)
        named = {"thumbnail": record} if nested else {"thumbnail_sha256": record["sha256"]}
        frames.append({"pdq": "0f" * 32, "time_seconds": number * 2.5, **named})
    frames.insert(1, {"time_seconds": 1.0, "thumbnail": None})
    return {"frames": frames}, tuple(blobs)


@pytest.mark.parametrize("nested", [True, False])
def test_videos_show_covered_frames_with_their_times(tmp_path: Path, nested: bool) -> None:
    folder = tmp_path / "case"
    record, blobs = board(30, nested=nested)
    video = outcome(
        b"v", kind="video", item_format="mp4", measurements={"storyboard": record}, blobs=blobs
    )
    plain_case(folder, [video])
    found = reading_of(folder, PageLimits(storyboard_frames=5))
    covers = [entry for entry in found.marked("cover") if "data-jpeg" in entry]
    assert [base64.b64decode(str(entry["data-jpeg"])) for entry in covers] == [
        blobs[place] for place in (0, 7, 14, 21, 29)
    ]
    assert covers[1]["aria-label"] == "Show frame at 17.5 s of 00000.jpg"
    assert "5 of 30 frames with a picture, evenly taken" in found.text
    assert "storyboard frame of a video (frames in between)25" in found.text


def test_problems_are_grouped_and_lead_to_their_items(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    cut = Problem(code="malformed", where="open", reason="cut off")
    big = Problem(code="limit", where="exif", reason="too long", limit="metadata_bytes")
    made = [outcome(b"%d" % n, state="failed", problems=(cut,)) for n in range(4)]
    made.append(outcome(b"big", problems=(big, cut)))
    plain_case(folder, made)
    found = reading_of(folder, PageLimits(links=3))
    text = found.text
    assert "malformedopencut off5" in text
    assert "limitexiftoo long [metadata_bytes]1" in text
    assert "and 2 more" in text
    links = {str(entry["href"]) for entry in found.all("a") if "#i-" in str(entry["href"])}
    first = sorted(one.digests.sha256 for one in made)[:3]
    assert links == {f"#i-{digest.hex()}" for digest in (*first, made[-1].digests.sha256)}
    assert "problem of an item" not in text
    text = reading_of(folder, PageLimits(groups=1)).text
    assert "problem of an item, of a reason that has no row of its own" in text


def test_places_that_were_not_read_are_listed_with_reasons(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    why = Problem(code="refused", where="open", reason="a link is never followed")
    links = [file(1, b"links/%d" % n, None, why) for n in range(4)]
    plain_case(folder, pictures(1), extra=links)
    text = reading_of(folder, PageLimits(unread=3)).text
    assert "symbolic link, recorded and not followed. refused: a link is never followed4" in text
    assert "links/2" in text
    assert "links/3" not in text
    assert "place not read, counted by its reason alone1" in text
    assert "Every place was read in full." in reading_of_none(tmp_path)


def reading_of_none(tmp_path: Path) -> str:
    folder = tmp_path / "other"
    plain_case(folder, pictures(1))
    return reading_of(folder).text


def exif(at: str, latitude: float, longitude: float, make: str) -> dict[str, object]:
    place = {"latitude_degrees": latitude, "longitude_degrees": longitude}
    times = [{"basis": "exif:original", "at": at}]
    return {"make": make, "model": f"{make} One", "times": times, "place": place}


def test_days_positions_and_devices(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    said = [
        exif("2024-02-29T10:00:00", 48.1374, 11.5755, "Maker"),
        exif("2024-02-29T11:00:00Z", 48.1371, 11.5751, "Maker"),
        exif("1999-12-31T23:59:59", -33.8568, 151.2153, "Other"),
        exif("2023-02-30T00:00:00", 123.0, 999.0, "Other"),
        exif("2024", 0.0, -0.0, ""),
    ]
    made = [outcome(b"%d" % n, measurements={"exif": record}) for n, record in enumerate(said)]
    plain_case(folder, made)
    found = reading_of(folder)
    text = found.text
    labels = [str(entry.get("aria-label")) for entry in found.all("svg")]
    assert "2024: 2 items on 1 day" in labels
    assert "1999: 1 item on 1 day" in labels
    assert "2 items state less than a day, or none that exists." in text
    assert "48.14° N, 11.58° E2" in text
    assert "33.86° S, 151.22° E1" in text
    assert "0.00° N, 0.00° E1" in text
    assert "not on earth: 123, 9991" in text
    assert len(found.all("circle")) == 3
    assert "MakerMaker One2" in text
    assert "DeviceMaker One" in text
    assert "Position48.13740° N, 11.57550° E" in text


def test_methods_are_described_by_their_docs(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    classes = []
    for entry in BUILT_IN:
        module_name, _, class_name = entry.partition(":")
        classes.append(getattr(importlib.import_module(module_name), class_name))
    names: dict[str, object] = {cls.NAME: {} for cls in classes}
    plain_case(folder, [outcome(b"x", measurements={**names, "gone": {}})])
    text = reading_of(folder).text
    for cls in classes:
        assert cls.DOC.cannot_show in text
        assert cls.DOC.validated_on in text
    assert "gone version 1This program has no description of it." in text


def test_all_measurements_are_there_as_tables(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    record = {"rows": [{"a": 1, "b": None}, {"a": 2.5}], "deep": {"x": {"y": [True, "z"]}}}
    broken = {"one": record, "two": {"cannot_measure": "nothing there"}}
    plain_case(folder, [outcome(b"x", measurements=broken)])
    text = reading_of(folder).text
    assert "one, version 1" in text
    assert "rowsab11–22.5deepxyyes, z" in text
    assert "Nothing to measuretwo: nothing there" in text


def test_measurements_that_are_too_long_are_named_with_their_size(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    long = {"text": "x" * 3000}
    plain_case(folder, [outcome(b"x", measurements={"long": long, "short": {"y": 1}})])
    text = reading_of(folder, PageLimits(one_detail_bytes=1000)).text
    assert f"{len(json.dumps(long)):,} bytes, too long for this page" in text
    assert "xxxx" not in text
    assert "short, version 1y1" in text
    assert "measurement that is too long for a page1" in text


@pytest.mark.parametrize(
    "raw", [b'{"a":"\xff"}', b'{"a":' * 800 + b"1" + b"}" * 800, b"1e999", b'{"":{"":[]}}']
)
def test_a_forged_measurement_costs_nothing_but_itself(tmp_path: Path, raw: bytes) -> None:
    folder = tmp_path / "case"
    store = CaseStore.create(folder, INFO)
    made = outcome(b"x", measurements={"structure": {}})
    made = Outcome(
        digests=made.digests,
        identity=made.identity,
        state="measured",
        measurements={"structure": raw, "thumbnail": raw, "storyboard": raw},
        methods=made.methods,
    )
    store.commit(Batch(outcomes=(made,)))
    store.close()
    assert reading_of(folder).all("h4")


def test_an_empty_case_has_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    CaseStore.create(folder, INFO).close()
    text = reading_of(folder).text
    assert "The case has no items." in text
    assert "No item states a day." in text


def test_no_piece_of_the_page_grows_with_the_number_of_items(tmp_path: Path) -> None:
    longest = {}
    for count in (20, 200):
        folder = tmp_path / f"case-{count}"
        plain_case(folder, pictures(count))
        with Case.open(folder) as case:
            pieces = list(page_of(case, PageLimits()))
        longest[count] = max(map(len, pieces))
        assert len(pieces) > count
    assert longest[200] == pytest.approx(longest[20], rel=0.01)


def test_links_within_the_page_lead_somewhere(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    said_case(folder, ["one", "two", "three"])
    found = reading_of(folder)
    ids = [str(attributes["id"]) for _, attributes in found.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for entry in found.all("a"):
        assert str(entry["href"]).removeprefix("#") in ids
    for _, attributes in found.elements:
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids


def test_the_page_is_the_examiners_alone_and_appears_whole(tmp_path: Path) -> None:
    folder, target = tmp_path / "case", tmp_path / "out" / "page.html"
    plain_case(folder, pictures(1))
    with Case.open(folder) as case, pytest.raises(UsageError, match="cannot write"):
        write_page(case, target)
    target.parent.mkdir()
    with Case.open(folder) as case:
        write_page(case, target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(target.parent) == ["page.html"]


def test_a_case_that_grows_meanwhile_has_no_page(tmp_path: Path) -> None:
    folder, target = tmp_path / "case", tmp_path / "page.html"
    plain_case(folder, pictures(1))
    with Case.open(folder) as case:
        pieces = page_of(case, PageLimits())
        next(pieces)
        store = CaseStore.open(folder)
        store.commit(Batch(outcomes=(outcome(b"new"),)))
        store.close()
        with pytest.raises(CaseError, match="grew"):
            for _ in pieces:
                pass
    assert not target.exists()


def test_a_reader_that_cannot_see_has_words_for_everything(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    said_case(folder, ["one", "two"])
    found = Reading(page_text(folder))
    assert found.all("html")[0]["lang"] == "en"
    for entry in found.all("svg"):
        assert entry.get("aria-hidden") == "true" or entry.get("aria-label")
    for entry in found.all("button"):
        assert entry["type"] == "button"
    heads = [int(tag[1]) for tag, _ in found.elements if tag in ("h1", "h2", "h3", "h4", "h5")]
    assert heads[0] == 1
    assert heads.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(heads))
