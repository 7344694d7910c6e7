"""What a frame costs to decode and to look at, reckoned from its sizes, and how much is spent.

The unit is one pixel's share of a plain frame, about 3.2 ns on one core of an AMD EPYC of 2023.
Only numbers from the file go in, so that the same film is always spent the same on.
"""

from __future__ import annotations

_HEAVY_BYTE = 20
"""Pixels that a byte costs where arithmetic coding packs it: measured are 13 to 27 (H.264 with
CABAC, HEVC, VP8, VP9 and AV1, key frames of 1080p of 60 to 1,600 kB). Also taken for codecs that
were not measured, and for H.264 with CAVLC, which costs less and is not told apart."""
_LIGHT_BYTE = 5
"""The same with codes from tables: measured are 2 to 5."""
_LIGHT = frozenset(
    {"mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "mjpegb", "amv", "prores", "dvvideo", "dnxhd"}
    | {"h261", "h263", "h263i", "h263p", "flv", "msmpeg4v1", "msmpeg4v2", "msmpeg4"}
    | {"wmv1", "wmv2", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210", "yuv4"}
)
"""FFmpeg's names of decoders of the second sort, or of less: uncompressed pictures."""

ALLOWED_PER_SECOND = 5_000_000
"""Spent on each second of a film: some 16 ms, sixty times as fast as it plays."""
ALLOWED_ALWAYS = 150_000_000
"""Spent on a film of any length: what half a minute may cost."""
DECODED_ALWAYS = 6
"""Frames decoded whatever they cost."""


def effort(codec: str, pixels: int, size_bytes: int) -> int:
    """Return what it costs to decode a frame of so many compressed bytes, and to look at it.

    `codec` is FFmpeg's name of the decoder.
    """
    return pixels + size_bytes * (_LIGHT_BYTE if codec in _LIGHT else _HEAVY_BYTE)


def allowed_effort(seconds: float) -> int:
    """Return how much effort is spent on a film of that length."""
    return max(ALLOWED_ALWAYS, int(seconds * ALLOWED_PER_SECOND))
