"""The key frames of a film, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from headwater.errors import Malformed, Refused
from headwater.limits import Limits
from headwater.media.video.decode import (
    decode_alone,
    decode_next,
    leave_out_others,
    prepare_decoder,
    read_again,
)
from headwater.media.video.demuxers import ffmpeg_errors
from headwater.media.video.effort import effort
from headwater.media.video.key_packets import (
    KEY_PIXELS_MOST,
    NEARLY,
    PACKETS_MOST,
    SMALLEST_SPACING_SECONDS,
    Choice,
    Chosen,
    choose,
    clock,
    hides_times,
    wanted_frames,
)
from headwater.media.video.picture import Picture, read_picture

EVERY_PIXELS_MOST = 4_000_000_000
"""Pixels that a film may state where it is to be decoded frame by frame: a minute of 1080p at 30
a second."""
EVERY_EFFORT_MOST = 5_000_000_000
"""What decoding it frame by frame may cost (`effort`): some 16 s. At 8 Mb/s that is a minute."""
SPARSE_SECONDS = 20.0
"""A film with fewer key frames than one in so many seconds is decoded frame by frame, where
`EVERY_PIXELS_MOST` allows it."""
SHORT_PIXELS = 500_000_000
SHORT_SPARSE_SECONDS = 5.0
"""The same for a film of no more pixels than these: 8 seconds of 1080p, 40 of 480p."""
_SMALLEST_PIXELS = 64 * 64

Source = Literal["key frames", "every reference frame"]


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """One decoded frame and its place: seconds from the start of the film, to a microsecond."""

    seconds: float
    picture: Picture


class KeyFrames:
    """Yields decoded frames once, and says afterwards how they were come by.

    At most `limits.storyboard_frames`, in the order of the file. Key frames are decoded alone, as
    many as keep pace with the film (`effort`); where a film has none that decode, or too few for
    its length, every frame that others refer to is decoded and some are kept. Iterating raises
    Refused (no allowed decoder, encrypted), LimitExceeded (`video_pixels`) and Malformed.
    """

    def __init__(
        self, open_stream: Callable[[], tuple[Any, Any]], start_seconds: float, limits: Limits
    ) -> None:
        self._open_stream = open_stream
        self._start = start_seconds
        self._limits = limits
        self._given: list[float] = []
        self.source: Source = "key frames"
        self.key_packets = 0
        """Key frames seen in the file."""
        self.chosen = 0
        """Key frames that were given to the decoder."""
        self.without_picture = 0
        """Of these, those of which the decoder made nothing."""
        self.spacing_seconds = 0.0
        """What follows the last frame taken by less than this was passed over."""
        self.left_out = 0
        """Key frames so far apart that were left out so that decoding keeps pace."""
        self.stopped: str | None = None
        """Why the film is not covered up to its end; None where it is."""

    def __iter__(self) -> Iterator[KeyFrame]:
        container, stream = self._open_stream()
        with container:
            codec = prepare_decoder(stream, self._limits, skip="NONKEY")
            leave_out_others(container, stream, key_frames=True)
            choice = choose(container, stream, self._start, self._limits.storyboard_frames)
            if choice.encrypted:
                raise Refused("the pictures are encrypted, and no key is at hand")
            self.key_packets, self.stopped = choice.key_packets, choice.stopped
            self.spacing_seconds = choice.spacing_seconds
            self.left_out = choice.left_out
            length = _length_seconds(container, stream, choice)
            if not _too_sparse(stream, choice, length):
                for frame in self._alone(container, stream, codec, choice):
                    self._given.append(frame.seconds)
                    yield frame
        if len(self._given) * 4 <= self.chosen:
            yield from self._every(length)

    def _alone(self, container: Any, stream: Any, codec: Any, choice: Choice) -> Iterator[KeyFrame]:
        pixels = 0
        settled = _settled if hides_times(container) else _as_chosen
        for chosen in choice.chosen:
            if pixels > KEY_PIXELS_MOST:
                self.stopped = f"more than {KEY_PIXELS_MOST} pixels of key frames"
                return
            self.chosen += 1
            seconds = settled(container, stream, chosen, self._start)
            frame = decode_alone(codec, chosen.packet)
            pixels += _area(codec)
            if frame is None:
                self.without_picture += 1
            else:
                picture = read_picture(frame, stream.sample_aspect_ratio)
                yield KeyFrame(seconds, picture)

    def _every(self, length: float) -> Iterator[KeyFrame]:
        """Decode from the start, pass over what no other frame refers to, keep some."""
        self.source, self.stopped, self.left_out = "every reference frame", None, 0
        container, stream = self._open_stream()
        with container:
            codec = prepare_decoder(stream, self._limits, skip="NONREF")
            leave_out_others(container, stream, key_frames=False)
            at = clock(stream, self._start)
            spacing = self._spacing(stream, length)
            self.spacing_seconds = round(spacing, 6)
            last = 0.0
            for frame in self._frames(container, stream, codec):
                time = at(frame)
                # A clock that stands still is helped on by what a frame should take.
                last = last + 1 / _rate(stream) if time is None or time == last > 0 else time
                if any(abs(given - last) < NEARLY * spacing for given in self._given):
                    continue
                if len(self._given) >= self._limits.storyboard_frames:
                    self.stopped = f"limit storyboard_frames: {self._limits.storyboard_frames}"
                    return
                self._given.append(last)
                yield KeyFrame(last, read_picture(frame, stream.sample_aspect_ratio))

    def _spacing(self, stream: Any, length: float) -> float:
        reach = _packets_most(stream.codec_context) / _rate(stream)
        covered = min(length, reach) if length else reach
        wanted = wanted_frames(covered, self._limits.storyboard_frames)
        return max(SMALLEST_SPACING_SECONDS, covered / wanted)

    def _frames(self, container: Any, stream: Any, codec: Any) -> Iterator[Any]:
        packets, spent = 0, 0
        packets_of = container.demux(stream)
        while packets < PACKETS_MOST and spent < EVERY_EFFORT_MOST:
            try:
                with ffmpeg_errors("the packets cannot be read"):
                    packet = next(packets_of, None)
            except Malformed as error:
                self.stopped = str(error)
                return
            if packet is None:
                return
            yield from decode_next(codec, packet)
            packets += 1
            # By the size that the decoder has found, which need not be the stated one.
            spent += effort(codec.name, _area(codec), packet.size)
        self.stopped = f"{packets} packets were decoded"


def _as_chosen(container: Any, stream: Any, chosen: Chosen, start_seconds: float) -> float:
    return chosen.seconds


def _settled(container: Any, stream: Any, chosen: Chosen, start_seconds: float) -> float:
    """Return when a key frame of MP4 is shown, or when it is decoded where that cannot be told."""
    again = read_again(container, stream, chosen)
    seconds = clock(stream, start_seconds)(again) if again is not None else None
    return chosen.seconds if seconds is None else seconds


def _rate(stream: Any) -> float:
    return float(stream.average_rate or stream.base_rate or 30)


def _area(codec: Any) -> int:
    return max(int(codec.width * codec.height), _SMALLEST_PIXELS)


def _packets_most(codec: Any) -> int:
    return min(PACKETS_MOST, EVERY_PIXELS_MOST // _area(codec))


def _length_seconds(container: Any, stream: Any, choice: Choice) -> float:
    """The film's length as stated, or as seen where that is more."""
    unit, count = stream.time_base, stream.duration
    stated = float(count * unit) if unit and count and count > 0 else 0.0
    if not stated and container.duration and container.duration > 0:
        stated = container.duration / 1e6
    return max(stated, choice.span_seconds)


def _too_sparse(stream: Any, choice: Choice, length: float) -> bool:
    """Whether every frame is decoded at once: by what the file states of its length.

    Key frames that were left out for their weight count: it would weigh more to decode all.
    """
    codec = stream.codec_context
    packets = stream.frames or length * _rate(stream)
    is_short = packets * codec.width * codec.height <= SHORT_PIXELS
    sparse_seconds = SHORT_SPARSE_SECONDS if is_short else SPARSE_SECONDS
    if len(choice.chosen) + choice.left_out >= max(1.0, length / sparse_seconds):
        return False
    return bool(packets <= _packets_most(codec))
