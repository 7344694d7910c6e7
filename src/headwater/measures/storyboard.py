"""A film as a few pictures: key frames in shots, each with its PDQ, some with a thumbnail."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from headwater.measures.contract import CannotMeasure, Doc, Measure, Measured
from headwater.measures.thumbnail import encode, upright
from headwater.media.media import Media
from headwater.media.raster import Pixels
from headwater.model import Kind, Record

if TYPE_CHECKING:
    from headwater.measures.shots import Look
    from headwater.media.video.key_frames import KeyFrame, KeyFrames

MAX_SIDE_PX = 240
QUALITY = 75
ALIKE_BITS = 31
"""PDQ's usual threshold: frames of a shot no further apart than this need one thumbnail."""


class StoryboardOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of each frame."""

    thumbnails: bool = True
    """Whether small pictures are made and kept."""


class Luma(Record, frozen=True, kw_only=True):
    """How the luma that was hashed came about."""

    width_px: int
    height_px: int
    """Size of the stored picture, before it is turned."""
    reduced_by: int
    """Each hashed sample is the mean of so many by so many pixels; the last ones of a row or
    column repeat where a side is no multiple."""
    range: Literal["full", "expanded from limited"]
    """`expanded`: 16..235 was stretched to 0..255, as players do."""
    from_rgb: bool


class Thumbnail(Record, frozen=True, kw_only=True):
    """A JPEG, which is the blob of this digest, and its size as seen upright."""

    sha256: str
    width_px: int
    height_px: int
    size_bytes: int


class BoardFrame(Record, frozen=True, kw_only=True):
    """One frame."""

    time_seconds: float
    """From the start of the film, by the container's clock, to a microsecond."""
    shot: int
    """Number of its shot, from 0."""
    stands_for_shot: bool
    """The frame of its shot with the highest quality, the first of equals."""
    pdq: str
    """64 lower-case hex digits, of the picture before it is turned."""
    quality: int
    """0..100; matches below 50 are not to be trusted."""
    damaged: bool
    """The decoder had to conceal missing or broken parts."""
    thumbnail: Thumbnail | None


class Board(Record, frozen=True, kw_only=True):
    """The frames, in order of time, and how they were come by."""

    source: Literal["key frames", "every reference frame"]
    """`every reference frame`: key frames were too few, so all that others refer to were decoded,
    and frames half a second apart or more were kept."""
    key_frames_seen: int
    """Key frames in the file; a spread choice of them, by times and sizes alone, is decoded."""
    key_frames_decoded: int
    """Key frames that were given to the decoder; the others were not looked at."""
    key_frames_without_picture: int
    """Of these, those of which the decoder made nothing."""
    spacing_seconds: float
    """What follows the last frame taken by less than this (a twentieth less is allowed) was passed
    over. Frames lie further apart where the film has no key frame in time."""
    key_frames_left_out: int
    """Key frames further apart than that, left out evenly all the same, because decoding those
    too would not keep pace with the film: they are heavy, or large (`media/video/effort.py`)."""
    stopped: str | None
    """Why the film is not covered up to its end; None where it is."""
    shots: int
    luma: Luma
    """Of the first frame; `size_changes` tells whether it is that of all."""
    size_changes: bool
    orientation: int
    """EXIF orientation 1..8 that thumbnails were turned by, from the display matrix."""
    frames: tuple[BoardFrame, ...]


class Storyboard(Measure):
    """Key frames grouped in shots."""

    NAME: ClassVar[str] = "storyboard"
    VERSION: ClassVar[int] = 2
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"video"})
    RECORD: ClassVar[type[Record]] = Board
    LIBRARIES: ClassVar[tuple[str, ...]] = ("av", "numba", "numpy", "simplejpeg")
    OPTIONS: ClassVar[type[StoryboardOptions]] = StoryboardOptions
    COST: ClassVar[str] = (
        "4 ms a frame at 1080p beyond decoding it; at most about 1/50 of the film's length, or "
        "0.5 s where that is more; up to 16 s where a film of a minute has one key frame"
    )
    DOC: ClassVar[Doc] = Doc(
        requirement=(
            "Give decoded frames spread over a film, grouped where it cuts, with the PDQ of each "
            "and an upright thumbnail of those that differ, as many as the limit on frames and "
            "the pace allow, and say how many key frames were not looked at."
        ),
        shows=(
            "What is seen in a film without playing it, and hashes by which copies of it, cuttings "
            "of it, and pictures taken out of it can be found."
        ),
        cannot_show=(
            "What happens between the frames: a scene that lies between two key frames is missed, "
            "and encoders place key frames, most of them at cuts, some at fixed distances alone. "
            "Films over eight minutes are looked at less often than every two seconds, and so are "
            "those with key frames of more than about 400 kB at 1080p: `spacing_seconds` and "
            "`key_frames_left_out` tell. Cuts "
            "between alike scenes are missed and quick movements are taken for cuts, the more the "
            "further frames lie apart (7 in 100 pairs of frames two seconds apart, 15 in 100 at "
            "five); shots are a help for looking, not a count. Times are the container's, which "
            "copies may change. "
            "Other streams of pictures and cover pictures are not looked at. High dynamic range "
            "is shown as it is stored, thus pale. Encrypted films are refused."
        ),
        method=(
            "Key frames, chosen by their times and sizes alone, decoded alone by FFmpeg on one "
            "thread; luma from the stored plane, "
            "reduced by means over whole blocks and hashed with PDQ (Meta, hashing.pdf, 2019), "
            "the windows of the full size laid over it; cuts from the distance of luma histograms "
            "and the correlation of 24 x 24 blocks; thumbnails as for pictures, with the chroma "
            "matrix that the film states (ITU-R BT.601 below 720 lines, else BT.709)."
        ),
        validated_on=(
            "Films made with known cuts in ten containers (tests); the thresholds of cuts on "
            "sixteen clips (4,000 pairs of frames)."
        ),
        techniques=("DFT-1080", "DFT-1051"),
        tests=(
            "tests/measures/test_storyboard.py::test_finds_the_cuts",
            "tests/measures/test_storyboard.py::test_heavy_key_frames_are_left_out_evenly_and_counted",
            "tests/measures/test_storyboard.py::test_hashes_are_those_of_the_pictures",
            "tests/measures/test_storyboard.py::test_thumbnails_are_upright",
        ),
    )

    options: StoryboardOptions

    def __init__(self, options: StoryboardOptions | None = None) -> None:
        super().__init__(options or StoryboardOptions())

    def measure(self, media: Media) -> Measured | CannotMeasure:
        probe = media.video
        if probe.main is None:
            return CannotMeasure(reason="the file holds no stream of pictures")
        source = probe.key_frames()
        taken = [_take(frame, thumbnails=self.options.thumbnails) for frame in source]
        if not taken:
            return CannotMeasure(reason=source.stopped or "no frame could be decoded")
        taken.sort(key=lambda one: one.seconds)
        blobs: list[bytes] = []
        record = _board(taken, source, blobs)
        return Measured(record, tuple(blobs))


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is kept of a frame until all are known."""

    seconds: float
    pdq: str
    quality: int
    damaged: bool
    luma: Luma
    orientation: int
    look: Look
    small: Pixels | None


def _take(frame: KeyFrame, *, thumbnails: bool) -> _Taken:
    # These compile kernels, or load them.
    from headwater.measures import frame_pixels  # noqa: PLC0415
    from headwater.measures.shots import look  # noqa: PLC0415

    picture = frame.picture
    plane = frame_pixels.full_range_luma(picture)
    width, height = picture.width_px, picture.height_px
    grey = frame_pixels.in_bytes(plane)
    pdq, quality = frame_pixels.pdq_of(plane, width, height)
    return _Taken(
        seconds=frame.seconds,
        pdq=pdq,
        quality=quality,
        damaged=picture.damaged,
        luma=Luma(
            width_px=width,
            height_px=height,
            reduced_by=frame_pixels.factor_of(width, height),
            range="full" if picture.full_range else "expanded from limited",
            from_rgb=picture.rgb is not None,
        ),
        orientation=picture.matrix.orientation,
        look=look(grey),
        small=frame_pixels.small_picture(picture, grey, MAX_SIDE_PX) if thumbnails else None,
    )


def _board(taken: list[_Taken], source: KeyFrames, blobs: list[bytes]) -> Board:
    numbers = _shot_numbers(taken)
    frames: list[BoardFrame] = []
    for shot in range(numbers[-1] + 1):
        members = [one for one, number in zip(taken, numbers, strict=True) if number == shot]
        frames += _shot(members, shot, blobs)
    return Board(
        source=source.source,
        key_frames_seen=source.key_packets,
        key_frames_decoded=source.chosen,
        key_frames_without_picture=source.without_picture,
        spacing_seconds=source.spacing_seconds,
        key_frames_left_out=source.left_out,
        stopped=source.stopped,
        shots=numbers[-1] + 1,
        luma=taken[0].luma,
        size_changes=any(one.luma != taken[0].luma for one in taken),
        orientation=taken[0].orientation,
        frames=tuple(frames),
    )


def _shot_numbers(taken: list[_Taken]) -> list[int]:
    from headwater.measures.shots import is_cut  # noqa: PLC0415

    numbers = [0]
    for before, after in itertools.pairwise(taken):
        numbers.append(numbers[-1] + is_cut(before.look, after.look))
    return numbers


def _shot(taken: list[_Taken], shot: int, blobs: list[bytes]) -> list[BoardFrame]:
    """Return the frames of one shot, with thumbnails of those that are not alike."""
    best = max(range(len(taken)), key=lambda place: (taken[place].quality, -place))
    shown: list[int] = []
    thumbnails: dict[int, Thumbnail] = {}
    for place in (best, *range(len(taken))):
        one = taken[place]
        bits = int(one.pdq, 16)
        if one.small is None or any((bits ^ other).bit_count() <= ALIKE_BITS for other in shown):
            continue
        shown.append(bits)
        thumbnails[place] = _thumbnail(upright(one.small, one.orientation), blobs)
    return [
        BoardFrame(
            time_seconds=one.seconds,
            shot=shot,
            stands_for_shot=place == best,
            pdq=one.pdq,
            quality=one.quality,
            damaged=one.damaged,
            thumbnail=thumbnails.get(place),
        )
        for place, one in enumerate(taken)
    ]


def _thumbnail(pixels: Pixels, blobs: list[bytes]) -> Thumbnail:
    blob = encode(pixels, QUALITY)
    blobs.append(blob)
    height, width = pixels.shape[:2]
    return Thumbnail(
        sha256=hashlib.sha256(blob).hexdigest(),
        width_px=width,
        height_px=height,
        size_bytes=len(blob),
    )
