"""Cursors: where a reader goes on, as bytes that callers keep."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from headwater.lists.contract import ListFault

_Place = TypeVar("_Place", bound=msgspec.Struct)


def encoded(place: msgspec.Struct) -> bytes:
    """Return a place as a cursor."""
    return msgspec.msgpack.encode(place)


def decoded(cursor: bytes, kind: type[_Place]) -> _Place:
    """Return the place that a cursor stands for; that of the beginning for an empty one.

    Raises ListFault where another kind of reader made it.
    """
    if not cursor:
        return kind()
    try:
        return msgspec.msgpack.decode(cursor, type=kind)
    except msgspec.DecodeError:
        raise ListFault("the place to go on was not made by this reader: import anew") from None
