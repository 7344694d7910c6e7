"""Which decoders may touch evidence."""

from __future__ import annotations

DECODERS: frozenset[str] = frozenset(
    # What phones, cameras, recorders, platforms and editors have written.
    "h264 hevc vvc libdav1d vp8 vp9 mpeg1video mpeg2video mpeg4 h263 h263p h263i h261 "
    "msmpeg4v1 msmpeg4v2 msmpeg4 wmv1 wmv2 wmv3 vc1 flv vp6 vp6f vp6a theora "
    "mjpeg mjpegb jpeg2000 png prores dnxhd dvvideo cfhd apv rawvideo v210 yuv4 "
    "huffyuv ffvhuff ffv1 utvideo lagarith magicyuv qtrle rpza smc svq1 svq3 cinepak "
    "indeo3 indeo4 indeo5 msrle msvideo1 rv10 rv20 rv30 rv40 dirac hap flashsv flashsv2 "
    "tscc tscc2 mszh zlib zmbv g2m camtasia cavs 8bps aic amv".split()
)
"""FFmpeg's names of the decoders that are called; a stream of another codec is described and not
decoded. FFmpeg has some five hundred, most of them for formats of single games and machines."""
