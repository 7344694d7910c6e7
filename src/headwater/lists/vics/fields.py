"""Single values of VICS files, in all the ways that exporters write them.

Each function takes what JSON gave and raises ValueError with a rule, never with the value.
"""

from __future__ import annotations

import binascii

MD5_BYTES = 16
SHA1_BYTES = 20
SHA256_BYTES = 32
PDQ_BYTES = 32
PHOTODNA_BYTES = 144
_PHOTODNA_BASE64 = 192
_LARGEST_SIZE = (1 << 63) - 1
_LONGEST_CODE = 64
_YES = frozenset(("true", "yes", "y", "t", "1"))
_NO = frozenset(("false", "no", "n", "f", "0", ""))

NOT_PHOTODNA = "not 144 bytes in base64 or hex digits"
NOT_SIZE = "not a number of bytes"
NOT_CODE = "not a code"
NOT_FLAG = "neither true nor false"


def digest(text: str, size_bytes: int) -> bytes:
    """Return the bytes of a digest in hex digits of either case, spaces around it allowed."""
    if len(text) != 2 * size_bytes:
        text = text.strip()
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    # fromhex skips spaces between bytes, and then there are too few of them.
    if len(value) != size_bytes or len(text) != 2 * size_bytes:
        raise ValueError(f"not {2 * size_bytes} hex digits")
    return value


def photodna(text: str) -> bytes:
    """Return the 144 bytes of a PhotoDNA value: 192 characters of base64, or 288 hex digits."""
    if len(text) != _PHOTODNA_BASE64:
        text = text.strip()
    if len(text) == 2 * PHOTODNA_BYTES:
        try:
            return digest(text, PHOTODNA_BYTES)
        except ValueError:
            raise ValueError(NOT_PHOTODNA) from None
    try:
        value = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        value = b""
    if len(value) != PHOTODNA_BYTES:
        raise ValueError(NOT_PHOTODNA)
    return value


def size(value: int | str) -> int | None:
    """Return a size in bytes; None of an empty text."""
    if isinstance(value, str):
        digits = value.strip()
        if not digits:
            return None
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
            raise ValueError(NOT_SIZE)
        value = int(digits)
    if isinstance(value, bool) or not 0 <= value <= _LARGEST_SIZE:
        raise ValueError(NOT_SIZE)
    return value


def category(value: int | str) -> str | None:
    """Return a category's code in one spelling: `1` of 1, "1" and "01"; None of an empty text."""
    if isinstance(value, int):
        text = str(value)
    else:
        text = value.strip()
        if text.isascii() and text.isdigit():
            text = text.lstrip("0") or "0"
    if len(text) > _LONGEST_CODE or not text.isprintable():
        raise ValueError(NOT_CODE)
    return text or None


def flag(value: bool | str | int) -> bool:
    """Return what a flag says: a boolean of JSON, or a text such as `"true"` in any case."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower() if not isinstance(value, str) or len(value) <= 8 else "?"
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ValueError(NOT_FLAG)
