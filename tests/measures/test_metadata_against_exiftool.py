"""EXIF facts beside ExifTool's, an independent reader, on real files."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure
from headwater.measures.exif import Exif, ExifRecord
from headwater.media.media import Media
from headwater.media.metadata.clocks import Clock
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


@pytest.fixture(scope="module")
def told(data_folder: Path) -> dict[str, dict[str, Any]]:
    """What ExifTool says, by path."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not on PATH")
    paths = [str(path) for path in _files(data_folder)]
    command = [program, "-j", "-G1", "-api", "TimeZone=UTC", *_TAGS, *paths]
    out = subprocess.run(command, capture_output=True, check=False).stdout
    return {entry.pop("SourceFile"): entry for entry in json.loads(out)}


def _record(path: Path) -> ExifRecord | None:
    content = Content.from_bytes(path.read_bytes())
    head = content.read_at(0, 12)
    name = "jpeg" if head.startswith(b"\xff\xd8") else "heif" if head[4:8] == b"ftyp" else "png"
    identity = Identity(kind="picture", format=name, media_type=None)
    measured = Exif().measure(Media(content, identity, Limits(), content.digests()))
    if isinstance(measured, CannotMeasure):
        return None
    assert isinstance(measured.record, ExifRecord)
    return measured.record


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


def test_agrees_with_exiftool(told: dict[str, dict[str, Any]]) -> None:
    differing = []
    compared = 0
    for path, said in sorted(told.items()):
        record = _record(Path(path))
        if record is None:
            if any(value is not None for value in said.values()):
                differing.append((Path(path).name, "nothing read", None, said))
            continue
        compared += 1
        for name, ours, theirs in _differences(record, said):
            differing.append((Path(path).name, name, ours, theirs))
    assert compared > 80
    assert not differing
