"""Single values of list files, from text to what an entry holds.

Each function takes the text of a value, blanks around it allowed, returns None where it is empty,
and raises ValueError with a rule, never with the value.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from headwater.lists.contract import MediaKind
from headwater.lists.vics import dates, fields

HashType = Literal["md5", "sha1", "sha256", "pdq"]
HASH_BYTES: dict[HashType, int] = {"md5": 16, "sha1": 20, "sha256": 32, "pdq": 32}
HASH_TYPES: tuple[HashType, ...] = tuple(HASH_BYTES)
AMBIGUOUS_DIGITS = 64
"""Hex digits of two kinds of hash, which nothing in them tells apart."""
AMBIGUOUS_TYPES: tuple[HashType, ...] = ("sha256", "pdq")

LONGEST_LABEL = 1024
NOT_LABEL = "not a text of at most 1024 printable characters"
GIVES_AWAY = "a text that could hold a hash or a path"
NOT_DATE = "not a date that can be read"
NOT_MEDIA = "neither picture nor video"
NOT_QUALITY = "not a quality of 0 to 100"

_SECRET = re.compile(r"[0-9A-Fa-f]{32}|[A-Za-z0-9+/]{100}|\\|/.*/|^/", re.DOTALL)
_SECONDS = re.compile(r"[0-9]{1,12}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})")
_LAST_SECOND = 253_402_300_799
_MEDIA: dict[str, MediaKind] = {
    "picture": "picture",
    "image": "picture",
    "photo": "picture",
    "video": "video",
    "movie": "video",
}

Convert = Callable[[str], object]


def type_named(word: str) -> HashType | None:
    """Return the hash that a word names in any usual spelling (`SHA-1`, `md5`); else None."""
    plain = word.strip().strip('"').lower().replace("-", "").replace("_", "").replace(" ", "")
    plain = plain.removesuffix("hash").removesuffix("value")
    for name in HASH_TYPES:
        if plain == name:
            return name
    return None


def types_of_length(text: str) -> tuple[HashType, ...]:
    """Return the kinds of hash that hex digits, bare or quoted, could be by their number."""
    text = text.strip().removeprefix('"').removesuffix('"')
    if _HEX.fullmatch(text) is None:
        return ()
    return tuple(name for name, size in HASH_BYTES.items() if 2 * size == len(text))


def not_digits(hash_type: HashType) -> str:
    """Return the rule that is broken by what is no such hash."""
    return f"not {2 * HASH_BYTES[hash_type]} hex digits"


def digest(hash_type: HashType) -> Convert:
    """Return the function that reads such a hash: hex digits in either case."""
    size_bytes = HASH_BYTES[hash_type]
    rule = not_digits(hash_type)

    def convert(text: str) -> bytes | None:
        try:
            value = unhexlify(text)
        except ValueError:
            return slowly(text)
        return value if len(value) == size_bytes else slowly(text)

    def slowly(text: str) -> bytes | None:
        text = text.strip()
        if not text:
            return None
        try:
            value = unhexlify(text)
        except ValueError:
            value = b""
        if len(value) != size_bytes:
            raise ValueError(rule)
        return value

    return convert


def photodna(text: str) -> bytes | None:
    """Return 144 bytes of PhotoDNA: 192 characters of base64, or 288 hex digits."""
    return fields.photodna(text) if text.strip() else None


def size(text: str) -> int | None:
    """Return a size in bytes, below 2**63."""
    return fields.size(text)


def category(text: str) -> str | None:
    """Return a category's code in one spelling: `1` of `01`."""
    return fields.category(text)


def quality(text: str) -> int | None:
    """Return a quality of 0 to 100."""
    text = text.strip()
    if not text:
        return None
    if len(text) > 3 or not (text.isascii() and text.isdigit()) or int(text) > 100:
        raise ValueError(NOT_QUALITY)
    return int(text)


def flag(text: str) -> str | None:
    """Return `yes` of a flag that says so, None of one that says no."""
    return "yes" if fields.flag(text) else None


def media(text: str) -> MediaKind | None:
    """Return the kind of media that a word or a media type names."""
    word = text.strip().lower().partition("/")[0].removesuffix("s")
    if not word:
        return None
    if word not in _MEDIA:
        raise ValueError(NOT_MEDIA)
    return _MEDIA[word]


def label(text: str) -> str | None:
    """Return a text for a person; one that could hold a hash or a path is refused."""
    text = text.strip()
    if not text:
        return None
    if len(text) > LONGEST_LABEL or not text.isprintable():
        raise ValueError(NOT_LABEL)
    if _SECRET.search(text):
        raise ValueError(GIVES_AWAY)
    return text


def record_id(text: str) -> str | None:
    """Return the name by which the list's keeper knows an entry; None of one like a hash."""
    text = text.strip()
    if not text or len(text) > LONGEST_LABEL or not text.isprintable() or _SECRET.search(text):
        return None
    return text


def moment(text: str) -> str | None:
    """Return a time in RFC 3339: of seconds since 1970, or of any spelling that lists use."""
    text = text.strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text) and int(text) <= _LAST_SECOND:
        return _of_seconds(int(text))
    try:
        return dates.one_spelling(text)
    except ValueError:
        raise ValueError(NOT_DATE) from None


def _of_seconds(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
