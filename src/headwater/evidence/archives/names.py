"""What is odd about a stored name. Names are data and never become paths: notes only inform."""

from __future__ import annotations

import hashlib
import re
import unicodedata

ABSOLUTE_PATH = "absolute path"
PARENT_TRAVERSAL = "parent traversal"
DRIVE_LETTER = "drive letter"
UNC_PATH = "UNC path"
NUL_IN_NAME = "NUL in name"
CONTROL_CHARACTERS = "control characters"
RIGHT_TO_LEFT = "right-to-left override"
NOT_UTF8 = "not UTF-8"
OVER_255_BYTES = "over 255 bytes"
TRAILING_DOT_OR_SPACE = "trailing dot or space"
BACKSLASH = "backslash"
EMPTY_NAME = "empty name"
RESERVED_NAME = "reserved device name"
CASE_CLASH = "case clash"
DUPLICATE_NAME = "duplicate name"
CLASHES_UNCHECKED = "case clashes not looked for from here on"

_SEPARATORS = re.compile(rb"[/\\]")
_DRIVE = re.compile(rb"[A-Za-z]:")
_CONTROLS = re.compile("[\x01-\x1f\x7f-\x9f]")
# U+202A..U+202E and U+2066..U+2069 reorder what is shown; so do the marks U+200E, U+200F, U+061C.
_BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RESERVED = re.compile(rb"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\.|$)", re.IGNORECASE)


def describe_name(name: bytes) -> tuple[str, ...]:
    """Return the oddities of one stored name, in a fixed order."""
    text = name.decode("utf-8", "replace")
    steps = _SEPARATORS.split(name)
    found = (
        (EMPTY_NAME, not name),
        (ABSOLUTE_PATH, name[:1] in (b"/", b"\\")),
        (PARENT_TRAVERSAL, b".." in steps),
        (DRIVE_LETTER, _DRIVE.match(name) is not None),
        (UNC_PATH, name[:2] in (b"\\\\", b"//")),
        (NUL_IN_NAME, b"\0" in name),
        (CONTROL_CHARACTERS, _CONTROLS.search(text) is not None),
        (RIGHT_TO_LEFT, _BIDIRECTIONAL.search(text) is not None),
        (NOT_UTF8, not _is_utf8(name)),
        (OVER_255_BYTES, any(len(step) > 255 for step in steps)),
        (TRAILING_DOT_OR_SPACE, any(_ends_badly(step) for step in steps)),
        (BACKSLASH, b"\\" in name),
        (RESERVED_NAME, any(_RESERVED.match(step) for step in steps)),
    )
    return tuple(note for note, holds in found if holds)


class NameClashes:
    """Finds names of one container that differ in case alone, or not at all.

    Two names clash where they are equal after Unicode case folding and NFC, as on file systems
    that ignore case. At most `remembered` names are kept, as digests of 8 bytes.
    """

    def __init__(self, remembered: int = 1 << 18) -> None:
        self._remembered = remembered
        self._seen: dict[bytes, bytes] = {}
        self._said = False

    def notes(self, name: bytes) -> tuple[str, ...]:
        """Return what `name` clashes with among the names before it, and remember it."""
        text = name.decode("utf-8", "surrogateescape")
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
        key = _digest(folded.encode("utf-8", "surrogatepass"))
        exact = _digest(name)
        before = self._seen.get(key)
        if before is not None:
            return (DUPLICATE_NAME if before == exact else CASE_CLASH,)
        if len(self._seen) < self._remembered:
            self._seen[key] = exact
            return ()
        if self._said:
            return ()
        self._said = True
        return (CLASHES_UNCHECKED,)


def excerpt(name: bytes) -> str:
    """Return the start of a name, escaped to printable ASCII, for a message."""
    shown = ascii(name[:80].decode("utf-8", "backslashreplace"))
    return shown if len(name) <= 80 else f"{shown}..."


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _ends_badly(step: bytes) -> bool:
    return step not in (b".", b"..") and step[-1:] in (b".", b" ")


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()
