"""What the program prints is what its published schemas say."""

from __future__ import annotations

import copy
import csv
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from docs.generate import schemas

from headwater.exchange.schema import csv_schema
from tests.engine.examined import documents, examine
from tests.pictures import jpeg, rich_jpeg
from tests.program import run, start

SCHEMAS = schemas()
ITEM = SCHEMAS["item-1.json"]


def invalid(document: Any, schema: dict[str, Any] = ITEM) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema)
    return [
        f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schema")
    source = folder / "source"
    source.mkdir()
    (source / "rich.jpg").write_bytes(rich_jpeg())
    (source / "plain.jpg").write_bytes(jpeg(1))
    (source / "broken.jpg").write_bytes(jpeg(2, 640, 480)[:300])
    (source / "note.txt").write_text("nothing to see\n")
    (source / "empty.jpg").write_bytes(b"")
    (source / "link").symlink_to("plain.jpg")
    with open(os.path.join(os.fsencode(source), b"not-utf8-\xff.jpg"), "wb") as file:
        file.write(jpeg(3))
    with zipfile.ZipFile(source / "archive.zip", "w") as archive:
        archive.writestr("a/../b.jpg", jpeg(4))
        archive.writestr("c.jpg", jpeg(1))
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path) -> list[dict[str, Any]]:
    examine(folder / "source", folder / "case")
    return documents(folder / "case")


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_exported_document_is_valid(exported: list[dict[str, Any]]) -> None:
    assert len(exported) == 9
    assert {one["item"]["state"] for one in exported} >= {"measured", "not_media", "refused"}
    assert any("path_bytes" in one["occurrences"][0] for one in exported)
    assert any(place["inside"] for one in exported for place in one["occurrences"])
    for document in exported:
        assert invalid(document) == []


def test_the_demonstration_is_valid(tmp_path: Path) -> None:
    from headwater.demo.evidence import make_evidence

    make_evidence(tmp_path / "evidence", size="small")
    examine(tmp_path / "evidence", tmp_path / "case")
    known = documents(tmp_path / "case")[7]["item"]
    (tmp_path / "list.csv").write_text(f"sha1,category\n{known['sha1']},2\n")
    arguments = ("--case", tmp_path / "case", "--name", "demo", "--scheme", "vics-us", "--quiet")
    run("lists", "import", tmp_path / "list.csv", *arguments)
    run("match", "--case", tmp_path / "case", "--quiet")
    exported = documents(tmp_path / "case")
    measured = {name for document in exported for name in document["measurements"]}
    assert measured == set(ITEM["properties"]["measurements"]["properties"])
    for document in exported:
        assert invalid(document) == []
    every = {field["name"] for field in csv_schema()["fields"]}
    assert columns_filled(tmp_path / "case", exported) == every
    assert sum(document["category"] is not None for document in exported) == 1


def test_every_departure_shows(exported: list[dict[str, Any]]) -> None:
    document = next(one for one in exported if one["measurements"].get("exif", {}).get("make"))
    for key in document:
        assert invalid({name: value for name, value in document.items() if name != key})
    wrongs: tuple[Any, ...] = ([], 3.5, {"unheard_of": True})
    for section in ("item", "measurements"):
        for key in document[section]:
            for wrong in wrongs:
                bent = copy.deepcopy(document)
                bent[section][key] = wrong
                assert invalid(bent), (section, key, wrong)
    assert invalid(document | {"further": 1})
    place = document["occurrences"][0]
    for key in place:
        lacking = {name: value for name, value in place.items() if name != key}
        assert invalid(document | {"occurrences": [lacking]}), key


def test_a_measure_that_an_installed_package_adds_is_allowed(
    exported: list[dict[str, Any]],
) -> None:
    document = copy.deepcopy(exported[0])
    document["measurements"]["colourfulness"] = {"colourfulness": 31.4}
    assert invalid(document) == []
    document["measurements"]["colourfulness"] = 31.4
    assert invalid(document)


def test_what_the_verbs_print_is_valid(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    summary = json.loads(run("examine", folder / "source", "--case", case, "--quiet", "--json"))
    assert invalid(summary, SCHEMAS["examine-1.json"]) == []
    status = json.loads(run("status", "--case", case, "--json"))
    assert invalid(status, SCHEMAS["status-1.json"]) == []
    verdict = json.loads(run("verify", "--case", case, "--replay", "all", "--json"))
    assert invalid(verdict, SCHEMAS["verify-1.json"]) == []
    doctor = json.loads(run("doctor", "--json"))
    assert invalid(doctor, SCHEMAS["doctor-1.json"]) == []
    for name, printed in (("examine", summary), ("verify", verdict), ("doctor", doctor)):
        for key in printed:
            lacking = {one: value for one, value in printed.items() if one != key}
            assert invalid(lacking, SCHEMAS[f"{name}-1.json"]), (name, key)


def test_what_the_verbs_of_lists_print_is_valid(
    folder: Path, exported: list[dict[str, Any]], tmp_path: Path
) -> None:
    case = tmp_path / "case"
    known = next(one for one in exported if one["measurements"].get("pdq", {}).get("pdq"))
    values = known["item"]["sha256"], known["measurements"]["pdq"]["pdq"]
    (tmp_path / "list.csv").write_text(f"sha256,pdq,category\n{values[0]},{values[1]},1\nzz,,0\n")
    media = [{"MediaID": 1, "Category": "1", "MD5": "no digest"}]
    (tmp_path / "list.json").write_text(json.dumps({"value": media}))
    of_case = ("--case", case, "--quiet", "--json")
    more = ("--name", "list", "--scheme", "vics-us", "--broken", "0.5")
    imported = json.loads(run("lists", "import", tmp_path / "list.csv", *of_case, *more))
    run("examine", folder / "source", *of_case)
    matched = json.loads(run("match", *of_case, "--again"))
    listed = json.loads(run("lists", "show", "--case", case, "--name", "list", "--json"))
    status = json.loads(run("status", "--case", case, "--json"))
    process = start("lists", "lint", tmp_path / "list.json", "--json")
    *deviations, lint = map(json.loads, process.communicate(timeout=60)[0].splitlines())
    assert matched["on_lists"][0]["matched"] == 1
    assert listed["lists"][0]["first_faults"][0]["line"] == 3
    assert status["known"]["categories"][0]["code"] == "1"
    assert len(deviations) >= 2
    printed = [("list-import", imported), ("match", matched), ("lists", listed)]
    printed += [("status", status), ("lint", lint), *(("deviation", one) for one in deviations)]
    for name, document in printed:
        assert invalid(document, SCHEMAS[f"{name}-1.json"]) == [], name
        for key in document:
            lacking = {one: value for one, value in document.items() if one != key}
            assert invalid(lacking, SCHEMAS[f"{name}-1.json"]), (name, key)


def test_what_show_prints_of_several_items_is_valid(folder: Path, exported: list[Any]) -> None:
    assert exported
    for reference, fitting in (("path:.jpg", 6), ("path:nothing like it", 0)):
        process = start("show", reference, "--case", folder / "case", "--json")
        out, _ = process.communicate(timeout=60)
        printed = json.loads(out)
        assert process.returncode == 1
        assert invalid(printed, SCHEMAS["candidates-1.json"]) == []
        assert (printed["fitting"], len(printed["candidates"])) == (fitting, fitting)
        for key in printed:
            lacking = {one: value for one, value in printed.items() if one != key}
            assert invalid(lacking, SCHEMAS["candidates-1.json"]), key


def columns_filled(case: Path, exported: list[dict[str, Any]]) -> set[str]:
    """Check each cell of the CSV against the schema; return the columns that hold something."""
    rows = list(
        csv.DictReader(
            io.StringIO(run("export", "--case", case, "--format", "csv").decode(), newline="")
        )
    )
    fields = csv_schema()["fields"]
    assert list(rows[0]) == [field["name"] for field in fields]
    assert len(rows) == sum(len(document["occurrences"]) for document in exported)
    reads = {"string": str, "integer": int, "number": float}
    for row in rows:
        for field in fields:
            if cell := row[field["name"]]:
                reads[field["type"]](cell)
                pattern = field.get("constraints", {}).get("pattern", ".*")
                assert re.fullmatch(pattern, cell, re.DOTALL), (field["name"], cell)
    return {name for row in rows for name, cell in row.items() if cell}


def test_every_cell_of_the_csv_is_what_its_column_says(
    folder: Path, exported: list[dict[str, Any]]
) -> None:
    assert {"sha256", "path", "inside", "pdq", "problems"} <= columns_filled(
        folder / "case", exported
    )
