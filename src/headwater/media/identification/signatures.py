"""Signatures at the start of the bytes.

Sources: the formats' own specifications and IANA's registrations. A signature alone never opens a
decoder: `identify` follows it with a walk over the structure.
"""

from __future__ import annotations

import re

HEAD_BYTES = 4096
"""How much of the start `sniff` and the scan for scripts look at."""

STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"FUJIFILMCCD-RAW ", "raf"),
    (b"IIRO", "orf"),
    (b"IIRS", "orf"),
    (b"MMOR", "orf"),
    (b"IIU\x00", "rw2"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "j2k"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"\x00\x00\x01\xba", "mpegps"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "asf"),
    (b"FLV\x01", "flv"),
    (b"Rar!\x1a\x07", "rar"),
    (b"RE~^", "rar"),
    (b"MSCF\x00\x00\x00\x00", "cab"),
    (b"%PDF-", "pdf"),
    (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"8BPS\x00", "psd"),
    (b"\x7fELF", "elf"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"ID3", "mp3"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"MThd", "midi"),
    (b"{\\rtf", "rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole2"),
    (b"\x00asm", "wasm"),
    (b"\xca\xfe\xba\xbe", "java-class"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"FOVb", "x3f"),
    (b"\x00MRM", "mrw"),
    (b"#!AMR", "amr"),
    (b"#!", "script"),
    (b"Exiv2", "exv"),
    (b"\xffExiv2", "exv"),
    (b"\x01Exiv2", "exv"),
    (b"DDS ", "dds"),
    (b"v/1\x01", "exr"),
    (b"#?RADIANCE", "hdr"),
    (b"\x01\xda", "sgi"),
    (b"\x59\xa6\x6a\x95", "sun-raster"),
    (b"qoif", "qoi"),
    (b"icns", "icns"),
    (b"\xd7\xcd\xc6\x9a", "wmf"),
    (b"gimp xcf", "xcf"),
    (b"FWS", "swf"),
    (b"CWS", "swf"),
    (b"ZWS", "swf"),
    (b"\x00\x00\x01\xb3", "mpeg-video"),
)
_RIFF = {b"WEBP": "webp", b"AVI ": "avi", b"WAVE": "wav"}
_MOVIE_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"pnot", b"skip", b"free"})
_FRAGMENT_BOXES = frozenset({b"styp", b"moof", b"sidx"})
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
    | {b"mif2", b"MiHE", b"j2ki"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_ICON = re.compile(rb"\x00\x00[\x01\x02]\x00[\x01-\x3f]\x00", re.DOTALL)
_BRANDS = {
    b"crx ": "cr3",
    b"jxl ": "jxl",
    b"jp2 ": "jp2",
    b"jpx ": "jp2",
    b"jpm ": "jp2",
    b"qt  ": "mov",
    b"M4V ": "m4v",
    b"M4VH": "m4v",
    b"M4VP": "m4v",
    b"M4A ": "m4a",
    b"M4B ": "m4a",
    b"M4P ": "m4a",
}
_3GP_BRANDS = frozenset({b"3gp", b"3g2", b"3ge", b"3gr", b"3gs"})
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff(head: bytes) -> str | None:
    """Return the short name that the first bytes suggest, or None."""
    for start, name in STARTS:
        if head.startswith(start):
            return _more_exact(name, head)
    if head[4:8] == b"ftyp":
        return brand_format(head)
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "riff")
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[4:8] in _MOVIE_ATOMS | _FRAGMENT_BOXES and _plausible_atom(head):
        return "mov" if head[4:8] in _MOVIE_ATOMS else "mp4"
    return _weaker(head)


def _more_exact(name: str, head: bytes) -> str:
    if name == "tiff" and head[8:10] == b"CR" and head.startswith(b"II*"):
        return "cr2"
    return name


def _plausible_atom(head: bytes) -> bool:
    size = int.from_bytes(head[:4], "big")
    return size in (0, 1) or 8 <= size < 1 << 31


def _weaker(head: bytes) -> str | None:
    """Signatures that are short or periodic, so that they come last."""
    if head.startswith(b"\xff\x0a") and len(head) >= 12:
        return "jxl"
    if is_transport_stream(head):
        return "mpegts"
    if head.startswith(b"MZ") and len(head) >= 64:
        return "exe"
    if _ICON.match(head):
        return "ico"
    if len(head) > 4 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6):
        return "mp3" if head[2] >> 4 != 0xF and head[2] & 0x0C != 0x0C else None
    return text_format(head)


def is_transport_stream(head: bytes) -> bool:
    """MPEG-2 transport stream: sync bytes every 188 bytes, or 192 (with time codes) or 204."""
    for length, first in ((188, 0), (192, 4), (204, 0)):
        syncs = head[first : first + 5 * length : length]
        if len(syncs) >= 3 and set(syncs) == {0x47}:
            return True
    return False


def brand_format(head: bytes) -> str:
    """Return the format that an ISO base media file type box names (ISO/IEC 14496-12, 4.3)."""
    size = max(16, min(int.from_bytes(head[:4], "big"), len(head), 1024))
    major = head[8:12]
    brands = [major, *(head[at : at + 4] for at in range(16, size - 3, 4))]
    still = _still_brand(brands)
    if still is not None:
        return still
    return _BRANDS.get(major) or ("3gp" if major[:3] in _3GP_BRANDS else "mp4")


def _still_brand(brands: list[bytes]) -> str | None:
    major = brands[0]
    if major in _AVIF_BRANDS:
        return "avif"
    if major in (b"mif1", b"msf1", b"mif2"):
        return "avif" if _AVIF_BRANDS & set(brands) else "heif"
    return "heif" if major in _HEIF_BRANDS else None


_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe)\b", re.IGNORECASE)


def text_format(head: bytes) -> str | None:
    """`svg`, `html`, `xml`, `php` or `text` where the start is text, else None."""
    if not head or b"\x00" in head:
        return None
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024]
    marked = _markup(head, start)
    if marked is not None:
        return marked
    return "text" if _is_text(head) else None


def _markup(head: bytes, start: bytes) -> str | None:
    if start.startswith(b"<") and b"<svg" in head:
        return "svg"
    if start.startswith(b"<?php"):
        return "php"
    declared = start.startswith((b"<?xml", b"<?xpacket", b"<x:xmpmeta"))
    if _HTML.match(start) or (declared and _HTML.search(start)):
        return "html"
    return "xml" if declared else None


def _is_text(head: bytes) -> bool:
    if any(byte < 9 or 13 < byte < 32 for byte in head[:512]):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end inside a character.
        return error.start >= len(head) - 4
    return True
