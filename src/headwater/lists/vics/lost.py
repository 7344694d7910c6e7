"""What a VICS file says and no entry of a list has a place for, counted field by field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from headwater.lists import json_text
from headwater.lists.vics import spellings

Lost = defaultdict[str, int]
"""Values by the full name of their field, such as `Media.Exifs.PropertyValue`."""

_EMPTY = frozenset((b"null", b'""', b"[]", b"{}"))
_MOST_NAMES = 512
"""Fields told apart in one batch: a file that invents keys must not fill the memory."""
DECODED_BYTES = 1 << 16
"""Longer texts are walked member by member: decoded at once they would take many times as much."""
_OTHERS = "(other fields)"
_NESTED = {name: spellings.lower_case(fields) for name, fields in spellings.NESTED.items()}
_CASE = spellings.lower_case(spellings.CASE)


def count(lost: Lost, name: str, values: int = 1) -> None:
    """Add values of a field."""
    if name not in lost and len(lost) >= _MOST_NAMES:
        name = _OTHERS
    lost[name] += values


def is_empty(value: bytes) -> bool:
    """Whether a JSON text says nothing: null, or an empty text, array or object."""
    return value in _EMPTY


def count_case(lost: Lost, members: Iterable[tuple[str, bytes]]) -> None:
    """Count what stands in a case beside its media."""
    for key, value in members:
        if is_empty(value) or spellings.is_odata(key):
            continue
        known = _CASE.get(key.lower())
        count(lost, f"Case.{known or spellings.shown(key)}")


def count_nested(lost: Lost, array: str, text: bytes, md5: str | None) -> None:
    """Count the fields in the elements of an array of a media entry.

    The entry's own MD5, which each element repeats, is not lost. Raises NotJson.
    """
    known = _NESTED[array]
    own_md5 = b"" if md5 is None else b'"%b"' % md5.upper().encode("utf-8", "replace")
    for members in _elements(text):
        if members is None:
            count(lost, f"Media.{array}")
            continue
        for key, value in members:
            name = known.get(key.lower())
            if value in _EMPTY or (name == "MD5" and value.upper() == own_md5):
                continue
            if name is not None or not spellings.is_odata(key):
                count(lost, f"Media.{array}.{name or spellings.shown(key)}")


def _elements(text: bytes) -> Iterator[Iterable[tuple[str, bytes]] | None]:
    """Yield the members of each element of an array; None for one that is not an object."""
    if len(text) <= DECODED_BYTES:
        try:
            decoded = _OBJECTS.decode(text)
        except ValueError:
            pass
        else:
            for element in decoded or ():
                yield [(key, bytes(value)) for key, value in element.items()]
            return
    for start, stop in json_text.items(text):
        element_text = text[start:stop]
        yield named_members(element_text) if element_text.startswith(b"{") else None


_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)


def named_members(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield key and value of each member of an object. Raises NotJson."""
    for member in json_text.members(text):
        key = json_text.string(text[member.key_start : member.key_stop])
        yield key, text[member.start : member.stop]
