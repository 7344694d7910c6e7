"""VICS files mended: nothing unknown is lost, and nothing is left to mend."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from typing import Any

import pytest
from bench import vics_made
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists.contract import ListFault
from headwater.lists.vics import rewrite
from headwater.lists.vics.deviation import Deviation, Summary
from headwater.lists.vics.lint import lint
from headwater.lists.vics.reader import VicsReader
from headwater.lists.vics.repair import repair
from tests.lists.streams import ListBytes

MD5 = "ADEBF3FA3C9BE7F73825E1CB9E2DEA09"
SHA1 = "1407C5674DC7DA55419C64C5375907991EC6011F"
URL = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/{}/$metadata#{}"
MEDIA = URL.format("Default", "Media")
HEAD = f'{{"@odata.context":"{MEDIA}","value":['


class Pairs(list[tuple[str, Any]]):
    """The members of an object, duplicates included."""


def repaired(data: bytes, **options: Any) -> tuple[bytes, list[Deviation], Summary]:
    out = io.BytesIO()
    told: list[Deviation] = []
    summary = repair(ListBytes(data), out, tell=told.append, **options)
    return out.getvalue(), told, summary


def linted(data: bytes) -> tuple[list[Deviation], Summary]:
    found: list[Deviation] = []
    walk = lint(ListBytes(data))
    while True:
        try:
            found.append(next(walk))
        except StopIteration as end:
            return found, end.value


def said(data: bytes) -> list[tuple[str, str, str]]:
    return [(each.path, each.rule, each.outcome) for each in linted(data)[0]]


def in_list(*elements: str) -> bytes:
    return (HEAD + ",\n".join(elements) + "]}\n").encode()


def checked(data: bytes) -> bytes:
    """Repair, once all that holds of every repair is seen to hold."""
    once, told, summary = repaired(data)
    assert linted(data) == (told, summary)
    assert summary.counts == dict(
        sorted(Counter((each.rule, each.outcome) for each in told).items())
    )
    twice, told_again, again = repaired(once)
    assert twice == once
    json.loads(once)
    kept = Counter((last_name(each.path), each.rule) for each in told if each.outcome == "kept")
    left = Counter((last_name(each.path), each.rule) for each in told_again)
    assert {each.outcome for each in told_again} <= {"kept"}
    assert left == kept
    assert again.entries == summary.entries - sum(
        count
        for (rule, outcome), count in summary.counts.items()
        if (rule, outcome) == ("not valid JSON", "left out")
    )  # fmt: skip
    return once


def last_name(path: str) -> str:
    """A path without the number of its entry, which moves where others are left out."""
    return re.sub(r"^value\[\d+\](\.Media\[\d+\])?", "entry", path)


def test_a_sound_file_is_left_as_it_is() -> None:
    data = in_list(
        f'{{"MediaID":1,"Category":0,"MD5":"{MD5}","MediaSize":2835,'
        '"DateUpdated":"2023-06-07T02:31:49.830Z","IsPrecategorized":"false","New":{ "a" : 1.0 }}',
        f'{{"MD5":"{MD5}","Exifs":[{{"MD5":"{MD5}","PropertyName":"Make"}}],"Category":null}}',
    )
    assert said(data) == []
    assert checked(data) == data


@pytest.mark.parametrize(
    ("member", "mended", "rule"),
    [
        ('"IsDistributed":true', '"IsDistributed":"true"', "boolean not written as text"),
        ('"IsDistributed":"False"', '"IsDistributed":"false"', "boolean spelled otherwise"),
        ('"IsDistributed":1', '"IsDistributed":"true"', "boolean spelled otherwise"),
        (f'"SHA1":"{SHA1.lower()}"', f'"SHA1":"{SHA1}"', "digest spelled otherwise"),
        (f'"SHA1":" {SHA1}"', f'"SHA1":"{SHA1}"', "digest spelled otherwise"),
        ('"DateUpdated":"2023-06-07T02:31:49.8300Z"',
         '"DateUpdated":"2023-06-07T02:31:49.830Z"', "date spelled otherwise"),
        ('"DateUpdated":"\\/Date(1234)\\/"',
         '"DateUpdated":"1970-01-01T00:00:01.234Z"', "date spelled otherwise"),
        ('"Created":"9/9/2024 9:09:09 PM (UTC-5)"',
         '"Created":"2024-09-10T02:09:09.000Z"', "date spelled otherwise"),
        ('"MediaSize":"4190"', '"MediaSize":4190', "number written as text"),
        ('"MediaSize":""', '"MediaSize":null', "number written as text"),
        ('"MediaSize":4190.0', '"MediaSize":4190', "whole number with a fraction"),
        ('"Category":"03"', '"Category":3', "number written as text"),
        ('"mediasize":5', '"MediaSize":5', "key spelled otherwise"),
        ('"\\u004dediaSize":5', '"MediaSize":5', "key spelled otherwise"),
        ('"MediaFiles":[{"MD5":"","FileName":"a","FilePath":"b","sourceID":"s"}]',
         '"MediaFiles":[{"MD5":"","FileName":"a","FilePath":"b","SourceID":"s"}]',
         "key spelled otherwise"),
        ('"AlternativeHashes":[{"HashName":"PDQ","HashValue":"' + "AB" * 32 + '"}]',
         '"AlternativeHashes":[{"HashName":"PDQ","HashValue":"' + "ab" * 32 + '"}]',
         "digest spelled otherwise"),
        ('"Comments":"a\nb\x00"', '"Comments":"a\\u000ab\\u0000"', "control character not escaped"),
    ],
)  # fmt: skip
def test_what_can_be_mended_is(member: str, mended: str, rule: str) -> None:
    entry = f'{{"MD5":"{MD5}",{{}},"z":[1.0, 1e400]}}'
    data = in_list(entry.replace("{}", member))
    assert [each[1:] for each in said(data)] == [(rule, "mended")]
    assert checked(data) == in_list(entry.replace("{}", mended))


@pytest.mark.parametrize(
    ("member", "path", "rule"),
    [
        ('"SHA1":"12"', "SHA1", "not 40 hex digits"),
        ('"SHA1":12', "SHA1", "not a text"),
        ('"PhotoDNA":"AAAA"', "PhotoDNA", "not 144 bytes in base64 or hex digits"),
        ('"MediaSize":-1', "MediaSize", "not a whole number"),
        ('"MediaSize":"12 kB"', "MediaSize", "not a whole number"),
        ('"MediaSize":1234567890123456789012345', "MediaSize", "not a whole number"),
        ('"Category":true', "Category", "not a whole number"),
        ('"IsSuspected":"perhaps"', "IsSuspected", "neither true nor false"),
        ('"IsSuspected":[]', "IsSuspected", "neither true nor false"),
        ('"DateUpdated":"9/9/2024 9:09:09 PM"', "DateUpdated", "date without a time zone"),
        ('"DateUpdated":"25/12/2024"', "DateUpdated", "not a date that can be read"),
        ('"Series":5', "Series", "not a text"),
        ('"Exifs":{"a":1}', "Exifs", "not an array"),
        ('"Exifs":[5]', "Exifs[0]", "not an object"),
        ('"New":1,"New":2', "New", "key given twice"),
        ('"series":"a","Series":"b"', "Series", "key given twice"),
        ('"MediaFiles":[{"MD5":"","FileName":"a"}]', "MediaFiles[0].FilePath",
         "required and not there"),
    ],
)  # fmt: skip
def test_what_cannot_be_mended_is_kept_as_it_is(member: str, path: str, rule: str) -> None:
    data = in_list(f'{{"MD5":"{MD5}",{member}}}')
    assert said(data) == [(f"value[0].{path}", rule, "kept")]
    assert checked(data) == data


def test_a_missing_md5_is_said() -> None:
    for entry in ('{"MD5":""}', '{"MD5":null}', f'{{"SHA1":"{SHA1}"}}'):
        assert said(in_list(entry)) == [("value[0].MD5", "required and not there", "kept")]
        assert checked(in_list(entry)) == in_list(entry)


def test_what_cannot_stand_in_json_is_left_out() -> None:
    sound = f'{{"MD5":"{MD5}"}}'
    for broken in ('{"a":}', '{"a":"\\x"}', "nul", "{,}"):
        data = in_list(sound, broken, sound)
        assert said(data) == [("value[1]", "not valid JSON", "left out")]
        assert checked(data) == in_list(sound, sound)
    data = in_list(sound, "null", "5.0", '"x"')
    assert {each[1:] for each in said(data)} == {("not an object", "kept")}
    assert checked(data) == data


CASE = '{"CaseID":"1","x":1e5,"Media":[%s],"y":"\\/"}'


@pytest.mark.parametrize(
    ("head", "expected", "rules"),
    [
        ("", URL.format("Default", "Cases"), ["no context before the entries"]),
        (f'"@odata.context":"{URL.format("UK", "Media")}",', URL.format("UK", "Cases"),
         ["context of another structure"]),
        (f'"@odata.context":"{URL.format("UK", "Cases")}",', URL.format("UK", "Cases"), []),
        ('"odata.metadata":"http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Cases",',
         URL.format("Default", "Cases"), ["context of an older version"]),
        (f'"odata.metadata":"x","@odata.context":"{URL.format("US", "Cases")}",',
         URL.format("US", "Cases"), []),
        ('"@odata.context":5,', URL.format("Default", "Cases"), ["context of another structure"]),
    ],
)  # fmt: skip
def test_the_context_follows_the_structure(head: str, expected: str, rules: list[str]) -> None:
    entry = f'{{"MD5":"{MD5}"}}'
    data = f'{{{head}"value":[{CASE % entry},{CASE % ""}]}}'.encode()
    once = checked(data)
    assert json.loads(once)["@odata.context"] == expected
    assert [each[1] for each in said(data)] == rules
    assert b'"x":1e5' in once
    assert b'"y":"\\/"' in once


def test_a_context_behind_the_entries_moves_to_the_front() -> None:
    data = f'{{"value":[{{"MD5":"{MD5}"}}],"@odata.context":"{MEDIA}","z":1}}'.encode()
    once = checked(data)
    assert list(json.loads(once)) == ["@odata.context", "value", "z"]
    other = data.replace(b"Default", b"UK")
    assert ("@odata.context", "context behind the entries", "left out") in said(other)


def test_the_region_is_the_one_that_is_asked_for() -> None:
    once, _, _ = repaired(b'{"value":[]}', region="US")
    assert json.loads(once) == {"@odata.context": URL.format("US", "Media"), "value": []}
    with pytest.raises(ValueError, match="region"):
        repaired(b'{"value":[]}', region='"')


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_encodings_and_places(encoding: str) -> None:
    entry = f'{{"Comments":"ü𝄞","MD5":"{MD5}","IsDistributed":true,"Series":5}}'
    text = in_list(entry, entry).decode()
    data = text.encode(encoding)
    once = checked(data)
    assert once.decode() == text.replace("true", '"true"')
    codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    wide = 2 if "16" in encoding else 1
    for each in linted(data)[0][1:]:
        offset = each.spot.offset_bytes
        assert offset is not None
        part = data[offset : offset + 4 * wide].decode(codec)
        assert part.startswith("true" if each.rule.startswith("boolean") else "5")


def test_cases_paths_and_summary() -> None:
    entry = f'{{"MD5":"{MD5.lower()}"}}'
    data = (
        '{"Value":[{"caseid":"1","TotalMediaFiles":"2","media":[' + entry + "," + entry
        + '],"After":true},{"CaseNumber":"2"},' + CASE % entry + "]}"
    ).encode()  # fmt: skip
    once = checked(data)
    deviations, summary = linted(data)
    assert [each.path for each in deviations] == [
        "@odata.context",
        "value",
        "value[0].CaseID",
        "value[0].TotalMediaFiles",
        "value[0].Media",
        "value[0].Media[0].MD5",
        "value[0].Media[1].MD5",
        "value[2].Media[0].MD5",
    ]
    assert (summary.structure, summary.entries, summary.cases) == ("Cases", 3, 3)
    assert json.loads(once)["value"][0]["After"] is True
    assert [each.spot.offset_bytes for each in deviations[2:]] == sorted(
        each.spot.offset_bytes or 0 for each in deviations[2:]
    )


def test_text_that_is_not_utf8() -> None:
    entry = f'{{"MD5":"{MD5}","Comments":"^"}}'
    lone = in_list(entry).replace(b"^", b"\xed\xa0\x80")
    assert said(lone) == [("value[0]", "half a character pair not escaped", "mended")]
    assert checked(lone) == in_list(entry.replace("^", "\\ud800"))
    latin = in_list(entry).replace(b"^", b"caf\xe9")
    assert said(latin) == [("value[0]", "not UTF-8", "replaced")]
    assert checked(latin) == in_list(entry.replace("^", "caf\ufffd"))


UNKNOWN_VALUES = st.sampled_from(
    ["1.0", "1e400", "-0", "1234567890123456789012345", "null", "[ ]",
     '{"a" :\t1,"a":2}', '"\\ud800"',
     '"\\/"', "[[[]]]", "true", '"\\u0000"', "1E+2", '""', '"ü𝄞"']
)  # fmt: skip
UNKNOWN_KEYS = st.sampled_from(["Agency", "Case No.", "x", "", "\\u0041", "md5x", "@type", MD5])
KNOWN = st.sampled_from(
    ["MD5", "md5", "SHA1", "MediaSize", "CATEGORY", "IsDistributed", "DateUpdated", "Exifs",
     "AlternativeHashes", "Media", "CaseID", "PhotoDNA", "Series"]
)  # fmt: skip
KNOWN_VALUES = UNKNOWN_VALUES | st.sampled_from(
    [f'"{MD5}"', f'"{MD5.lower()}"', "true", '"False"', '"12"', "5", '"2023-06-07T02:31:49.8300Z"',
     '"/Date(5)/"', '[{"hashname":"MD5","HashValue":"' + MD5.lower() + '", "new" : 1.0}]',
     '[{"MD5":"\\u0041"},5,{}]', '"9/9/2024 9:09:09 PM"', '"\x01"', '"\x7f"']
)  # fmt: skip
MEMBERS = st.tuples(UNKNOWN_KEYS, UNKNOWN_VALUES) | st.tuples(KNOWN, KNOWN_VALUES)
SPACES = st.sampled_from(["", " ", "\r\n\t"])


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[str] | None = None) -> str:
    space = draw(SPACES)
    members = [
        f'{space}"{key}"{space}:{space}{value}'
        for key, value in draw(st.lists(MEMBERS, max_size=5))
    ]
    if inner is not None:
        media = f'"Media":[{",".join(draw(st.lists(inner, max_size=3)))}]'
        members.insert(draw(st.integers(0, len(members))), media)
    return "{" + f"{space},".join(members) + space + "}"


CONTEXTS = st.sampled_from(
    [
        "",
        f'"@odata.context":"{MEDIA}",',
        '"odata.metadata":"#Cases",',
        '"a":1.0,"a":2,',
        '"@odata.context":{},',
    ]
)
TAILS = st.sampled_from(
    ["", ',"b":1e400', f',"@odata.context":"{MEDIA}"', ',"value":[{}]', ',"Value":[]']
)
BROKEN = st.sampled_from(["null", "5", '{"a":}', '{"MD5":"\\q"}', '"\\ud800"', "[]"])


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    element = objects() | objects(objects()) | BROKEN
    elements = draw(st.lists(element, max_size=4))
    text = "{" + draw(CONTEXTS) + '"value":[' + ",".join(elements) + "]" + draw(TAILS) + "}"
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


@settings(max_examples=400, deadline=None)
@given(documents())
def test_a_repair_is_complete_and_says_all(data: bytes) -> None:
    try:
        checked(data)
    except ListFault as fault:
        # Beside the arrays of a case there is no entry that could be left out.
        assert fault.spot is not None
        with pytest.raises(ListFault):
            linted(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.tuples(UNKNOWN_KEYS, UNKNOWN_VALUES), max_size=6), max_size=4), SPACES)
def test_every_unknown_field_survives_to_the_letter(
    entries: list[list[tuple[str, str]]], space: str
) -> None:
    elements = []
    expected = []
    for members in entries:
        pieces = [f'"{key}"{space}:{space}{value}{space}' for key, value in members]
        elements.append("{" + ",".join([f'"md5":"{MD5}"', *pieces]) + "}")
        inside = ",".join([f'"MD5":"{MD5}"', *(f'"{key}":{value}' for key, value in members)])
        expected.append("{" + inside + "}")
    assert checked(in_list(*elements)) == in_list(*expected)


def test_a_made_list_reads_the_same_after_its_repair() -> None:
    out = io.BytesIO()
    vics_made.write(out, 3000)
    once = checked(out.getvalue())

    def read(data: bytes) -> list[Any]:
        return [
            (entry.md5, entry.sha1, entry.photodna, entry.size_bytes, entry.category, entry.labels)
            for batch in VicsReader().read(ListBytes(data))
            for entry in batch.entries
        ]

    assert read(once) == read(out.getvalue())


def test_broken_off_at_every_byte() -> None:
    entry = f'{{"MD5":"{MD5}"}}'
    data = ('{"value":[' + CASE % entry + '],"b":1}').encode()
    for size in range(len(data)):
        with pytest.raises(ListFault):
            linted(data[:size])


def test_deviations_of_one_element_are_bounded() -> None:
    many = rewrite.MOST_LISTED + 1000
    data = in_list(f'{{"MD5":"{MD5}","Exifs":[{",".join("5" * many)}]}}')
    found, summary = linted(data)
    assert len(found) == rewrite.MOST_LISTED
    assert summary.counts == {("not an object", "kept"): many}


def test_an_object_of_very_many_members_is_left_alone() -> None:
    members = ",".join(f'"{number}":{number}' for number in range(70_000))
    data = in_list(f'{{"MD5":"x",{members}}}')
    assert said(data) == [("value[0]", "more than 65536 members", "kept")]
    assert checked(data) == data


def test_values_are_in_no_deviation() -> None:
    canary = "CA7A12"
    for member in (f'"MD5":"{canary}"', f'"{canary}{canary}":1,"{canary}{canary}":2',
                   f'"DateUpdated":"{canary}"', f'"MediaSize":"{canary}"', f'"x":"{canary}',
                   f'"Exifs":[{{"MD5":"{canary}","{canary}99":1,"{canary}99":1}}]'):  # fmt: skip
        data = in_list(f"{{{member}}}")
        text = ""
        try:
            found, summary = linted(data)
            text = f"{found!r} {summary!r}"
        except ListFault as fault:
            text = str(fault)
        assert text
        assert canary not in text
