"""Evidence text made fit for JSON, CSV and terminals, without losing what it was."""

from __future__ import annotations

import base64
import datetime
import re
import unicodedata

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NANOSECONDS = 1_000_000_000
_ESCAPE = r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4}))"
_ESCAPED = re.compile(_ESCAPE)
_LIKE_ESCAPED = re.compile(_ESCAPE.encode())


def text_of(raw: bytes) -> str:
    r"""Return bytes of a name as text from which `bytes_of` gives them back.

    What is not UTF-8 becomes `\xNN`, and a backslash that would read like the beginning of an
    escape becomes `\x5c`; all else stays as it is.
    """
    plain = _LIKE_ESCAPED.sub(lambda found: rb"\x5c" + found[0][1:], raw)
    return plain.decode("utf-8", "backslashreplace")


def bytes_of(text: str) -> bytes:
    """Return the bytes of a name from what `text_of`, or `escaped` after it, made of them."""
    parts: list[bytes] = []
    behind = 0
    for found in _ESCAPED.finditer(text):
        byte, short, long = found.groups()
        parts.append(_encoded(text[behind : found.start()]))
        parts.append(bytes.fromhex(byte) if byte else _encoded(chr(int(short or long, 16))))
        behind = found.end()
    return b"".join([*parts, _encoded(text[behind:])])


def _encoded(text: str) -> bytes:
    try:
        # A word of a command line holds bytes that are not UTF-8 as surrogates.
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def named(key: str, raw: bytes) -> dict[str, str]:
    """Return `{key: text}`, and `{key}_bytes` in base64 where the text is not the bytes."""
    text = text_of(raw)
    if text.encode() == raw:
        return {key: text}
    return {key: text, f"{key}_bytes": base64.b64encode(raw).decode()}


def rfc3339(nanoseconds: int) -> str:
    """Return nanoseconds since 1970 UTC as RFC 3339 in UTC, with as many digits as are needed."""
    seconds, rest = divmod(nanoseconds, _NANOSECONDS)
    epoch = datetime.datetime(1970, 1, 1)
    try:
        moment = epoch + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return f"{seconds} s since 1970-01-01T00:00:00Z"
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{moment.isoformat()}{fraction}Z"


def escaped(text: str) -> str:
    r"""Return text without characters that steer a terminal or hide the order of letters."""
    return "".join(_escape(letter) if _steers(letter) else letter for letter in text)


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def cell(text: str) -> str:
    """Return text for a CSV cell that no spreadsheet runs as a formula (an apostrophe leads)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
