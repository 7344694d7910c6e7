"""Opening a video file with FFmpeg: one named demuxer, no other file, no decoder.

Importing this module loads all of PyAV that is used later, some of which it would load when it
first meets a stream of subtitles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import av
import av.error
import av.subtitles.codeccontext
import av.subtitles.stream
import av.subtitles.subtitle

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.evidence.content import Content
from headwater.model import Identity

DEMUXERS: Mapping[str, str] = {
    "mp4": "mov",
    "mov": "mov",
    "m4v": "mov",
    "3gp": "mov",
    "matroska": "matroska",
    "webm": "matroska",
    "avi": "avi",
    "mpegts": "mpegts",
    "mpegps": "mpeg",
    "asf": "asf",
    "flv": "flv",
}
"""FFmpeg's demuxer for each of Headwater's video formats: the allow-list. None of them reads a
second file by itself, and what would let one do so (QuickTime data references) is off."""

_BUFFER_BYTES = 1 << 17
"""Read at a time. A key frame of 1080p fits in two or three; larger reads fetch what is skipped."""

_OPTIONS: Mapping[str, str] = {
    # No codec has this name: finding out about streams decodes nothing.
    "codec_whitelist": "none",
    "protocol_whitelist": "none",
    "probesize": str(4 << 20),
    "analyzeduration": str(5_000_000),
}
_MOV_OPTIONS: Mapping[str, str] = {"enable_drefs": "0", "use_absolute_path": "0"}


def open_container(content: Content, identity: Identity) -> av.container.InputContainer:
    """Open `content` with the demuxer of `identity.format`; the caller closes it.

    Only headers and the first packets are read, and no decoder is called. Raises Refused for a
    format that is not in `DEMUXERS` and for a file that asks for another one, Malformed where
    FFmpeg cannot read it, LimitExceeded (`worker_memory_bytes`) where it has no memory left.
    """
    demuxer = DEMUXERS.get(identity.format)
    if demuxer is None:
        raise Refused(f"no demuxer is allowed for the format {identity.format!r}")
    options = {**_OPTIONS, "format_whitelist": av.ContainerFormat(demuxer, "r").name}
    if demuxer == "mov":
        options |= _MOV_OPTIONS
    with ffmpeg_errors("the container cannot be read"):
        return av.open(
            content.open(),
            mode="r",
            format=demuxer,
            container_options=options,
            metadata_errors="backslashreplace",
            buffer_size=_BUFFER_BYTES,
            io_open=_refuse_nested,
        )


def _refuse_nested(url: str, flags: int, options: object) -> NoReturn:
    raise Refused("the file asks for another file to be opened; nothing but its own bytes is read")


@contextmanager
def ffmpeg_errors(what: str) -> Iterator[None]:
    """Turn FFmpeg's errors into Headwater's; `what` begins the message."""
    try:
        yield
    except av.error.MemoryError:
        raise LimitExceeded("worker_memory_bytes", what, reproducible=False) from None
    except av.error.FFmpegError as error:
        raise Malformed(f"{what}: {error.strerror}") from None
