"""Decoding frames of one stream, one decoder on one thread."""

from __future__ import annotations

from typing import Any

import av.error
from av.stream import Discard

from headwater.errors import LimitExceeded, Refused
from headwater.limits import Limits
from headwater.media.video.codecs import DECODERS
from headwater.media.video.demuxers import ffmpeg_errors
from headwater.media.video.key_packets import Chosen

_FAR_UNITS = 1 << 40


def prepare_decoder(stream: Any, limits: Limits, *, skip: str) -> Any:
    """Set up the decoder of a video stream, and return its codec context.

    `skip` is FFmpeg's word for frames that need not be decoded (`DEFAULT`, `NONREF`, `NONKEY`).
    One thread decodes, so that output and memory do not depend on the machine. Raises Refused
    for a codec without an allowed decoder, LimitExceeded (`video_pixels`) where the stated size
    is too large; a size that changes later is held to the limit by FFmpeg.
    """
    codec = stream.codec_context
    if codec is None:
        raise Refused("the codec of the pictures is not known to FFmpeg, or it has no decoder")
    if codec.name not in DECODERS:
        raise Refused(f"the decoder {codec.name!r} is not on the list of those that are used")
    width, height = max(codec.width, codec.coded_width), max(codec.height, codec.coded_height)
    if width * height > limits.video_pixels:
        raise LimitExceeded("video_pixels", f"pictures of {width} x {height} px")
    if not codec.is_open:
        codec.thread_count = 1
        codec.options = {"max_pixels": str(limits.video_pixels)}
        codec.skip_frame = skip
        with ffmpeg_errors("the decoder cannot be set up"):
            codec.open(strict=False)
    return codec


def leave_out_others(container: Any, wanted: Any, *, key_frames: bool) -> None:
    """Tell the demuxer which stream to read; with `key_frames`, its key frames alone.

    Demuxers that keep an index then pass over the bytes in between.
    """
    for stream in container.streams:
        stream.discard = Discard.all
    wanted.discard = Discard.nonkey if key_frames else Discard.default


def read_again(container: Any, stream: Any, chosen: Chosen) -> Any | None:
    """Return a key frame's packet as the demuxer gives it after a jump to it, None where it fails.

    The jump goes to just before the next key frame, from where the demuxer goes back to this one:
    it takes its own presentation time, which is not known, for the earliest to which it may.
    """
    dts = chosen.packet.dts
    if dts is None:
        return None
    target = dts + _FAR_UNITS if chosen.next_key is None else chosen.next_key - 1
    try:
        container.seek(target, stream=stream)
        again = next(container.demux(stream), None)
    except av.error.MemoryError:
        raise LimitExceeded("worker_memory_bytes", "reading", reproducible=False) from None
    except av.error.FFmpegError:
        return None
    same = again is not None and (again.dts, again.size) == (dts, chosen.packet.size)
    return again if same else None


def decode_alone(codec: Any, packet: Any) -> Any | None:
    """Decode one key frame by itself; None where the decoder makes no picture of it.

    The decoder is emptied afterwards, so that no frame depends on which ones came before.
    """
    try:
        frames = [*codec.decode(packet), *codec.decode(None)]
    except av.error.MemoryError:
        raise LimitExceeded("worker_memory_bytes", "decoding", reproducible=False) from None
    except av.error.FFmpegError:
        frames = []
    codec.flush_buffers()
    return frames[0] if frames else None


def decode_next(codec: Any, packet: Any) -> list[Any]:
    """Return the frames that come out when a packet goes in; none where FFmpeg cannot read it."""
    try:
        if packet.size:
            return list(codec.decode(packet))
        # PyAV ends with an empty packet without a time; empty ones in between carry one.
        return list(codec.decode(None)) if packet.dts is None else []
    except av.error.MemoryError:
        raise LimitExceeded("worker_memory_bytes", "decoding", reproducible=False) from None
    except av.error.FFmpegError:
        return []
