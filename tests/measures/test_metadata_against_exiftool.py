"""Metadata beside what ExifTool, an independent reader, says of the same real files."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure, Measure
from headwater.measures.exif import Exif, ExifRecord
from headwater.measures.icc import Icc, IccRecord
from headwater.measures.iptc import Iptc, IptcRecord
from headwater.measures.xmp import Xmp, XmpRecord
from headwater.media.media import Media
from headwater.media.metadata.clocks import Clock
from headwater.media.metadata.embedded_pictures import EmbeddedPlace, find_embedded
from headwater.media.metadata.exif_tree import ExifTree, read_exif
from headwater.media.metadata.segments import find_segments
from headwater.model import Identity

pytestmark = pytest.mark.data

_FOLDERS = ("metadata", "c2pa", "cameras/*/original")
_TAGS = (
    *("-IFD0:Make", "-IFD0:Model", "-IFD0:Software", "-IFD0:Orientation#", "-ExifIFD:LensModel"),
    *("-ExifIFD:SerialNumber", "-ExifIFD:LensSerialNumber", "-ExifIFD:ImageUniqueID"),
    *("-Canon:SerialNumber", "-Canon:InternalSerialNumber", "-Nikon:SerialNumber"),
    *("-Olympus:SerialNumber", "-Panasonic:InternalSerialNumber#", "-Pentax:SerialNumber"),
    *("-FujiFilm:InternalSerialNumber#", "-Canon:CanonFirmwareVersion", "-Canon:OwnerName"),
    *("-ExifIFD:DateTimeOriginal", "-ExifIFD:CreateDate", "-IFD0:ModifyDate"),
    *("-ExifIFD:SubSecTimeOriginal", "-ExifIFD:SubSecTimeDigitized", "-ExifIFD:SubSecTime"),
    *("-ExifIFD:OffsetTimeOriginal", "-ExifIFD:OffsetTimeDigitized", "-ExifIFD:OffsetTime"),
    *("-GPS:GPSLatitude#", "-GPS:GPSLatitudeRef#", "-GPS:GPSLongitude#", "-GPS:GPSLongitudeRef#"),
    *("-GPS:GPSAltitude#", "-GPS:GPSAltitudeRef#", "-GPS:GPSImgDirection#", "-GPS:GPSMapDatum"),
    *("-GPS:GPSTimeStamp", "-GPS:GPSDateStamp", "-GPS:GPSDOP#"),
    *("-ExifIFD:ISO#", "-ExifIFD:ExposureTime#", "-ExifIFD:FNumber#", "-ExifIFD:FocalLength#"),
    "-ExifIFD:FocalLengthIn35mmFormat#",
)


def _files(data: Path) -> list[Path]:
    return sorted(
        path for folder in _FOLDERS for path in data.glob(f"{folder}/*") if path.is_file()
    )


def _ask(data: Path, *options: str) -> dict[str, dict[str, Any]]:
    """What ExifTool says, by path."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not on PATH")
    command = [program, "-j", "-G1", *options, *map(str, _files(data))]
    out = subprocess.run(command, capture_output=True, check=False).stdout
    return {entry.pop("SourceFile"): entry for entry in json.loads(out)}


def _measured(path: Path, measure: Measure) -> Any:
    """The record, None where there is nothing to measure."""
    content = Content.from_bytes(path.read_bytes())
    head = content.read_at(0, 12)
    name = "jpeg" if head.startswith(b"\xff\xd8") else "heif" if head[4:8] == b"ftyp" else "png"
    identity = Identity(kind="picture", format=name, media_type=None)
    answer = measure.measure(Media(content, identity, Limits(), content.digests()))
    return None if isinstance(answer, CannotMeasure) else answer.record


def _text(value: object) -> str | None:
    text = str(value).strip() if value is not None else ""
    return text or None


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _expected(said: dict[str, Any]) -> dict[str, Any]:
    """ExifTool's answers in the shape of ours."""
    serials = [_text(said.get("ExifIFD:SerialNumber"))]
    serials += [_text(said.get(f"{maker}:SerialNumber")) for maker in ("Canon", "Olympus")]
    serials += [(_text(said.get("Nikon:SerialNumber")) or "").removeprefix("No=").strip()]
    serials += [_text(said.get("Pentax:SerialNumber"))]
    internal = [_text(said.get("Canon:InternalSerialNumber"))]
    internal += [_text(said.get(f"{m}:InternalSerialNumber")) for m in ("Panasonic", "FujiFilm")]
    latitude, longitude = _signed(said, "GPSLatitude", "S"), _signed(said, "GPSLongitude", "W")
    return {
        "make": _text(said.get("IFD0:Make")),
        "model": _text(said.get("IFD0:Model")),
        "software": _text(said.get("IFD0:Software")),
        "firmware": _text(said.get("Canon:CanonFirmwareVersion")),
        "owner": _text(said.get("Canon:OwnerName")),
        "lens_model": _text(said.get("ExifIFD:LensModel")),
        "body": next((serial for serial in serials if serial and serial.strip("0 ")), None),
        "lens": _text(said.get("ExifIFD:LensSerialNumber")),
        "internal": next((serial for serial in internal if serial), None),
        "orientation": said.get("IFD0:Orientation"),
        "original": _time(said, "ExifIFD:DateTimeOriginal", "Original"),
        "digitized": _time(said, "ExifIFD:CreateDate", "Digitized"),
        "modified": _time(said, "IFD0:ModifyDate", ""),
        "gps": (_text(said.get("GPS:GPSDateStamp")), _text(said.get("GPS:GPSTimeStamp"))),
        "latitude": latitude,
        "longitude": longitude,
        "altitude": _altitude(said),
        "direction": _number(said.get("GPS:GPSImgDirection")),
        "dop": _number(said.get("GPS:GPSDOP")),
        "datum": _text(said.get("GPS:GPSMapDatum")),
        "iso": _number(str(said.get("ExifIFD:ISO")).split(maxsplit=1)[0]),
        "exposure": _number(said.get("ExifIFD:ExposureTime")),
        "f_number": _number(said.get("ExifIFD:FNumber")),
        "focal": _number(said.get("ExifIFD:FocalLength")),
        "focal_35": _number(said.get("ExifIFD:FocalLengthIn35mmFormat")) or None,
    }


def _signed(said: dict[str, Any], tag: str, negative: str) -> float | None:
    value, letter = _number(said.get(f"GPS:{tag}")), _text(said.get(f"GPS:{tag}Ref"))
    if value is None or letter is None:
        return None
    return -value if letter == negative else value


def _altitude(said: dict[str, Any]) -> float | None:
    value = _number(said.get("GPS:GPSAltitude"))
    if value is None:
        return None
    return -value if said.get("GPS:GPSAltitudeRef") in (1, 3) else value


def _time(said: dict[str, Any], tag: str, suffix: str) -> tuple[str | None, ...]:
    return (
        _text(said.get(tag)),
        _text(said.get(f"ExifIFD:SubSecTime{suffix}")),
        _text(said.get(f"ExifIFD:OffsetTime{suffix}")),
    )


def _clock(record: ExifRecord, basis: str) -> Clock | None:
    return next((clock for clock in record.times if clock.basis == basis), None)


def _written(record: ExifRecord, basis: str, said: tuple[str | None, ...]) -> bool:
    """Whether the clock holds what ExifTool read, and an instant only where that is a time."""
    clock = _clock(record, basis)
    if clock is None:
        return said[0] is None
    parts = " ".join(part for part in said if part)
    if " ".join(clock.raw.split()) != " ".join(parts.split()):
        return False
    if clock.at is None:
        return clock.problem is not None
    day, _, rest = clock.at.rstrip("Z").partition("T")
    local = f"{day.replace('-', ':')} {rest.partition('.')[0]}"
    return clock.utc_offset is not None or local == said[0]


def _gps_written(record: ExifRecord, said: tuple[str | None, str | None]) -> bool:
    clock = _clock(record, "exif:gps")
    if clock is None:
        return said == (None, None)
    if clock.at is None:
        return clock.problem is not None and (None in said or said[0] in ("", "0000:00:00"))
    day, _, rest = clock.at.rstrip("Z").partition("T")
    seconds = f"{said[1]}".partition(".")
    return day.replace("-", ":") == said[0] and rest.partition(".")[0] == seconds[0]


def _differences(record: ExifRecord, said: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    place, exposure = record.place, record.exposure
    internal = next((s.value for s in record.serials if s.names == "internal"), None)
    expected = _expected(said)
    exact = {
        "make": record.make,
        "model": record.model,
        "software": record.software,
        "firmware": record.firmware,
        "owner": record.people.get("owner"),
        "body": record.body_serial,
        "lens": record.lens_serial,
        "internal": internal,
        "orientation": record.orientation,
        "datum": place.datum if place else None,
    }
    for name, ours in exact.items():
        if name == "owner" and expected[name] is None:
            continue
        if ours != expected[name]:
            yield name, ours, expected[name]
    if expected["lens_model"] and record.lens != expected["lens_model"]:
        yield "lens_model", record.lens, expected["lens_model"]
    near: dict[str, tuple[float | None, float]] = {
        "latitude": (place.latitude_degrees if place else None, 1e-7),
        "longitude": (place.longitude_degrees if place else None, 1e-7),
        "altitude": (place.altitude_metres if place else None, 1e-3),
        "direction": (place.img_direction_degrees if place else None, 1e-3),
        "dop": (place.dop if place else None, 1e-3),
        "iso": (exposure.iso, 0),
        "exposure": (exposure.exposure_seconds, (exposure.exposure_seconds or 0) * 1e-5),
        "f_number": (exposure.f_number, 1e-4),
        "focal": (exposure.focal_length_mm, 1e-3),
        "focal_35": (exposure.focal_length_35mm_mm, 0),
    }
    for name, (value, tolerance) in near.items():
        theirs = expected[name]
        if (value is None) != (theirs is None) or (
            value is not None and abs(value - theirs) > tolerance
        ):
            yield name, value, theirs
    for name in ("original", "digitized", "modified"):
        if not _written(record, f"exif:{name}", expected[name]):
            yield name, _clock(record, f"exif:{name}"), expected[name]
    if not _gps_written(record, expected["gps"]):
        yield "gps", _clock(record, "exif:gps"), expected["gps"]


def test_exif_agrees_with_exiftool(data_folder: Path) -> None:
    differing: list[tuple[object, ...]] = []
    compared = 0
    for path, said in sorted(_ask(data_folder, *_TAGS).items()):
        record = _measured(Path(path), Exif())
        if record is None:
            if any(value is not None for value in said.values()):
                differing.append((Path(path).name, "nothing read", None, said))
            continue
        compared += 1
        for name, ours, theirs in _differences(record, said):
            differing.append((Path(path).name, name, ours, theirs))
    assert compared > 80
    assert not differing


_GROUPS = {"IFD0": "IFD0", "IFD1": "IFD1", "ExifIFD": "Exif", "GPS": "GPS", "InteropIFD": "Interop"}


def test_every_standard_tag_is_there(data_folder: Path) -> None:
    """ExifTool lists by number what stands in the standard directories; each has to be there."""
    asked = [f"-{group}:all" for group in _GROUPS]
    missing: list[tuple[object, ...]] = []
    compared = 0
    for path, said in sorted(_ask(data_folder, "-H", "-n", "-u", *asked).items()):
        tree = _tree(Path(path))
        for name, entry in said.items():
            group = _GROUPS[name.partition(":")[0]]
            directory = tree.groups.get(group, {})
            if not str(entry["id"]).startswith("0x"):
                continue  # a value that ExifTool makes up of others
            number = int(entry["id"], 16)
            compared += 1
            if number not in directory:
                missing.append((Path(path).name, name, hex(number)))
                continue
            value = directory[number].value
            if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], int):
                theirs = entry["val"]
                if name.endswith(("ThumbnailOffset", "StripOffsets")):
                    theirs -= tree.blocks[0].offset_bytes or 0  # counted from the file's start
                if isinstance(theirs, int) and theirs != value[0]:
                    missing.append((Path(path).name, name, value, theirs))
    assert compared > 2500
    assert not missing, missing


def _tree(path: Path) -> ExifTree:
    content = Content.from_bytes(path.read_bytes())
    name = "heif" if content.read_at(4, 4) == b"ftyp" else "jpeg"
    identity = Identity(kind="picture", format=name, media_type=None)
    return read_exif(find_segments(content, identity, Limits()).exif)


_XMP_TAGS = {
    "XMP-x:XMPToolkit": "toolkit",
    "XMP-xmp:CreatorTool": "creator_tool",
    "XMP-xmpMM:DocumentID": "document_id",
    "XMP-xmpMM:InstanceID": "instance_id",
    "XMP-xmpMM:OriginalDocumentID": "original_document_id",
}
_XMP_CLOCKS = {
    "XMP-xmp:CreateDate": "xmp:create",
    "XMP-xmp:ModifyDate": "xmp:modify",
    "XMP-xmp:MetadataDate": "xmp:metadata",
}


def test_xmp_agrees_with_exiftool(data_folder: Path) -> None:
    asked = [*_XMP_TAGS, *_XMP_CLOCKS, "XMP-xmpMM:HistoryAction", "XMP-xmpMM:DerivedFromDocumentID"]
    differing: list[tuple[object, ...]] = []
    compared = 0
    for path, said in sorted(_ask(data_folder, *(f"-{tag}" for tag in asked)).items()):
        record: XmpRecord | None = _measured(Path(path), Xmp())
        if record is None:
            differing += [(Path(path).name, said)] if said else []
            continue
        compared += 1
        ours: dict[str, object] = {tag: getattr(record, name) for tag, name in _XMP_TAGS.items()}
        clocks = {clock.basis: clock for clock in record.times}
        for tag, basis in _XMP_CLOCKS.items():
            raw = clocks[basis].raw if basis in clocks else None
            date, letter, time = (raw or "").partition("T")
            ours[tag] = f"{date.replace('-', ':')} {time}" if letter else date or None
        actions = [step.action for step in record.history if step.action]
        ours["XMP-xmpMM:HistoryAction"] = actions[0] if len(actions) == 1 else actions or None
        ours["XMP-xmpMM:DerivedFromDocumentID"] = record.derived_from.get("documentID")
        differing += [
            (Path(path).name, tag, value, said.get(tag))
            for tag, value in ours.items()
            if value != said.get(tag)
        ]
    assert compared > 15
    assert not differing


_ICC_TAGS = {
    "ICC-header:ProfileVersion": "version",
    "ICC-header:ProfileClass": "device_class",
    "ICC-header:ColorSpaceData": "colour_space",
    "ICC-header:ProfileConnectionSpace": "connection_space",
    "ICC-header:ProfileCMMType": "cmm",
    "ICC-header:DeviceManufacturer": "manufacturer",
    "ICC_Profile:ProfileDescription": "description",
    "ICC_Profile:ProfileCopyright": "copyright",
}


def test_icc_agrees_with_exiftool(data_folder: Path) -> None:
    asked = [f"-{tag}" for tag in (*_ICC_TAGS, "ICC-header:ProfileDateTime")]
    differing: list[tuple[object, ...]] = []
    compared = 0
    for path, said in sorted(_ask(data_folder, "-n", *asked).items()):
        record: IccRecord | None = _measured(Path(path), Icc())
        if record is None:
            differing += [(Path(path).name, said)] if said else []
            continue
        compared += 1
        profile = record.profiles[0]
        for tag, name in _ICC_TAGS.items():
            theirs = _icc_text(tag, said.get(tag))
            if (_text(getattr(profile, name)) or "") != theirs:
                differing.append((Path(path).name, tag, getattr(profile, name), theirs))
        written = (profile.created.at or "").rstrip("Z").replace("T", " ").replace("-", ":")
        if written != said.get("ICC-header:ProfileDateTime"):
            differing.append((Path(path).name, "date", written, said))
    assert compared > 20
    assert not differing


def _icc_text(tag: str, value: object) -> str:
    if tag.endswith("Version"):
        number = int(str(value))
        return f"{number >> 8}.{number >> 4 & 15}.{number & 15}"
    return str(value if value is not None else "").strip("\0 ")


_IPTC_TAGS = {
    "IPTC:Keywords": "Keywords",
    "IPTC:Caption-Abstract": "Caption-Abstract",
    "IPTC:By-line": "By-line",
    "IPTC:ObjectName": "ObjectName",
    "IPTC:City": "City",
    "IPTC:CopyrightNotice": "CopyrightNotice",
    "IPTC:DateCreated": "DateCreated",
    "IPTC:SpecialInstructions": "SpecialInstructions",
}


def test_iptc_agrees_with_exiftool(data_folder: Path) -> None:
    asked = [f"-{tag}" for tag in (*_IPTC_TAGS, "File:Comment", "Photoshop:IPTCDigest")]
    differing: list[tuple[object, ...]] = []
    compared = 0
    for path, said in sorted(_ask(data_folder, *asked).items()):
        record: IptcRecord | None = _measured(Path(path), Iptc())
        if record is None:
            differing += [(Path(path).name, said)] if said else []
            continue
        compared += 1
        for tag, name in _IPTC_TAGS.items():
            theirs = said.get(tag)
            listed = theirs if isinstance(theirs, list) else [] if theirs is None else [theirs]
            expected = [str(text).strip().replace(":", "") for text in listed]
            if [
                text.strip().replace(":", "") for text in record.datasets.get(name, [])
            ] != expected:
                differing.append((Path(path).name, tag, record.datasets.get(name), theirs))
        comments = [comment.text for comment in record.segments.comments]
        if _text(said.get("File:Comment")) and _text(said["File:Comment"]) not in map(
            _text, comments
        ):
            differing.append((Path(path).name, "comment", comments, said["File:Comment"]))
    assert compared > 5
    assert not differing


def test_thumbnails_are_those_exiftool_extracts(data_folder: Path) -> None:
    """The first thumbnail's bytes; both readers have to cut the same ones out."""
    differing: list[tuple[object, ...]] = []
    compared = 0
    for path, said in sorted(_ask(data_folder, "-b", "-IFD1:ThumbnailImage").items()):
        places = _places(Path(path))
        encoded = said.get("IFD1:ThumbnailImage")
        if encoded is None:
            differing += [(Path(path).name, places)] if places else []
            continue
        compared += 1
        theirs = base64.b64decode(encoded.removeprefix("base64:"))
        if not places or places[0].content.read_at(0, places[0].stated_bytes) != theirs:
            differing.append((Path(path).name, places))
    assert compared > 50
    assert not differing


def _places(path: Path) -> list[EmbeddedPlace]:
    content = Content.from_bytes(path.read_bytes())
    name = "heif" if content.read_at(4, 4) == b"ftyp" else "jpeg"
    identity = Identity(kind="picture", format=name, media_type=None)
    segments = find_segments(content, identity, Limits())
    found = find_embedded(content, name, read_exif(segments.exif), segments)
    return [place for place in found if place.source == "IFD1"]
