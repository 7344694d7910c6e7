"""The EXIF measure: what it records, in which shape, from blocks that Pillow wrote."""

from __future__ import annotations

import io
import struct

import msgspec
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure
from headwater.measures.exif import Exif, ExifRecord
from headwater.media.media import Media
from headwater.model import Identity


def media(data: bytes, name: str = "jpeg") -> Media:
    content = Content.from_bytes(data)
    identity = Identity(kind="picture", format=name, media_type=None)
    return Media(content, identity, Limits(), content.digests())


def record_of(data: bytes, name: str = "jpeg") -> ExifRecord:
    measured = Exif().measure(media(data, name))
    assert not isinstance(measured, CannotMeasure)
    assert isinstance(measured.record, ExifRecord)
    return measured.record


def written() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Lantern", "Model 7", 8
    exif[0x0131], exif[0x0132] = "Quill 3", "2020:02:03 04:05:06"
    inner = exif.get_ifd(0x8769)
    inner[0x829A], inner[0x829D], inner[0x8827] = IFDRational(1, 250), IFDRational(28, 10), 400
    inner[0x920A], inner[0xA405] = IFDRational(50, 1), 75
    inner[0x9003], inner[0x9291], inner[0x9011] = "2020:02:03 01:02:03", "25", "-05:00"
    inner[0x9004] = "0000:00:00 00:00:00"
    inner[0xA431], inner[0xA434], inner[0xA435] = "B-0042", "EF 50", "L-77"
    inner[0x9286] = b"ASCII\0\0\0a comment"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "S", (33.0, 30.0, 0.0)
    place[3], place[4] = "E", (151.0, 15.0, 0.0)
    out = io.BytesIO()
    Image.new("L", (16, 16)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_facts_are_in_units() -> None:
    record = record_of(written())
    assert (record.make, record.model, record.software) == ("Lantern", "Model 7", "Quill 3")
    assert (record.body_serial, record.lens_serial, record.lens) == ("B-0042", "L-77", "EF 50")
    assert record.orientation == 8
    assert record.exposure.exposure_seconds == 0.004
    assert (record.exposure.f_number, record.exposure.iso) == (2.8, 400)
    assert (record.exposure.focal_length_mm, record.exposure.focal_length_35mm_mm) == (50.0, 75)
    assert record.place is not None
    assert (record.place.latitude_degrees, record.place.longitude_degrees) == (-33.5, 151.25)
    times = {clock.basis: clock for clock in record.times}
    assert times["exif:original"].at == "2020-02-03T06:02:03.25Z"
    assert times["exif:original"].utc_offset == "-05:00"
    assert times["exif:modified"].at == "2020-02-03T04:05:06"
    assert times["exif:digitized"].at is None
    assert times["exif:digitized"].problem is not None


def test_tags_keep_type_and_exact_value() -> None:
    tags = record_of(written()).tags
    assert list(tags) == sorted(tags)
    assert list(tags["Exif"]) == sorted(tags["Exif"])
    assert tags["Exif"]["ExposureTime"].type == "RATIONAL"
    assert tags["Exif"]["ExposureTime"].numbers == [[1, 250]]
    assert tags["Exif"]["UserComment"].text == "a comment"
    assert tags["IFD0"]["Make"].text == "Lantern"
    assert tags["GPS"]["GPSLatitude"].numbers == [[33, 1], [30, 1], [0, 1]]


def test_the_record_survives_json() -> None:
    record = record_of(written())
    encoded = msgspec.json.encode(record, order="sorted")
    assert msgspec.json.decode(encoded, type=ExifRecord) == record


def block(*fields: tuple[int, int, int, bytes]) -> bytes:
    body = b"".join(struct.pack("<HHI", t, k, n) + v.ljust(4, b"\0") for t, k, n, v in fields)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + body + bytes(4)


def in_jpeg(data: bytes) -> bytes:
    segment = b"Exif\0\0" + data
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + b"\xff\xda\0\2\0"


def test_unknown_tags_are_kept_by_number() -> None:
    tag = record_of(in_jpeg(block((0xFEED, 3, 1, b"\x07\0")))).tags["IFD0"]["0xfeed"]
    assert (tag.type, tag.numbers) == ("SHORT", [7])


def test_long_values_are_bounded_and_say_so() -> None:
    raw = block((0x0001, 7, 500, struct.pack("<I", 50)), (0xFEED, 3, 200, struct.pack("<I", 50)))
    tags = record_of(in_jpeg(raw.ljust(50, b"\0") + bytes(500))).tags["IFD0"]
    assert tags["0x0001"].hex == "00" * 64
    assert tags["0x0001"].count == 500
    assert tags["0xfeed"].numbers == [0] * 32
    assert tags["0xfeed"].count == 200


def test_floats_that_are_no_numbers_are_words() -> None:
    raw = block((0xFEED, 11, 1, struct.pack("<f", float("nan"))))
    record = record_of(in_jpeg(raw))
    assert record.tags["IFD0"]["0xfeed"].numbers == ["nan"]
    msgspec.json.decode(msgspec.json.encode(record), type=ExifRecord)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_a_problem(orientation: int) -> None:
    record = record_of(in_jpeg(block((0x0112, 3, 1, struct.pack("<H", orientation)))))
    assert record.orientation is None
    assert any("orientation" in problem for problem in record.problems)


def test_measuring_twice_gives_the_same_bytes() -> None:
    data = in_jpeg(block((0x0112, 3, 1, b"\x63\0"), (0x0112, 3, 1, b"\1\0")))
    item = media(data)
    first, second = Exif().measure(item), Exif().measure(item)
    again = Exif().measure(media(data))
    assert msgspec.json.encode(first) == msgspec.json.encode(second) == msgspec.json.encode(again)


def test_without_exif() -> None:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG")
    answer = Exif().measure(media(out.getvalue()))
    assert answer == CannotMeasure(reason="no EXIF")
