"""The canonical bytes of rows, and of the leaf that stands for them.

A row is a MessagePack array of the table's name and the row's values in the order of the table's
columns; nil, integers, 64-bit floats, strings and byte strings, each in its shortest header
(MessagePack specification, "Serialization"). Every array says its own length, so a sequence of
rows can be read in one way only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

Value = int | float | str | bytes | None

INT64_MAX = (1 << 63) - 1
INT64_MIN = -(1 << 63)


def encode_row(table: str, values: Sequence[Value]) -> bytes:
    """Return the canonical bytes of one row."""
    return msgspec.msgpack.encode((table, *values))


def rows_sha256(encoded: Iterable[bytes]) -> bytes:
    """Return the SHA-256 (32 bytes) over canonical rows, one after the other."""
    return hashlib.sha256(b"".join(encoded)).digest()


def counts_text(counts: Mapping[str, int]) -> str:
    """Return how many rows of which table a leaf has, as JSON with sorted keys."""
    return msgspec.json.encode(dict(counts), order="sorted").decode()


def leaf_entry(number: int, at: str, rows_digest: bytes, counts: str) -> bytes:
    """Return the canonical bytes of one leaf of the log."""
    return msgspec.msgpack.encode((number, at, rows_digest, counts))


def storable_text(text: str) -> str:
    """Return `text` without what a database cannot hold: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return (
        text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
