"""The header of JPEG XL (ISO/IEC 18181-1, annex D: SizeHeader and ImageMetadata)."""

from __future__ import annotations

from headwater.errors import Malformed
from headwater.evidence.content import Content
from headwater.media.identification.boxes import walk_boxes
from headwater.media.pictures.header import PictureHeader

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


class _Bits:
    """Bits from the least significant one of each byte, as JPEG XL packs them."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise Malformed("JPEG XL header cut off")
        self._left -= count
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value

    def choice(self, *lengths: int) -> int:
        """A U32 field whose four alternatives are 1 plus that many bits."""
        return 1 + self.take(lengths[self.take(2)])


def read_jxl_header(content: Content) -> PictureHeader:
    """Read size and orientation; the decoder turns the picture, so the raster is upright."""
    bits = _Bits(_codestream_head(content)[2:])
    width, height = _size(bits)
    orientation, animated = _metadata(bits)
    return PictureHeader(
        width_px=width,
        height_px=height,
        mode="undetermined",
        coding="jpeg xl",
        frames=None if animated else 1,
        orientation=orientation,
        orientation_source="jxl" if orientation != 1 else None,
    )


def _codestream_head(content: Content) -> bytes:
    head = content.read_at(0, 64)
    if head.startswith(b"\xff\x0a"):
        return head
    walk = walk_boxes(content, 0, content.size_bytes, most=4096)
    boxes = [*walk.boxes, *([walk.cut] if walk.cut else [])]
    for box in boxes:
        if box.kind in (b"jxlc", b"jxlp"):
            skip = 4 if box.kind == b"jxlp" else 0
            found = content.read_at(box.payload_bytes + skip, 64)
            if found.startswith(b"\xff\x0a"):
                return found
    raise Malformed("JPEG XL container without a codestream")


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = 8 * (1 + bits.take(5)) if small else bits.choice(9, 13, 18, 30)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height * across // down, height
    return (8 * (1 + bits.take(5)) if small else bits.choice(9, 13, 18, 30)), height


def _metadata(bits: _Bits) -> tuple[int, bool]:
    """(orientation, whether there may be several frames)."""
    if bits.take(1) or not bits.take(1):
        return 1, False
    orientation = 1 + bits.take(3)
    if bits.take(1):
        _size(bits)
    preview = bool(bits.take(1))
    # Behind a preview header the animation flag would need more of the format than is read here.
    return orientation, preview or bool(bits.take(1))
