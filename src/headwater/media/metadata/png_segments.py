"""Metadata chunks of a PNG (PNG specification, third edition, 11.3), and raw profile texts."""

from __future__ import annotations

import binascii

from headwater.media.metadata.jpeg_segments import XMP_START
from headwater.media.metadata.segments import Gathering, exif_prefix
from headwater.media.metadata.unpack import inflate
from headwater.media.pictures.png import Chunk, walk_png
from headwater.model import Identity

XMP_KEYWORD = b"XML:com.adobe.xmp"
RAW_PROFILE = b"Raw profile type "
_KINDS = frozenset({b"eXIf", b"zxIf", b"iTXt", b"zTXt", b"tEXt", b"iCCP"})
_TEXT_CHUNKS_MOST = 1024


def find_in_png(gathering: Gathering, _identity: Identity) -> None:
    """Gather from every chunk of the file, whether it stands before or after the image data."""
    looked_at = 0
    for chunk in walk_png(gathering.content).chunks:
        if chunk.kind not in _KINDS:
            continue
        looked_at += 1
        if looked_at > _TEXT_CHUNKS_MOST:
            gathering.problem(f"more than {_TEXT_CHUNKS_MOST} metadata chunks: the rest was left")
            return
        data = gathering.take(chunk.offset_bytes, chunk.size_bytes, f"{_name(chunk)} chunk")
        if data is not None:
            _take(gathering, chunk, data)


def _name(chunk: Chunk) -> str:
    return chunk.kind.decode("ascii")


def _take(gathering: Gathering, chunk: Chunk, data: bytes) -> None:
    if chunk.kind == b"eXIf":
        gathering.add_exif("png exif", offset=chunk.offset_bytes, data=data)
    elif chunk.kind == b"iCCP":
        _, _, rest = data.partition(b"\0")
        profile = gathering.unpack(inflate, rest[1:], f"ICC profile at {chunk.offset_bytes}")
        gathering.add_raw("icc", profile, None, "png iccp")
    elif chunk.kind == b"tEXt":
        keyword, _, text = data.partition(b"\0")
        _text(gathering, keyword, text, chunk.offset_bytes + len(keyword) + 1, "png text")
    elif chunk.kind == b"zTXt":
        keyword, _, rest = data.partition(b"\0")
        text = gathering.unpack(inflate, rest[1:], f"text at {chunk.offset_bytes}")
        _text(gathering, keyword, text, None, "png ztxt")
    elif chunk.kind == b"iTXt":
        _international(gathering, chunk, data)


def _international(gathering: Gathering, chunk: Chunk, data: bytes) -> None:
    keyword, _, rest = data.partition(b"\0")
    compressed = rest[:1] == b"\1"
    pieces = rest[2:].split(b"\0", 2)
    text = pieces[-1] if len(pieces) == 3 else b""
    place: int | None = chunk.offset_bytes + len(data) - len(text)
    if compressed:
        text = gathering.unpack(inflate, text, f"text at {chunk.offset_bytes}")
        place = None
    _text(gathering, keyword, text, place, "png itxt")


def _text(
    gathering: Gathering, keyword: bytes, text: bytes, place: int | None, carrier: str
) -> None:
    if keyword == XMP_KEYWORD:
        gathering.add_raw("xmp", text, place, carrier)
    elif keyword.startswith(RAW_PROFILE):
        _raw_profile(gathering, keyword[len(RAW_PROFILE) :].decode("latin-1").lower(), text)
    else:
        gathering.add_text(text, carrier, keyword[:79].decode("latin-1"))


def _raw_profile(gathering: Gathering, sort: str, text: bytes) -> None:
    """A profile as hexadecimal text after its name and length, as ImageMagick writes them."""
    lines = text.strip().split(b"\n", 2)
    try:
        data = binascii.unhexlify(lines[2].translate(None, b" \t\r\n")) if len(lines) == 3 else b""
    except binascii.Error:
        gathering.problem(f"raw profile {sort!r} is not hexadecimal")
        return
    carrier = f"png raw profile {sort[:16]}"
    if sort in ("exif", "app1") and exif_prefix(data[:12]):
        gathering.add_exif(carrier, data=data)
    elif data.startswith(XMP_START):
        gathering.add_raw("xmp", data[len(XMP_START) :], None, carrier)
    elif sort == "xmp":
        gathering.add_raw("xmp", data, None, carrier)
    elif sort in ("iptc", "8bim"):
        if data.startswith(b"8BIM"):
            gathering.add_photoshop(data, None, carrier)
        else:
            gathering.add_raw("iptc", data, None, carrier)
    elif sort in ("icc", "icm"):
        gathering.add_raw("icc", data, None, carrier)
    elif sort in ("exif", "app1"):
        gathering.add_exif(carrier, data=data)
