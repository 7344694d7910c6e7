"""The IPTC measure: datasets, dates, Photoshop's digest, and comments."""

from __future__ import annotations

import struct
from hashlib import md5

import pytest

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure
from headwater.measures.iptc import Iptc, IptcRecord
from headwater.media.media import Media
from headwater.model import Identity


def dataset(number: int, value: bytes) -> bytes:
    return bytes([0x1C, 2, number]) + struct.pack(">H", len(value)) + value


def resource(number: int, data: bytes) -> bytes:
    padding = b"\0" * (len(data) & 1)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + padding


def measure(*segments: tuple[int, bytes]) -> IptcRecord | CannotMeasure:
    parts = [bytes([255, m]) + struct.pack(">H", len(d) + 2) + d for m, d in segments]
    content = Content.from_bytes(b"\xff\xd8" + b"".join(parts) + b"\xff\xda\0\2\0")
    identity = Identity(kind="picture", format="jpeg", media_type="image/jpeg")
    measured = Iptc().measure(Media(content, identity, Limits(), content.digests()))
    if isinstance(measured, CannotMeasure):
        return measured
    assert isinstance(measured.record, IptcRecord)
    return measured.record


def record_of(iim: bytes, *resources: bytes) -> IptcRecord:
    data = b"Photoshop 3.0\0" + resource(0x0404, iim) + b"".join(resources)
    record = measure((0xED, data))
    assert isinstance(record, IptcRecord)
    return record


def test_datasets_by_name() -> None:
    record = record_of(dataset(25, b"one") + dataset(25, b"two") + dataset(120, b"caption"))
    assert record.datasets == {"Caption-Abstract": ["caption"], "Keywords": ["one", "two"]}
    assert record.carriers == ("jpeg app13",)
    assert [entry.number for entry in record.segments.photoshop] == [0x0404]


@pytest.mark.parametrize(
    ("day", "time", "at"),
    [
        (b"20200203", b"040506+0130", "2020-02-03T02:35:06Z"),
        (b"20200203", b"040506", "2020-02-03T04:05:06"),
        (b"20200203", b"", "2020-02-03"),
        (b"20200231", b"040506", None),
        (b"sometime", b"040506", None),
    ],
)
def test_dates_are_clocks(day: bytes, time: bytes, at: str | None) -> None:
    record = record_of(dataset(55, day) + (dataset(60, time) if time else b""))
    assert [(clock.basis, clock.at) for clock in record.times] == [("iptc:created", at)]
    assert (record.times[0].problem is None) == (at is not None)


def test_the_digest_tells_a_later_change() -> None:
    iim = dataset(120, b"caption")
    told = md5(iim).digest()
    assert record_of(iim, resource(0x0425, told)).digest_matches is True
    assert record_of(dataset(120, b"Caption"), resource(0x0425, told)).digest_matches is False
    assert record_of(iim).digest_matches is None


def test_comments_stand_alone_too() -> None:
    record = measure((0xFE, "größer".encode("latin-1")), (0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\0\0"))
    assert isinstance(record, IptcRecord)
    assert [comment.text for comment in record.segments.comments] == ["größer"]
    assert record.segments.jfif_density == (72, 72)
    assert record.datasets == {}


def test_without_any() -> None:
    assert isinstance(measure((0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\0\0")), CannotMeasure)
