"""Metadata chunks of a WebP (RFC 9649, 2.7.1)."""

from __future__ import annotations

from headwater.media.identification.riff import riff_chunks
from headwater.media.metadata.segments import Gathering
from headwater.model import Identity


def find_in_webp(gathering: Gathering, _identity: Identity) -> None:
    """Gather the `EXIF`, `XMP ` and `ICCP` chunks."""
    for chunk in riff_chunks(gathering.content):
        if chunk.kind not in (b"EXIF", b"XMP ", b"XMP\0", b"ICCP"):
            continue
        data = gathering.take(chunk.offset_bytes, chunk.size_bytes, "WebP metadata chunk")
        if not data:
            continue
        if chunk.kind == b"EXIF":
            gathering.add_exif("webp exif", offset=chunk.offset_bytes, data=data)
        elif chunk.kind == b"ICCP":
            gathering.add_raw("icc", data, chunk.offset_bytes, "webp iccp")
        else:
            gathering.add_raw("xmp", data, chunk.offset_bytes, "webp xmp")
