"""Single values in the spelling of VICS 2.0, as JSON texts that need not be decoded.

Each check takes the text of a value and returns None where it is as it should be; else the text
that should stand there, the rule that does not hold, and whether that text says the same.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import NamedTuple

from headwater.lists import json_text
from headwater.lists.vics import dates, fields


class Verdict(NamedTuple):
    """What should stand in place of a value."""

    text: bytes
    rule: str
    mended: bool
    """False: the text is the old one, because what is meant cannot be known."""


Check = Callable[[bytes], Verdict | None]

_LARGEST = (1 << 63) - 1
_WHOLE_NUMBER = re.compile(rb"0|[1-9][0-9]*+")
_DIGITS = re.compile(r"[0-9]{1,32}", re.ASCII)
_WHOLE_WITH_FRACTION = re.compile(rb"([0-9]+)\.0+")


def digest(size_bytes: int, *, upper: bool = True) -> Check:
    """Return a check for a digest in hex digits: upper case, or lower."""
    rule = f"not {2 * size_bytes} hex digits"

    def check(text: bytes) -> Verdict | None:
        if (given := _text(text)) is None:
            return _not_text(text)
        if not given.strip():
            return None
        try:
            value = fields.digest(given, size_bytes).hex()
        except ValueError:
            return Verdict(text, rule, mended=False)
        return _same_or(
            text, _quoted(value.upper() if upper else value), "digest spelled otherwise"
        )

    return check


def photodna(text: bytes) -> Verdict | None:
    """Check a PhotoDNA value: 192 characters of base64."""
    if (given := _text(text)) is None:
        return _not_text(text)
    if not given.strip():
        return None
    try:
        value = fields.photodna(given)
    except ValueError as error:
        return Verdict(text, str(error), mended=False)
    spelled = _quoted(base64.b64encode(value).decode())
    return _same_or(text, spelled, "PhotoDNA spelled otherwise")


def number(text: bytes) -> Verdict | None:
    """Check a whole number from 0 on, not above 2**63 - 1."""
    if text == b"null":
        return None
    digits = text
    if text.startswith(b'"'):
        given = json_text.string(text).strip()
        if not given:
            return Verdict(b"null", "number written as text", mended=True)
        digits = given.encode() if _DIGITS.fullmatch(given) else b""
    elif found := _WHOLE_WITH_FRACTION.fullmatch(text):
        digits = found[1]
    spelled = digits.lstrip(b"0") or digits[-1:]
    if len(spelled) > 19 or not _WHOLE_NUMBER.fullmatch(spelled) or int(spelled) > _LARGEST:
        return Verdict(text, "not a whole number", mended=False)
    rule = "number written as text" if text.startswith(b'"') else "whole number with a fraction"
    return _same_or(text, spelled, rule)


def flag(text: bytes) -> Verdict | None:
    """Check a flag: `"true"` or `"false"`, as texts."""
    if text == b"null":
        return None
    if text in (b"true", b"false"):
        return Verdict(b'"%b"' % text, "boolean not written as text", mended=True)
    given = _text(text)
    if given is None and text not in (b"0", b"1"):
        return Verdict(text, fields.NOT_FLAG, mended=False)
    if given is not None and not given.strip():
        return None
    try:
        value = fields.flag(text.decode() if given is None else given)
    except ValueError as error:
        return Verdict(text, str(error), mended=False)
    return _same_or(text, b'"true"' if value else b'"false"', "boolean spelled otherwise")


def date(text: bytes) -> Verdict | None:
    """Check a date: RFC 3339 in UTC with milliseconds, or finer where more digits say more."""
    if (given := _text(text)) is None:
        return _not_text(text)
    if not given.strip():
        return None
    try:
        spelled = dates.one_spelling(given)
    except ValueError:
        return Verdict(text, "not a date that can be read", mended=False)
    if not dates.zone_told(spelled):
        return Verdict(text, "date without a time zone", mended=False)
    return _same_or(text, _quoted(spelled), "date spelled otherwise")


def text(text: bytes) -> Verdict | None:
    """Check a text."""
    if text == b"null" or text.startswith(b'"'):
        return None
    return Verdict(text, "not a text", mended=False)


def _text(text: bytes) -> str | None:
    """Return a string's value; an empty one of null, None of anything else."""
    if text == b"null":
        return ""
    return json_text.string(text) if text.startswith(b'"') else None


def _not_text(text: bytes) -> Verdict:
    return Verdict(text, "not a text", mended=False)


def _quoted(plain: str) -> bytes:
    return b'"%b"' % plain.encode("ascii")


def _same_or(text: bytes, spelled: bytes, rule: str) -> Verdict | None:
    return None if text == spelled else Verdict(spelled, rule, mended=True)
