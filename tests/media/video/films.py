"""Short films made here: textured scenes that drift, with hard cuts at known frames."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.media import Media
from headwater.model import Identity

Frame = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""

WIDTH, HEIGHT, RATE = 176, 144, 10


class Form(NamedTuple):
    """A container and a codec, and what they are called where they are read."""

    muxer: str
    encoder: str
    format: str
    codec: str
    options: Mapping[str, str] = {}


_X264 = {"preset": "ultrafast", "crf": "18", "forced-idr": "1", "sc_threshold": "0"}
_QUALITY = {"qscale": "2", "flags": "+qscale", "sc_threshold": "1000000000"}

FORMS: tuple[Form, ...] = (
    Form("mp4", "libx264", "mp4", "h264", _X264),
    Form("mov", "libx264", "mov", "h264", _X264),
    Form("3gp", "libx264", "3gp", "h264", _X264),
    Form("matroska", "libx264", "matroska", "h264", _X264),
    Form("mpegts", "libx264", "mpegts", "h264", _X264),
    Form("flv", "libx264", "flv", "h264", _X264),
    Form("avi", "mpeg4", "avi", "mpeg4", _QUALITY),
    Form("mp4", "mpeg4", "mp4", "mpeg4", _QUALITY),
    Form("3gp", "h263", "3gp", "h263", _QUALITY),
    Form("avi", "mjpeg", "avi", "mjpeg", {"qscale": "2"}),
    Form("mov", "prores_ks", "mov", "prores", {}),
    Form("webm", "libvpx", "webm", "vp8", {"deadline": "realtime", "cpu-used": "8", "b": "1M"}),
    Form("webm", "libvpx-vp9", "webm", "vp9", {"deadline": "realtime", "cpu-used": "8", "b": "1M"}),
    Form("mp4", "libsvtav1", "mp4", "av1", {"preset": "12", "crf": "30"}),
    Form("mp4", "libx265", "mp4", "hevc", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    Form("vob", "mpeg2video", "mpegps", "mpeg2video", _QUALITY),
    Form("mpegts", "mpeg2video", "mpegts", "mpeg2video", _QUALITY),
    Form("asf", "wmv2", "asf", "wmv2", _QUALITY),
    Form("flv", "flv", "flv", "flv1", _QUALITY),
)


_PIXEL_FORMATS = {"prores": "yuv422p10le", "mjpeg": "yuvj420p"}


def name_of(form: Form) -> str:
    return f"{form.format}-{form.codec}"


def scene(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Frame:
    """Return one coloured texture; light and contrast differ from one to the next."""
    random = np.random.default_rng(1000 + seed)
    coarse = random.normal(0, 1, (12, 16, 3))
    down = np.linspace(0, 11, height).astype(int)
    across = np.linspace(0, 15, width).astype(int)
    light = (70, 150, 110, 190)[seed % 4]
    pixels: Frame = np.clip(light + 32 * coarse[down][:, across], 16, 235).astype(np.uint8)
    return pixels


def shoot(shots: Sequence[int], width: int = WIDTH, height: int = HEIGHT) -> list[Frame]:
    """Return frames: so many of each shot, each drifting by one pixel a frame."""
    frames = []
    for seed, count in enumerate(shots):
        wide = scene(seed, width + max(shots), height)
        frames += [np.ascontiguousarray(wide[:, left : left + width]) for left in range(count)]
    return frames


def encode(
    frames: Sequence[Frame],
    form: Form = FORMS[0],
    *,
    keys: Sequence[int] | None = (0,),
    rate: int = RATE,
    gop: int = 1000,
    tags: Mapping[str, str] | None = None,
    rotation: tuple[float, bool] | None = None,
    pixel_format: str = "yuv420p",
    sound: bool = False,
    extra: Mapping[str, str] | None = None,
    muxer_options: Mapping[str, str] | None = None,
    setup: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a film. Frames in `keys` are asked to be key frames."""
    file = io.BytesIO()
    options = {"fflags": "+bitexact", **(muxer_options or {})}
    with av.open(file, "w", format=form.muxer, options=options) as container:
        container.metadata.update(tags or {})
        stream: Any = container.add_stream(
            form.encoder, rate=rate, options={**form.options, **(extra or {})}
        )
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = _PIXEL_FORMATS.get(form.codec, pixel_format)
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        for name, value in (setup or {}).items():
            setattr(stream, name, value)
        if rotation is not None:
            stream.set_display_rotation(rotation[0], hflip=rotation[1])
        audio: Any = container.add_stream("mp2", rate=44100, layout="mono") if sound else None
        for number, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, rate)
            if keys and number in keys:
                picture.pict_type = PictureType.I
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if audio is not None:
            add_silence(container, audio, len(frames) / rate)
    return file.getvalue()


def add_silence(container: Any, audio: Any, seconds: float) -> None:
    for number in range(int(seconds * 44100 / 1152)):
        silence = np.zeros((1, 1152), np.int16)
        part = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        part.sample_rate, part.pts, part.time_base = 44100, number * 1152, Fraction(1, 44100)
        container.mux(audio.encode(part))
    container.mux(audio.encode(None))


def identity(name: str) -> Identity:
    return Identity(kind="video", format=name, media_type=None)


def media(data: bytes, name: str, limits: Limits | None = None) -> Media:
    content = Content.from_bytes(data)
    return Media(content, identity(name), limits or Limits(), content.digests())
