"""In which encoding the text of a list is stored: UTF-8, or UTF-16 in either order.

A byte order mark decides. Without one, text is UTF-16 where its first characters are ASCII with a
zero byte in each, and UTF-8 where no byte is zero; everything else is refused.
"""

from __future__ import annotations

import codecs
from typing import Literal

from headwater.lists.contract import ListFault, Spot

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be"]

HEAD_BYTES = 4096
"""How much of the beginning decides."""
_SURE_BYTES = 16
_TEXT = frozenset({0x09, 0x0A, 0x0D, *range(0x20, 0x7F)})


def encoding_of(head: bytes) -> tuple[Encoding, int]:
    """Return the encoding of text by its first bytes, and the size of its byte order mark.

    Raises ListFault where it is UTF-32, or not text.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ListFault("the file is UTF-32: save it as UTF-8", Spot(offset_bytes=0))
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    zero = head.find(0, 0, HEAD_BYTES)
    if zero < 0:
        return "utf-8", 0
    first = head[: min(_SURE_BYTES, len(head) & ~1)]
    if _ascii_pairs(first[0::2], first[1::2]):
        return "utf-16-le", 0
    if _ascii_pairs(first[1::2], first[0::2]):
        return "utf-16-be", 0
    reason = "the file holds zero bytes and no byte order mark, and is not text: save it as UTF-8"
    raise ListFault(reason, Spot(offset_bytes=zero))


def _ascii_pairs(low: bytes, high: bytes) -> bool:
    return bool(low) and not any(high) and all(byte in _TEXT for byte in low)


def text_of(head: bytes, *, whole: bool) -> str:
    """Return the beginning of a text, its mark left out, to look at; what is wrong is replaced.

    `whole` says that the file ends there; otherwise the last line, which may go on, is left out
    where there is another. Raises ListFault as `encoding_of` does.
    """
    encoding, mark_bytes = encoding_of(head)
    text = head[mark_bytes:].decode(encoding, "replace")
    if whole or "\n" not in text:
        return text
    return text[: text.rfind("\n") + 1]
