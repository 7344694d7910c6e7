"""Metadata of TIFF files and of camera raw formats that are built on TIFF (TIFF 6.0; DNG 1.7)."""

from __future__ import annotations

from headwater.media.metadata.directories import DirectoryReader, Field, Problems, read_header
from headwater.media.metadata.jpeg_segments import find_in_jpeg
from headwater.media.metadata.segments import Gathering
from headwater.model import Identity

XMP_TAG, IPTC_TAG, PHOTOSHOP_TAG, ICC_TAG = 0x02BC, 0x83BB, 0x8649, 0x8773
_RW2_JPEG_TAG = 0x002E
_RAF_JPEG_AT = 84


def find_in_tiff(gathering: Gathering, identity: Identity) -> None:
    """The whole file is the EXIF block; the other segments are tags of its first directory."""
    content = gathering.content
    gathering.add_exif(f"{identity.format} file", offset=0, size=content.size_bytes)
    header = read_header(content)
    if header is None:
        return
    layout, first = header
    directory, _ = DirectoryReader(content, Problems()).read(first, layout, "IFD0")
    if XMP_TAG in directory:
        field = directory[XMP_TAG]
        gathering.add_raw(
            "xmp", _bytes(gathering, field, "XMP"), field.offset_bytes, "tiff tag 700"
        )
    if IPTC_TAG in directory:
        field = directory[IPTC_TAG]
        data = _bytes(gathering, field, "IPTC")
        if data and data[:1] != b"\x1c" and data[3:4] == b"\x1c":
            # Written as 32-bit numbers in the other byte order, as some old writers do.
            data = b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
        gathering.add_raw("iptc", data, field.offset_bytes, "tiff tag 33723")
    if PHOTOSHOP_TAG in directory:
        field = directory[PHOTOSHOP_TAG]
        data = _bytes(gathering, field, "image resources")
        gathering.add_photoshop(data, field.offset_bytes, "tiff tag 34377")
    if ICC_TAG in directory:
        field = directory[ICC_TAG]
        gathering.add_raw(
            "icc", _bytes(gathering, field, "ICC"), field.offset_bytes, "tiff tag 34675"
        )
    if identity.format == "rw2" and _RW2_JPEG_TAG in directory:
        _inner_jpeg(gathering, identity, directory[_RW2_JPEG_TAG], "rw2 preview")


def _bytes(gathering: Gathering, field: Field, what: str) -> bytes | None:
    return gathering.take(field.offset_bytes, field.size_bytes, what)


def _inner_jpeg(gathering: Gathering, identity: Identity, field: Field, source: str) -> None:
    gathering.add_jpeg(source, field.offset_bytes, field.size_bytes)
    if gathering.content.read_at(field.offset_bytes, 3) == b"\xff\xd8\xff":
        find_in_jpeg(gathering, identity, field.offset_bytes)


def find_in_raf(gathering: Gathering, identity: Identity) -> None:
    """Fujifilm RAF: a JPEG with all metadata stands where the header says."""
    raw = gathering.content.read_at(_RAF_JPEG_AT, 8)
    offset, size = int.from_bytes(raw[:4], "big"), int.from_bytes(raw[4:], "big")
    gathering.add_jpeg("raf preview", offset, size)
    if gathering.content.read_at(offset, 3) == b"\xff\xd8\xff":
        find_in_jpeg(gathering, identity, offset)
