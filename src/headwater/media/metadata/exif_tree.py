"""All directories of one or more EXIF blocks, as one tree of groups (EXIF 3.0; TIFF 6.0)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from headwater.media.media import Media
from headwater.media.metadata.directories import (
    Budget,
    Directory,
    DirectoryReader,
    Field,
    Layout,
    Problems,
    read_header,
)
from headwater.media.metadata.maker_notes import GROUP, MakerNote, Place, read_maker_note
from headwater.media.metadata.segments import ExifBlock, segments_of

EXIF_IFD, GPS_IFD, INTEROP_IFD, SUB_IFDS = 0x8769, 0x8825, 0xA005, 0x014A
MAKE, MODEL, MAKER_NOTE = 0x010F, 0x0110, 0x927C
_PAGES_MOST = 32
_SUB_IFDS_MOST = 16
_BLOCKS_MOST = 8


@dataclass(frozen=True, slots=True)
class NotePlace:
    """Where a maker note lies."""

    offset_bytes: int | None
    """Offset in the item, None where the block was unpacked."""
    size_bytes: int


@dataclass(slots=True)
class ExifTree:
    """Fields by group: `IFD0`, `IFD1`, `Exif`, `GPS`, `Interop`, `SubIFD0`, `MakerNote`, ...

    A further block of its own, beside the first, has its groups marked `2:IFD0` and so on.
    """

    blocks: list[ExifBlock] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    groups: dict[str, Directory] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    """Which of `blocks` a group lies in."""
    maker: MakerNote | None = None
    maker_place: NotePlace | None = None
    problems: Problems = field(default_factory=Problems)
    budget: Budget = field(default_factory=Budget)

    def get(self, group: str, tag: int) -> Field | None:
        """Return a field, None where it is not there."""
        return self.groups.get(group, {}).get(tag)

    def text(self, group: str, tag: int) -> str | None:
        """Return a text field up to its first zero byte, stripped; None where empty or no text."""
        entry = self.get(group, tag)
        if entry is None or not isinstance(entry.value, str):
            return None
        return entry.value.partition("\0")[0].strip() or None

    def integer(self, group: str, tag: int) -> int | None:
        """Return the first integer of a field."""
        entry = self.get(group, tag)
        return entry.integers[0] if entry is not None and entry.integers else None


def exif_tree_of(media: Media) -> ExifTree:
    """The tree of an item, read once and shared by all measures of it."""
    return media.once("exif tree", lambda: read_exif(segments_of(media).exif))


def read_exif(blocks: list[ExifBlock]) -> ExifTree:
    """Read every directory that can be reached in up to eight blocks; faults are noted."""
    tree = ExifTree()
    for block in blocks[:_BLOCKS_MOST]:
        _BlockReader(tree, block).run()
    if len(blocks) > _BLOCKS_MOST:
        tree.problems.add(f"{len(blocks)} EXIF blocks; the first {_BLOCKS_MOST} were read")
    return tree


class _BlockReader:
    def __init__(self, tree: ExifTree, block: ExifBlock) -> None:
        self.tree = tree
        self.block = block
        self.reader = DirectoryReader(block.content, tree.problems, tree.budget)
        self.number = len(tree.blocks)
        first = block.holds == "all" and any(held.holds == "all" for held in tree.blocks)
        self.prefix = f"{self.number + 1}:" if first else ""
        self.waiting: deque[tuple[int, str]] = deque()

    def run(self) -> None:
        header = read_header(self.block.content)
        if header is None:
            self.tree.problems.add(f"{self.block.carrier}: no TIFF header")
            return
        layout, first = header
        self.tree.blocks.append(self.block)
        self.tree.orders.append(layout.order)
        if self.block.holds == "MakerNote":
            size = self.block.content.size_bytes
            self._maker_note(first, size - first, layout)
            return
        self._chain(first, layout)
        while self.waiting:
            offset, name = self.waiting.popleft()
            if self.reader.visit(offset, name):
                self._take(name, self.reader.read(offset, layout, name)[0])
        self._find_maker_note(layout)

    def _chain(self, offset: int, layout: Layout) -> None:
        held = self.block.holds
        for page in range(_PAGES_MOST):
            name = self.prefix + (f"IFD{page}" if held == "all" else held)
            if not offset or not self.reader.visit(offset, name):
                return
            directory, offset = self.reader.read(offset, layout, name)
            self._take(name, directory)
            if held != "all":
                return
        if offset:
            self.tree.problems.add(f"more than {_PAGES_MOST} directories in a chain")

    def _take(self, name: str, directory: Directory) -> None:
        """Keep a directory and note the directories that it points to."""
        if name in self.tree.groups:
            self.tree.problems.add(f"a second {name} directory was not read")
            return
        self.tree.groups[name] = directory
        self.tree.owners[name] = self.number
        outer = "" if name in ("IFD0", "Exif") else f"{name}/"
        if self.prefix:
            outer = self.prefix if name[len(self.prefix) :] in ("IFD0", "Exif") else f"{name}/"
        for tag, kind in ((EXIF_IFD, "Exif"), (GPS_IFD, "GPS"), (INTEROP_IFD, "Interop")):
            entry = directory.get(tag)
            if entry is not None and entry.integers:
                self.waiting.append((entry.integers[0], outer + kind))
        entry = directory.get(SUB_IFDS)
        if entry is not None:
            for index, offset in enumerate(entry.integers[:_SUB_IFDS_MOST]):
                self.waiting.append((offset, f"{outer}SubIFD{index}"))

    def _find_maker_note(self, layout: Layout) -> None:
        entry = self.tree.get(self.prefix + "Exif", MAKER_NOTE)
        entry = entry or self.tree.get(self.prefix + "IFD0", MAKER_NOTE)
        if entry is not None and self.tree.maker_place is None:
            self._maker_note(entry.offset_bytes, entry.size_bytes, layout)

    def _maker_note(self, offset: int, size: int, layout: Layout) -> None:
        absolute = self.block.offset_bytes
        self.tree.maker_place = NotePlace(None if absolute is None else absolute + offset, size)
        make = self.tree.text(self.prefix + "IFD0", MAKE) or self.tree.text("IFD0", MAKE) or ""
        model = self.tree.text(self.prefix + "IFD0", MODEL) or self.tree.text("IFD0", MODEL) or ""
        place = Place(offset, size, layout.order, make, model)
        note = read_maker_note(self.reader, place)
        if note is None:
            return
        self.tree.maker = note
        for name, directory in note.groups.items():
            self.tree.groups[name] = directory
            self.tree.owners[name] = self.number


def is_maker_group(name: str) -> bool:
    """Whether a group belongs to the maker note."""
    return name == GROUP or name.startswith(f"{GROUP}/")
