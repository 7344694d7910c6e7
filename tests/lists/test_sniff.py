"""Which format a list is in, by its structure; and the registry of readers."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.lists import readers
from headwater.lists.ambiguity import Ambiguous
from headwater.lists.contract import ListFault
from headwater.lists.readers import NAMES, make
from headwater.lists.sniff import HEAD_BYTES, sniff
from tests.lists.reading import BytesStream, gathered

MD5 = hashlib.md5(b"x").hexdigest()
SHA1 = hashlib.sha1(b"x").hexdigest()
SHA256 = hashlib.sha256(b"x").hexdigest()
ICSE = "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Series name;Baseline\n"
NSRL = '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\n'
VICS = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media"
MEDIA = {"MediaID": 1, "Category": 0, "MD5": MD5}
UPDATE = {"id": "1", "indicator": SHA256, "type": "HASH_PDQ", "descriptors": {"data": []}}
NCII = {"hashValue": SHA256, "hashStatus": "Active", "signalType": "ImagePDQ"}

SAMPLES: list[tuple[str, str]] = [
    ("vics", json.dumps({"@odata.context": VICS, "value": [MEDIA]})),
    ("vics", json.dumps({"odata.metadata": "x", "value": []}, indent=2)),
    ("vics", json.dumps({"value": [{"CaseID": "x", "Media": [MEDIA]}]}, indent=1)),
    ("icse", ICSE + MD5 + ";;;1;y;n;;y\n"),
    ("ncmec", '<?xml version="1.0"?>\n<!-- x --><queryResult xmlns="x"><images/></queryResult>'),
    ("ncmec", "<h:queryResult xmlns:h='x'/>"),
    ("threatexchange", json.dumps([UPDATE])),
    ("threatexchange", json.dumps({"data": [UPDATE]}, indent=1)),
    ("threatexchange", json.dumps(UPDATE) + "\n" + json.dumps(UPDATE)),
    ("threatexchange", json.dumps([{"id": 1, "signals": {"pdq": SHA256}}])),
    ("threatexchange", json.dumps({"pdq": SHA256})),
    ("threatexchange", f"pdq {SHA256}\nmd5 {MD5}\n"),
    ("stopncii", json.dumps({"count": 1, "hashRecords": [NCII]})),
    ("stopncii", json.dumps([NCII])),
    ("nsrl2", NSRL + f'"{SHA1}","{MD5}","0","a",1,1,"W",""\n'),
    ("csv", f"md5,category,source\n{MD5},1,x\n"),
    ("csv", f"sep=;\nHash;Set\n{SHA256};x\n"),
    ("csv", f"{SHA256}\t1\n"),
    ("csv", "Category;File Path;MD5;SHA-1\n"),
    ("plain", MD5 + "\n"),
    ("plain", f"# comment\n\n{SHA256.upper()}"),
    ("plain", f"MD5\r\n{MD5}\r\n"),
    ("plain", f'"{SHA1}"\n'),
]


@pytest.mark.parametrize(("name", "text"), SAMPLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_structure_tells_the_format_whatever_the_file_is_called(
    name: str, text: str, encoding: str
) -> None:
    for called in ("list", "list.csv", "list.xml", "list.json", "a.db", "NSRLFile.txt"):
        assert sniff(text.encode(encoding), called) == name


def test_a_database_is_told_by_its_head(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a")
    connection.execute("CREATE TABLE FILE (md5)")
    connection.commit()
    connection.close()
    assert sniff((tmp_path / "a").read_bytes(), "a.txt") == "nsrl3"


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>queryResult</body></html>",
        json.dumps({"something": [1, 2]}),
        "[]",
        "just some words\nand more\n",
        "# only a comment\n",
        "name,colour\na,b\n",
    ],
)
def test_what_nothing_tells_is_asked(text: str) -> None:
    with pytest.raises(Ambiguous, match="--format") as caught:
        sniff(text.encode(), "list.bin")
    assert set(caught.value.choices) <= set(NAMES)


def test_a_name_decides_only_that_a_table_without_a_known_header_is_one() -> None:
    assert sniff(b"name,colour\na,b\n", "list.CSV") == "csv"
    with pytest.raises(Ambiguous):
        sniff(b"name colour\n", "list.csv")


@pytest.mark.parametrize("head", [b"", b"\n \n", b"\xef\xbb\xbf", b"\x89PNG\r\n\x1a\n\0\0\0"])
def test_an_empty_file_and_what_is_no_text_are_faults(head: bytes) -> None:
    with pytest.raises(ListFault):
        sniff(head, "list.csv")


def test_values_are_not_taken_for_keys() -> None:
    with pytest.raises(Ambiguous):
        sniff(json.dumps({"a": '"hashRecords": [', "b": "indicator"}).encode(), "x")


def test_a_head_that_is_cut_is_enough() -> None:
    rows = "".join(f"{hashlib.md5(b'%d' % n).hexdigest()},1\n" for n in range(4000))
    assert sniff(("md5,category\n" + rows).encode()[:HEAD_BYTES], "x") == "csv"
    document = json.dumps({"value": [MEDIA] * 4000}).encode()
    assert sniff(document[:HEAD_BYTES], "x") == "vics"


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=300)
    | st.text(st.sampled_from('{}[]":,;<>ab01\n#! ?-'), max_size=300).map(str.encode)
)
def test_any_bytes_have_a_format_or_an_error_that_is_meant(head: bytes) -> None:
    with suppress(Ambiguous, ListFault):
        assert sniff(head, "x") in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_is_made_and_has_its_own_name(name: str) -> None:
    made = make(name)
    assert name == made.FORMAT


@pytest.mark.parametrize(("name", "text"), SAMPLES)
def test_what_is_sniffed_is_read_by_its_reader(name: str, text: str) -> None:
    options = {}
    if SHA256.upper() in text or "Hash;Set" in text:
        options = {"hash_type": "pdq"}
    elif text.startswith(SHA256):
        options = {"columns": "pdq, category"}
    outcome = gathered(make(name, options).read(BytesStream(text.encode())))
    assert outcome.error is None
    assert outcome.faults == []


def test_options_are_checked() -> None:
    assert make("csv", {"columns": "md5, -", "delimiter": "tab"}).FORMAT == "csv"
    for name, options, told in (
        ("vics", {"hash_type": "md5"}, "without --hash-type"),
        ("plain", {"hash_type": "crc"}, "md5, sha1, sha256, pdq"),
        ("csv", {"delimiter": "|"}, "semicolon"),
        ("csv", {"columns": "a,b"}, "hashes"),
        ("absent", {}, "no list format"),
    ):
        with pytest.raises(UsageError, match=told):
            make(name, options)


def test_the_registry_imports_no_reader() -> None:
    script = (
        "import sys, headwater.lists.readers\n"
        "heavy = [n for n in sys.modules if n.split('.')[0] in ('numpy', 'numba', 'sqlite3')]\n"
        "print(heavy, [n for n in sys.modules if n.endswith(('.ncmec', '.icse', '.vics.reader'))])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[] []"
    assert len(readers.FORMATS) == len(set(NAMES))
