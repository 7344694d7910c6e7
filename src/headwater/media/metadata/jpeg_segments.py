"""Metadata segments of a JPEG (T.81 B.2.4.6; EXIF 3.0, 4.7; XMP part 3, 1.1.3; ICC.1 annex B.4)."""

from __future__ import annotations

from hashlib import md5

from headwater.media.metadata.segments import Adobe, Gathering, Jfif, exif_prefix
from headwater.media.pictures.jpeg import APP0, APP1, APP2, APP14, COM, Segment, walk_jpeg
from headwater.model import Identity

APP13 = 0xED
XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_XMP_START = b"http://ns.adobe.com/xmp/extension/\0"
ICC_START = b"ICC_PROFILE\0"
PHOTOSHOP_START = b"Photoshop 3.0\0"
_GUID_BYTES = 32


def find_in_jpeg(gathering: Gathering, _identity: Identity, offset: int = 0) -> None:
    """Gather from the segments before the first scan of the JPEG at `offset`."""
    content = gathering.content
    walked = content.part(offset, content.size_bytes - offset) if offset else content
    segments = _Segments(gathering, offset)
    for segment in walk_jpeg(walked, find_end=False).segments:
        if segment.marker in (APP0, APP1, APP2, APP13, APP14, COM):
            segments.take(segment)
    segments.finish()


class _Segments:
    def __init__(self, gathering: Gathering, offset: int) -> None:
        self.gathering = gathering
        self.start = offset
        self.exif: list[tuple[int, list[bytes]]] = []
        """Blocks as (offset of the first, parts)."""
        self.icc: list[tuple[int, int, int, bytes]] = []
        self.photoshop: list[tuple[int, bytes]] = []
        self.extended = _ExtendedXmp(gathering)

    def take(self, segment: Segment) -> None:
        where = self.start + segment.offset_bytes
        data = self.gathering.take(where, segment.size_bytes, "JPEG segment") or b""
        if segment.marker == COM:
            self.gathering.add_text(data, "jpeg comment")
        elif segment.marker == APP0:
            self._app0(data, where)
        elif segment.marker == APP1:
            self._app1(data, where)
        elif segment.marker == APP2 and data.startswith(ICC_START) and len(data) > 14:
            self.icc.append((data[12], data[13], where + 14, data[14:]))
        elif segment.marker == APP13 and data.startswith(PHOTOSHOP_START):
            self.photoshop.append((where + 14, data[14:]))
        elif segment.marker == APP14 and data.startswith(b"Adobe") and len(data) >= 12:
            numbers = [int.from_bytes(data[at : at + 2], "big") for at in (5, 7, 9)]
            self.gathering.found.adobe = Adobe(numbers[0], numbers[1], numbers[2], data[11])

    def _app0(self, data: bytes, where: int) -> None:
        if data.startswith(b"JFIF\0") and len(data) >= 12 and self.gathering.found.jfif is None:
            self.gathering.found.jfif = Jfif(
                version=f"{data[5]}.{data[6]:02d}",
                density_unit=data[7],
                density_x=int.from_bytes(data[8:10], "big"),
                density_y=int.from_bytes(data[10:12], "big"),
            )
        elif data.startswith(b"JFXX\0\x10"):
            self.gathering.add_jpeg("jfxx thumbnail", where + 6, len(data) - 6)

    def _app1(self, data: bytes, where: int) -> None:
        if data.startswith(b"Exif\0"):
            skip = exif_prefix(data[:12])
            if self.exif and data[skip : skip + 2] not in (b"II", b"MM"):
                self.exif[-1][1].append(data[skip:])
            else:
                self.exif.append((where + skip, [data[skip:]]))
        elif data.startswith(XMP_START):
            skip = len(XMP_START)
            self.gathering.add_raw("xmp", data[skip:], where + skip, "jpeg app1")
        elif data.startswith(EXTENDED_XMP_START):
            skip = len(EXTENDED_XMP_START)
            self.extended.take(data[skip:], where + skip)

    def finish(self) -> None:
        for where, parts in self.exif:
            self.gathering.add_exif("jpeg app1", offset=where, data=b"".join(parts))
        self.extended.finish()
        if self.photoshop:
            # A resource may go on in the next segment; offsets hold only where there is one.
            whole = b"".join(data for _, data in self.photoshop)
            single = self.photoshop[0][0] if len(self.photoshop) == 1 else None
            self.gathering.add_photoshop(whole, single, "jpeg app13")
        self._finish_icc()

    def _finish_icc(self) -> None:
        if not self.icc:
            return
        ordered = sorted(self.icc, key=lambda part: part[0])
        numbers = [part[0] for part in ordered]
        total = ordered[0][1]
        if numbers != list(range(1, total + 1)) or any(part[1] != total for part in ordered):
            self.gathering.problem(
                f"ICC profile in parts {numbers} of {sorted({part[1] for part in ordered})}"
            )
        data = b"".join(part[3] for part in ordered)
        self.gathering.add_raw("icc", data, ordered[0][2], "jpeg app2")


class _ExtendedXmp:
    """Puts the parts of extended XMP together by GUID, within `limits.metadata_bytes`."""

    GUIDS_MOST = 4

    def __init__(self, gathering: Gathering) -> None:
        self.gathering = gathering
        self.packets: dict[bytes, tuple[int, int, list[tuple[int, bytes]]]] = {}
        """By GUID: the full length, the offset of the first part, the parts by their offsets."""

    def take(self, data: bytes, where: int) -> None:
        guid, part = data[:_GUID_BYTES], data[_GUID_BYTES + 8 :]
        if len(data) < _GUID_BYTES + 8:
            self.gathering.problem("a part of extended XMP is too short for its header")
            return
        length = int.from_bytes(data[_GUID_BYTES : _GUID_BYTES + 4], "big")
        offset = int.from_bytes(data[_GUID_BYTES + 4 : _GUID_BYTES + 8], "big")
        if guid not in self.packets:
            if (
                len(self.packets) >= self.GUIDS_MOST
                or length > self.gathering.limits.metadata_bytes
            ):
                self.gathering.problem(f"extended XMP of {length} bytes was not read")
                return
            self.packets[guid] = (length, where + _GUID_BYTES + 8, [])
        full, _, parts = self.packets[guid]
        if length != full or offset + len(part) > full:
            self.gathering.problem("parts of extended XMP disagree about its length")
            return
        parts.append((offset, part))

    def finish(self) -> None:
        for guid, (length, where, parts) in self.packets.items():
            fitting: list[bytes] = []
            reached = 0
            for offset, part in sorted(parts, key=lambda entry: entry[0]):
                if offset != reached:
                    break
                fitting.append(part)
                reached += len(part)
            whole = b"".join(fitting)
            if reached < length or reached != sum(len(part) for _, part in parts):
                self.gathering.problem(f"extended XMP: {reached} of {length} bytes fit together")
            digest = md5(whole, usedforsecurity=False).hexdigest().upper().encode("ascii")
            name = guid.decode("latin-1")
            if digest != guid.upper():
                self.gathering.problem("extended XMP is not what its GUID was made from")
            self.gathering.add_raw("extended_xmp", whole, where, f"jpeg app1 {name}")
