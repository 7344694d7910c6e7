"""What films made here say of themselves, as the measure tells it."""

from __future__ import annotations

import datetime
import struct
from pathlib import Path

import msgspec
import pytest

from headwater.evidence.content import Content
from headwater.measures.contract import Measured
from headwater.measures.video import Video, VideoFacts
from headwater.media.identify import identify
from tests.media.video import films
from tests.media.video.films import FORMS, Form, encode, name_of, shoot

FRAMES = shoot((6,))
_MADE_AT = "2021-03-04T05:06:07Z"
BY_NAME = {name_of(form): form for form in FORMS}


def facts(data: bytes, name: str) -> VideoFacts:
    result = Video().measure(films.media(data, name))
    assert isinstance(result, Measured)
    assert isinstance(result.record, VideoFacts)
    return result.record


def readings(record: VideoFacts) -> dict[str, str | None]:
    return {clock.basis: clock.at for clock in record.clocks}


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_the_record_survives_its_own_json(form: Form) -> None:
    record = facts(encode(FRAMES, form, tags={"title": "a \u2028 title"}), form.format)
    assert msgspec.json.decode(msgspec.json.encode(record), type=VideoFacts) == record


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_identification_names_what_is_opened(form: Form) -> None:
    found = identify(Content.from_bytes(encode(FRAMES, form)))
    assert (found.kind, found.format) == ("video", form.format)


@pytest.mark.parametrize(
    ("name", "basis"),
    [
        ("mp4-h264", "mvhd:created"),
        ("mp4-h264", "trak 1 mdhd:created"),
        ("mov-h264", "trak 1 tkhd:created"),
        ("matroska-h264", "tag:creation_time"),
        ("webm-vp8", "tag:creation_time"),
        ("flv-h264", "tag:creation_time"),
        ("asf-wmv2", "file properties:created"),
    ],
)
def test_reads_the_clock_that_was_set(name: str, basis: str) -> None:
    form = BY_NAME[name]
    record = facts(encode(FRAMES, form, tags={"creation_time": _MADE_AT}), form.format)
    assert readings(record)[basis] == _MADE_AT


def test_lists_contradicting_clocks() -> None:
    form = BY_NAME["mov-h264"]
    tags = {
        "creation_time": _MADE_AT,
        "com.apple.quicktime.creationdate": "2020-12-31T23:59:58+0900",
        "date": "1999-01-02",
    }
    data = bytearray(
        encode(FRAMES, form, tags=tags, muxer_options={"movflags": "use_metadata_tags"})
    )
    at = data.index(b"mdhd") + 12
    struct.pack_into(">I", data, at, 0)
    record = facts(bytes(data), "mov")
    found = readings(record)
    assert found["mvhd:created"] == _MADE_AT
    assert found["trak 1 mdhd:created"] == _MADE_AT
    assert found["tag:com.apple.quicktime.creationdate"] == "2020-12-31T23:59:58+09:00"
    assert found["tag:date"] == "1999-01-02"
    unset = [clock for clock in record.clocks if clock.state == "unset"]
    assert [clock.basis for clock in unset] == ["trak 1 mdhd:modified"]
    assert not any(clock.basis == "tag:creation_time" for clock in record.clocks)


def test_zero_clocks_are_not_set() -> None:
    record = facts(encode(FRAMES), "mp4")
    header = [clock for clock in record.clocks if clock.basis.startswith(("mvhd", "trak"))]
    assert len(header) == 6
    for clock in header:
        assert (clock.state, clock.raw, clock.at) == ("unset", "0", None)


def test_a_header_clock_counted_from_1970_is_noted() -> None:
    data = bytearray(encode(FRAMES, tags={"creation_time": _MADE_AT}))
    moment = datetime.datetime.fromisoformat("2022-02-03T04:05:06+00:00")
    struct.pack_into(">I", data, data.index(b"mvhd") + 8, int(moment.timestamp()))
    created = facts(bytes(data), "mp4").clocks[0]
    assert created.basis == "mvhd:created"
    assert created.at is not None
    assert created.at.startswith("1956-")
    assert created.note is not None
    assert "2022-02-03T04:05:06Z" in created.note


def test_header_clocks_of_64_bits_are_read() -> None:
    plain = encode(FRAMES, tags={"creation_time": _MADE_AT})
    at = plain.index(b"mvhd") - 4
    size, kind, _, created, changed = struct.unpack_from(">I4sIII", plain, at)
    scale, length = struct.unpack_from(">II", plain, at + 20)
    wide = struct.pack(">I4sIQQIQ", size + 12, kind, 1 << 24, created, changed, scale, length)
    moov = plain.index(b"moov") - 4
    data = bytearray(plain[:at] + wide + plain[at + 28 :])
    struct.pack_into(">I", data, moov, struct.unpack_from(">I", plain, moov)[0] + 12)
    assert readings(facts(bytes(data), "mp4"))["mvhd:created"] == _MADE_AT


def test_the_recorder_clock_of_avi_is_read() -> None:
    form = BY_NAME["avi-mpeg4"]
    data = encode(FRAMES, form, tags={"date": "2014-05-06 07:08:09"})
    record = facts(data.replace(b"ICRD", b"IDIT"), "avi")
    assert "2014-05-06T07:08:09" in readings(record).values()


@pytest.mark.parametrize("name", ["mp4-h264", "mov-h264", "3gp-h264", "matroska-h264", "flv-h264"])
def test_reads_the_place(name: str) -> None:
    form = BY_NAME[name]
    record = facts(encode(FRAMES, form, tags={"location": "-33.8568+151.2153/"}), form.format)
    assert len(record.places) == 1
    place = record.places[0]
    assert place.raw.startswith("-33.8568+151.2153")
    assert (place.latitude_degrees, place.longitude_degrees) == (-33.8568, 151.2153)


def test_reads_the_place_of_quicktime_keys() -> None:
    tags = {"com.apple.quicktime.location.ISO6709": "+27.5916+086.5640+8850/"}
    options = {"movflags": "use_metadata_tags"}
    record = facts(encode(FRAMES, BY_NAME["mov-h264"], tags=tags, muxer_options=options), "mov")
    place = record.places[0]
    assert place.basis == "tag:com.apple.quicktime.location.ISO6709"
    assert place.altitude_metres == 8850.0


def test_names_what_the_film_was_made_with() -> None:
    tags = {
        "com.apple.quicktime.make": "Invented",
        "com.apple.quicktime.model": "Model One",
        "com.apple.quicktime.software": "12.3",
        "com.android.version": "10",
    }
    options = {"movflags": "use_metadata_tags"}
    record = facts(encode(FRAMES, BY_NAME["mov-h264"], tags=tags, muxer_options=options), "mov")
    named = {(device.role, device.value, device.basis) for device in record.devices}
    assert ("make", "Invented", "tag:com.apple.quicktime.make") in named
    assert ("model", "Model One", "tag:com.apple.quicktime.model") in named
    assert ("software", "12.3", "tag:com.apple.quicktime.software") in named
    assert ("software", "10", "tag:com.android.version") in named


def test_a_film_that_says_nothing_has_no_place_and_no_device() -> None:
    record = facts(encode(FRAMES, BY_NAME["mpegts-mpeg2video"]), "mpegts")
    assert record.places == ()
    assert record.devices == ()
    assert record.clocks == ()


@pytest.mark.data
def test_real_films_say_something(data_folder: Path) -> None:
    for path in sorted((data_folder / "clips").glob("*.mp4")):
        record = facts(path.read_bytes(), "mp4")
        assert record.main_stream is not None
        assert record.streams[record.main_stream].codec == "h264"
        assert record.clocks
