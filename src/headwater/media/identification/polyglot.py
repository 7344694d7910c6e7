"""What else the bytes could be read as: every format at the places where its readers look for it.

Sources: the formats' specifications, and Albertini's catalogue of polyglots (Corkami).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.evidence.content import Content
from headwater.media.identification.signatures import HEAD_BYTES, sniff
from headwater.model import Claim, Embedded

_ZIP_TAIL = 22 + 65535
_SEARCH_BYTES = 1 << 20
"""How far behind the end of a picture an appended signature is looked for."""
_SCRIPTS = re.compile(
    rb"<\?php|<script\b|<html\b|<!doctype\s+html|<iframe\b|javascript:", re.IGNORECASE
)
_SCRIPT_STARTS = re.compile(rb"(?:GIF8[79]a|BM)(?:=|/\*)")
_SCRIPT_NAMES = ((b"<?php", "php"), (b"javascript:", "javascript"))
_APPENDED = re.compile(
    rb"PK\x03\x04|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n"
    rb"|GIF8[79]a|%PDF-1|(?<=\x00\x00.{2})ftyp[ -~]{4}|\x1a\x45\xdf\xa3",
    re.DOTALL,
)
_APPENDED_NAMES = (
    (b"PK", "zip"),
    (b"Rar", "rar"),
    (b"7z", "7z"),
    (b"\xff\xd8", "jpeg"),
    (b"\x89PNG", "png"),
    (b"GIF", "gif"),
    (b"%PDF", "pdf"),
    (b"ftyp", "mp4"),
    (b"\x1a\x45", "matroska"),
)


@dataclass(frozen=True, slots=True)
class Appended:
    """What lies behind the end of an item's structure."""

    embedded: tuple[Embedded, ...]
    claims: tuple[Claim, ...]


def other_claims(
    content: Content, head: bytes, texts: tuple[tuple[int, bytes], ...]
) -> list[Claim]:
    """Formats that may begin elsewhere than at offset 0, and scripts where there are `texts`."""
    claims = []
    pdf = head.find(b"%PDF-", 0, 1024)
    if pdf > 0:
        claims.append(Claim(format="pdf", offset_bytes=pdf, evidence="header in the first KiB"))
    archive = zip_start(content)
    if archive is not None:
        claims.append(Claim(format="zip", offset_bytes=archive, evidence="end record at the end"))
    if content.size_bytes >= 32774 and content.read_at(32769, 5) == b"CD001":
        claims.append(Claim(format="iso9660", offset_bytes=32768, evidence="volume descriptor"))
    if head[257:262] == b"ustar":
        claims.append(Claim(format="tar", offset_bytes=0, evidence="header magic"))
    return claims + _scripts(content, head, texts) if texts else claims


def _scripts(content: Content, head: bytes, texts: tuple[tuple[int, bytes], ...]) -> list[Claim]:
    tail_start = max(len(head), content.size_bytes - HEAD_BYTES)
    places = [*texts, (tail_start, content.read_at(tail_start, HEAD_BYTES))]
    found: dict[str, Claim] = {}
    if head[:6] == b"\xff\xd8\xff\xe0/*" or _SCRIPT_STARTS.match(head):
        found["javascript"] = Claim(format="javascript", offset_bytes=0, evidence="comment opened")
    for start, text in places:
        for match in _SCRIPTS.finditer(text):
            word = match[0].lower()
            name = next((name for key, name in _SCRIPT_NAMES if word == key), "html")
            claim = Claim(format=name, offset_bytes=start + match.start(), evidence="text")
            found.setdefault(name, claim)
    return [found[name] for name in sorted(found)]


def zip_start(content: Content) -> int | None:
    """Where a ZIP begins whose end record stands at the end of the content, or None.

    The central directory's size and offset are checked, so that a stray signature is not enough
    (APPNOTE 4.3.16).
    """
    start = max(0, content.size_bytes - _ZIP_TAIL)
    tail = content.read_at(start, _ZIP_TAIL)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) - found < 22:
        return None
    size = int.from_bytes(tail[found + 12 : found + 16], "little")
    offset = int.from_bytes(tail[found + 16 : found + 20], "little")
    directory = start + found - size
    if directory < 0:
        return None
    if size and content.read_at(directory, 4) != b"PK\x01\x02":
        return None
    # Offsets count from the archive's start, which prepended bytes have moved (or not, where
    # whoever prepended them corrected the offsets).
    begin = directory - offset
    return begin if begin >= 0 else directory


def appended(content: Content, end: int, taken: tuple[Embedded, ...]) -> Appended:
    """Look at the bytes from `end` on that nothing in `taken` covers."""
    embedded: list[Embedded] = []
    claims: list[Claim] = []
    for start, stop in _gaps(content, end, taken):
        found = _first_signature(content, start, stop)
        if found is not None:
            name, offset, evidence = found
            claims.append(Claim(format=name, offset_bytes=offset, evidence=evidence))
            embedded.append(_trailing(offset, stop))
    archive = zip_start(content)
    if archive is not None and archive >= end and not _covered(archive, (*embedded, *taken)):
        embedded.append(_trailing(archive, content.size_bytes))
    for item in taken:
        name = sniff(content.read_at(item.offset_bytes, 64)) or "unknown"
        claims.append(Claim(format=name, offset_bytes=item.offset_bytes, evidence=item.name))
    return Appended(tuple(embedded), tuple(claims))


def _trailing(start: int, stop: int) -> Embedded:
    return Embedded(name="trailing", offset_bytes=start, size_bytes=stop - start)


def _covered(offset: int, items: tuple[Embedded, ...]) -> bool:
    return any(i.offset_bytes <= offset < i.offset_bytes + i.size_bytes for i in items)


def _gaps(content: Content, end: int, taken: tuple[Embedded, ...]) -> list[tuple[int, int]]:
    gaps = []
    position = end
    for item in sorted(taken, key=lambda item: item.offset_bytes):
        if item.offset_bytes > position:
            gaps.append((position, item.offset_bytes))
        position = max(position, item.offset_bytes + item.size_bytes)
    if position < content.size_bytes:
        gaps.append((position, content.size_bytes))
    return gaps[:64]


def _first_signature(content: Content, start: int, stop: int) -> tuple[str, int, str] | None:
    """What a gap begins with, after padding, or the first strong signature within 1 MiB."""
    from headwater.media.formats import OPENED  # noqa: PLC0415

    window = content.read_at(start, min(stop - start, _SEARCH_BYTES))
    padding = len(window) - len(window.lstrip(b"\0"))
    if padding == len(window):
        return None
    for skip in dict.fromkeys((0, padding)):
        name = _recognised(content.part(start + skip, stop - start - skip))
        if name in OPENED:
            return name, start + skip, "at the end of the structure"
    match = _APPENDED.search(window)
    if match is None:
        return None
    name = next(name for key, name in _APPENDED_NAMES if match[0].startswith(key))
    offset = start + match.start() - (4 if name == "mp4" else 0)
    return name, max(start, offset), "signature behind the structure"


def _recognised(content: Content) -> str:
    from headwater.evidence.archives.open import identify_archive  # noqa: PLC0415

    name = sniff(content.read_at(0, HEAD_BYTES))
    archive = identify_archive(content)
    return archive[0] if archive is not None else name or "unknown"
