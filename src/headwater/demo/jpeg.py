"""Marker segments of JPEG files that this package wrote itself (ITU-T T.81 annex B)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

APP0, APP1, SOS = 0xE0, 0xE1, 0xDA
_SOI = b"\xff\xd8"
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"


def _header_segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment before the first scan."""
    at = 2
    while jpeg[at + 1] != SOS:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        yield jpeg[at + 1], at, end
        at = end


def segment(marker: int, payload: bytes) -> bytes:
    """Return one marker segment. Raises ValueError where the payload is too long for it."""
    if len(payload) > 65_533:
        raise ValueError(f"{len(payload)} bytes do not fit one JPEG segment")
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(jpeg: bytes, segments: Sequence[bytes]) -> bytes:
    """Return the file with its APP0 and APP1 segments replaced by `segments`; pixels untouched."""
    kept, last = b"", 2
    for marker, start, end in _header_segments(jpeg):
        kept += b"" if marker in {APP0, APP1} else jpeg[start:end]
        last = end
    return _SOI + b"".join(segments) + kept + jpeg[last:]


def without_metadata(jpeg: bytes) -> bytes:
    """Return the file with a plain JFIF header in place of all EXIF and XMP; pixels untouched."""
    jfif = b"JFIF\x00" + struct.pack(">HBHHBB", 0x0101, 0, 1, 1, 0, 0)
    return with_segments(jpeg, [segment(APP0, jfif)])


def xmp_segment(description: str) -> bytes:
    """Return an APP1 segment with an XMP packet (XMP part 3, section 1.1.3).

    `description` is the `rdf:Description` element, with its name spaces.
    """
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"{description}</rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    )
    return segment(APP1, _XMP_HEADER + packet.encode())
