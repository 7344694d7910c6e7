"""Where thumbnails and previews lie inside a picture: JPEGs that its metadata points to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headwater.evidence.content import Content
from headwater.media.metadata.exif_tree import ExifTree, is_maker_group
from headwater.media.metadata.maker_notes import GROUP
from headwater.media.metadata.segments import Segments

PICTURES_MOST = 12
_JPEG_OFFSET, _JPEG_LENGTH = 0x0201, 0x0202
_COMPRESSION, _STRIP_OFFSETS, _STRIP_LENGTHS = 0x0103, 0x0111, 0x0117
_JPEG_COMPRESSIONS = frozenset({6, 7})
_START = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class EmbeddedPlace:
    """One embedded JPEG: its bytes as a window, and where they lie in the item if that is known."""

    source: str
    """`IFD1`, `SubIFD0`, `MakerNote/Preview`, `photoshop thumbnail`, ..."""
    content: Content
    offset_bytes: int | None
    stated_bytes: int


def find_embedded(
    content: Content, format_name: str, tree: ExifTree, segments: Segments
) -> list[EmbeddedPlace]:
    """Return up to twelve places that begin as a JPEG does, each once, in a fixed order."""
    found: list[EmbeddedPlace] = []
    seen: set[tuple[int | None, int]] = set()
    for place in _candidates(content, format_name, tree, segments):
        key = (place.offset_bytes, place.stated_bytes)
        if len(found) >= PICTURES_MOST:
            break
        if (place.offset_bytes is None or key not in seen) and place.content.read_at(
            0, 3
        ) == _START:
            seen.add(key)
            found.append(place)
    return found


def _candidates(
    content: Content, format_name: str, tree: ExifTree, segments: Segments
) -> Iterator[EmbeddedPlace]:
    for group in tree.groups:
        # The first directory of a plain TIFF file is the picture itself.
        if not is_maker_group(group) and (format_name != "tiff" or group != "IFD0"):
            for offset, size in _pointers(tree, group):
                yield from _in_block(content, tree, group, offset, size)
    for group, offset, size in _maker_pointers(tree):
        yield from _in_block(content, tree, group, offset, size)
    for jpeg in segments.jpegs:
        window = content.part(jpeg.offset_bytes, jpeg.size_bytes)
        yield EmbeddedPlace(jpeg.source, window, jpeg.offset_bytes, jpeg.size_bytes)


def _pointers(tree: ExifTree, group: str) -> Iterator[tuple[int, int]]:
    offset, size = tree.integer(group, _JPEG_OFFSET), tree.integer(group, _JPEG_LENGTH)
    if offset is not None and size is not None:
        yield offset, size
    if tree.integer(group, _COMPRESSION) in _JPEG_COMPRESSIONS:
        strips, lengths = tree.get(group, _STRIP_OFFSETS), tree.get(group, _STRIP_LENGTHS)
        if strips is not None and lengths is not None and strips.count == lengths.count == 1:
            yield from zip(strips.integers, lengths.integers, strict=False)


def _maker_pointers(tree: ExifTree) -> Iterator[tuple[str, int, int]]:
    """Previews that maker notes point to: Nikon, Olympus, Canon; and data inside the note."""
    note = tree.maker
    if note is None:
        return
    base = note.layout.base
    places = {
        "nikon": (f"{GROUP}/Preview", _JPEG_OFFSET, _JPEG_LENGTH),
        "olympus": (f"{GROUP}/CameraSettings", 0x0101, 0x0102),
    }
    if note.maker in places:
        group, first, second = places[note.maker]
        offset, size = tree.integer(group, first), tree.integer(group, second)
        if offset is not None and size is not None:
            yield group, base + offset, size
    preview = tree.get(GROUP, 0x00B6) if note.maker == "canon" else None
    if preview is not None and len(preview.integers) >= 6:
        yield GROUP, base + preview.integers[5], preview.integers[2]
    inside = {"olympus": 0x0100, "casio 2": 0x2000}.get(note.maker)
    held = tree.get(GROUP, inside) if inside is not None else None
    if held is not None:
        yield GROUP, held.offset_bytes, held.size_bytes


def _in_block(
    content: Content, tree: ExifTree, group: str, offset: int, size: int
) -> Iterator[EmbeddedPlace]:
    """The place at an offset of the block; it may lie behind the block, elsewhere in the item."""
    block = tree.blocks[tree.owners[group]]
    if offset < 0 or size <= 0:
        return
    if block.offset_bytes is None:
        yield EmbeddedPlace(group, block.content.part(offset, size), None, size)
        return
    start = block.offset_bytes + offset
    if start < content.size_bytes:
        yield EmbeddedPlace(group, content.part(start, size), start, size)
