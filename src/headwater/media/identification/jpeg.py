"""JPEG files: where the picture ends, and what makers put behind it.

Sources: ITU-T T.81 annex B; CIPA DC-007 (multi-picture format); Android motion photo format 1.0
and its forerunner with `MicroVideoOffset`; Ultra HDR image format 1.1 (the container directory).
The trailer of Samsung cameras is not published; its layout was read off files.
"""

from __future__ import annotations

import re
import struct

from headwater.errors import Malformed
from headwater.evidence.content import Content
from headwater.media.identification.layout import Layout
from headwater.media.identification.signatures import sniff
from headwater.media.pictures.jpeg import APP1, APP2, COM, JpegLayout, walk_jpeg
from headwater.media.pictures.tiff import Tiff
from headwater.model import Embedded

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_BYTES_MOST = 1 << 16
_PICTURES_MOST = 32
_MICRO_VIDEO = re.compile(rb"MicroVideoOffset\s*(?:=\s*[\"']|>)\s*(\d{1,18})")
_ITEM = re.compile(rb"<[\w:]*Container:Item\b(.{0,1024}?)(?:/>|</[\w:]*Container:Item>)", re.DOTALL)
_ITEM_FIELD = re.compile(rb"Item:(\w{1,16})\s*(?:=\s*[\"']|>)([^\"'<]{0,256})")
_MOVIES = frozenset({"mp4", "mov", "m4v", "3gp"})
_HEAD = 4096


def layout_jpeg(content: Content) -> Layout:
    """Walk to the end-of-image marker and name what lies behind it."""
    layout = walk_jpeg(content)
    notes = list(layout.notes)
    if layout.frame is None:
        notes.append("JPEG signature without a frame header")
    embedded: dict[int, Embedded] = {}
    if layout.end_bytes is not None and layout.end_bytes < content.size_bytes:
        xmp = _xmp(content, layout)
        for found in (
            *_samsung(content, layout.end_bytes),
            *_container(content, layout.end_bytes, xmp),
            *_multi_picture(content, layout),
        ):
            embedded.setdefault(found.offset_bytes, found)
    ordered = tuple(sorted(embedded.values(), key=lambda found: found.offset_bytes))
    return Layout("jpeg", layout.end_bytes, ordered, tuple(notes), texts=_comments(content, layout))


def _comments(content: Content, layout: JpegLayout) -> tuple[tuple[int, bytes], ...]:
    comments = [segment for segment in layout.segments if segment.marker == COM][:8]
    return tuple(
        (segment.offset_bytes, content.read_at(segment.offset_bytes, min(segment.size_bytes, 4096)))
        for segment in comments
    )


def _xmp(content: Content, layout: JpegLayout) -> bytes:
    segment = layout.first(APP1, _XMP, content)
    if segment is None:
        return b""
    return content.read_at(segment.offset_bytes, min(segment.size_bytes, _XMP_BYTES_MOST))


def _looks_like(content: Content, offset: int, names: frozenset[str]) -> bool:
    return sniff(content.read_at(offset, 64)) in names


def _container(content: Content, end: int, xmp: bytes) -> list[Embedded]:
    """Items that the XMP of a motion photo or an Ultra HDR picture lays behind the primary."""
    size = content.size_bytes
    micro = _MICRO_VIDEO.search(xmp)
    if micro:
        offset = size - int(micro[1])
        if end <= offset < size and _looks_like(content, offset, _MOVIES):
            return [_embedded("motion-video", offset, size)]
    found = []
    stop = size
    items = [_item_fields(item) for item in _ITEM.findall(xmp)[:_PICTURES_MOST]]
    for item in reversed(items[1:]):
        length, padding = _whole(item.get(b"Length")), _whole(item.get(b"Padding"))
        start = stop - length - padding
        if length <= 0 or start < end:
            break
        name = {b"MotionPhoto": "motion-video", b"GainMap": "gain-map", b"Depth": "depth"}.get(
            item.get(b"Semantic", b""), "container-item"
        )
        wanted = _MOVIES if item.get(b"Mime", b"").startswith(b"video/") else frozenset({"jpeg"})
        if not _looks_like(content, start, wanted):
            break
        found.append(_embedded(name, start, start + length))
        stop = start
    return found


def _item_fields(item: bytes) -> dict[bytes, bytes]:
    """Attributes, or elements whose closing tags come after the value and must not replace it."""
    fields: dict[bytes, bytes] = {}
    for name, value in _ITEM_FIELD.findall(item):
        fields.setdefault(name, value)
    return fields


def _whole(text: bytes | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 19 else 0


def _embedded(name: str, start: int, stop: int) -> Embedded:
    return Embedded(name=name, offset_bytes=start, size_bytes=stop - start)


def _multi_picture(content: Content, layout: JpegLayout) -> list[Embedded]:
    """Further pictures that the MPF index in APP2 lists (CIPA DC-007, 5.2.3)."""
    segment = layout.first(APP2, b"MPF\0", content)
    if segment is None:
        return []
    base = segment.offset_bytes + 4
    try:
        tiff = Tiff(content.part(base, segment.size_bytes - 4))
        directory, _ = tiff.directory(tiff.first_directory)
    except Malformed:
        return []
    entries = tiff.raw(directory[0xB002], most=16 * _PICTURES_MOST) if 0xB002 in directory else b""
    found = []
    for index in range(1, len(entries) // 16):
        size, offset = struct.unpack_from(tiff.order + "II", entries, 16 * index + 4)
        start = base + offset
        if size and _looks_like(content, start, _JPEG):
            name = _purpose(content.read_at(start, _HEAD)) or f"mpo-{index + 1}"
            # Some writers state too large a size for the last picture.
            found.append(_embedded(name, start, min(start + size, content.size_bytes)))
    return found


_JPEG = frozenset({"jpeg"})
_PURPOSES = (
    (b"hdrgm:", "gain-map"),
    (b"hdrgainmap", "gain-map"),
    (b"urn:iso:std:iso:ts:21496", "gain-map"),
    (b"aux:depth", "depth"),
    (b"aux:disparity", "depth"),
    (b"portraiteffectsmatte", "portrait-matte"),
    (b"semantic", "semantic-matte"),
)


def _purpose(head: bytes) -> str | None:
    """What an auxiliary picture says it is, in its own metadata."""
    lower = head.lower()
    return next((name for word, name in _PURPOSES if word in lower), None)


def _samsung(content: Content, end: int) -> list[Embedded]:
    """The video of a Samsung motion photo: trailer `SEFT`, directory `SEFH`, named blocks."""
    size = content.size_bytes
    tail = content.read_at(size - 8, 8) if size >= 8 else b""
    if tail[4:] != b"SEFT":
        return []
    directory = size - 8 - int.from_bytes(tail[:4], "little")
    head = content.read_at(directory, 12) if directory >= end else b""
    if head[:4] != b"SEFH":
        return []
    found = []
    for index in range(min(int.from_bytes(head[8:12], "little"), 256)):
        entry = content.read_at(directory + 12 + 12 * index, 12)
        start = directory - int.from_bytes(entry[4:8], "little")
        stop = start + int.from_bytes(entry[8:12], "little")
        if len(entry) < 12 or not end <= start < stop <= directory:
            continue
        block = content.read_at(start, 64)
        name_size = int.from_bytes(block[4:8], "little")
        if block[8 : 8 + name_size] == b"MotionPhoto_Data":
            found.append(_embedded("motion-video", start + 8 + name_size, stop))
    return found
