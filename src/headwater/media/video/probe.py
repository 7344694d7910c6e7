"""A film opened: what it says about itself, and its key frames on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.errors import ContentError, LimitExceeded, Malformed
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.video.decode import decode_alone, prepare_decoder
from headwater.media.video.demuxers import DEMUXERS, ffmpeg_errors, open_container
from headwater.media.video.facts import (
    ContainerFacts,
    StreamFacts,
    describe_stream,
    read_tags,
    seconds,
)
from headwater.media.video.key_frames import KeyFrames
from headwater.media.video.key_packets import is_encrypted
from headwater.media.video.picture import Picture, read_picture
from headwater.model import Identity

_PICTURE_STREAMS_MOST = 8
"""Streams whose first picture is decoded."""
_TRIES_MOST = 4
"""Key packets of one stream given to its decoder for a first picture."""
_FIRST_PACKETS_MOST = 20_000
_FIRST_BYTES_MOST = 64 << 20
"""How far is read for first pictures."""


@dataclass(frozen=True, slots=True)
class VideoProbe:
    """Facts that were read while the file was open, and the means to open it again."""

    content: Content
    identity: Identity
    limits: Limits
    container: ContainerFacts
    streams: tuple[StreamFacts, ...]
    main: int | None
    """Index of the stream of pictures that is looked at: the largest that is no cover picture,
    the first of equals. None for a file without pictures."""

    def key_frames(self) -> KeyFrames:
        """Return an iterable over decoded key frames; it opens the file when it is iterated.

        Raises Malformed where there is no stream of pictures.
        """
        if self.main is None:
            raise Malformed("the file holds no stream of pictures")
        index, start = self.main, self.container.start_seconds or 0.0

        def open_stream() -> tuple[Any, Any]:
            container = open_container(self.content, self.identity)
            return container, container.streams[index]

        return KeyFrames(open_stream, start, self.limits)


def probe_video(content: Content, identity: Identity, limits: Limits) -> VideoProbe:
    """Open a film, and read what it says about itself.

    One picture of each stream of pictures is decoded, for what only the codec knows; where that
    is refused or fails, it is a note. Sound is never decoded. Raises Refused, Malformed and
    LimitExceeded (`video_streams`, `worker_memory_bytes`) as `open_container` does.
    """
    with open_container(content, identity) as container:
        count = len(container.streams)
        if count > limits.video_streams:
            raise LimitExceeded("video_streams", f"{count} streams")
        first = _FirstPictures(container, limits)
        streams = tuple(
            describe_stream(
                stream,
                first.pictures.get(stream.index),
                encrypted=stream.index in first.encrypted,
            )
            for stream in container.streams
        )
        main = _main_stream(streams)
        return VideoProbe(
            content=content,
            identity=identity,
            limits=limits,
            container=_container_facts(container, identity, streams, first),
            streams=streams,
            main=main,
        )


def _main_stream(streams: tuple[StreamFacts, ...]) -> int | None:
    candidates = [
        stream
        for stream in streams
        if stream.video is not None and "attached_pic" not in stream.disposition
    ]
    return max(candidates, key=_main_order).index if candidates else None


def _main_order(stream: StreamFacts) -> tuple[int, int]:
    assert stream.video is not None
    area = (stream.video.width_px or 0) * (stream.video.height_px or 0)
    return area, -stream.index


def _container_facts(
    container: Any, identity: Identity, streams: tuple[StreamFacts, ...], first: _FirstPictures
) -> ContainerFacts:
    starts = [seconds(container.start_time), first.earliest_seconds]
    tags, cut = read_tags(container.metadata)
    cut = cut or any(read_tags(stream.metadata)[1] for stream in container.streams)
    return ContainerFacts(
        format=identity.format,
        demuxer=DEMUXERS[identity.format],
        duration_seconds=seconds(container.duration),
        # Without a decoder FFmpeg does not always see that frames come out of order.
        start_seconds=min((start for start in starts if start is not None), default=None),
        bit_rate=container.bit_rate or None,
        chapters=len(container.chapters()),
        tags=tags,
        notes=tuple(_notes(streams, first.notes, cut=cut)),
    )


def _notes(
    streams: tuple[StreamFacts, ...], of_streams: Mapping[int, str], *, cut: bool
) -> list[str]:
    notes = []
    if not streams:
        notes.append("no stream was found")
    elif _main_stream(streams) is None:
        kinds = sorted({stream.kind for stream in streams})
        notes.append(f"no stream of pictures: {', '.join(kinds)} alone")
    notes += [f"stream {index}: {note}" for index, note in sorted(of_streams.items())]
    if cut:
        notes.append("some tags were cut or left out")
    return notes


class _FirstPictures:
    """The first picture of each stream of pictures, from one pass over the start of the file."""

    def __init__(self, container: Any, limits: Limits) -> None:
        self.pictures: dict[int, Picture] = {}
        self.encrypted: set[int] = set()
        self.notes: dict[int, str] = {}
        self.earliest_seconds: float | None = None
        """The earliest presentation time of the packets that were read."""
        self._tries: dict[int, int] = {}
        self._codecs: dict[int, Any] = {}
        wanted = [
            stream
            for stream in container.streams
            if stream.type == "video" and "attached_pic" not in _flags(stream)
        ]
        for stream in wanted[_PICTURE_STREAMS_MOST:]:
            self.notes[stream.index] = "no picture was decoded: too many streams of pictures"
        self._prepare(wanted[:_PICTURE_STREAMS_MOST], limits)
        if self._codecs:
            self._read(container)
        for index in self._codecs:
            self.notes[index] = "no picture could be decoded at the start"

    def _prepare(self, streams: list[Any], limits: Limits) -> None:
        for stream in streams:
            try:
                self._codecs[stream.index] = prepare_decoder(stream, limits, skip="DEFAULT")
            except ContentError as error:
                self.notes[stream.index] = str(error)

    def _read(self, container: Any) -> None:
        streams = [container.streams[index] for index in self._codecs]
        packets, size = 0, 0
        packets_of = container.demux(streams)
        while self._codecs and packets < _FIRST_PACKETS_MOST and size < _FIRST_BYTES_MOST:
            try:
                with ffmpeg_errors("the packets cannot be read"):
                    packet = next(packets_of, None)
            except Malformed as error:
                self.notes |= dict.fromkeys(self._codecs, str(error))
                self._codecs.clear()
                return
            if packet is None:
                return
            packets, size = packets + 1, size + packet.size
            self._see_time(packet)
            if packet.size and packet.is_keyframe and packet.stream_index in self._codecs:
                self._try(container.streams[packet.stream_index], packet)

    def _see_time(self, packet: Any) -> None:
        time = seconds(packet.pts, packet.time_base)
        if time is not None and (self.earliest_seconds is None or time < self.earliest_seconds):
            self.earliest_seconds = time

    def _try(self, stream: Any, packet: Any) -> None:
        index = stream.index
        if is_encrypted(packet):
            self.encrypted.add(index)
            self.notes[index] = "the pictures are encrypted"
            del self._codecs[index]
            return
        frame = decode_alone(self._codecs[index], packet)
        self._tries[index] = self._tries.get(index, 0) + 1
        if frame is not None:
            self.pictures[index] = read_picture(frame, stream.sample_aspect_ratio)
            del self._codecs[index]
        elif self._tries[index] >= _TRIES_MOST:
            self.notes[index] = f"{_TRIES_MOST} key frames at the start could not be decoded"
            del self._codecs[index]


def _flags(stream: Any) -> set[str | None]:
    return {flag.name for flag in stream.disposition}
