"""JSON texts that lie in memory, told apart without being decoded (RFC 8259).

Spellings stay as they are: a number keeps all its digits, a string its escapes, an object the
order of its keys and its duplicates. Bytes outside ASCII are taken as they come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

DEEPEST = 64
"""Objects and arrays inside each other."""

_SPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+"')
_SCALAR = re.compile(
    rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+"'
    rb"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![0-9A-Za-z.+-])"
    rb"|(?:true|false|null)(?![0-9A-Za-z])"
)
_PLAIN_MEMBER = re.compile(
    rb"[ \t\n\r]*+(%b)[ \t\n\r]*+:[ \t\n\r]*+(%b)[ \t\n\r]*+([,}])"
    % (_STRING.pattern, _SCALAR.pattern)
)
"""A member whose value is no object and no array, with what stands behind it."""
_ESCAPE = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|(.))")
_SHORT = {b"b": 0x08, b"f": 0x0C, b"n": 0x0A, b"r": 0x0D, b"t": 0x09}

_OPENERS = {0x7B: 0x7D, 0x5B: 0x5D}
"""The closing bracket of each opening one."""
_OBJECT_END = 0x7D
_COMMA = 0x2C
_COLON = 0x3A


class NotJson(ValueError):
    """The byte at `place` cannot stand there, or the text ends too early."""

    def __init__(self, place: int) -> None:
        super().__init__(f"unexpected byte at {place}")
        self.place = place


class Member(NamedTuple):
    """One member of an object: its key with its quotes, and its value, as places of the text."""

    key_start: int
    key_stop: int
    start: int
    stop: int


def members(text: bytes, place: int = 0) -> Iterator[Member]:
    """Yield the members of the object that begins at `place`.

    Raises NotJson where the text breaks the grammar, after all members before that place. What
    stands behind the object is not looked at.
    """
    place = _after_space(text, place)
    if text[place : place + 1] != b"{":
        raise NotJson(place)
    place = _after_space(text, place + 1)
    if text[place : place + 1] == b"}":
        return
    while True:
        if plain := _PLAIN_MEMBER.match(text, place):
            yield Member(*plain.span(1), *plain.span(2))
            if plain[3] == b"}":
                return
            place = plain.end()
            continue
        place = _after_space(text, place)
        key = _STRING.match(text, place)
        if key is None:
            raise NotJson(_stuck(text, place))
        place = _after_space(text, key.end())
        if text[place : place + 1] != b":":
            raise NotJson(place)
        start = _after_space(text, place + 1)
        stop = value_stop(text, start)
        yield Member(key.start(), key.end(), start, stop)
        place = _after_space(text, stop)
        if text[place : place + 1] == b"}":
            return
        if text[place : place + 1] != b",":
            raise NotJson(place)
        place += 1


def items(text: bytes, place: int = 0) -> Iterator[tuple[int, int]]:
    """Yield where each element of the array that begins at `place` starts and stops.

    Raises NotJson where the text breaks the grammar, after all elements before that place.
    """
    place = _after_space(text, place)
    if text[place : place + 1] != b"[":
        raise NotJson(place)
    place = _after_space(text, place + 1)
    if text[place : place + 1] == b"]":
        return
    while True:
        stop = value_stop(text, place)
        yield place, stop
        place = _after_space(text, stop)
        if text[place : place + 1] == b"]":
            return
        if text[place : place + 1] != b",":
            raise NotJson(place)
        place = _after_space(text, place + 1)


def value_stop(text: bytes, place: int) -> int:
    """Return where the value that begins at `place` ends, its whole grammar checked.

    Raises NotJson, also where more than `DEEPEST` levels lie inside each other.
    """
    closers: list[int] = []
    while True:
        scalar = _SCALAR.match(text, place)
        if scalar is not None:
            place = scalar.end()
        else:
            closer = _OPENERS.get(text[place]) if place < len(text) else None
            if closer is None or len(closers) == DEEPEST:
                raise NotJson(_stuck(text, place))
            place = _after_space(text, place + 1)
            if place >= len(text) or text[place] != closer:
                closers.append(closer)
                place = _value_in(text, place, closer)
                continue
            place += 1
        while closers:
            place = _after_space(text, place)
            byte = text[place] if place < len(text) else 0
            if byte == _COMMA:
                place = _value_in(text, _after_space(text, place + 1), closers[-1])
                break
            if byte != closers[-1]:
                raise NotJson(place)
            closers.pop()
            place += 1
        else:
            return place


def string(text: bytes) -> str:
    """Return what a string of JSON, quotes included, stands for.

    Lone surrogates stay; bytes that are not UTF-8 become U+DC80..U+DCFF (`surrogateescape`), so
    that two keys are the same only where their bytes or escapes say the same.
    """
    body = text[1:-1]
    if b"\\" not in body:
        return body.decode("utf-8", "surrogateescape")
    units: list[str] = []
    place = 0
    for found in _ESCAPE.finditer(body):
        units.append(body[place : found.start()].decode("utf-8", "surrogateescape"))
        place = found.end()
        if found[1] is not None:
            units.append(chr(int(found[1], 16)))
        else:
            units.append(chr(_SHORT.get(found[2], found[2][0])))
    units.append(body[place:].decode("utf-8", "surrogateescape"))
    joined = "".join(units)
    return _PAIR.sub(_joined_pair, joined)


_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def _joined_pair(pair: re.Match[str]) -> str:
    high, low = (ord(unit) for unit in pair[0])
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _value_in(text: bytes, place: int, closer: int) -> int:
    """Return where the next value begins: behind its key and colon, inside an object."""
    if closer != _OBJECT_END:
        return place
    key = _STRING.match(text, place)
    if key is None:
        raise NotJson(_stuck(text, place))
    place = _after_space(text, key.end())
    if place >= len(text) or text[place] != _COLON:
        raise NotJson(place)
    return _after_space(text, place + 1)


def _after_space(text: bytes, place: int) -> int:
    space = _SPACE.match(text, place)
    return place if space is None else space.end()


_BEGUN = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+')


def _stuck(text: bytes, place: int) -> int:
    """Return the first byte that breaks a string which begins at `place`; else `place` itself."""
    begun = _BEGUN.match(text, place)
    return place if begun is None else begun.end()
