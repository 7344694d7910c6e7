"""Metadata of box formats: HEIF and AVIF items, JPEG XL and JPEG 2000 boxes, Canon CR3.

Sources: ISO/IEC 14496-12 (8.11 meta, iinf, iloc), ISO/IEC 23008-12 (annex A), ISO/IEC 18181-2,
ISO/IEC 15444-1 (annex I), XMP part 3; for CR3 the public notes on its `CMT` boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headwater.media.identification.boxes import Box, descend, walk_boxes
from headwater.media.metadata.segments import Gathering, Holds
from headwater.media.metadata.unpack import unbrotli
from headwater.model import Identity

_BOXES_MOST = 4096
_ITEMS_MOST = 10_000
_EXTENTS_MOST = 20_000
_TABLE_BYTES_MOST = 4 << 20
_EXIF_UUID = bytes.fromhex("4a70675469666645 7869662d3e4a5032".replace(" ", ""))
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC_UUID = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_PREVIEW_UUID = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")


def find_in_heif(gathering: Gathering, _identity: Identity) -> None:
    """Gather the `Exif` and XMP items, and ICC profiles from the item properties."""
    content = gathering.content
    top = walk_boxes(content, 0, content.size_bytes, most=_BOXES_MOST)
    meta = top.first(b"meta")
    if meta is None:
        return
    inner = walk_boxes(content, meta.payload_bytes + 4, meta.end_bytes, most=_BOXES_MOST)
    idat = inner.first(b"idat")
    places = _item_places(gathering, inner.first(b"iloc"))
    for item in _items(gathering, inner.first(b"iinf")):
        sort = _item_sort(item)
        if sort is None or item.number not in places:
            continue
        data, offset = _item_data(gathering, places[item.number], idat)
        if data and sort == "exif":
            _add_prefixed_exif(gathering, data, offset, "heif item")
        elif data:
            gathering.add_raw("xmp", data, offset, "heif item")
    properties = inner.first(b"iprp")
    container = descend(content, properties, b"ipco") if properties else None
    if container is not None:
        _colour_profiles(gathering, container, "heif colr")


@dataclass(frozen=True, slots=True)
class _Item:
    number: int
    kind: bytes
    content_type: bytes


@dataclass(frozen=True, slots=True)
class _Place:
    construction: int
    extents: tuple[tuple[int, int], ...]


def _item_sort(item: _Item) -> Literal["exif", "xmp"] | None:
    if item.kind == b"Exif":
        return "exif"
    if item.kind == b"mime" and item.content_type == b"application/rdf+xml":
        return "xmp"
    return None


def _items(gathering: Gathering, iinf: Box | None) -> list[_Item]:
    """Entries of the item information box, versions 2 and 3 of `infe`."""
    if iinf is None:
        return []
    content = gathering.content
    version = content.read_at(iinf.payload_bytes, 1)
    start = iinf.payload_bytes + (6 if version == b"\0" else 8)
    found = []
    for box in walk_boxes(content, start, iinf.end_bytes, most=_ITEMS_MOST).boxes:
        if box.kind != b"infe":
            continue
        raw = content.read_at(box.payload_bytes, min(512, box.end_bytes - box.payload_bytes))
        if not raw or raw[0] not in (2, 3):
            continue
        wide = 4 if raw[0] == 3 else 2
        after = raw[4 + wide + 2 :]
        _, _, rest = after[4:].partition(b"\0")
        found.append(
            _Item(int.from_bytes(raw[4 : 4 + wide], "big"), after[:4], rest.partition(b"\0")[0])
        )
    return found


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def number(self, size: int) -> int:
        value = int.from_bytes(self.data[self.position : self.position + size], "big")
        self.position += size
        return value

    @property
    def ended(self) -> bool:
        return self.position > len(self.data)


def _item_places(gathering: Gathering, iloc: Box | None) -> dict[int, _Place]:
    """Read the item location box, versions 0 to 2."""
    if iloc is None:
        return {}
    size = min(iloc.end_bytes - iloc.payload_bytes, _TABLE_BYTES_MOST)
    cursor = _Cursor(gathering.content.read_at(iloc.payload_bytes, size))
    version = cursor.number(4) >> 24
    sizes = cursor.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    wide = 4 if version == 2 else 2
    places: dict[int, _Place] = {}
    extents_left = _EXTENTS_MOST
    for _ in range(min(cursor.number(wide), _ITEMS_MOST)):
        number = cursor.number(wide)
        construction = cursor.number(2) & 15 if version else 0
        cursor.number(2)
        base = cursor.number(base_size)
        extents: list[tuple[int, int]] = []
        for _ in range(cursor.number(2)):
            extents_left -= 1
            cursor.number(index_size)
            extents.append((base + cursor.number(offset_size), cursor.number(length_size)))
            if cursor.ended or extents_left < 0:
                gathering.problem("item location box is cut off, or has too many extents")
                return places
        places[number] = _Place(construction, tuple(extents))
    return places


def _item_data(
    gathering: Gathering, place: _Place, idat: Box | None
) -> tuple[bytes | None, int | None]:
    """Return the bytes of an item, and their offset where they lie in one piece."""
    if place.construction == 1 and idat is not None:
        start, end = idat.payload_bytes, idat.end_bytes
    elif place.construction == 0:
        start, end = 0, gathering.content.size_bytes
    else:
        gathering.problem(f"item with construction method {place.construction} was not read")
        return None, None
    parts = []
    for offset, size in place.extents[:64]:
        whole = size or end - start - offset
        part = gathering.take(start + offset, max(0, whole), "HEIF item")
        if part is None:
            return None, None
        parts.append(part)
    single = start + place.extents[0][0] if len(place.extents) == 1 else None
    return b"".join(parts), single


def _add_prefixed_exif(gathering: Gathering, data: bytes, offset: int | None, carrier: str) -> None:
    """Add a block that begins with the four-byte distance to its TIFF header."""
    skip = 4 + int.from_bytes(data[:4], "big")
    if data[:2] in (b"II", b"MM") or skip >= len(data):
        skip = 0
    place = None if offset is None else offset + skip
    gathering.add_exif(carrier, offset=place, data=data[skip:])


def _colour_profiles(gathering: Gathering, container: Box, carrier: str) -> None:
    content = gathering.content
    for box in walk_boxes(content, container.payload_bytes, container.end_bytes).boxes:
        if box.kind != b"colr":
            continue
        head = content.read_at(box.payload_bytes, 4)
        skip = 4 if head in (b"prof", b"rICC") else 3 if head[:1] in (b"\2", b"\3") else 0
        if skip:
            start = box.payload_bytes + skip
            data = gathering.take(start, max(0, box.end_bytes - start), "ICC profile")
            gathering.add_raw("icc", data, start, carrier)


def find_in_jxl(gathering: Gathering, _identity: Identity) -> None:
    """Gather the `Exif`, `xml ` and `brob` boxes; a bare codestream has none."""
    content = gathering.content
    if content.read_at(0, 2) == b"\xff\x0a":
        return
    for box in walk_boxes(content, 0, content.size_bytes, most=_BOXES_MOST).boxes:
        if box.kind not in (b"Exif", b"xml ", b"brob"):
            continue
        kind, offset = box.kind, box.payload_bytes
        data = gathering.take(offset, box.end_bytes - offset, "JPEG XL box")
        if not data:
            continue
        place: int | None = offset
        if kind == b"brob":
            kind, place = data[:4], None
            if kind not in (b"Exif", b"xml "):
                continue
            data = gathering.unpack(unbrotli, data[4:], f"brob box at {offset}")
        if kind == b"Exif":
            _add_prefixed_exif(gathering, data, place, "jxl exif")
        else:
            gathering.add_raw("xmp", data, place, "jxl xml")


def find_in_jp2(gathering: Gathering, _identity: Identity) -> None:
    """Gather the `uuid` and `xml ` boxes and the colour specification's ICC profile."""
    content = gathering.content
    for box in walk_boxes(content, 0, content.size_bytes, most=_BOXES_MOST).boxes:
        if box.kind == b"jp2h":
            _colour_profiles(gathering, box, "jp2 colr")
        elif box.kind == b"xml ":
            size = box.end_bytes - box.payload_bytes
            data = gathering.take(box.payload_bytes, size, "XML box") or b""
            if b"rdf:RDF" in data:
                gathering.add_raw("xmp", data, box.payload_bytes, "jp2 xml")
            else:
                gathering.add_text(data, "jp2 xml")
        elif box.kind == b"uuid":
            _uuid_box(gathering, box)


def _uuid_box(gathering: Gathering, box: Box) -> None:
    uuid = gathering.content.read_at(box.payload_bytes, 16)
    start = box.payload_bytes + 16
    if uuid not in (_EXIF_UUID, _XMP_UUID, _IPTC_UUID):
        return
    data = gathering.take(start, max(0, box.end_bytes - start), "uuid box")
    if not data:
        return
    if uuid == _EXIF_UUID:
        gathering.add_exif("jp2 uuid", offset=start, data=data)
    else:
        gathering.add_raw("xmp" if uuid == _XMP_UUID else "iptc", data, start, "uuid box")


_CMT: dict[bytes, Holds] = {b"CMT1": "all", b"CMT2": "Exif", b"CMT3": "MakerNote", b"CMT4": "GPS"}


def find_in_cr3(gathering: Gathering, _identity: Identity) -> None:
    """Gather the four `CMT` boxes, the XMP box, and the thumbnail and preview JPEGs."""
    content = gathering.content
    top = walk_boxes(content, 0, content.size_bytes, most=_BOXES_MOST)
    for box in top.boxes:
        if box.kind == b"uuid":
            _uuid_box(gathering, box)
            if content.read_at(box.payload_bytes, 16) == _PREVIEW_UUID:
                inner = walk_boxes(content, box.payload_bytes + 24, box.end_bytes)
                _canon_jpeg(gathering, inner.first(b"PRVW"), "cr3 preview", 16)
    moov = top.first(b"moov")
    if moov is None:
        return
    for box in walk_boxes(content, moov.payload_bytes, moov.end_bytes).boxes:
        if box.kind != b"uuid" or content.read_at(box.payload_bytes, 16) != _CANON_UUID:
            continue
        inner = walk_boxes(content, box.payload_bytes + 16, box.end_bytes)
        for part in inner.boxes:
            if part.kind in _CMT:
                size = part.end_bytes - part.payload_bytes
                gathering.add_exif(
                    f"cr3 {part.kind.decode('ascii').lower()}",
                    offset=part.payload_bytes,
                    size=size,
                    holds=_CMT[part.kind],
                )
        _canon_jpeg(gathering, inner.first(b"THMB"), "cr3 thumbnail", 16)


def _canon_jpeg(gathering: Gathering, box: Box | None, source: str, head: int) -> None:
    """Find the JPEG in a `THMB` or `PRVW` box, by its start marker near `head`."""
    if box is None:
        return
    raw = gathering.content.read_at(box.payload_bytes, head + 16)
    start = raw.find(b"\xff\xd8\xff")
    if start >= 0:
        offset = box.payload_bytes + start
        gathering.add_jpeg(source, offset, box.end_bytes - offset)
