"""What the page says of known lists, and what it keeps to itself."""

from __future__ import annotations

from pathlib import Path

from headwater.case.query import Case
from headwater.case.records import Compared, FoundMatch, MatchPass
from headwater.case.store import CaseStore
from headwater.report.limits import PageLimits
from tests.exchange.test_known_lists import fill
from tests.report.cases import outcome, plain_case, shown_picture
from tests.report.reading import page_text, reading_of


def section(folder: Path) -> str:
    """Return the text of the section, up to the next one."""
    text = reading_of(folder).text
    start = text.index("Known lists", text.index("What is there", text.index("Items") + 1))
    return text[start : text.index("Problems", start)]


def test_a_case_without_lists_says_so(tmp_path: Path) -> None:
    plain_case(tmp_path / "case", [outcome(b"one")])
    said = section(tmp_path / "case")
    assert "No known list serves in this case." in said
    assert "No list and no person says a category" in said
    assert "No two items" in said


def test_each_list_has_its_counts(tmp_path: Path) -> None:
    fill(tmp_path / "case")
    said = section(tmp_path / "case")
    assert "2 items match a watch list." in said
    rows = (
        # Name, version, role, signed, scheme, entries, compared, matched, unconfirmed, suppressed.
        "list 02026-11watchnonone3all items111",
        "list 12026-11watchnonone3a part of the items200",
        "list 22026-11knownnonone3nothing yet100",
        "list 32026-11negativenonone3nothing yet100",
    )
    for row in rows:
        assert row in said, row
    assert "list 4" not in said
    assert "Not every list was compared with every item." in said
    assert "never that it is good" in said


def test_categories_and_groups_are_counted(tmp_path: Path) -> None:
    fill(tmp_path / "case")
    said = section(tmp_path / "case")
    assert "1pertinentlist list 01" in said
    assert "2as decideddecided by A. Moreau2" in said
    assert "Of 2 items another list says another category" in said
    assert "2 items in 1 group" in said


def test_cards_tell_category_and_matches(tmp_path: Path) -> None:
    fill(tmp_path / "case")
    found = reading_of(tmp_path / "case")
    assert found.text.count("on a known list") == 3
    assert "md5, equal, watch list list 0, not signed, category 1" in found.text
    assert "suppressed by list 3" in found.text
    assert ", unconfirmed" in found.text
    cut = reading_of(tmp_path / "case", PageLimits(matches=1))
    assert "match of an item" in cut.text


def test_pictures_of_known_items_stay_covered_and_labels_stay_in_the_case(tmp_path: Path) -> None:
    record, blob = shown_picture(1)
    folder = tmp_path / "case"
    plain_case(folder, [outcome(b"one", measurements={"thumbnail": record}, blobs=(blob,))])
    from tests.case.building import LIST

    store = CaseStore.open(folder)
    version = store.serve_list(LIST)
    with Case.open(folder) as case:
        (item,) = case.all_items()
        last = case.last_outcome()
    match = FoundMatch(
        item_id=item.item_id,
        list_version_id=version,
        kind="md5",
        standing="match",
        detail={"categories": [], "labels": {"series": ["a name of a series"]}},
    )
    done = MatchPass(list_version_id=version, rule="{}", outcome_id=last)
    covered = Compared(item_ids=frozenset([item.item_id]), list_version_ids=frozenset([version]))
    store.commit_matches([match], covered, [done])
    store.close()
    page = page_text(folder)
    assert "a name of a series" not in page
    assert "<img" not in page
    found = reading_of(folder)
    (cover,) = [one for one in found.all("button") if "data-jpeg" in one]
    assert cover["aria-pressed"] == "false"
    assert "on a known list" in found.text
