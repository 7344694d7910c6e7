"""Matroska and WebM (RFC 9559; EBML: RFC 8794), as far as identification needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headwater.evidence.content import Content
from headwater.media.identification.layout import Layout

_EBML, _DOC_TYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _TRACKS, _TRACK_ENTRY, _TRACK_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
_CLUSTER = 0x1F43B675
_VIDEO, _AUDIO = 1, 2


@dataclass(frozen=True, slots=True)
class _Element:
    identifier: int
    offset_bytes: int
    size_bytes: int | None
    """None where the size is unknown, which a live stream's segment may leave open."""


def _number(raw: bytes, *, keep_marker: bool) -> tuple[int, int] | None:
    """Return (value, length) of a variable-length integer, or None."""
    if not raw or not raw[0]:
        return None
    length = 9 - raw[0].bit_length()
    if len(raw) < length:
        return None
    value = int.from_bytes(raw[:length], "big")
    return (value if keep_marker else value & ~(1 << (7 * length))), length


def _elements(content: Content, start: int, end: int, most: int) -> Iterator[_Element]:
    for _ in range(most):
        raw = content.read_at(start, 12)[: max(0, end - start)]
        identifier = _number(raw[:4], keep_marker=True)
        if identifier is None:
            return
        size = _number(raw[identifier[1] :], keep_marker=False)
        if size is None:
            return
        offset = start + identifier[1] + size[1]
        unknown = size[0] == (1 << (7 * size[1])) - 1
        yield _Element(identifier[0], offset, None if unknown else size[0])
        if unknown:
            return
        start = offset + size[0]


def layout_matroska(content: Content) -> Layout:
    """Read the document type, the tracks' types, and where the segment ends."""
    top = list(_elements(content, 0, content.size_bytes, 8))
    notes: list[str] = []
    name = _document_type(content, top[0]) if top and top[0].identifier == _EBML else ""
    if name not in ("matroska", "webm"):
        notes.append("EBML document type is neither matroska nor webm")
        name = "matroska"
    segment = next((e for e in top if e.identifier == _SEGMENT), None)
    if segment is None:
        return Layout(name, None, notes=(*notes, "no segment"))
    end = None
    if segment.size_bytes is not None:
        end = segment.offset_bytes + segment.size_bytes
        if end > content.size_bytes:
            notes.append("segment runs past the end: cut off")
            end = None
    types = _track_types(content, segment, end or content.size_bytes)
    if not types:
        notes.append("no tracks found before the first cluster")
    elif _VIDEO not in types and _AUDIO in types:
        return Layout("mka", end, notes=tuple(notes))
    elif _VIDEO not in types:
        notes.append("no video track")
    return Layout(name, end, notes=tuple(notes))


def _document_type(content: Content, header: _Element) -> str:
    size = min(header.size_bytes or 0, 4096)
    for element in _elements(content, header.offset_bytes, header.offset_bytes + size, 32):
        if element.identifier == _DOC_TYPE:
            raw = content.read_at(element.offset_bytes, min(element.size_bytes or 0, 32))
            return raw.rstrip(b"\0").decode("latin-1")
    return ""


def _track_types(content: Content, segment: _Element, end: int) -> set[int]:
    for element in _elements(content, segment.offset_bytes, end, 256):
        if element.identifier == _CLUSTER and element.size_bytes is None:
            break
        if element.identifier == _TRACKS and element.size_bytes is not None:
            return set(_entries(content, element))
    return set()


def _entries(content: Content, tracks: _Element) -> Iterator[int]:
    stop = tracks.offset_bytes + (tracks.size_bytes or 0)
    for entry in _elements(content, tracks.offset_bytes, stop, 128):
        if entry.identifier != _TRACK_ENTRY or entry.size_bytes is None:
            continue
        inside = entry.offset_bytes + entry.size_bytes
        for field in _elements(content, entry.offset_bytes, inside, 64):
            if field.identifier == _TRACK_TYPE and field.size_bytes is not None:
                yield int.from_bytes(content.read_at(field.offset_bytes, min(field.size_bytes, 8)))
