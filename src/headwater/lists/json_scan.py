"""The byte loops behind `json_stream`, compiled.

Importing this module compiles its kernels, or loads them from numba's cache (`NUMBA_CACHE_DIR`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from headwater.measures.compiled import kernel

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

# What `scan` comes back with.
MORE = 0
"""The chunk is used up."""
FULL = 1
"""There is no more room for elements."""
OPENED = 2
"""A wanted array begins: the place is behind its `[`."""
ENDED = 3
"""The array whose elements are listed ends: the place is behind its `]`."""
CLOSED = 4
"""An object that a wanted array lies in ends: the place is behind its `}`."""
ESCAPED_KEY = 5
"""A key with escapes was read, the place is behind its colon: is it wanted?"""
UNEXPECTED = 6
"""The byte at the place cannot stand there."""
DEEP = 7
"""The byte at the place would open one level too many."""

# The fields of the state.
MODE = 0
"""STRUCTURE, STRING, ESCAPE or SCALAR."""
DEPTH = 1
"""Objects and arrays that are open."""
KINDS = 2
"""One bit for each of them, the innermost lowest: 1 an object, 0 an array."""
ARRAY_DEPTH = 3
"""DEPTH between the elements of the array that is listed; 0 is the document itself."""
PHASE = 4
"""FIRST, VALUE, INSIDE or AFTER an element of that array."""
START = 5
"""Where the element under way begins, or the piece of it that has not been given out."""
KEY_START = 6
KEY_STOP = 7
KEY_ESCAPED = 8
PENDING = 9
"""1 + number of the wanted name whose value comes next, else 0."""
PARTLY_GIVEN = 10
"""Whether the element under way holds a wanted array that has ended."""
ENTER = 11
"""Whether elements that are arrays are wanted arrays themselves."""
DEEPEST = 12
STATE_FIELDS = 13

STRUCTURE = 0
STRING = 1
ESCAPE = 2
SCALAR = 3

FIRST = 0
VALUE = 1
INSIDE = 2
AFTER = 3

_QUOTE = 0x22
_COMMA = 0x2C
_COLON = 0x3A
_OPEN_ARRAY = 0x5B
_BACKSLASH = 0x5C
_CLOSE_ARRAY = 0x5D
_OPEN_OBJECT = 0x7B
_CLOSE_OBJECT = 0x7D

_DATA = types.Array(types.uint8, 1, "C", readonly=True)
_INTEGERS = types.int64[::1]


@kernel()
def _wanted(data: Any, start: int, stop: int, names: Bytes, bounds: Integers) -> int:
    """Return 1 + the number of the name between two quotes, in any ASCII case; else 0."""
    length = stop - start - 2
    for number in range(bounds.shape[0] - 1):
        first = bounds[number]
        if bounds[number + 1] - first != length:
            continue
        same = True
        for place in range(length):
            byte = data[start + 1 + place]
            if 0x41 <= byte <= 0x5A:
                byte |= 0x20
            if byte != names[first + place]:
                same = False
                break
        if same:
            return number + 1
    return 0


@kernel(
    types.UniTuple(types.int64, 3)(
        _DATA, types.int64, _INTEGERS, types.uint8[::1], _INTEGERS, _INTEGERS, _INTEGERS
    )
)
def scan(  # noqa: PLR0912, PLR0915 - calls inside the loop would halve its speed
    data: Any,
    place: int,
    state: Integers,
    names: Bytes,
    bounds: Integers,
    starts: Integers,
    stops: Integers,
) -> tuple[int, int, int]:
    """Walk on from `place` and list the elements that end in this chunk.

    `data` is JSON in UTF-8 (RFC 8259), `state` the fields above, changed in place; `names` are the
    lower-case keys of wanted arrays, number n from bounds[n] to bounds[n + 1]. Returns what made
    it stop, where, and how many places in `starts` and `stops` it has filled. Inside an element
    only strings and brackets are followed; everything else there is for a parser to judge.
    """
    size = data.shape[0]
    room = starts.shape[0]
    count = 0
    mode = state[MODE]
    depth = state[DEPTH]
    kinds = np.uint64(state[KINDS])
    array_depth = state[ARRAY_DEPTH]
    phase = state[PHASE]
    start = state[START]
    pending = state[PENDING]
    key_start = state[KEY_START]
    key_stop = state[KEY_STOP]
    key_escaped = state[KEY_ESCAPED]
    watched = array_depth + 1 if bounds.shape[0] > 1 else -1
    one = np.uint64(1)
    event = MORE
    while place < size:
        byte = data[place]
        ended = False
        if mode == STRING:
            while byte not in (_QUOTE, _BACKSLASH):
                place += 1
                if place == size:
                    break
                byte = data[place]
            if place == size:
                break
            place += 1
            if byte == _BACKSLASH:
                mode = ESCAPE
                continue
            mode = STRUCTURE
            key_stop = place
            ended = depth == array_depth
        elif mode == ESCAPE:
            key_escaped = 1
            place += 1
            mode = STRING
            continue
        elif mode == SCALAR:
            if byte in (0x20, 0x0A, 0x0D, 0x09, _COMMA, _CLOSE_ARRAY, _CLOSE_OBJECT):
                mode = STRUCTURE
                ended = True
            elif byte in (_QUOTE, _COLON, _OPEN_ARRAY, _OPEN_OBJECT):
                event = UNEXPECTED
                break
            else:
                place += 1
                continue
        elif byte in (0x20, 0x0A, 0x0D, 0x09):
            place += 1
            continue
        elif phase == INSIDE:
            if byte == _QUOTE:
                mode = STRING
                pending = 0
                if depth == watched:
                    key_start = place
                    key_escaped = 0
                place += 1
                continue
            if byte in (_OPEN_OBJECT, _OPEN_ARRAY):
                if depth >= state[DEEPEST]:
                    event = DEEP
                    break
                depth += 1
                kinds = (kinds << one) | np.uint64(byte == _OPEN_OBJECT)
                place += 1
                if pending > 0 and byte == _OPEN_ARRAY:
                    event = OPENED
                    break
                pending = 0
                continue
            if byte in (_CLOSE_OBJECT, _CLOSE_ARRAY):
                if (kinds & one) != np.uint64(byte == _CLOSE_OBJECT):
                    event = UNEXPECTED
                    break
                depth -= 1
                kinds >>= one
                place += 1
                pending = 0
                if depth != array_depth:
                    continue
                ended = True
                if state[PARTLY_GIVEN] == 1:
                    phase = AFTER
                    event = CLOSED
                    break
            else:
                place += 1
                pending = 0
                if byte == _COLON and depth == watched and (kinds & one) == one:
                    if key_escaped == 1:
                        event = ESCAPED_KEY
                        break
                    pending = _wanted(data, key_start, key_stop, names, bounds)
                continue
        elif phase == AFTER:
            if byte == _COMMA and array_depth > 0:
                phase = VALUE
                place += 1
                continue
            if byte == _CLOSE_ARRAY and array_depth > 0:
                place += 1
                event = ENDED
                break
            event = UNEXPECTED
            break
        elif byte == _CLOSE_ARRAY and phase == FIRST and array_depth > 0:
            place += 1
            event = ENDED
            break
        else:
            start = place
            if byte in (_OPEN_OBJECT, _OPEN_ARRAY):
                if depth >= state[DEEPEST]:
                    event = DEEP
                    break
                depth += 1
                kinds = (kinds << one) | np.uint64(byte == _OPEN_OBJECT)
                if byte == _OPEN_ARRAY and state[ENTER] == 1:
                    place += 1
                    phase = INSIDE
                    event = OPENED
                    break
            elif byte == _QUOTE:
                mode = STRING
            elif byte == 0x2D or 0x30 <= byte <= 0x39 or byte in (0x74, 0x66, 0x6E):
                mode = SCALAR
            else:
                event = UNEXPECTED
                break
            pending = 0
            key_start = key_stop = start
            phase = INSIDE
            place += 1
            continue
        if ended:
            phase = AFTER
            starts[count] = start
            stops[count] = place
            count += 1
            if count == room:
                event = FULL
                break
    state[MODE] = mode
    state[DEPTH] = depth
    state[KINDS] = np.int64(kinds)
    state[PHASE] = phase
    state[START] = start
    state[PENDING] = pending
    state[KEY_START] = key_start
    state[KEY_STOP] = key_stop
    state[KEY_ESCAPED] = key_escaped
    return event, place, count


@kernel(types.void(_DATA, types.int64, types.int64, _INTEGERS, _INTEGERS))
def utf16_offsets(data: Any, place: int, offset: int, places: Integers, offsets: Integers) -> None:
    """Write where ascending `places` of a UTF-8 text lie in the UTF-16 file it was made from.

    `place` of the text lies at byte `offset` of the file. Four bytes of UTF-8 are a pair of
    surrogates, fewer are one unit.
    """
    for number in range(places.shape[0]):
        while place < places[number]:
            byte = data[place]
            if byte & 0xC0 != 0x80:
                offset += 4 if byte >= 0xF0 else 2
            place += 1
        offsets[number] = offset
