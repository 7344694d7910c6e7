"""Evidence text made fit for JSON, CSV and terminals, without losing what it was."""

from __future__ import annotations

import base64
import datetime
import unicodedata

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NANOSECONDS = 1_000_000_000


def text_of(raw: bytes) -> str:
    r"""Return bytes of a name as text; what is not UTF-8 becomes `\xNN`."""
    return raw.decode("utf-8", "backslashreplace")


def named(key: str, raw: bytes) -> dict[str, str]:
    """Return `{key: text}`, and `{key}_bytes` in base64 where the text cannot give them back."""
    try:
        return {key: raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {key: text_of(raw), f"{key}_bytes": base64.b64encode(raw).decode()}


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
    return "".join(f"\\u{ord(letter):04x}" if _steers(letter) else letter for letter in text)


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def cell(text: str) -> str:
    """Return text for a CSV cell that no spreadsheet runs as a formula (an apostrophe leads)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
