"""XMP of a picture: properties by path, document ids, history and dates."""

from __future__ import annotations

from hashlib import sha256

from headwater.measures.contract import CannotMeasure, Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.metadata.clocks import Clock, iso_clock
from headwater.media.metadata.segments import RawSegment, Segments, segments_of
from headwater.media.metadata.xmp_packet import (
    PROPERTIES_MOST,
    Packet,
    array_fields,
    read_packet,
    xmp_angle,
)
from headwater.model import Record

STEPS_MOST = 200
_PACKETS_MOST = 8
_CLOCKS = (
    ("xmp:create", "xmp:CreateDate"),
    ("xmp:modify", "xmp:ModifyDate"),
    ("xmp:metadata", "xmp:MetadataDate"),
    ("xmp:photoshop_created", "photoshop:DateCreated"),
    ("xmp:exif_original", "exif:DateTimeOriginal"),
    ("xmp:exif_digitized", "exif:DateTimeDigitized"),
    ("xmp:exif_gps", "exif:GPSTimeStamp"),
)


class XmpPacketPlace(Record, frozen=True, kw_only=True):
    """One packet as stored."""

    carrier: str
    offset_bytes: int | None
    """In the item; None where it was unpacked or put together."""
    size_bytes: int
    sha256: str


class HistoryStep(Record, frozen=True, kw_only=True):
    """One entry of xmpMM:History: what a program says that it did."""

    action: str | None
    when: Clock | None
    instance_id: str | None
    software_agent: str | None
    changed: str | None
    parameters: str | None


class XmpRecord(Record, frozen=True, kw_only=True):
    """Everything the packets say, flattened. Where packets differ, the first one holds."""

    packets: tuple[XmpPacketPlace, ...]
    toolkit: str | None
    creator_tool: str | None
    document_id: str | None
    """Of the document this copy is a version of: equal in all versions saved from one another."""
    instance_id: str | None
    """Of this saved version."""
    original_document_id: str | None
    derived_from: dict[str, str]
    """Fields of xmpMM:DerivedFrom: `documentID`, `instanceID`, `originalDocumentID`, ..."""
    digital_source_type: str | None
    """IPTC's word on how the picture came about, such as `trainedAlgorithmicMedia`, if written."""
    times: tuple[Clock, ...]
    latitude_degrees: float | None
    """North is positive; from exif:GPSLatitude, rounded to 1e-7."""
    longitude_degrees: float | None
    history: tuple[HistoryStep, ...]
    """At most 200 steps, oldest first as stored."""
    namespaces: dict[str, str]
    """URI by the prefix used in `properties`."""
    properties: dict[str, str]
    """Text by path: `dc:title[x-default]`, `xmpMM:History[1]/stEvt:action`. At most 2,000, each of
    at most 1,024 characters."""
    left_out: int
    """Properties beyond these bounds, and values that were cut."""
    problems: tuple[str, ...]


class Xmp(Measure):
    """Reads XMP packets, extended ones included."""

    NAME = "xmp"
    VERSION = 2
    KINDS = frozenset({"picture"})
    RECORD = XmpRecord
    LIBRARIES = ("defusedxml", "brotli")
    COST = "0.1 ms for a packet of 1 KB, 1.5 ms for one of 24 KB; 20 µs where there is none"
    DOC = Doc(
        requirement=(
            "Give every XMP property by a stable path, with document ids, editing history and "
            "dates, from the formats that carry XMP, also where the XML is damaged."
        ),
        shows=(
            "Which programs say that they made or changed the file, when, and from which other "
            "document. A document id shared by two files is a lead that one was saved from the "
            "other, or both from a third."
        ),
        cannot_show=(
            "Anyone can write, copy, change or remove it. Programs keep, drop or invent ids and "
            "histories in their own ways; copying a file or a template copies its ids too. A "
            "history lists only what cooperating programs wrote down. Absence means nothing."
        ),
        method=(
            "ISO 16684-1:2019 (XMP part 1), and Adobe XMP part 3 for where packets lie. Parsed "
            "without document types or entities; bounded in size, depth and number."
        ),
        validated_on=(
            "43 C2PA and EXIF sample files with XMP against ExifTool 12.57: ids, tools and dates "
            "agree in all; packets made by the tests in all forms of RDF that XMP allows."
        ),
        tests=(
            "tests/measures/test_metadata_against_exiftool.py::test_xmp_agrees_with_exiftool",
            "tests/media/metadata/test_xmp_packet.py::test_round_trip",
        ),
    )

    def measure(self, media: Media) -> Measured | CannotMeasure:
        segments = segments_of(media)
        if not segments.xmp and not segments.extended_xmp:
            return CannotMeasure(reason="no XMP")
        return Measured(_record(segments))


def _record(segments: Segments) -> XmpRecord:
    problems: list[str] = []
    packets = [read_packet(segment.data) for segment in segments.xmp[:_PACKETS_MOST]]
    wanted = next(
        (p.properties["xmpNote:HasExtendedXMP"] for p in packets if _has_extension(p)), None
    )
    stored = list(segments.xmp[:_PACKETS_MOST])
    for segment in segments.extended_xmp:
        stored.append(segment)
        if wanted is not None and segment.carrier.upper().endswith(wanted.upper()):
            packets.append(read_packet(segment.data))
        else:
            problems.append("extended XMP that the packet does not name was not read")
    properties, left_out = _merge(packets, problems)
    return XmpRecord(
        packets=tuple(_place(segment) for segment in stored),
        toolkit=next((packet.toolkit for packet in packets if packet.toolkit), None),
        creator_tool=properties.get("xmp:CreatorTool"),
        document_id=properties.get("xmpMM:DocumentID"),
        instance_id=properties.get("xmpMM:InstanceID"),
        original_document_id=properties.get("xmpMM:OriginalDocumentID"),
        derived_from=_fields(properties, "xmpMM:DerivedFrom/stRef:"),
        digital_source_type=properties.get("Iptc4xmpExt:DigitalSourceType"),
        times=tuple(
            iso_clock(basis, properties[path]) for basis, path in _CLOCKS if path in properties
        ),
        latitude_degrees=xmp_angle(properties.get("exif:GPSLatitude"), "NS"),
        longitude_degrees=xmp_angle(properties.get("exif:GPSLongitude"), "EW"),
        history=tuple(map(_step, array_fields(properties, "xmpMM:History")[:STEPS_MOST])),
        namespaces=dict(sorted({k: v for p in packets for k, v in p.namespaces.items()}.items())),
        properties=properties,
        left_out=left_out,
        problems=tuple(dict.fromkeys([*problems, *(x for p in packets for x in p.problems)])),
    )


def _has_extension(packet: Packet) -> bool:
    return "xmpNote:HasExtendedXMP" in packet.properties


def _place(segment: RawSegment) -> XmpPacketPlace:
    return XmpPacketPlace(
        carrier=segment.carrier,
        offset_bytes=segment.offset_bytes,
        size_bytes=len(segment.data),
        sha256=sha256(segment.data).hexdigest(),
    )


def _merge(packets: list[Packet], problems: list[str]) -> tuple[dict[str, str], int]:
    merged: dict[str, str] = {}
    left_out = sum(packet.left_out for packet in packets)
    differing = 0
    for packet in packets:
        for path, value in packet.properties.items():
            differing += merged.get(path, value) != value
            if path in merged or len(merged) < PROPERTIES_MOST:
                merged.setdefault(path, value)
            else:
                left_out += 1
    if differing:
        problems.append(f"packets differ in {differing} properties; the first one holds")
    return dict(sorted(merged.items())), left_out


def _fields(properties: dict[str, str], start: str) -> dict[str, str]:
    return {
        path[len(start) :]: value for path, value in properties.items() if path.startswith(start)
    }


def _step(fields: dict[str, str]) -> HistoryStep:
    when = fields.get("stEvt:when")
    return HistoryStep(
        action=fields.get("stEvt:action"),
        when=iso_clock("xmp:history", when) if when is not None else None,
        instance_id=fields.get("stEvt:instanceID"),
        software_agent=fields.get("stEvt:softwareAgent"),
        changed=fields.get("stEvt:changed"),
        parameters=fields.get("stEvt:parameters"),
    )
