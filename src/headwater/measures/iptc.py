"""IPTC-IIM of a picture, and the small segments beside it: comments, Photoshop's resources."""

from __future__ import annotations

from hashlib import md5

from headwater.measures.contract import CannotMeasure, Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.metadata.clocks import Clock, clock_of
from headwater.media.metadata.directories import decode_text
from headwater.media.metadata.iptc_datasets import Datasets, read_datasets
from headwater.media.metadata.photoshop import PhotoshopResource
from headwater.media.metadata.segments import Segments, TextSegment, segments_of
from headwater.model import Record

TEXT_MOST = 1024
_DIGEST = 0x0425
_CLOCKS = (
    ("iptc:created", "DateCreated", "TimeCreated"),
    ("iptc:digitized", "DigitalCreationDate", "DigitalCreationTime"),
    ("iptc:sent", "DateSent", "TimeSent"),
)


class Comment(Record, frozen=True, kw_only=True):
    """One free text: a JPEG or GIF comment, a PNG text chunk."""

    carrier: str
    keyword: str
    """Empty where the format has none."""
    text: str
    """At most 1,024 characters; UTF-8, else Latin-1."""
    size_bytes: int


class Resource(Record, frozen=True, kw_only=True):
    """One Photoshop image resource, by number and size."""

    number: int
    name: str
    size_bytes: int


class SmallSegments(Record, frozen=True, kw_only=True):
    """Segments that have no measure of their own."""

    comments: tuple[Comment, ...]
    photoshop: tuple[Resource, ...]
    jfif_version: str | None
    jfif_density: tuple[int, int] | None
    jfif_density_unit: int | None
    """0 aspect ratio only, 1 dots per inch, 2 dots per centimetre."""
    adobe_version: int | None
    adobe_transform: int | None
    """Colour transform: 0 none, 1 YCbCr, 2 YCCK."""


class IptcRecord(Record, frozen=True, kw_only=True):
    """IPTC datasets and the small segments; `datasets` is empty where only the latter are there."""

    carriers: tuple[str, ...]
    charset: str | None
    """What dataset 1:90 declares; None where it is absent."""
    datasets: dict[str, list[str]]
    """Values by name, repeated ones in stored order."""
    times: tuple[Clock, ...]
    digest_matches: bool | None
    """Whether Photoshop's digest is that of the datasets: False where another program changed them
    later; None without a digest."""
    segments: SmallSegments
    problems: tuple[str, ...]


class Iptc(Measure):
    """Reads IPTC-IIM, comments, PNG texts and the list of Photoshop resources."""

    NAME = "iptc"
    VERSION = 2
    KINDS = frozenset({"picture"})
    RECORD = IptcRecord
    LIBRARIES = ()
    COST = "40 µs for thirty datasets; 20 µs where there is nothing"
    DOC = Doc(
        requirement=(
            "Give every IPTC-IIM dataset by name in its right character set, the dates as clocks, "
            "and the comments, text chunks and Photoshop resources that stand beside it."
        ),
        shows=(
            "Captions, credits, keywords, dates and programs that agencies, editors and platforms "
            "wrote; comments that name encoders; and, by Photoshop's digest, whether the datasets "
            "were changed after Photoshop wrote them."
        ),
        cannot_show=(
            "Anyone can write, copy, change or remove it. Names and dates are typed in by people "
            "or taken over from templates. Text without a declared character set may be misread."
        ),
        method=(
            "IPTC-IIM 4.2; Adobe Photoshop File Formats Specification (image resources); "
            "ITU-T T.871 (JFIF); PNG third edition, 11.3.3."
        ),
        validated_on=(
            "EXIF and C2PA sample files against ExifTool 12.57; datasets made by the tests in "
            "UTF-8 and Latin-1, with extended lengths and cut off."
        ),
        tests=(
            "tests/measures/test_metadata_against_exiftool.py::test_iptc_agrees_with_exiftool",
            "tests/media/metadata/test_iptc_datasets.py::test_round_trip",
        ),
    )

    def measure(self, media: Media) -> Measured | CannotMeasure:
        segments = segments_of(media)
        if not (segments.iptc or segments.texts or segments.photoshop):
            return CannotMeasure(reason="no IPTC, comments, text chunks or Photoshop resources")
        return Measured(_record(segments))


def _record(segments: Segments) -> IptcRecord:
    problems: list[str] = []
    read = [read_datasets(segment.data) for segment in segments.iptc]
    values: dict[str, list[str]] = {}
    for datasets in read:
        problems += datasets.problems
        for name, texts in datasets.values.items():
            if values.setdefault(name, texts) != texts:
                problems.append(f"{name} differs between IPTC blocks; the first one holds")
    return IptcRecord(
        carriers=tuple(segment.carrier for segment in segments.iptc),
        charset=next((datasets.charset for datasets in read if datasets.charset), None),
        datasets=dict(sorted(values.items())),
        times=_clocks(values),
        digest_matches=_digest_matches(segments, read),
        segments=_small(segments),
        problems=tuple(dict.fromkeys(problems))[:32],
    )


def _clocks(values: dict[str, list[str]]) -> tuple[Clock, ...]:
    return tuple(
        _clock(basis, values[day][0], values.get(time, [""])[0])
        for basis, day, time in _CLOCKS
        if day in values
    )


def _clock(basis: str, day: str, time: str) -> Clock:
    """A date `CCYYMMDD` and a time `HHMMSS+HHMM` (IIM 4.2, 2:55 and 2:60)."""
    raw = f"{day} {time}".strip()
    day, clock, zone = day.replace("-", ""), time.replace(":", "")[:6], time.replace(":", "")[6:]
    if not (len(day) == 8 and day.isascii() and day.isdigit()):
        return Clock(basis=basis, at=None, raw=raw[:64], problem="not written as a date")
    numbers = [int(day[:4]), int(day[4:6]), int(day[6:])]
    if not (len(clock) == 6 and clock.isascii() and clock.isdigit()):
        read = clock_of(basis, raw, [*numbers, 0, 0, 0])
        problem = read.problem or ("time is not written as one" if time else None)
        return Clock(basis=basis, at=read.at and read.at[:10], raw=raw[:64], problem=problem)
    return clock_of(basis, raw, numbers + [int(clock[at : at + 2]) for at in (0, 2, 4)], zone=zone)


def _digest_matches(segments: Segments, read: list[Datasets]) -> bool | None:
    stored = next((r.head[:16] for r in segments.photoshop if r.number == _DIGEST), None)
    if stored is None or len(stored) < 16 or not read or not any(stored):
        return None
    return md5(segments.iptc[0].data, usedforsecurity=False).digest() == stored


def _small(segments: Segments) -> SmallSegments:
    jfif, adobe = segments.jfif, segments.adobe
    return SmallSegments(
        comments=tuple(_comment(text) for text in segments.texts),
        photoshop=tuple(_resource(resource) for resource in segments.photoshop),
        jfif_version=jfif.version if jfif else None,
        jfif_density=(jfif.density_x, jfif.density_y) if jfif else None,
        jfif_density_unit=jfif.density_unit if jfif else None,
        adobe_version=adobe.version if adobe else None,
        adobe_transform=adobe.transform if adobe else None,
    )


def _comment(text: TextSegment) -> Comment:
    return Comment(
        carrier=text.carrier,
        keyword=text.keyword,
        text=decode_text(text.data.rstrip(b"\0"))[0][:TEXT_MOST],
        size_bytes=text.size_bytes,
    )


def _resource(resource: PhotoshopResource) -> Resource:
    return Resource(number=resource.number, name=resource.name, size_bytes=resource.size_bytes)
