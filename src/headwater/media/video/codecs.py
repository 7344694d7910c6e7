"""Which decoders may touch evidence."""

from __future__ import annotations

# What phones, cameras, recorders, platforms and editors have written.
DECODERS: frozenset[str] = frozenset(
    {"h264", "hevc", "vvc", "libdav1d", "vp8", "vp9", "vp6", "vp6a", "vp6f", "theora", "dirac"}
    | {"mpeg1video", "mpeg2video", "mpeg4", "h261", "h263", "h263i", "h263p", "flv", "cavs"}
    | {"msmpeg4v1", "msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1"}
    | {"mjpeg", "mjpegb", "amv", "jpeg2000", "png", "dvvideo", "prores", "dnxhd", "cfhd", "apv"}
    | {"rawvideo", "v210", "yuv4", "huffyuv", "ffvhuff", "ffv1", "utvideo", "lagarith", "magicyuv"}
    | {"svq1", "svq3", "cinepak", "indeo3", "indeo4", "indeo5", "rv10", "rv20", "rv30", "rv40"}
    | {"qtrle", "rpza", "smc", "8bps", "aic", "msrle", "msvideo1", "hap"}
    | {"flashsv", "flashsv2", "tscc", "tscc2", "mszh", "zlib", "zmbv", "g2m", "camtasia"}
)
"""FFmpeg's names of the decoders that are called; a stream of another codec is described and not
decoded. FFmpeg has some five hundred, most of them for formats of single games and machines."""
