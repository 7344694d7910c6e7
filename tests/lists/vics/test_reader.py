"""VICS lists in the dialects of their exporters."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from bench import vics_made
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lists.contract import Batch, Entry, Fault, ListFault, Spot
from headwater.lists.vics.reader import VicsReader
from tests.lists.streams import ListBytes

MD5 = "ADEBF3FA3C9BE7F73825E1CB9E2DEA09"
SHA1 = "1407C5674DC7DA55419C64C5375907991EC6011F"
PHOTODNA = bytes(range(144))
PHOTODNA_TEXT = base64.b64encode(PHOTODNA).decode()
CASES_URL = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Cases"
MEDIA_URL = CASES_URL.replace("#Cases", "#Media")


def listed(*media: Any, url: str = MEDIA_URL) -> bytes:
    return json.dumps({"@odata.context": url, "value": list(media)}).encode()


def batches(data: bytes, **options: Any) -> list[Batch]:
    return list(VicsReader(**options).read(ListBytes(data)))


def entries(data: bytes) -> list[Entry]:
    return [entry for batch in batches(data) for entry in batch.entries]


def faults(data: bytes) -> list[tuple[str, str, bool]]:
    return [
        (fault.field, fault.rule, fault.whole) for batch in batches(data) for fault in batch.faults
    ]


def lost(data: bytes) -> dict[str, int]:
    total: dict[str, int] = {}
    for batch in batches(data):
        for name, count in batch.lost.items():
            total[name] = total.get(name, 0) + count
    return total


def one(**members: Any) -> Entry:
    found = entries(listed(members))
    assert len(found) == 1
    return found[0]


def test_a_list_of_media() -> None:
    data = listed(
        {"MediaID": 1, "Category": 0, "MD5": MD5, "MediaSize": 2835, "IsPrecategorized": "false"},
        {"MediaID": 2, "Category": 2, "MD5": MD5.lower(), "SHA1": SHA1, "MediaSize": "4190",
         "DateUpdated": "2023-06-07T02:31:49.8300Z", "PhotoDNA": PHOTODNA_TEXT,
         "MimeType": "image/jpeg", "Series": "Lake", "Tags": "b,a", "IsDistributed": True},
    )  # fmt: skip
    first, second = entries(data)
    assert first == Entry(
        spot=Spot(data.index(b'{"MediaID": 1')),
        md5=bytes.fromhex(MD5),
        size_bytes=2835,
        category="0",
    )
    assert second == Entry(
        spot=Spot(data.index(b'{"MediaID": 2')),
        md5=bytes.fromhex(MD5),
        sha1=bytes.fromhex(SHA1),
        photodna=PHOTODNA,
        size_bytes=4190,
        media="picture",
        category="2",
        labels=(
            ("distributed", "yes"),
            ("series", "Lake"),
            ("tags", "b,a"),
            ("updated_at", "2023-06-07T02:31:49.830Z"),
        ),
    )
    assert faults(data) == []
    assert lost(data) == {"Media.MediaID": 2, "Media.IsPrecategorized": 1, "Media.MimeType": 1}


CASE = {
    "CaseID": "c18c57e5-f67f-4ec6-8c8b-0ab65a654a23",
    "CaseNumber": "2026-001",
    "Media": [{"MD5": MD5, "MediaSize": 1}, {"MD5": "", "SHA1": SHA1}],
    "TotalMediaFiles": 99,
}


@pytest.mark.parametrize("url", [CASES_URL, MEDIA_URL, "#", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_cases_and_media_are_told_by_structure(url: str, encoding: str) -> None:
    cases = listed(CASE, {**CASE, "Media": []}, CASE, url=url).decode().encode(encoding)
    media = listed(*CASE["Media"], url=url).decode().encode(encoding)  # type: ignore[misc]
    assert [entry.sha1 for entry in entries(cases)] == [None, bytes.fromhex(SHA1)] * 2
    assert [entry.sha1 for entry in entries(media)] == [None, bytes.fromhex(SHA1)]
    assert faults(cases) == faults(media) == []
    assert lost(cases) == {"Case.CaseID": 3, "Case.CaseNumber": 3, "Case.TotalMediaFiles": 3}


def test_old_versions_and_their_links() -> None:
    old = (
        '{"odata.metadata":"http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Cases",'
        '"value":[{"CaseID":"{1}","Media@odata.navigationLinkUrl":"/Cases(1)/Media","Media":['
        f'{{"odata.id":"x","MD5":"{MD5}","Exifs@odata.navigationLinkUrl":"/Media({MD5})/Exifs",'
        '"FileName":"a.jpg","Created":"/Date(1234)/","VictimIdentified":false}]}]}'
    ).encode()
    assert [entry.md5 for entry in entries(old)] == [bytes.fromhex(MD5)]
    assert faults(old) == []
    assert lost(old) == {"Case.CaseID": 1, "Media.FileName": 1, "Media.Created": 1}


@pytest.mark.parametrize("no", ["false", "False", False, 0, "0", "", None, "no"])
@pytest.mark.parametrize("yes", ["true", "TRUE", True, 1, "yes"])
def test_flags_in_every_form(no: Any, yes: Any) -> None:
    names = ("IsDistributed", "OffenderIdentified", "SelfGenerated", "IsSuspected")
    assert one(MD5=MD5, VictimIdentified=no, **dict.fromkeys(names, no)).labels == ()
    entry = one(MD5=MD5, VictimIdentified=yes, **dict.fromkeys(names, yes))
    assert entry.labels == (
        ("distributed", "yes"),
        ("offender_identified", "yes"),
        ("self_generated", "yes"),
        ("suspected", "yes"),
        ("victim_identified", "yes"),
    )


def test_keys_in_other_cases_and_unknown_ones() -> None:
    data = listed({"md5": MD5, "mediasize": 5, "exifs": [{"propertyname": "Make"}], "Agency": "x",
                   "Case No.": "1", MD5: "y", "empty": ""})  # fmt: skip
    (entry,) = entries(data)
    assert (entry.md5, entry.size_bytes) == (bytes.fromhex(MD5), 5)
    assert lost(data) == {
        "Media.Exifs.PropertyName": 1,
        "Media.Agency": 1,
        "Media.Case No.": 1,
        "Media.(unknown)": 1,
    }
    assert MD5 not in str(batches(data)[0].lost)


def test_alternative_hashes() -> None:
    sha256, pdq = "ab" * 32, "0f" * 32
    entry = one(
        MD5=MD5,
        AlternativeHashes=[
            {"MD5": MD5, "HashName": "PhotoDNA", "HashValue": PHOTODNA_TEXT},
            {"MD5": MD5, "HashName": "SHA-1", "HashValue": SHA1},
            {"HashName": "sha256", "hashvalue": sha256.upper()},
            {"HashName": "PDQ", "HashValue": pdq},
            {"HashName": "SHA1", "HashValue": ""},
        ],
    )
    assert entry.photodna == PHOTODNA
    assert entry.sha1 == bytes.fromhex(SHA1)
    assert entry.sha256 == bytes.fromhex(sha256)
    assert entry.pdq == bytes.fromhex(pdq)


def test_a_nameless_first_alternative_is_photodna() -> None:
    assert one(MD5=MD5, AlternativeHashes=[{"HashValue": PHOTODNA_TEXT}]).photodna == PHOTODNA


def test_alternative_hashes_that_are_lost_or_wrong() -> None:
    data = listed(
        {"MD5": MD5, "SHA1": SHA1, "AlternativeHashes": [
            {"MD5": MD5, "HashName": "TLSH", "HashValue": "T1"},
            {"HashName": "SHA1", "HashValue": "00" * 20},
            {"HashName": "SHA256", "HashValue": "00"},
            {"HashName": "SHA256", "HashValue": 5}]},
        {"MD5": MD5, "AlternativeHashes": ["x"]},
        {"MD5": MD5, "AlternativeHashes": {}},
        {"AlternativeHashes": [{"HashName": "SHA1", "HashValue": SHA1}]},
        {"AlternativeHashes": [{"HashName": "SHA1", "HashValue": "zz"}]},
    )  # fmt: skip
    assert [entry.sha1 for entry in entries(data)] == [
        bytes.fromhex(SHA1), None, None, bytes.fromhex(SHA1)]  # fmt: skip
    assert faults(data) == [
        ("Media.AlternativeHashes.SHA1", "another SHA1 than before", False),
        ("Media.AlternativeHashes.SHA256", "not 64 hex digits", False),
        ("Media.AlternativeHashes.HashValue", "not a text", False),
        ("Media.AlternativeHashes", "not an array of objects", False),
        ("Media.AlternativeHashes.SHA1", "not 40 hex digits", True),
    ]
    assert lost(data) == {
        "Media.AlternativeHashes.HashName": 1,
        "Media.AlternativeHashes.HashValue": 1,
    }


def test_faults_of_one_entry_are_bounded() -> None:
    wrong = [{"HashName": "SHA1", "HashValue": "zz"}] * 5000
    data = listed({"MD5": MD5, "AlternativeHashes": wrong})
    assert len(entries(data)) == 1
    assert len(faults(data)) == 257
    members = {f"k{number}": number for number in range(70_000)}
    assert faults(listed({"MD5": MD5, **members})) == [("Media", "more than 65536 fields", True)]
    some = dict(list(members.items())[:2000])
    counted = lost(listed({"MD5": MD5, **some}))
    assert len(counted) == 513
    assert sum(counted.values()) == 2000


def test_what_has_no_place_is_counted_field_by_field() -> None:
    nested = {
        "MediaFiles": [{"MD5": MD5.lower(), "FileName": "a", "sourceID": "s", "Deleted": "false"}],
        "Exifs": [{"MD5": "0" * 32, "PropertyName": "Make", "PropertyValue": ""}] * 2,
        "MediaMetadata": [{"PropertyName": "x", "New": [1]}, 7],
        "Segments": [{"SegmentIndex": 0}],
        "Repositories": None,
    }
    plain = {"RelativeFilePath": "Media\\a.jpg", "Comments": "c", "Name": "n", "Change": "d"}
    expected = {
        "Media.MediaFiles.FileName": 1,
        "Media.MediaFiles.SourceID": 1,
        "Media.MediaFiles.Deleted": 1,
        "Media.Exifs.MD5": 2,
        "Media.Exifs.PropertyName": 2,
        "Media.MediaMetadata.PropertyName": 1,
        "Media.MediaMetadata.New": 1,
        "Media.MediaMetadata": 1,
        "Media.Segments.SegmentIndex": 1,
        **{f"Media.{name}": 1 for name in plain},
    }
    assert lost(listed({"MD5": MD5, **plain, **nested})) == expected
    assert lost(listed({"md5": MD5, **plain, **nested})) == expected


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"MD5": MD5[:-1], "SHA1": SHA1}, ("Media.MD5", "not 32 hex digits", False)),
        ({"MD5": MD5[:-1], "SHA1": ""}, ("Media.MD5", "not 32 hex digits", True)),
        ({"MD5": 5}, ("Media.MD5", "not a text", True)),
        ({"MD5": 5, "SHA1": SHA1, "Category": True}, None),
        ({"MD5": "", "SHA1": None}, ("Media", "no hash", True)),
        ({}, ("Media", "no hash", True)),
        ({"Category": [1]}, ("Media", "no hash", True)),
        ({"MD5": MD5, "Category": [1]}, ("Media.Category", "not a code", False)),
        ({"MD5": MD5, "MediaSize": -1}, ("Media.MediaSize", "not a number of bytes", False)),
        ({"MD5": MD5, "MediaSize": 1.5}, ("Media.MediaSize", "not a number of bytes", False)),
        ({"MD5": MD5, "PhotoDNA": "AAAA"}, None),
        ({"MD5": MD5, "DateUpdated": "soon"}, ("Media.DateUpdated", "not a date", False)),
        ({"MD5": MD5, "DateUpdated": 5}, ("Media.DateUpdated", "not a date", False)),
        ({"MD5": MD5, "IsDistributed": "?"}, None),
        ({"MD5": MD5, "Exifs": {"a": 1}}, ("Media.Exifs", "not an array", False)),
        ({"MD5": MD5, "md5": "0" * 32}, None),
    ],
)
def test_what_is_wrong_costs_its_field_or_its_entry(
    members: dict[str, Any], fault: tuple[str, str, bool] | None
) -> None:
    data = listed({"SHA1": SHA1}, members, {"SHA1": SHA1})
    found = faults(data)
    whole = [entry for entry in found if entry[2]]
    assert len(entries(data)) == 3 - len(whole)
    assert found
    if fault is not None:
        assert found == [fault]


@pytest.mark.parametrize("element", ["null", "5", '"x"', "[]", "true", '{"MD5":}', '{"MD5" "x"}',
                                     '{"SHA1":"\n"}', '{"MD5":"\\x"}', "{,}", '{"x":NaN}',
                                     '{"MD5":nul}'])  # fmt: skip
def test_a_broken_element_costs_itself(element: str) -> None:
    sound = json.dumps({"MD5": MD5})
    data = f'{{"value":[{sound},{element},{sound}]}}'.encode()
    assert len(entries(data)) == 2
    ((_, _, whole),) = faults(data)
    assert whole
    (fault,) = batches(data)[0].faults
    assert fault.spot.offset_bytes == data.index(f",{element}".encode()) + 1


def test_bad_text_in_one_field_costs_at_most_that() -> None:
    raw = listed({"MD5": MD5, "Comments": "@", "Series": "%"})
    for bad in (b"\xff", b"\\ud800", b"\xed\xa0\x80", b"\\u0000"):
        (entry,) = entries(raw.replace(b"@", bad))
        assert entry.md5 == bytes.fromhex(MD5)
        data = raw.replace(b"%", bad)
        assert [entry.md5 for entry in entries(data)] == [bytes.fromhex(MD5)]


LABELLED = ("Series", "Tags", "PrecategorizationSource")


def test_labels_never_hold_a_digest_or_a_path() -> None:
    for value in (MD5, f"see {SHA1.lower()}", PHOTODNA_TEXT, "C:\\a\\b.jpg", "/home/a", "x" * 5000):
        data = listed({"MD5": MD5, **dict.fromkeys(LABELLED, value)})
        assert entries(data)[0].labels == ()
        assert lost(data) == {
            "Media.Series": 1,
            "Media.Tags": 1,
            "Media.PrecategorizationSource": 1,
        }


def test_an_entry_that_others_lie_in_is_a_fault() -> None:
    data = listed({"MD5": MD5, "Media": [{"SHA1": SHA1}]})
    assert [entry.sha1 for entry in entries(data)] == [bytes.fromhex(SHA1)]
    assert faults(data) == [("Media.Media", "an entry that others lie in", True)]


def test_what_broke_off_gives_all_before_it() -> None:
    data = listed(*({"MD5": f"{number:032x}"} for number in range(100)))
    for size in range(len(data)):
        given: list[Entry] = []
        with pytest.raises(ListFault) as raised:
            collect(data[:size], given)
        assert raised.value.spot is not None
        assert raised.value.spot.offset_bytes == size
        assert [entry.md5 for entry in given] == [
            number.to_bytes(16, "big") for number in range(data[:size].count(b'"}'))
        ]


def collect(data: bytes, into: list[Entry]) -> None:
    for batch in VicsReader().read(ListBytes(data)):
        into += batch.entries


Everything = tuple[list[Entry], list[Fault], dict[str, int]]


def everything(found: list[Batch]) -> Everything:
    total: dict[str, int] = {}
    for batch in found:
        for name, count in batch.lost.items():
            total[name] = total.get(name, 0) + count
    return (
        [entry for batch in found for entry in batch.entries],
        [fault for batch in found for fault in batch.faults],
        total,
    )


def resumes_everywhere(data: bytes) -> int:
    whole = everything(batches(data))
    tried = 0
    for chunk_bytes in (17, 400):
        done: list[Batch] = []
        for batch in batches(data, batch_entries=1, chunk_bytes=chunk_bytes):
            done.append(batch)
            for pipe in (False, True):
                rest = list(VicsReader().read(ListBytes(data, pipe=pipe), batch.cursor))
                assert everything([*done, *rest]) == whole
            assert len(batch.cursor) < 100
            tried += 1
    return tried


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_goes_on_after_every_batch(encoding: str) -> None:
    media = [{"MD5": MD5, "Series": "Lake ü𝄞"}, 5, {"md5": MD5, "x": 1}, {"SHA1": SHA1}]
    cases = listed({**CASE, "Media": media}, {"MD5": MD5}, {**CASE, "Media": []}, CASE)
    assert resumes_everywhere(cases.decode().encode(encoding)) > 8


def test_goes_on_in_a_made_list() -> None:
    out = io.BytesIO()
    vics_made.write(out, 60, seed=5)
    assert resumes_everywhere(out.getvalue()) > 50


@pytest.mark.parametrize("cursor", [b"x", b"\x90", b"\x95\x01", b"\xff" * 40])
def test_a_foreign_cursor_is_refused(cursor: bytes) -> None:
    with pytest.raises(ListFault):
        list(VicsReader().read(ListBytes(listed({"MD5": MD5})), cursor))


def test_a_made_list_breaks_as_it_says() -> None:
    out = io.BytesIO()
    made = vics_made.write(out, 20_000)
    again = io.BytesIO()
    vics_made.write(again, 20_000)
    assert out.getvalue() == again.getvalue()
    assert made.size_bytes == len(out.getvalue())
    found, wrong, _ = everything(batches(out.getvalue()))
    assert sum(fault.whole for fault in wrong) == sum(made.whole.values())
    assert sum(not fault.whole for fault in wrong) == sum(made.part.values())
    assert len(found) == 20_000 - sum(made.whole.values())
    broken = sum(made.whole.values()) + sum(made.part.values())
    assert 0.007 < broken / 20_000 < 0.013
    assert len({*made.whole, *made.part}) == 10
    assert 0.48 < sum(entry.photodna is not None for entry in found) / 20_000 < 0.52


def test_positions_and_batches() -> None:
    data = listed(*({"MD5": f"{number:032x}"} for number in range(10_000)))
    found = batches(data)
    assert all(len(batch.entries) < 3 * 4096 for batch in found)
    positions = [batch.position_bytes for batch in found]
    assert positions == sorted(positions)
    assert positions[-1] <= len(data)


TEXTS = st.text(max_size=6) | st.sampled_from([MD5, SHA1, MD5.lower(), PHOTODNA_TEXT, "true", ""])
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["MD5", "md5", "SHA1", "SHA256", "PhotoDNA", "MediaSize", "Category", "IsDistributed", "Series",
     "DateUpdated", "Exifs", "MediaFiles", "AlternativeHashes", "Media", "CaseID",
     "MimeType", "odd"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(FIELDS, VALUES, max_size=5) | VALUES, max_size=5))
def test_whatever_stands_there_nothing_is_both_kept_and_left_out(elements: list[Any]) -> None:
    data = json.dumps({"value": [*elements, {"MD5": MD5}]})
    found, wrong, _ = everything(batches(data.encode()))
    assert found[-1].md5 == bytes.fromhex(MD5)
    left_out = {fault.spot for fault in wrong if fault.whole}
    assert not left_out & {entry.spot for entry in found}
    for entry in found:
        assert entry.md5 or entry.sha1 or entry.sha256 or entry.pdq or entry.photodna
        assert entry.labels == tuple(sorted(entry.labels))
    for fault in wrong:
        assert MD5.lower() not in f"{fault.field} {fault.rule}".lower()


def test_values_of_a_list_are_in_no_fault_and_no_error() -> None:
    canary = "CA7A12"
    texts = [
        f'{{"value":[{{"MD5":"{canary}"}}]}}',
        f'{{"value":[{{"MD5":"{MD5}","MediaSize":"{canary}","DateUpdated":"{canary}",'
        f'"Category":["{canary}"],"IsDistributed":"{canary}","{canary * 3}":"{canary}",'
        f'"AlternativeHashes":[{{"HashName":"SHA1","HashValue":"{canary}"}}]}}]}}',
        f'{{"value":[{{"MD5":"{canary}]}}',
        f'{{"{canary}":"{canary}"}}',
        f'{{"value":[{{"MD5":"{canary}" "x"}}, {canary}]}}',
    ]
    for text in texts:
        said = ""
        try:
            for batch in VicsReader().read(ListBytes(text.encode())):
                said += repr(batch.faults) + repr(batch.lost) + repr(batch.cursor)
        except ListFault as error:
            said += str(error)
        assert said
        assert canary not in said
