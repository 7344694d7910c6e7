"""A film's own account of itself: streams, tags, clocks, places and devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from headwater.measures.contract import Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.video.asf_clocks import asf_clocks
from headwater.media.video.box_clocks import box_clocks
from headwater.media.video.clocks import Clock, tag_clocks
from headwater.media.video.devices import NamedBy, tag_devices
from headwater.media.video.facts import ContainerFacts, StreamFacts
from headwater.media.video.places import Place, tag_places
from headwater.model import Kind, Record


class VideoFacts(Record, frozen=True, kw_only=True):
    """What the file says. Nothing here was checked against anything outside the file."""

    container: ContainerFacts
    streams: tuple[StreamFacts, ...]
    main_stream: int | None
    """Index of the stream of pictures that the storyboard is made of; None: no pictures."""
    clocks: tuple[Clock, ...]
    """Every clock reading of headers and tags, contradictions and zeros included: headers first,
    then the tags of the file, then those of its streams."""
    places: tuple[Place, ...]
    devices: tuple[NamedBy, ...]


class Video(Measure):
    """Container and stream facts, and what the tags name."""

    NAME: ClassVar[str] = "video"
    VERSION: ClassVar[int] = 1
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"video"})
    RECORD: ClassVar[type[Record]] = VideoFacts
    LIBRARIES: ClassVar[tuple[str, ...]] = ("av", "numpy")
    COST: ClassVar[str] = "one decoded picture: 4 ms at 1080 x 720, some 30 ms at 1080p of 8 Mb/s"
    DOC: ClassVar[Doc] = Doc(
        requirement=(
            "State what a film's container and streams say about codecs, sizes, rates, rotation "
            "and languages, list all tags, and list every clock, place and device that headers and "
            "tags name, each with where it stood."
        ),
        shows=(
            "How a film was encoded and by what, as far as it says so; when by which of its "
            "clocks; where by its own words. Clocks that contradict each other stand side by side."
        ),
        cannot_show=(
            "Whether any of it is true: every value can be written by anyone, platforms remove "
            "most, and a copy carries the clock of its making. Headers of MP4 count in UTC, but "
            "some devices write local time there. Tags that FFmpeg does not hand on (private "
            "boxes, binary metadata tracks such as GPS tracks) are not read. Sound is never "
            "decoded, so channels and rates are what the container states. Of tags of one name in "
            "one place, the last is kept."
        ),
        method=(
            "FFmpeg's demuxer of the identified format, with no other; header clocks from ISO/IEC "
            "14496-12 (8.2.2, 8.3.2, 8.4.2) and the ASF specification (3.2) directly; places from "
            "ISO 6709 annex H; colours by ITU-T H.273; rotation from the display matrix that the "
            "first decoded picture comes with."
        ),
        validated_on="Films made in ten containers and twelve codecs with known facts (tests).",
        techniques=("DFT-1080", "DFT-1115"),
        tests=(
            "tests/measures/test_video.py::test_names_what_the_film_was_made_with",
            "tests/measures/test_video.py::test_lists_contradicting_clocks",
            "tests/measures/test_video.py::test_reads_the_place",
            "tests/media/video/test_probe.py::test_states_rotation_and_mirror",
        ),
    )

    def measure(self, media: Media) -> Measured:
        probe = media.video
        groups = list(_tag_groups(probe.container, probe.streams))
        record = VideoFacts(
            container=probe.container,
            streams=probe.streams,
            main_stream=probe.main,
            clocks=(
                *_header_clocks(media, probe.container.demuxer),
                *(clock for where, tags in groups for clock in tag_clocks(tags, where)),
            ),
            places=tuple(place for where, tags in groups for place in tag_places(tags, where)),
            devices=tuple(named for where, tags in groups for named in tag_devices(tags, where)),
        )
        return Measured(record)


_Tags = list[tuple[str, str]]


def _tag_groups(
    container: ContainerFacts, streams: tuple[StreamFacts, ...]
) -> Iterator[tuple[str, _Tags]]:
    """Yield what stands before a tag's name in a basis, and the tags of one place.

    The header clocks of MP4 are read directly, so FFmpeg's tag of the same is left out.
    """
    repeats = {"creation_time"} if container.demuxer == "mov" else set()
    places = [("", container.tags)]
    places += [(f"stream {stream.index} ", stream.tags) for stream in streams]
    for where, tags in places:
        yield where, [(tag.name, tag.value) for tag in tags if tag.name not in repeats]


def _header_clocks(media: Media, demuxer: str) -> list[Clock]:
    if demuxer == "mov":
        return box_clocks(media.content)
    if demuxer == "asf":
        return asf_clocks(media.content)
    return []
