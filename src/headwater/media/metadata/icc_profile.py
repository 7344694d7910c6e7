"""ICC profiles (ICC.1:2022): the header and the few tags that name a profile."""

from __future__ import annotations

from hashlib import md5, sha256

from headwater.errors import Malformed
from headwater.media.metadata.clocks import Clock, clock_of
from headwater.model import Record

TAGS_MOST = 200
TEXT_MOST = 512
_HEADER_BYTES = 128


class IccProfile(Record, frozen=True, kw_only=True):
    """One profile. Four-character codes are given without the spaces at their end."""

    carrier: str
    offset_bytes: int | None
    """In the item; None where it was unpacked or put together."""
    size_bytes: int
    stated_size_bytes: int
    sha256: str
    """Of the profile as stored: the same profile always has the same digest."""
    version: str
    """`2.1.0`, `4.3.0`, ..."""
    cmm: str
    device_class: str
    """`mntr` display, `scnr` input, `prtr` output, `spac` colour space, ..."""
    colour_space: str
    connection_space: str
    created: Clock
    """By the header's date (UTC by the standard); it dates the profile, not the picture."""
    platform: str
    manufacturer: str
    model: str
    """Hexadecimal digits where the code is no text."""
    creator: str
    rendering_intent: int
    profile_id: str | None
    """The MD5 that version 4 keeps in the header, None where it is zero."""
    profile_id_matches: bool | None
    """Whether it is the MD5 of the profile; None without one."""
    description: str | None
    copyright: str | None
    tags: tuple[str, ...]
    """Signatures of all tags, in stored order."""
    problems: tuple[str, ...]


def read_profile(data: bytes, carrier: str, offset: int | None) -> IccProfile:
    """Read a profile. Raises Malformed where there is no whole header."""
    if len(data) < _HEADER_BYTES:
        raise Malformed(f"ICC profile of {len(data)} bytes is shorter than its header")
    problems: list[str] = []
    stated = int.from_bytes(data[:4], "big")
    if stated != len(data):
        problems.append(f"the header states {stated} bytes, {len(data)} are stored")
    if data[36:40] != b"acsp":
        problems.append("the signature acsp is missing")
    entries = _tags(data, problems)
    stored_id = data[84:100]
    return IccProfile(
        carrier=carrier,
        offset_bytes=offset,
        size_bytes=len(data),
        stated_size_bytes=stated,
        sha256=sha256(data).hexdigest(),
        version=f"{data[8]}.{data[9] >> 4}.{data[9] & 15}",
        cmm=_code(data[4:8]),
        device_class=_code(data[12:16]),
        colour_space=_code(data[16:20]),
        connection_space=_code(data[20:24]),
        created=_created(data[24:36]),
        platform=_code(data[40:44]),
        manufacturer=_code(data[48:52]),
        model=_code(data[52:56]),
        creator=_code(data[80:84]),
        rendering_intent=int.from_bytes(data[64:68], "big"),
        profile_id=stored_id.hex() if any(stored_id) else None,
        profile_id_matches=_id(data) == stored_id if any(stored_id) else None,
        description=_first_text(data, entries, b"desc"),
        copyright=_first_text(data, entries, b"cprt"),
        tags=tuple(_code(kind) for kind, _, _ in entries),
        problems=tuple(problems),
    )


def _code(raw: bytes) -> str:
    text = raw.rstrip(b"\0 ")
    return text.decode("ascii") if all(32 <= byte < 127 for byte in text) else raw.hex()


def _created(raw: bytes) -> Clock:
    numbers = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, 12, 2)]
    return clock_of("icc:created", " ".join(map(str, numbers)), numbers, zone="Z")


def _id(data: bytes) -> bytes:
    """The MD5 with flags, intent and id zeroed (ICC.1:2022, 7.2.18)."""
    zeroed = bytearray(data)
    zeroed[44:48] = zeroed[64:68] = bytes(4)
    zeroed[84:100] = bytes(16)
    return md5(zeroed, usedforsecurity=False).digest()


def _tags(data: bytes, problems: list[str]) -> list[tuple[bytes, int, int]]:
    count = int.from_bytes(data[128:132], "big")
    if count > TAGS_MOST:
        problems.append(f"{count} tags are claimed; the first {TAGS_MOST} were read")
    entries = []
    for at in range(132, 132 + 12 * min(count, TAGS_MOST), 12):
        raw = data[at : at + 12]
        if len(raw) < 12:
            problems.append("the table of tags is cut off")
            break
        start, size = int.from_bytes(raw[4:8], "big"), int.from_bytes(raw[8:], "big")
        if start + size > len(data):
            problems.append(f"tag {_code(raw[:4])} runs past the end")
        entries.append((raw[:4], start, size))
    return entries


def _first_text(data: bytes, entries: list[tuple[bytes, int, int]], kind: bytes) -> str | None:
    for tag, start, size in entries:
        if tag == kind:
            return _text(data[start : start + min(size, 1 << 16)])
    return None


def _text(raw: bytes) -> str | None:
    """Text of the types `desc` (version 2), `text` and `mluc` (its first record)."""
    kind = raw[:4]
    if kind == b"desc":
        length = int.from_bytes(raw[8:12], "big")
        text = raw[12 : 12 + min(length, TEXT_MOST)].decode("latin-1")
    elif kind == b"text":
        text = raw[8 : 8 + TEXT_MOST].decode("latin-1")
    elif kind == b"mluc":
        size, start = int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:28], "big")
        text = raw[start : start + min(size, 2 * TEXT_MOST)].decode("utf-16-be", "replace")
    else:
        return None
    return text.partition("\0")[0].strip() or None
