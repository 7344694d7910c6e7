"""The program as its users meet it: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import jpeg
from tests.program import examine, run, start

ODD_NAME = b"not-utf8-\xff\xfe.jpg"
STEERING_NAME = b"red\x1b[31m\nname.jpg"
FORMULA_NAME = b"=cmd|calc!A1.jpg"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands") / "source"
    folder.mkdir()
    names = [b"plain.jpg", ODD_NAME, STEERING_NAME, FORMULA_NAME, b"x" * 251 + b".jpg"]
    for number, name in enumerate(names):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(jpeg(number))
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("inside/../../escape.jpg", jpeg(50))
    (folder / "broken.jpg").write_bytes(jpeg(60, 640, 480)[:300])
    (folder / "link").symlink_to("plain.jpg")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture(scope="module")
def case(source: Path) -> Path:
    folder = source.parent / "case"
    examine(source, folder)
    return folder


@pytest.fixture(scope="module")
def exported(case: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("export", "--case", case).splitlines()]


def refused(*arguments: str | Path) -> tuple[int, str]:
    process = start(*arguments)
    _, errors = process.communicate(timeout=120)
    assert b"Traceback" not in errors
    return process.returncode, errors.decode()


def test_examine_ends_with_one_line_of_json(source: Path, tmp_path: Path) -> None:
    out = examine(source, tmp_path / "case")
    (line,) = out.splitlines()
    said = json.loads(line)
    expected = "occurrences items measurements problems bytes seconds cpu_seconds resumed"
    assert set(expected.split()) <= set(said)
    assert said["occurrences"] == 10
    assert said["resumed"] == 0
    again = json.loads(examine(source, tmp_path / "case"))
    assert again["resumed"] == 9
    assert again["items"] == said["items"]


def test_a_case_folder_is_its_owners_alone(case: Path) -> None:
    assert case.stat().st_mode & 0o777 == 0o700
    for path in case.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_every_place_is_exported_once(exported: list[dict[str, Any]]) -> None:
    names = []
    for document in exported:
        for place in document["occurrences"]:
            name = (
                base64.b64decode(place["path_bytes"])
                if "path_bytes" in place
                else (place["path"].encode())
            )
            names.append((name, tuple(step["name"] for step in place["inside"])))
    expected = {ODD_NAME, STEERING_NAME, FORMULA_NAME, b"plain.jpg", b"link", b"pipe"}
    expected |= {b"x" * 251 + b".jpg", b"broken.jpg", b"archive.zip"}
    assert {name for name, inside in names if not inside} == expected
    assert [inside for _, inside in names if inside] == [("inside/../../escape.jpg",)]
    assert len(names) == len(set(names)) == 10


def test_every_line_ends_in_one_state(exported: list[dict[str, Any]]) -> None:
    for document in exported:
        state = document["item"]["state"]
        assert state in ("measured", "not_media", "refused", "failed")
        places = document["occurrences"]
        reasons = document["problems"] + [one for place in places for one in place["problems"]]
        assert (state in ("refused", "failed")) <= bool(reasons)


def test_a_traversal_name_is_kept_as_data_and_noted(exported: list[dict[str, Any]]) -> None:
    (step,) = (
        step
        for document in exported
        for place in document["occurrences"]
        for step in place["inside"]
    )
    assert step["name"] == "inside/../../escape.jpg"
    assert step["notes"]


def test_digests_are_what_others_compute(source: Path, exported: list[dict[str, Any]]) -> None:
    data = (source / "plain.jpg").read_bytes()
    (document,) = (
        one for one in exported if one["item"]["sha256"] == hashlib.sha256(data).hexdigest()
    )
    assert document["item"]["md5"] == hashlib.md5(data).hexdigest()
    assert document["item"]["sha1"] == hashlib.sha1(data).hexdigest()
    assert document["item"]["size_bytes"] == len(data)


def test_csv_runs_no_formula_and_has_a_line_for_each_place(case: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("export", "--case", case, "--format", "csv").decode()))
    )
    assert len(rows) == 10
    assert "'=cmd|calc!A1.jpg" in {row["path"] for row in rows}
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


def test_show_by_digest_and_by_path(case: Path, exported: list[dict[str, Any]]) -> None:
    document = next(one for one in exported if one["occurrences"][0]["path"] == "plain.jpg")
    digest = document["item"]["sha256"]
    assert json.loads(run("show", digest[:8], "--case", case, "--json")) == document
    assert json.loads(run("show", "path:plain", "--case", case, "--json")) == document
    assert digest.encode() in run("show", digest, "--case", case)


def test_show_lists_the_candidates_of_an_ambiguous_reference(case: Path) -> None:
    process = start("show", "path:.jpg", "--case", case, "--json")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(json.loads(out)["candidates"]) == 7


def test_show_never_steers_the_terminal(case: Path) -> None:
    out = run("show", "path:name.jpg", "--case", case)
    assert b"\x1b" not in out
    assert b"\\u001b[31m\\u000aname.jpg" in out


def test_status_says_who_examined_and_how(case: Path) -> None:
    said = json.loads(run("status", "--case", case, "--json"))
    assert said["counts"]["occurrences"] == 10
    assert said["runs"][0]["info"]["cage"]["level"] in ("strong", "required")
    assert said["checkpoint"]["root_hex"]


def test_verify_with_the_printed_root(source: Path, tmp_path: Path) -> None:
    said = json.loads(examine(source, tmp_path / "case"))
    anchored = ("verify", "--case", tmp_path / "case", "--replay", "all", "--json")
    verdict = json.loads(run(*anchored, "--expect", said["root"]))
    assert verdict["ok"]
    assert set(verdict["results"]) == {"equal"}
    assert "not proven" in json.loads(run(*anchored))["statement"]
    code, _ = refused(*anchored, "--expect", "00" * 32)
    assert code == 1


def test_verify_sees_a_source_that_changed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(3):
        (source / f"{number}.jpg").write_bytes(jpeg(number))
    examine(source, tmp_path / "case")
    (source / "1.jpg").write_bytes(jpeg(9))
    (source / "2.jpg").unlink()
    process = start("verify", "--case", tmp_path / "case", "--json")
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    findings = {
        (one["code"], one["where"].rpartition(" ")[2]) for one in json.loads(out)["source_findings"]
    }
    assert findings == {("changed", "1.jpg"), ("missing", "2.jpg")}


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("examine", "{missing}", "--case", "{case}"), 3, "cannot open"),
        (("examine", "{source}"), 2, "--case"),
        (("examine", "{source}", "--case", "{case}", "--engine", "inline"), 2, "--uncaged"),
        (("examine", "{source}", "--case", "{source}/case"), 2, "inside the source"),
        (("show", "zz", "--case", "{case}"), 2, "8 hex digits"),
        (("show", "00000000", "--case", "{case}"), 1, "nothing"),
        (("status", "--case", "{missing}"), 4, "not a case"),
        (("export", "--case", "{case}", "--format", "pdf"), 2, "jsonl or csv"),
        (("verify", "--case", "{case}", "--expect", "abc"), 2, "64 hex digits"),
        (("verify", "--case", "{case}", "--replay", "some"), 2, "--replay"),
        (("demo", "{source}/plain.jpg/demo"), 2, "cannot make"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_documented_code(
    arguments: tuple[str, ...], code: int, word: str, source: Path, case: Path
) -> None:
    places = {"missing": str(source / "nothing-here"), "source": str(source), "case": str(case)}
    ended, errors = refused(*(argument.format(**places) for argument in arguments))
    assert (ended, word in errors) == (code, True), errors


@pytest.mark.parametrize("verb", [("export",), ("export", "--format", "csv"), ("status",)])
def test_whoever_has_read_enough_may_close_the_pipe(verb: tuple[str, ...], case: Path) -> None:
    process = start(*verb, "--case", case)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    assert (process.wait(60), errors) == (0, b"")


def test_doctor_names_every_decoder_and_tries_the_cage() -> None:
    said = json.loads(run("doctor", "--json"))
    names = {library["name"] for library in said["opens_evidence"]}
    assert {"pillow", "simplejpeg", "av", "rawpy", "pi-heif", "imagecodecs"} <= names
    assert all(library["licence"] for library in said["opens_evidence"])
    assert "GPL" in next(one["note"] for one in said["opens_evidence"] if one["name"] == "av")
    assert said["probes_blocked"] >= 30
    assert said["problems"] == []
    assert said["memory"]["can_be_locked"] is (said["memory"]["obstacle"] == "")
    assert b"memory, while known lists are open" in run("doctor", "--no-try-cage")
