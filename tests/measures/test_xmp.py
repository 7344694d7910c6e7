"""The XMP measure: ids, history, dates and packets in parts."""

from __future__ import annotations

import struct
from hashlib import md5, sha256

import msgspec

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure
from headwater.measures.xmp import Xmp, XmpRecord
from headwater.media.media import Media
from headwater.model import Identity

START = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"


def packet(inside: str) -> bytes:
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Quill Core 9"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
 xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
 xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
 xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/"
 {inside}</rdf:Description></rdf:RDF></x:xmpmeta>""".encode()


EDITED = packet(
    """xmp:CreatorTool="Quill 3" xmp:CreateDate="2020-02-03T04:05:06+01:00"
 xmp:ModifyDate="2020-02" xmpMM:DocumentID="xmp.did:2" xmpMM:InstanceID="xmp.iid:3"
 xmpMM:OriginalDocumentID="xmp.did:1" exif:GPSLatitude="47,30.0S">
<xmpMM:DerivedFrom stRef:documentID="xmp.did:1" stRef:instanceID="xmp.iid:1"/>
<xmpMM:History><rdf:Seq>
<rdf:li stEvt:action="created" stEvt:when="2020-02-03T04:05:06+01:00" stEvt:softwareAgent="Q"/>
<rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action>
<stEvt:instanceID>xmp.iid:3</stEvt:instanceID><stEvt:changed>/</stEvt:changed></rdf:li>
</rdf:Seq></xmpMM:History>"""
)


def measure(*segments: bytes) -> XmpRecord | CannotMeasure:
    parts = [b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data for data in segments]
    content = Content.from_bytes(b"\xff\xd8" + b"".join(parts) + b"\xff\xda\0\2\0")
    identity = Identity(kind="picture", format="jpeg", media_type="image/jpeg")
    measured = Xmp().measure(Media(content, identity, Limits(), content.digests()))
    if isinstance(measured, CannotMeasure):
        return measured
    assert isinstance(measured.record, XmpRecord)
    encoded = msgspec.json.encode(measured.record)
    assert msgspec.json.decode(encoded, type=XmpRecord) == measured.record
    return measured.record


def record_of(*segments: bytes) -> XmpRecord:
    record = measure(*segments)
    assert isinstance(record, XmpRecord)
    return record


def test_ids_history_and_dates() -> None:
    record = record_of(START + EDITED)
    assert (record.toolkit, record.creator_tool) == ("Quill Core 9", "Quill 3")
    assert (record.document_id, record.instance_id) == ("xmp.did:2", "xmp.iid:3")
    assert record.original_document_id == "xmp.did:1"
    assert record.derived_from == {"documentID": "xmp.did:1", "instanceID": "xmp.iid:1"}
    assert [(step.action, step.software_agent) for step in record.history] == [
        ("created", "Q"),
        ("saved", None),
    ]
    assert record.history[0].when is not None
    assert record.history[0].when.at == "2020-02-03T03:05:06Z"
    assert {clock.basis: clock.at for clock in record.times} == {
        "xmp:create": "2020-02-03T03:05:06Z",
        "xmp:modify": "2020-02",
    }
    assert record.latitude_degrees == -47.5
    assert record.packets[0].sha256 == sha256(EDITED).hexdigest()
    assert record.packets[0].offset_bytes == 2 + 4 + len(START)


def test_extended_xmp_is_read_only_where_it_is_named() -> None:
    more = packet('dc:source="elsewhere">')
    guid = md5(more).hexdigest().upper()
    part = EXTENSION + guid.encode() + struct.pack(">II", len(more), 0) + more
    named = record_of(START + packet(f'xmpNote:HasExtendedXMP="{guid}">'), part)
    assert named.properties["dc:source"] == "elsewhere"
    assert named.problems == ()
    other = record_of(START + packet('xmpNote:HasExtendedXMP="00">'), part)
    assert "dc:source" not in other.properties
    assert any("extended XMP" in problem for problem in other.problems)
    assert len(other.packets) == 2


def test_packets_that_differ_are_told() -> None:
    record = record_of(
        START + packet('xmp:CreatorTool="First" xmp:Label="a">'),
        START + packet('xmp:CreatorTool="Second" xmp:Rating="3">'),
    )
    assert record.creator_tool == "First"
    assert record.properties["xmp:Rating"] == "3"
    assert any("differ in 1 properties" in problem for problem in record.problems)


def test_without_xmp() -> None:
    assert measure() == CannotMeasure(reason="no XMP")
