"""Short films of painted scenes, with hard cuts, in several containers and codecs."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from headwater.demo.manifest import Film
from headwater.demo.scenes import SceneKind, paint

Frame = npt.NDArray[np.uint8]
"""Shape (height, width, 3), RGB."""

_SOUND_HERTZ = 22_050
_AUDIO_SAMPLES = 1024


class Take(NamedTuple):
    """One scene of a film, from cut to cut."""

    kind: SceneKind
    number: int
    frames: int

    @property
    def scene(self) -> str:
        return f"{self.kind}-{self.number}"


class Format(NamedTuple):
    """Container, codec and what the encoder is told."""

    container: str
    codec: str
    pixel_format: str
    options: Mapping[str, str]


MP4 = Format(
    "mp4",
    "libx264",
    "yuv420p",
    {
        "preset": "veryfast",
        "crf": "24",
        "forced-idr": "1",
        # Looking ahead, x264 answers differently from run to run even on one thread.
        "x264-params": "threads=1:rc-lookahead=0:sync-lookahead=0:mbtree=0:bframes=0:weightp=0",
    },
)
MOV = MP4._replace(container="mov")
MKV = MP4._replace(container="matroska")
WEBM = Format(
    "webm", "libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8", "b": "400k"}
)
AVI = Format(
    "avi", "mpeg4", "yuv420p", {"qscale": "4", "flags": "+qscale", "global_quality": "472"}
)


def facts(takes: Sequence[Take], size_px: tuple[int, int], frames_per_second: int) -> Film:
    """Return what the manifest says of a film of these takes."""
    ends = np.cumsum([take.frames for take in takes]).tolist()
    return Film(
        width_px=size_px[0],
        height_px=size_px[1],
        frames=ends[-1],
        frames_per_second=frames_per_second,
        cuts=tuple(ends[:-1]),
        scenes=tuple(take.scene for take in takes),
    )


def shoot(takes: Sequence[Take], size_px: tuple[int, int], seed: int) -> list[Frame]:
    """Return the frames: a slow pan, one pixel a frame, over each painted scene."""
    width_px, height_px = size_px
    frames = []
    for take in takes:
        # The painting is as much larger as the pan is long.
        high = math.ceil((width_px + take.frames) * 3 / 4)
        picture = np.asarray(paint(take.kind, take.number, seed=seed, height_px=high))
        top = (high - height_px) // 2
        frames += [
            np.ascontiguousarray(picture[top : top + height_px, left : left + width_px])
            for left in range(take.frames)
        ]
    return frames


def encode(
    frames: Sequence[Frame],
    film: Film,
    form: Format,
    *,
    metadata: Mapping[str, str] | None = None,
    sound: bool = False,
) -> bytes:
    """Return a film file. Every cut begins with a key frame."""
    file = io.BytesIO()
    options = {"fflags": "+bitexact"}
    if metadata and form.container == "mov":
        options["movflags"] = "use_metadata_tags"
    with av.open(file, "w", format=form.container, options=options) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(
            form.codec, rate=film.frames_per_second, options=dict(form.options)
        )
        stream.width, stream.height = frames[0].shape[1], frames[0].shape[0]
        stream.pix_fmt = form.pixel_format
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        audio = _sound_stream(container) if sound else None
        for number, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, film.frames_per_second)
            if number == 0 or number in film.cuts:
                picture.pict_type = PictureType.I
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if audio is not None:
            for part in _melody(len(frames) / film.frames_per_second):
                container.mux(audio.encode(part))
            container.mux(audio.encode(None))
    return file.getvalue()


def _sound_stream(container: av.container.OutputContainer) -> av.AudioStream:
    stream: av.AudioStream = container.add_stream("aac", rate=_SOUND_HERTZ)
    stream.layout = "mono"
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


def _melody(seconds: float) -> Iterator[av.AudioFrame]:
    """Yield frames of a plain rising and falling tune."""
    count = int(seconds * _SOUND_HERTZ) // _AUDIO_SAMPLES
    clock = np.arange(count * _AUDIO_SAMPLES) / _SOUND_HERTZ
    steps = np.array([0, 4, 7, 12, 7, 4])[(clock * 4).astype(np.intp) % 6]
    turns = np.cumsum(220.0 * 2.0 ** (steps / 12)) / _SOUND_HERTZ
    wave = (0.2 * np.sin(2 * np.pi * turns)).astype(np.float32)
    for number, part in enumerate(wave.reshape(count, 1, _AUDIO_SAMPLES)):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", "mono")
        frame.sample_rate = _SOUND_HERTZ
        frame.pts, frame.time_base = number * _AUDIO_SAMPLES, Fraction(1, _SOUND_HERTZ)
        yield frame


def trimmed(film: bytes, first_frame: int, frames_per_second: int) -> bytes:
    """Return an MP4 that begins at a key frame of another; its packets are copied, not encoded."""
    file = io.BytesIO()
    start = Fraction(first_frame, frames_per_second)
    with (
        av.open(io.BytesIO(film)) as source,
        av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as target,
    ):
        wanted = source.streams.video[0]
        stream = target.add_stream_from_template(wanted)
        for packet in source.demux(wanted):
            if packet.pts is None or packet.dts is None or packet.pts * packet.time_base < start:
                continue
            shift = int(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = stream
            target.mux(packet)
    return file.getvalue()


def turned(film: bytes) -> bytes:
    """Return an MP4 or MOV whose track header asks for a quarter turn clockwise.

    The matrix of the first track (ISO/IEC 14496-12, section 8.3.2) is rewritten; frames stay.
    Raises ValueError where there is no track header of version 0.
    """
    at = film.find(b"tkhd") + 4
    if at == 3 or film[at] != 0:
        raise ValueError("no track header of version 0")
    matrix_at = at + 40
    height = struct.unpack_from(">I", film, matrix_at + 40)[0]
    one, unit = 1 << 16, 1 << 30
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, height, 0, unit)
    return film[:matrix_at] + matrix + film[matrix_at + len(matrix) :]
