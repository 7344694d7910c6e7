"""Characters that JSON in UTF-8 cannot hold as they are, written so that it can."""

from __future__ import annotations

import re

from headwater.lists.vics.deviation import Outcome

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x1f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def as_utf8(text: bytes) -> tuple[bytes, str, Outcome] | None:
    """Return a JSON text without bytes that are not UTF-8, the rule, and the outcome.

    None where there are none. A surrogate that was written as a character becomes its escape,
    which says the same; any other byte that is not UTF-8 becomes U+FFFD.
    """
    try:
        text.decode()
    except UnicodeDecodeError:
        pass
    else:
        return None
    try:
        passed = text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode(), "not UTF-8", "replaced"
    escaped = _SURROGATE.sub(lambda unit: f"\\u{ord(unit[0]):04x}", passed)
    return escaped.encode(), "half a character pair not escaped", "mended"


def with_controls_escaped(text: bytes) -> bytes:
    """Return a JSON text with the control characters inside its strings escaped."""
    return _STRING.sub(
        lambda string: _CONTROL.sub(lambda byte: b"\\u%04x" % byte[0][0], string[0]), text
    )
