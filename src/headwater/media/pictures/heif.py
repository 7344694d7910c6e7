"""The item structure of HEIF and AVIF (ISO/IEC 23008-12; ISO/IEC 14496-12, 8.11), bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from headwater.errors import Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.identification.boxes import Box, descend, walk_boxes
from headwater.media.pictures.header import PictureHeader

_ITEMS_MOST = 65_536
_LINKS_MOST = 262_144
"""Associations with properties, and targets of references, that are read: each in all."""
_PROPERTIES_MOST = 64
"""Properties of one item that are looked at."""
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_CODINGS = {b"hvc1": "hevc", b"av01": "av1", b"avc1": "avc", b"jpeg": "jpeg", b"j2k1": "jpeg 2000"}


@dataclass(slots=True)
class _Items:
    """What the meta box says of its items."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    properties: list[Box] = field(default_factory=list)
    associations: dict[int, list[int]] = field(default_factory=dict)
    links: int = 0
    """Entries of all lists in `associations`."""
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)


class _Reader:
    """Big-endian integers out of a box's payload, which is read at most to `metadata_bytes`."""

    def __init__(self, content: Content, box: Box, limits: Limits) -> None:
        size = min(box.end_bytes - box.payload_bytes, limits.metadata_bytes)
        self.data = content.read_at(box.payload_bytes, size)
        self.at = 0

    def take(self, size: int) -> int:
        if self.at + size > len(self.data):
            raise Malformed("HEIF box ends inside a field")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")

    @property
    def more(self) -> bool:
        return self.at < len(self.data)


def read_heif_header(content: Content, limits: Limits) -> PictureHeader:
    """Describe the primary item: size, orientation, tiles, and what accompanies it.

    Image sequences without a primary item are described by their first picture track.
    """
    top = walk_boxes(content, 0, content.size_bytes, most=100_000)
    meta = top.first(b"meta")
    moov = top.first(b"moov")
    frames, seconds = _sequence(content, moov) if moov is not None else (1, None)
    if meta is None:
        return _from_track(content, moov, frames, seconds)
    items = _read_items(content, meta, limits)
    return _describe(content, items, frames, seconds)


def _describe(
    content: Content, items: _Items, frames: int | None, seconds: float | None
) -> PictureHeader:
    primary = items.primary
    if primary not in items.kinds:
        raise Malformed("HEIF names no primary item")
    boxes = list(_properties_of(items, primary))
    size = next((box for box in boxes if box.kind == b"ispe"), None)
    if size is None:
        raise Malformed("HEIF primary item has no size")
    raw = content.read_at(size.payload_bytes + 4, 8)
    bits = _sample_bits(content, boxes)
    tiles = _targets(items, b"dimg", primary) if items.kinds[primary] == b"grid" else ()
    coding = items.kinds.get(tiles[0], b"") if tiles else items.kinds[primary]
    grey = len(bits) == 1
    alpha = _has_alpha(content, items, primary)
    orientation = _orientation(content, boxes)
    return PictureHeader(
        width_px=int.from_bytes(raw[:4], "big"),
        height_px=int.from_bytes(raw[4:8], "big"),
        mode=("grey" if grey else "ycbcr") + ("+alpha" if alpha else ""),
        bit_depth=bits[0] if bits else None,
        channels=(len(bits) or 3) + alpha,
        coding=_CODINGS.get(coding, coding.decode("latin-1")),
        frames=frames,
        animation_seconds=seconds,
        orientation=orientation,
        orientation_source="heif properties" if orientation != 1 else None,
        auxiliary_pictures=len(_sources(items, (b"auxl", b"thmb"), primary)),
        tiles=len(tiles) or None,
    )


def _read_items(content: Content, meta: Box, limits: Limits) -> _Items:
    inner = walk_boxes(content, meta.payload_bytes + 4, meta.end_bytes, most=256)
    items = _Items()
    for kind, read in (
        (b"pitm", _read_primary),
        (b"iinf", _read_infos),
        (b"iref", _read_references),
    ):
        box = inner.first(kind)
        if box is not None:
            read(_Reader(content, box, limits), items)
    properties = inner.first(b"iprp")
    if properties is None:
        raise Malformed("HEIF without item properties")
    container = descend(content, properties, b"ipco")
    if container is not None:
        walk = walk_boxes(content, container.payload_bytes, container.end_bytes, most=_ITEMS_MOST)
        items.properties = list(walk.boxes)
    for box in walk_boxes(content, properties.payload_bytes, properties.end_bytes, most=64).boxes:
        if box.kind == b"ipma":
            _read_associations(_Reader(content, box, limits), items)
    return items


def _read_primary(reader: _Reader, items: _Items) -> None:
    items.primary = reader.take(4 if reader.take(4) >> 24 else 2)


def _read_infos(reader: _Reader, items: _Items) -> None:
    reader.take(2 if reader.take(4) >> 24 == 0 else 4)
    while reader.more and len(items.kinds) < _ITEMS_MOST:
        start = reader.at
        size = reader.take(4)
        if reader.take(4) != int.from_bytes(b"infe", "big") or size < 12:
            break
        version = reader.take(4) >> 24
        if version >= 2:
            identifier = reader.take(2 if version == 2 else 4)
            reader.take(2)
            items.kinds[identifier] = reader.take(4).to_bytes(4, "big")
            _require_text(reader.data[reader.at - 4 : start + size])
        reader.at = start + size


def _require_text(names: bytes) -> None:
    """Item type, name and content type are UTF-8 by the standard; pi-heif crashes where not."""
    try:
        names.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("HEIF item names are no text") from error


def _read_references(reader: _Reader, items: _Items) -> None:
    width = 4 if reader.take(4) >> 24 else 2
    targets = 0
    while reader.more and len(items.references) < _ITEMS_MOST and targets < _LINKS_MOST:
        start = reader.at
        size, kind = reader.take(4), reader.take(4).to_bytes(4, "big")
        source, count = reader.take(width), reader.take(2)
        if size < 8 + width + 2 + count * width:
            break
        targets += count
        items.references.append((kind, source, tuple(reader.take(width) for _ in range(count))))
        reader.at = start + size


def _read_associations(reader: _Reader, items: _Items) -> None:
    version_flags = reader.take(4)
    identifier_size = 4 if version_flags >> 24 else 2
    wide = bool(version_flags & 1)
    for _ in range(min(reader.take(4), _ITEMS_MOST)):
        identifier, count = reader.take(identifier_size), reader.take(1)
        items.links += count
        if items.links > _LINKS_MOST:
            raise Malformed(f"HEIF with more than {_LINKS_MOST} associations")
        indexes = [reader.take(2) & 0x7FFF if wide else reader.take(1) & 0x7F for _ in range(count)]
        items.associations.setdefault(identifier, []).extend(indexes)


def _properties_of(items: _Items, identifier: int) -> Iterator[Box]:
    for index in items.associations.get(identifier, [])[:_PROPERTIES_MOST]:
        if 1 <= index <= len(items.properties):
            yield items.properties[index - 1]


def _targets(items: _Items, kind: bytes, source: int) -> tuple[int, ...]:
    for found, origin, targets in items.references:
        if found == kind and origin == source:
            return targets
    return ()


def _sources(items: _Items, kinds: tuple[bytes, ...], target: int) -> set[int]:
    """Items that refer to `target` as what they are auxiliary to, or a thumbnail of."""
    return {
        source for kind, source, targets in items.references if kind in kinds and target in targets
    }


def _has_alpha(content: Content, items: _Items, primary: int) -> bool:
    for source in _sources(items, (b"auxl",), primary):
        for box in _properties_of(items, source):
            name = content.read_at(box.payload_bytes + 4, 64) if box.kind == b"auxC" else b""
            if name.startswith(_ALPHA):
                return True
    return False


def _sample_bits(content: Content, boxes: list[Box]) -> tuple[int, ...]:
    box = next((box for box in boxes if box.kind == b"pixi"), None)
    if box is None:
        return ()
    raw = content.read_at(box.payload_bytes + 4, 17)
    return tuple(raw[1 : 1 + raw[0]]) if raw else ()


# Corners (top left, top right, bottom left, bottom right) of the stored picture, as they lie when
# it is shown upright, for each EXIF orientation.
_CORNERS = {
    (0, 1, 2, 3): 1,
    (1, 0, 3, 2): 2,
    (3, 2, 1, 0): 3,
    (2, 3, 0, 1): 4,
    (0, 2, 1, 3): 5,
    (2, 0, 3, 1): 6,
    (3, 1, 2, 0): 7,
    (1, 3, 0, 2): 8,
}


def _orientation(content: Content, boxes: list[Box]) -> int:
    """Fold `irot` (quarter turns anticlockwise) and `imir` in their order into one orientation."""
    corners = (0, 1, 2, 3)
    for box in boxes:
        if box.kind not in (b"irot", b"imir"):
            continue
        value = int.from_bytes(content.read_at(box.payload_bytes, 1), "big")
        a, b, c, d = corners
        if box.kind == b"irot":
            for _ in range(value & 3):
                a, b, c, d = b, d, a, c
            corners = (a, b, c, d)
        else:
            corners = (b, a, d, c) if value & 1 else (c, d, a, b)
    return _CORNERS[corners]


def _picture_track(content: Content, moov: Box) -> Box | None:
    for track in walk_boxes(content, moov.payload_bytes, moov.end_bytes, most=64).boxes:
        handler = descend(content, track, b"mdia", b"hdlr") if track.kind == b"trak" else None
        if handler and content.read_at(handler.payload_bytes + 8, 4) in (b"pict", b"vide"):
            return track
    return None


def _sequence(content: Content, moov: Box) -> tuple[int | None, float | None]:
    """Frames and seconds of the first picture track."""
    track = _picture_track(content, moov)
    if track is None:
        return 1, None
    sizes = descend(content, track, b"mdia", b"minf", b"stbl", b"stsz")
    if sizes is None:
        return None, None
    frames = int.from_bytes(content.read_at(sizes.payload_bytes + 8, 4), "big")
    clock = descend(content, track, b"mdia", b"mdhd")
    seconds = None
    if clock is not None:
        long = content.read_at(clock.payload_bytes, 1) == b"\x01"
        raw = content.read_at(clock.payload_bytes + (20 if long else 12), 12 if long else 8)
        scale, length = int.from_bytes(raw[:4], "big"), int.from_bytes(raw[4:], "big")
        seconds = round(length / scale, 3) if scale and length < 1 << 40 else None
    return frames, seconds


def _from_track(
    content: Content, moov: Box | None, frames: int | None, seconds: float | None
) -> PictureHeader:
    track = _picture_track(content, moov) if moov is not None else None
    head = descend(content, track, b"tkhd") if track is not None else None
    if head is None:
        raise Refused("HEIF with neither a primary item nor a picture track")
    raw = content.read_at(head.end_bytes - 8, 8)
    return PictureHeader(
        width_px=int.from_bytes(raw[:2], "big"),
        height_px=int.from_bytes(raw[4:6], "big"),
        mode="ycbcr",
        coding="sequence",
        frames=frames,
        animation_seconds=seconds,
    )
