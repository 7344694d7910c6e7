"""Where the metadata of a picture lies: raw segments, found by structure, nothing interpreted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, TypeVar

from headwater.errors import ContentError
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.media import Media
from headwater.media.metadata.photoshop import PhotoshopResource, read_resources
from headwater.model import Identity

SEGMENTS_MOST = 64
"""Segments of one sort that are kept."""
_RATIO_MOST = 1032
"""What one packed byte may become, by deflate's format."""
TEXT_BYTES_MOST = 4096
"""Bytes of one comment that are kept."""

T = TypeVar("T")

Holds = Literal["all", "Exif", "GPS", "MakerNote"]


@dataclass(frozen=True, slots=True)
class ExifBlock:
    """A TIFF structure: its first directory is at offset 0 of `content` plus its header's number.

    `holds` tells what the first directory is: `all` for the usual IFD0, another group's name in a
    Canon CR3, which stores each group as a block of its own.
    """

    content: Content
    offset_bytes: int | None
    """Offset in the item; None where the block was unpacked from compressed bytes."""
    carrier: str
    holds: Holds = "all"


@dataclass(frozen=True, slots=True)
class RawSegment:
    """Bytes of one segment, put together where the format splits them."""

    data: bytes
    offset_bytes: int | None
    """Offset of its first byte in the item; None where it was unpacked."""
    carrier: str


@dataclass(frozen=True, slots=True)
class TextSegment:
    """A comment: its keyword (empty where the format has none) and its text as bytes."""

    keyword: str
    data: bytes
    size_bytes: int
    carrier: str


@dataclass(frozen=True, slots=True)
class EmbeddedJpeg:
    """A JPEG that the container holds as a thumbnail or preview, found outside the EXIF block."""

    source: str
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Jfif:
    """The JFIF header (ITU-T T.871, 10.1)."""

    version: str
    density_unit: int
    """0 aspect ratio only, 1 dots per inch, 2 dots per centimetre."""
    density_x: int
    density_y: int


@dataclass(frozen=True, slots=True)
class Adobe:
    """The Adobe APP14 segment (Adobe technical note 5116, section 18)."""

    version: int
    flags0: int
    flags1: int
    transform: int


@dataclass(slots=True)
class Segments:
    """All metadata segments of an item, in stored order within each sort."""

    exif: list[ExifBlock] = field(default_factory=list)
    xmp: list[RawSegment] = field(default_factory=list)
    extended_xmp: list[RawSegment] = field(default_factory=list)
    """JPEG extended XMP, reassembled; `carrier` ends with its GUID."""
    iptc: list[RawSegment] = field(default_factory=list)
    icc: list[RawSegment] = field(default_factory=list)
    photoshop: list[PhotoshopResource] = field(default_factory=list)
    texts: list[TextSegment] = field(default_factory=list)
    jpegs: list[EmbeddedJpeg] = field(default_factory=list)
    jfif: Jfif | None = None
    adobe: Adobe | None = None
    problems: list[str] = field(default_factory=list)


class Gathering:
    """Fills `Segments`, within ceilings: everyone who finds a segment adds it here."""

    def __init__(self, content: Content, limits: Limits) -> None:
        self.content = content
        self.limits = limits
        self.found = Segments()
        self._bytes_left = 2 * limits.metadata_bytes

    def problem(self, reason: str) -> None:
        if len(self.found.problems) < SEGMENTS_MOST and reason not in self.found.problems:
            self.found.problems.append(reason)

    def take(self, offset: int, size: int, what: str) -> bytes | None:
        """Read a segment's bytes, or note why not: too large, or cut off."""
        if size > min(self.limits.metadata_bytes, self._bytes_left):
            self.problem(f"{what} of {size} bytes is beyond the limit metadata_bytes: not read")
            return None
        data = self.content.read_at(offset, size)
        if len(data) < size:
            self.problem(f"{what} runs past the end: {len(data)} of {size} bytes")
        self._bytes_left -= len(data)
        return data

    def unpack(self, unpacker: Callable[[bytes, int], bytes], data: bytes, what: str) -> bytes:
        """Unpack a segment's bytes, or note why not and return none.

        A stream that fails counts for as much as it may have cost.
        """
        ceiling = max(0, min(self.limits.metadata_bytes, self._bytes_left))
        try:
            out = unpacker(data, ceiling)
        except ContentError as error:
            self._bytes_left -= min(ceiling, len(data) * _RATIO_MOST)
            self.problem(f"{what}: {error}")
            return b""
        self._bytes_left -= len(out)
        return out

    def add_exif(
        self,
        carrier: str,
        *,
        offset: int | None = None,
        size: int = 0,
        data: bytes | None = None,
        holds: Holds = "all",
    ) -> None:
        """Add a block at `offset`, or one in `data`, without an `Exif` prefix if it has one."""
        block = self.content.part(offset or 0, size) if data is None else Content.from_bytes(data)
        skip = exif_prefix(block.read_at(0, 12))
        if skip:
            block = block.part(skip, block.size_bytes - skip)
        if block.read_at(0, 2) not in (b"II", b"MM"):
            self.problem(f"{carrier}: no TIFF header where EXIF should begin")
            return
        place = None if offset is None else offset + skip
        self._add(self.found.exif, ExifBlock(block, place, carrier, holds))

    def add_raw(
        self,
        sort: Literal["xmp", "extended_xmp", "iptc", "icc"],
        data: bytes | None,
        offset: int | None,
        carrier: str,
    ) -> None:
        """Add a segment; None (it was not read) and empty ones are passed over."""
        if data:
            place: list[RawSegment] = getattr(self.found, sort)
            self._add(place, RawSegment(data, offset, carrier))

    def add_text(self, data: bytes, carrier: str, keyword: str = "", size: int = 0) -> None:
        """Add a comment, of which the first bytes are kept."""
        text = TextSegment(keyword, data[:TEXT_BYTES_MOST], size or len(data), carrier)
        self._add(self.found.texts, text)

    def add_jpeg(self, source: str, offset: int, size: int) -> None:
        """Add the place of an embedded JPEG."""
        if size > 0 and 0 <= offset < self.content.size_bytes:
            self._add(self.found.jpegs, EmbeddedJpeg(source, offset, size))

    def add_photoshop(self, data: bytes | None, offset: int | None, carrier: str) -> None:
        """Add Photoshop image resources, and the IPTC and the thumbnail inside them."""
        if not data:
            return
        resources, problem = read_resources(data)
        if problem:
            self.problem(f"{carrier}: {problem}")
        for resource in resources:
            self._add(self.found.photoshop, resource)
            place = None if offset is None else offset + resource.offset_bytes
            payload = data[resource.offset_bytes : resource.offset_bytes + resource.size_bytes]
            if resource.number == 0x0404:
                self.add_raw("iptc", payload, place, carrier)
            elif resource.number in (0x0409, 0x040C) and place is not None:
                self.add_jpeg("photoshop thumbnail", place + 28, resource.size_bytes - 28)

    def _add(self, place: list[T], thing: T) -> None:
        if len(place) < SEGMENTS_MOST:
            place.append(thing)
        else:
            self.problem(
                f"more than {SEGMENTS_MOST} {type(thing).__name__} entries: the rest was left"
            )


def exif_prefix(head: bytes) -> int:
    """Length of an `Exif\\0\\0` prefix, which some writers repeat or put before bare blocks."""
    if not head.startswith(b"Exif\0"):
        return 0
    return 12 if head[6:10] == b"Exif" else 6


Finder = Callable[[Gathering, Identity], None]

_HERE = "headwater.media.metadata."
_FINDERS = {
    "jpeg": "jpeg_segments:find_in_jpeg",
    "png": "png_segments:find_in_png",
    "apng": "png_segments:find_in_png",
    "gif": "gif_segments:find_in_gif",
    "webp": "webp_segments:find_in_webp",
    "heif": "box_segments:find_in_heif",
    "avif": "box_segments:find_in_heif",
    "cr3": "box_segments:find_in_cr3",
    "jxl": "box_segments:find_in_jxl",
    "jp2": "box_segments:find_in_jp2",
    "raf": "tiff_segments:find_in_raf",
} | dict.fromkeys(
    ("tiff", "dng", "cr2", "nef", "nrw", "arw", "orf", "rw2", "pef", "srw"),
    "tiff_segments:find_in_tiff",
)


def find_segments(content: Content, identity: Identity, limits: Limits) -> Segments:
    """Find the metadata segments of a picture; nothing for formats that carry none.

    Damage is noted in `problems` and never raised. At most 64 segments of a sort are kept, none
    larger than `limits.metadata_bytes`, and twice that in all, unpacked bytes included.
    """
    gathering = Gathering(content, limits)
    target = _FINDERS.get(identity.format)
    if target is not None:
        module, name = target.split(":")
        finder: Finder = getattr(import_module(_HERE + module), name)
        finder(gathering, identity)
    return gathering.found


def segments_of(media: Media) -> Segments:
    """The segments of an item, found once and shared by all measures of it."""
    return media.once(
        "metadata segments", lambda: find_segments(media.content, media.identity, media.limits)
    )
