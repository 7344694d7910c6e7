"""The verbs of known lists as their users meet them: what they take, refuse, keep and forget."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.case.query import Case
from headwater.case.store import CaseStore
from tests.cli.known import Desk, ended, minisigned
from tests.pictures import jpeg
from tests.program import run, start

NSRL2 = '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"'
OTHER_KEY = base64.b64encode(b"Ed" + b"another!" + bytes(32)).decode()


def digest(number: int, name: str = "md5") -> str:
    return hashlib.new(name, b"%d" % number).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A case with two pictures and the list `steady`, one entry of which is in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_KEY_DIR", str(tmp_path_factory.mktemp("keys")))
        for name in ("HEADWATER_EXAMINER", "HEADWATER_ORGANISATION", "HEADWATER_AUTHORITY"):
            patch.delenv(name, raising=False)
        desk = Desk(tmp_path_factory.mktemp("lists"))
        desk.source.mkdir()
        for number in range(2):
            (desk.source / f"{number}.jpg").write_bytes(jpeg(number))
        desk.examine()
        known = desk.items()["0.jpg"]["item"]["md5"]
        desk.import_table("steady", "md5,category", f"{known},1", f"{digest(1)},5")
        desk.match()
        yield desk


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(made.case, tmp_path / "case", ignore=shutil.ignore_patterns("lock"))
    return Desk(tmp_path)


def vics(*media: dict[str, Any]) -> str:
    return json.dumps({"value": list(media)})


def test_an_import_says_what_it_kept_and_what_not(desk: Desk) -> None:
    exif = [{"PropertyName": "Make", "PropertyValue": "Invented"}]
    file = desk.write(
        "list.json",
        vics(
            {"MediaID": 1, "Category": 1, "MD5": digest(1), "SHA1": digest(1, "sha1")},
            {"MediaID": 2, "Category": 0, "MD5": digest(2), "Exifs": exif},
            {"MediaID": 3, "Category": 2, "MD5": "no digest"},
        ),
    )
    words = {"version": "7", "source": "Example Police", "purpose": "training", "licence": "none"}
    words |= {"dated": "2026-03-03", "by": "A. Moreau"}
    options = [part for name, text in words.items() for part in (f"--{name}", text)]
    said = desk.import_("vics", file, "--scheme", "vics-us", "--broken", "0.5", *options)
    assert (said["format"], said["role"], said["scheme"]) == ("vics", "watch", "vics-us")
    assert (said["entries"], said["broken_entries"]) == (2, 1)
    assert said["hashes"] == {"md5": 2, "sha1": 1}
    assert [(one["field"], one["count"]) for one in said["faults"]] == [("Media.MD5", 1)]
    assert said["first_faults"][0]["offset_bytes"] > 100
    assert {"Media.MediaID", "Media.Exifs.PropertyValue"} <= set(said["lost"])
    assert (said["replaces"], said["resumed_entries"], said["made_case"]) == (None, 0, False)
    shown = desk.lists()["vics"]
    assert {name: shown[name] for name in words if name != "by"} == {
        name: text for name, text in words.items() if name != "by"
    }
    assert (shown["imported_by"], shown["signed"], shown["standing"]) == (
        "A. Moreau",
        False,
        "served",
    )
    assert shown["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (shown["compared"], shown["items_matched"]) == ("none", 0)
    text = run("lists", "show", "--case", desk.case, "--name", "vics").decode()
    for word in (
        "Example Police",
        "2026-03-03",
        "Media.Exifs.PropertyValue",
        "US 0",
        "nothing yet",
    ):
        assert word in text, word
    for number in (1, 2):
        assert digest(number) not in text


def test_what_is_sealed_says_nothing(desk: Desk) -> None:
    desk.import_table("secret", "md5,sha1", f"{digest(1)},{digest(1, 'sha1')}")
    data = b"".join(path.read_bytes() for path in desk.case.rglob("*") if path.is_file())
    for value in (digest(1), digest(1, "sha1")):
        for form in (value.encode(), value.upper().encode(), bytes.fromhex(value)):
            assert form not in data
    assert all(path.stat().st_mode & 0o077 == 0 for path in desk.sealed())


@pytest.mark.parametrize(
    ("text", "arguments", "code", "word"),
    [
        (digest(1, "sha256"), (), 2, "--hash-type (sha256, pdq)"),
        (f"hash\n{digest(1, 'sha256')}", ("--format", "csv"), 2, "--hash-type"),
        (digest(1), ("--hash-type", "crc"), 2, "md5, sha1, sha256, pdq"),
        (f"md5,category\n{digest(1)},0", (), 2, "--scheme (vics-us, vics-uk"),
        (f"md5,category\n{digest(1)},0", ("--scheme", "vics"), 2, "--scheme is one of"),
        (f"md5,category\n{digest(1)},0", ("--scheme", "{folder}/no.json"), 2, "no.json"),
        (f"md5,category\n{digest(1)},0", ("--scheme", "{folder}/bad.json"), 2, "not a category"),
        (digest(1), ("--format", "vics"), 7, "at byte"),
        (digest(1), ("--format", "word"), 2, "choose one of vics"),
        (digest(1), ("--format", "vics", "--hash-type", "md5"), 2, "without --hash-type"),
        (digest(1), ("--role", "good"), 2, "watch, known, negative"),
        ("no list at all", (), 2, "--format"),
        ("", (), 7, "empty"),
        (vics({"MD5": digest(1)})[:-9], (), 7, "truncated"),
        ('{"value":[{"MD5":"' + digest(1) + '"}]}\udc80', (), 7, "at"),
        ("<!DOCTYPE q [<!ENTITY a 'b'>]><queryResult>&a;</queryResult>", (), 7, "at"),
        (f"{digest(1)}\n" + "zz\n" * 9, (), 2, "--broken"),
        (f"{digest(1)};5", ("--format", "csv"), 2, "--columns"),
        (f"{digest(1)};5", ("--columns", "md5,a,b"), 2, "3 columns"),
        (NSRL2 + "\r\n", ("--role", "known"), 7, "no entry"),
        (NSRL2 + "\r\n", (), 2, "serves as watch"),
        (NSRL2 + "\r\n", ("--role", "watch"), 2, "--role known"),
    ],
)
def test_a_list_that_cannot_be_taken_leaves_the_one_that_is_there(
    desk: Desk, text: str, arguments: tuple[str, ...], code: int, word: str
) -> None:
    desk.write("bad.json", '{"name": "own", "title": "Own", "codes": {"1": {"meaning": "bad"}}}')
    file = desk.write("steady.txt", text.encode("utf-8", "surrogateescape"))
    before = desk.lists(), desk.sealed(), run("export", "--case", desk.case)
    more = [one.format(folder=desk.folder) for one in arguments]
    where = ("--case", desk.case, "--name", "steady", "--quiet")
    given, out, said = ended("lists", "import", file, *where, *more)
    assert (given, out) == (code, ""), said
    assert word in said
    assert said.count("\n") == 1
    assert (desk.lists(), run("export", "--case", desk.case)) == (before[0], before[2])
    kept = [path for path in desk.sealed() if "importing-" not in str(path)]
    assert kept == before[1]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("import", "{folder}/none.txt", "--name", "x"), 2, "no such file"),
        (("import", "{folder}", "--name", "x"), 2, "not a regular file"),
        (("import", "{list}", "--name", " "), 2, "--name"),
        (("import", "{list}", "--name", "x", "--public-key", "k"), 2, "minisig is not there"),
        (("import", "{list}", "--name", "x", "--signature", "{list}"), 2, "--public-key"),
        (("import", "-", "--name", "x", "--public-key", "k", "--signature", "s"), 2, "pipe"),
        (("show", "--name", "x"), 2, "no list named 'x'"),
        (("remove", "x"), 2, "no list named 'x'"),
        (("remove", "steady", "--case", "{folder}/none"), 4, "not a case"),
        (("show", "--case", "{folder}/none"), 4, "not a case"),
    ],
)
def test_what_cannot_be_done_is_said(
    desk: Desk, arguments: tuple[str, ...], code: int, word: str
) -> None:
    file = desk.write("list.txt", digest(1))
    words = [one.format(folder=desk.folder, list=file) for one in arguments]
    case = () if "--case" in words else ("--case", desk.case)
    given, _, said = ended("lists", *words, *case)
    assert given == code, said
    assert word in said
    assert not (desk.folder / "none").exists()
    assert set(desk.lists()) == {"steady"}


def test_a_list_comes_through_a_pipe(desk: Desk) -> None:
    lines = "".join(f"{digest(number)}\n" for number in range(5)).encode()
    where = ("--case", desk.case, "--name", "piped", "--quiet", "--json")
    code, out, errors = ended("lists", "import", "-", *where, given=lines)
    assert code == 0, errors
    assert json.loads(out)["entries"] == 5
    assert desk.lists()["piped"]["file_sha256"] == hashlib.sha256(lines).hexdigest()


def test_a_scheme_of_ones_own_gives_codes_their_meaning(desk: Desk) -> None:
    known = desk.items()["1.jpg"]["item"]["md5"]
    codes = {"0": {"meaning": "pertinent", "title": "Zero"}}
    scheme = desk.write("own.json", json.dumps({"name": "own", "title": "Our own", "codes": codes}))
    file = desk.write("list.csv", f"md5,category\n{known},0\n")
    assert desk.import_("own", file, "--scheme", scheme)["scheme"] == "own"
    scheme.unlink()
    desk.match()
    assert desk.items()["1.jpg"]["category"]["meaning"] == "pertinent"


def test_a_signature_is_checked_and_told(desk: Desk) -> None:
    known = desk.items()["0.jpg"]["item"]["md5"]
    file = desk.write("list.txt", f"{known}\n")
    key, signature = minisigned(file.read_bytes())
    desk.write("list.txt.minisig", signature)
    unchecked = desk.import_("first", file)
    assert (unchecked["signed_by"], unchecked["signature_unchecked"]) == (None, True)
    said = desk.import_("list", file, "--public-key", key)
    assert said["signed_by"] == "807060504030201"
    desk.match()
    signed = {one["list"]: one["signed"] for one in desk.items()["0.jpg"]["matches"]}
    assert signed == {"first": False, "list": True, "steady": False}
    # Another file cannot come under that name without a signature that holds.
    other = desk.write("other.txt", f"{digest(3)}\n")
    where = ("--case", desk.case, "--name", "list", "--quiet")
    for more, code, word in (
        ((), 2, "is signed with key 807060504030201"),
        (("--public-key", key, "--signature", f"{file}.minisig"), 7, "does not hold"),
        (("--public-key", OTHER_KEY, "--signature", f"{file}.minisig"), 7, "the other key"),
        (("--public-key", "no key", "--signature", f"{file}.minisig"), 7, "not one of minisign"),
    ):
        given, _, error = ended("lists", "import", other, *where, *more)
        assert given == code, error
        assert word in error
    assert desk.lists()["list"]["signed"]


def test_minisign_itself_signs_what_is_taken(desk: Desk) -> None:
    if shutil.which("minisign") is None:
        pytest.skip("minisign is not installed")
    file, public = desk.write("list.txt", f"{digest(3)}\n"), desk.folder / "k.pub"
    secret = desk.folder / "k.sec"
    subprocess.run(["minisign", "-GW", "-p", public, "-s", secret], check=True, capture_output=True)
    subprocess.run(["minisign", "-S", "-s", secret, "-m", file], check=True, capture_output=True)
    number = public.read_text().split()[5]
    assert desk.import_("signed", file, "--public-key", public)["signed_by"] == number


def test_an_import_that_was_stopped_goes_on(desk: Desk) -> None:
    count = 1_200_000
    lines = "".join(f"{number:032x}\n" for number in range(count))
    file = desk.write("long.txt", lines)
    where = ("--case", desk.case, "--name", "long", "--quiet")
    process = start("lists", "import", file, *where)
    while process.poll() is None and not list((desk.case / "lists").glob("importing-*.state")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert b"the same command goes on" in out
    assert "long" not in desk.lists()
    other = desk.write("other.txt", digest(1))
    code, _, said = ended("lists", "import", other, *where)
    assert (code, "--fresh" in said) == (2, True)
    said_at_end = desk.import_("long", file)
    assert said_at_end["entries"] == count
    assert 0 < said_at_end["resumed_entries"] < count
    assert not list((desk.case / "lists").glob("importing-*"))
    assert desk.import_("long", other, "--fresh")["entries"] == 1


def test_a_pipe_that_was_stopped_has_to_come_again(desk: Desk) -> None:
    where = ("--case", desk.case, "--name", "piped", "--quiet")
    process = start("lists", "import", "-", *where, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(f"{digest(1)}\n".encode() * 100_000)
    process.stdin.flush()
    while process.poll() is None and not list((desk.case / "lists").glob("importing-*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert b"from its beginning" in out
    assert desk.import_("piped", desk.write("list.txt", digest(1)))["entries"] == 1


def test_a_new_version_replaces_the_one_that_served(desk: Desk) -> None:
    first = desk.lists()["steady"]
    said = desk.import_table("steady", "md5,category", f"{digest(4)},1")
    assert said["replaces"] == first["imported_at"]
    assert not (desk.case / "lists" / first["folder"]).exists()
    shown = json.loads(run("lists", "show", "--case", desk.case, "--all", "--json"))["lists"]
    assert [one["standing"] for one in shown] == ["replaced", "served"]
    assert [one["items_matched"] for one in shown] == [None, 0]


def test_a_negative_list_never_becomes_a_watch_list_by_oversight(desk: Desk) -> None:
    file = desk.write("cleared.txt", digest(1))
    desk.import_("cleared", file, "--role", "negative")
    where = ("--case", desk.case, "--name", "cleared", "--quiet")
    code, _, said = ended("lists", "import", file, *where)
    assert (code, "--role negative" in said) == (2, True)
    assert desk.import_("cleared", file, "--role", "negative")["role"] == "negative"
    assert desk.import_("cleared", file, "--role", "watch")["role"] == "watch"
    # NSRL lists have one role alone, so nothing has to be said of it.
    sha1, md5 = digest(1, "sha1").upper(), digest(1).upper()
    rds = desk.write("NSRLFile.txt", f'{NSRL2}\r\n"{sha1}","{md5}","0","a",1,1,"W",""\r\n')
    for _ in range(2):
        assert desk.import_("rds", rds)["role"] == "known"


def test_a_withdrawn_list_is_gone_and_its_story_stays(desk: Desk) -> None:
    out = run("lists", "remove", "steady", "--case", desk.case, "--by", "B", "--reason", "outdated")
    assert out == b"withdrawn: steady, entries: 2\n"
    assert desk.sealed() == []
    assert desk.lists() == {}
    code, _, said = ended("lists", "show", "--case", desk.case, "--name", "steady")
    assert (code, "--all" in said) == (2, True)
    story = desk.lists("--all")["steady"]
    assert (story["standing"], story["standing_reason"]) == ("withdrawn", "outdated")
    assert b"outdated" in run("lists", "show", "--case", desk.case, "--all")
    code, _, said = ended("lists", "remove", "steady", "--case", desk.case)
    assert (code, "lists show" in said) == (2, True)


def test_a_case_is_made_for_a_list(made: Desk, tmp_path: Path) -> None:
    new = Desk(tmp_path)
    words = ("--case-name", "Case 7", "--by", "A. Moreau")
    under = ("--organisation", "Example Police", "--authority", "order 7")
    file = new.write("list.txt", digest(1))
    assert new.import_("list", file, *words, *under)["made_case"]
    with Case.open(new.case) as case:
        info = case.info
    assert (info.name, info.examiner) == ("Case 7", "A. Moreau")
    assert (info.organisation, info.authority) == ("Example Police", "order 7")
    # Other words that are given later are told to have come too late.
    more = ("--authority", "order 8", "--examiner", "A. Moreau")
    code, _, said = ended("examine", made.source, "--case", new.case, *more)
    assert code == 0
    assert "authority 'order 8'" in said
    assert "examiner" not in said


def test_no_case_is_made_for_what_cannot_be(made: Desk, tmp_path: Path) -> None:
    file = Desk(tmp_path).write("list.txt", digest(1))
    for words in (("none.txt",), (file, "--role", "good"), (file, "--scheme", "none.json")):
        assert ended("lists", "import", *words, "--case", tmp_path / "new", "--name", "x")[0] == 2
        assert not (tmp_path / "new").exists()


def test_an_import_waits_for_who_writes_the_case(desk: Desk) -> None:
    file = desk.write("list.txt", digest(1))
    store = CaseStore.open(desk.case)
    try:
        process = start("lists", "import", file, "--case", desk.case, "--name", "late", "--quiet")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        for verb in (("lists", "remove", "steady"), ("match",)):
            code, _, said = ended(*verb, "--case", desk.case)
            assert (code, "is writing this case" in said) == (4, True)
    finally:
        store.close()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert set(desk.lists()) == {"late", "steady"}


def test_without_the_key_lists_are_lost_and_can_be_removed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(desk.folder / "other-keys"))
    file = desk.write("list.txt", digest(1))
    where = ("--case", desk.case, "--quiet")
    for verb in (("match", "--radius", "20"), ("lists", "import", file, "--name", "new")):
        code, _, said = ended(*verb, *where)
        assert (code, "restore it from a copy" in said) == (4, True)
    assert set(desk.lists()) == {"steady"}
    run("lists", "remove", "steady", "--case", desk.case)
    desk.import_("new", file)
    assert desk.match()["complete"]


def test_a_key_that_others_may_read_or_of_another_case_is_refused(
    desk: Desk, made: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = desk.folder / "keys"
    shutil.copytree(os.environ["HEADWATER_KEY_DIR"], keys)
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(keys))
    with Case.open(desk.case) as case:
        path = keys / f"lists-{case.info.case_id}.key"
    key = path.read_bytes()
    path.chmod(0o644)
    code, _, said = ended("match", "--case", desk.case, "--radius", "20")
    assert (code, "chmod 600" in said) == (4, True)
    path.chmod(0o600)
    path.write_bytes(key[:-1] + bytes([key[-1] ^ 1]))
    code, _, said = ended("match", "--case", desk.case, "--radius", "20")
    assert (code, "damaged" in said) == (4, True)
    path.write_bytes(key)
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(desk.case / "keys"))
    code, _, said = ended("match", "--case", desk.case, "--radius", "20")
    assert (code, "may not lie inside the case" in said) == (4, True)


def test_verify_notices_a_flipped_byte_in_every_sealed_file_and_what_is_gone(desk: Desk) -> None:
    values = f"{digest(1)},{digest(1, 'sha1')},{digest(1, 'sha256')},{digest(2, 'sha256')}"
    desk.import_table("full", "md5,sha1,sha256,pdq", values)
    check = ("verify", "--case", desk.case, "--sources", "none", "--replay", "none")
    assert b"known lists: 2" in run(*check)
    files = desk.sealed()
    assert {path.suffix for path in files} >= {".md5", ".sha1", ".sha256", ".pdq", ".details"}
    for path in files:
        data = path.read_bytes()
        for place in (0, len(data) // 2, len(data) - 1):
            changed = bytearray(data)
            changed[place] ^= 1
            path.write_bytes(changed)
            code, out, _ = ended(*check, "--json")
            assert code == 1, (path.name, place)
            assert [one["code"] for one in json.loads(out)["list_findings"]] == ["list_changed"]
        path.unlink()
        code, out, _ = ended(*check)
        assert (code, "list_changed" in out) == (1, True), path.name
        path.write_bytes(data)
    (files[0].parent / "stray").write_bytes(b"")
    code, out, _ = ended(*check)
    assert (code, "stray" in out) == (1, True)
    (files[0].parent / "stray").unlink()
    run(*check)


def test_a_list_that_was_changed_is_not_matched(desk: Desk) -> None:
    for path in desk.sealed():
        if path.suffix in (".md5", ".details"):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
    code, _, said = ended("match", "--case", desk.case, "--radius", "20", "--quiet")
    assert code == 4
    assert "list" in said
    assert desk.items()["0.jpg"]["category"]["code"] == "1"


DEVIATING = json.dumps(
    {
        "value": [
            {"MediaID": 1, "Category": "1", "MD5": digest(1), "Invented": {"kept": [1, None]}},
            {"MediaID": 2, "Category": 2, "MD5": "nothing of the kind"},
        ]
    }
)


def test_lint_tells_every_deviation_and_repairs_what_it_can(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    file, mended = desk.write("list.json", DEVIATING), tmp_path / "mended.json"
    code, out, _ = ended("lists", "lint", file)
    assert code == 1
    assert "value[1].MD5: not 32 hex digits (cannot be mended)" in out
    assert "can be mended" in out
    code, out, _ = ended("lists", "lint", file, "--repair", mended, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert lines[-1]["repaired"] == str(mended)
    assert sum(one["count"] for one in lines[-1]["deviations"]) == len(lines) - 1
    assert json.loads(mended.read_bytes())["value"][0]["Invented"] == {"kept": [1, None]}
    code, out, _ = ended("lists", "lint", mended, "--json")
    left = [json.loads(line)["rule"] for line in out.splitlines()[:-1]]
    assert (code, left) == (1, ["not 32 hex digits"])
    before = mended.read_bytes()
    code, out, said = ended("lists", "lint", file, "--repair", mended)
    assert (code, out, "is there already" in said) == (2, "", True)
    assert mended.read_bytes() == before


def test_lint_says_when_all_is_well_and_cuts_a_long_list(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    file, mended = desk.write("list.json", DEVIATING), tmp_path / "mended.json"
    out = ended("lists", "lint", file, "--most", "1")[1]
    assert "--most 0 shows all" in out
    well = desk.write("well.json", vics({"MediaID": 1, "Category": 1, "MD5": digest(1).upper()}))
    first = ended("lists", "lint", well, "--repair", mended)
    code, out, _ = ended("lists", "lint", mended)
    assert (first[0], code) == (0, 0)
    assert "no deviation" in out
    code, out, said = ended("lists", "lint", "-", given=DEVIATING[:40].encode())
    assert (code, "truncated" in said) == (7, True)


def test_status_tells_lists_and_what_they_match(desk: Desk) -> None:
    known = json.loads(run("status", "--case", desk.case, "--json"))["known"]
    (steady,) = known["lists"]
    assert (steady["name"], steady["matched"], steady["compared"]) == ("steady", 1, "all")
    assert [(one["code"], one["items"]) for one in known["categories"]] == [("1", 1)]
    text = run("status", "--case", desk.case).decode()
    assert "watch list, not signed, 2 entries; items matched: 1" in text
