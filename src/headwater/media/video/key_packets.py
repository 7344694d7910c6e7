"""Choosing which key frames of a film to decode, before anything is decoded.

One pass over the packets keeps compressed key frames a spacing apart. Whenever too many are kept,
the spacing is doubled and the list is thinned, so memory is bounded and the choice depends on
what is in the file, not on the duration that it claims. Where those that a film of its length
should give are too heavy to keep pace with it (`effort`), some are left out, evenly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from headwater.errors import Malformed
from headwater.media.video.demuxers import ffmpeg_errors
from headwater.media.video.effort import DECODED_ALWAYS, allowed_effort, effort

SMALLEST_SPACING_SECONDS = 0.5
"""Key frames nearer than this are passed over."""
USUAL_SPACING_SECONDS = 2.0
"""Films long enough to give `FEWEST` key frames at this spacing are not looked at more densely."""
FEWEST = 24

PACKETS_MOST = 4_000_000
"""Packets looked at: some 18 hours at 60 frames a second."""
_HELD_BYTES = 256 << 20
"""Compressed bytes held at one time."""
NEARLY = 0.95
"""Share of a spacing that still counts as the whole: time stamps jitter."""
KEY_PIXELS_MOST = 2_000_000_000
"""Pixels decoded in key frames of one film: 964 frames of 1080p, 60 of 8K."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One compressed key frame, with its place in time from the start of the film."""

    packet: Any
    seconds: float
    """By its presentation time, or its decoding time (see `choose`)."""
    next_key: int | None = None
    """Decoding time of the key frame that follows it in the file, in the stream's units."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Key frames to decode, in the order of the file, and what the pass over it saw."""

    chosen: tuple[Chosen, ...]
    key_packets: int
    """All key frames seen."""
    spacing_seconds: float
    """Key frames nearer than this, by the film's length, were passed over."""
    left_out: int
    """Of the others, those that were left out so that decoding keeps pace."""
    span_seconds: float
    """From the first key frame to the last."""
    stopped: str | None
    """Why the pass ended before the end of the file, None where it did not."""
    encrypted: bool


def clock(stream: Any, start_seconds: float, *, decoding: bool = False) -> Any:
    """Return a function from a packet or frame to seconds from the film's start, or None.

    It reads presentation times, or decoding times where there are none or they are asked for.
    """
    unit: Fraction | None = stream.time_base

    def at(item: Any) -> float | None:
        stamp = item.dts if decoding or item.pts is None else item.pts
        if stamp is None or unit is None:
            return None
        # Adding zero turns -0.0, which rounding can give, into 0.0.
        return round(float(stamp * unit) - start_seconds, 6) + 0.0

    return at


def hides_times(container: Any) -> bool:
    """Whether presentation times are wrong where packets were passed over."""
    return bool(container.format.name.startswith("mov"))


def is_encrypted(packet: Any) -> bool:
    """Whether a packet comes with what is needed to decrypt it (ISO/IEC 23001-7)."""
    return bool(packet.has_sidedata("encryption_info"))


def choose(container: Any, stream: Any, start_seconds: float, most: int) -> Choice:
    """Pass over the film once and return at most `most` key frames, evenly spaced.

    They are fewer where more would cost more than `allowed_effort`, or hold more than
    `KEY_PIXELS_MOST` at the stated size.

    The caller has told the demuxer to leave out other streams, and frames that are no key frames.
    FFmpeg's demuxer for MP4 then gives wrong presentation times, as it counts their offsets by the
    packets that it hands out, so there decoding times are used; `read_again` finds the others.
    Damage that FFmpeg cannot read past ends the pass; Malformed is raised only where nothing was
    found before it.
    """
    at = clock(stream, start_seconds, decoding=hides_times(container))
    shelf = _Shelf(most)
    packets, stopped, encrypted = 0, None, False
    packets_of = container.demux(stream)
    while True:
        try:
            with ffmpeg_errors("the packets cannot be read"):
                packet = next(packets_of, None)
        except Malformed as error:
            if not shelf.key_packets:
                raise
            stopped = str(error)
            break
        if packet is None:
            break
        packets += 1
        if packets > PACKETS_MOST:
            stopped = f"more than {PACKETS_MOST} packets"
            break
        if packet.size and packet.is_keyframe:
            encrypted = encrypted or is_encrypted(packet)
            shelf.offer(packet, at(packet))
    suiting = shelf.suiting()
    chosen = affordable(suiting, stream.codec_context, most, shelf.span_seconds)
    return Choice(
        chosen=chosen,
        key_packets=shelf.key_packets,
        spacing_seconds=round(shelf.spacing_seconds, 6),
        left_out=len(suiting) - len(chosen),
        span_seconds=shelf.span_seconds,
        stopped=stopped,
        encrypted=encrypted,
    )


class _Shelf:
    """Holds at most twice as many key frames as are wanted."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._spacing = SMALLEST_SPACING_SECONDS
        self._held: list[Chosen] = []
        self._held_bytes = 0
        self._first: float | None = None
        self._last = 0.0
        self._holds_last = False
        """Whether the key frame offered last is the last one held."""
        self.key_packets = 0

    @property
    def span_seconds(self) -> float:
        return max(0.0, self._last - (self._first or 0.0))

    def offer(self, packet: Any, seconds: float | None) -> None:
        self.key_packets += 1
        if self._holds_last and packet.dts is not None:
            self._held[-1] = replace(self._held[-1], next_key=packet.dts)
        self._holds_last = False
        known = self._last if seconds is None else seconds
        if self._first is None:
            self._first = known
        self._last = max(self._last, known)
        if self._held and not is_apart(self._held[-1].seconds, known, self._spacing):
            return
        self._held.append(Chosen(packet, known))
        self._holds_last = True
        self._held_bytes += packet.size
        while len(self._held) > 2 * self._most or (
            self._held_bytes > _HELD_BYTES and len(self._held) > 1
        ):
            self._thin()

    def _thin(self) -> None:
        self._spacing *= 2
        before, last = len(self._held), self._held[-1]
        self._held = _spaced(self._held, self._spacing)
        if len(self._held) == before:
            # Their time stamps are of no use.
            self._held = self._held[::2]
        self._holds_last = self._holds_last and self._held[-1] is last
        self._held_bytes = sum(item.packet.size for item in self._held)

    @property
    def spacing_seconds(self) -> float:
        """How far apart key frames of a film of this length have to be."""
        return max(self._spacing, self.span_seconds / wanted_frames(self.span_seconds, self._most))

    def suiting(self) -> list[Chosen]:
        """Return the key frames that suit the film's length."""
        return _spaced(self._held, self.spacing_seconds)


def affordable(suiting: list[Chosen], codec: Any, most: int, seconds: float) -> tuple[Chosen, ...]:
    """Return as many key frames, evenly taken, as may be decoded: the first and last among them."""
    area = max(1, codec.width * codec.height)
    efforts = [effort(codec.name, area, one.packet.size) for one in suiting]
    allowed = allowed_effort(seconds)
    count = min(len(suiting), max(1, min(most, KEY_PIXELS_MOST // area)))
    while (
        count > DECODED_ALWAYS and sum(efforts[at] for at in evenly(len(efforts), count)) > allowed
    ):
        count -= 1
    return tuple(suiting[at] for at in evenly(len(suiting), count))


def evenly(length: int, count: int) -> list[int]:
    """Return `count` places out of `length`, the first and, where it is more than one, the last."""
    return [place * (length - 1) // max(1, count - 1) for place in range(count)]


def wanted_frames(span_seconds: float, most: int) -> int:
    """How many frames a film of that length should give: at least one, whatever `most` is."""
    return min(max(1, most), max(FEWEST, int(span_seconds / USUAL_SPACING_SECONDS)))


def is_apart(earlier: float, later: float, spacing: float) -> bool:
    """Whether `later` is a spacing after `earlier`; a clock that goes back tells nothing."""
    return later <= earlier or later - earlier >= NEARLY * spacing


def _spaced(items: list[Chosen], spacing: float) -> list[Chosen]:
    kept: list[Chosen] = []
    for item in items:
        if not kept or is_apart(kept[-1].seconds, item.seconds, spacing):
            kept.append(item)
    return kept
