"""The elements of wanted arrays in a JSON document of any size, one chunk in memory at a time.

`JsonStream` finds where each element of the arrays at given paths begins and ends, at the speed
of one pass over the bytes, and hands out its text undecoded. What stands beside those arrays in
the objects around them is handed out too, in pieces. The grammar (RFC 8259) of everything but the
elements is checked; an element is only sure to have matching brackets and closed strings, so that
whatever else is wrong with one costs that one. `json_source` says which encodings are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.lists import json_text
from headwater.lists.contract import ListFault, Spot, Stream
from headwater.lists.json_source import CHUNK_BYTES, Encoding, Source

if TYPE_CHECKING:
    from headwater.lists.json_scan import Bytes, Integers

ELEMENT_BYTES = 16 << 20
"""Ceiling for one element, and for what stands beside the arrays of one object."""
BESIDE_MEMBERS = 1 << 16
"""Ceiling for the fields that stand beside the arrays of one object, in one piece."""
DEEPEST = json_text.DEEPEST
_BLOCK_ELEMENTS = 4096
_UNEXPECTED = "the JSON is broken, with an unexpected byte"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where to go on: between two elements. Small, and free of values of the document."""

    offset_bytes: int
    """Of the file as it is stored."""
    encoding: Encoding | None
    """None at the very beginning."""
    path: str
    """The array whose elements come next; empty for the document itself."""
    numbers: tuple[int, ...]
    """From the document inwards: which element of each array on the path comes next or is open."""
    fresh: bool = False
    """Whether the array has only just begun."""


_BEGIN = Place(0, None, "", (0,))


class Elements(msgspec.Struct, frozen=True):
    """Elements of one array, one after the other."""

    path: str
    """The path of the array."""
    numbers: tuple[int, ...]
    """The number (from 0) of the first, behind those of the elements that its array lies in."""
    text: bytes
    """UTF-8. Element n is text[starts[n] : stops[n]]."""
    starts: list[int]
    stops: list[int]
    offsets_bytes: list[int]
    """Where each begins in the file as it is stored."""


class Beside(msgspec.Struct, frozen=True):
    """Members of an object that stand beside its wanted arrays."""

    path: str
    """The path of the array that the object is an element of; empty for the document."""
    numbers: tuple[int, ...]
    text: bytes
    """An object in UTF-8, made of these members alone, its first byte and its last excepted:
    `{` and `}` were put round them."""
    offset_bytes: int
    """Where the second byte of `text` lies in the file as it is stored."""
    opens: str | None
    """The path of the wanted array that stands behind these members; None where the object ends."""
    key: bytes
    """Its key as it is spelled in the file, quotes included."""


class _Node:
    """One array of the wanted paths, or the document, with the arrays in its elements."""

    def __init__(self, path: str, parent: _Node | None, depth: int) -> None:
        self.path = path
        self.parent = parent
        self.depth = depth
        self.wanted = False
        self.items: _Node | None = None
        self.arrays: list[_Node] = []
        self.names: list[bytes] = []

    def array(self, name: str) -> _Node:
        """Return the array under a key of its elements; made where it is not there."""
        lower = name.lower().encode()
        if lower not in self.names:
            prefix = f"{self.path}." if self.path else ""
            self.names.append(lower)
            self.arrays.append(_Node(f"{prefix}{name}[]", self, self.depth + 2))
        return self.arrays[self.names.index(lower)]

    def own_items(self) -> _Node:
        """Return the array that its element itself is; made where it is not there."""
        if self.items is None:
            self.items = _Node(f"{self.path}[]", self, self.depth + 1)
        return self.items

    def below(self) -> Iterator[_Node]:
        """Yield it and all arrays inside it."""
        yield self
        for node in [self.items] if self.items else []:
            yield from node.below()
        for node in self.arrays:
            yield from node.below()


def _tree(paths: Sequence[str]) -> _Node:
    root = _Node("", None, 0)
    for path in paths:
        node = root
        for step in path.split("."):
            if not step.endswith("[]") or not step.isascii():
                raise ValueError(f"{path!r} is not a path of arrays such as 'value[].Media[]'")
            if step == "[]" and node is not root:
                raise ValueError(f"{path!r}: only the document itself can be an array without key")
            node = node.own_items() if step == "[]" else node.array(step[:-2])
        node.wanted = True
    return root


class JsonStream:
    """Splits a document; iterate over it once.

    `paths` name the wanted arrays: `data[]`, `value[].Media[]`, or `[]` for a document that is an
    array. Keys are told without regard to ASCII case. Where one wanted array may lie inside the
    elements of another, an element without the inner array is an element of the outer one, and an
    element with it is given as what lies in it and beside it.

    Iterating yields `Elements` (up to some thousands at a time) and `Beside` in the order of the
    file, and raises ListFault where the document breaks off or breaks the grammar, after all that
    lies before that place was given; also where more than `DEEPEST` levels lie inside each other,
    or one element is larger than `ELEMENT_BYTES`. After each, `place()` says where to go on.
    """

    def __init__(
        self,
        stream: Stream,
        paths: Sequence[str],
        place: Place | None = None,
        *,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self._root = _tree(paths)
        self._paths = tuple(paths)
        self._begin = place or _BEGIN
        self._source = Source(stream, self._begin.offset_bytes, self._begin.encoding, chunk_bytes)
        self._walk: _Walk | None = None

    @property
    def encoding(self) -> Encoding:
        """The encoding of the file; known once the first event came."""
        return self._source.encoding or "utf-8"

    @property
    def marked(self) -> bool:
        """Whether the file begins with a byte order mark; False where it was not read from 0."""
        return self._source.marked

    def place(self) -> Place:
        """Return where to go on after what was yielded last."""
        return self._begin if self._walk is None else self._walk.last_place

    def __iter__(self) -> Iterator[Elements | Beside]:
        """Yield what is wanted; see the class."""
        self._source.open()
        self._walk = _Walk(self._root, self._source, self._begin, self._paths)
        yield from self._walk.events()


class _Walk:
    """Follows the wanted arrays inwards and outwards, and has `scan` list their elements."""

    def __init__(self, root: _Node, source: Source, begin: Place, paths: tuple[str, ...]) -> None:
        import numpy as np  # noqa: PLC0415

        from headwater.lists import json_scan  # noqa: PLC0415 - compiles or loads its kernels

        self._numpy = np
        self._scan = json_scan
        self._source = source
        self._paths = paths
        self._nodes = {node.path: node for node in root.below()}
        self._node = self._node_of(begin)
        self._numbers = list(begin.numbers)
        self._found = bool(begin.path) or begin.numbers != (0,)
        self._place = 0
        self._state: Integers = np.zeros(json_scan.STATE_FIELDS, np.int64)
        self._state[json_scan.DEEPEST] = DEEPEST
        self._state[json_scan.PHASE] = self._phase_of(begin)
        self._starts: Integers = np.zeros(_BLOCK_ELEMENTS, np.int64)
        self._stops: Integers = np.zeros(_BLOCK_ELEMENTS, np.int64)
        self._names: tuple[Bytes, Integers]
        self._enter(self._node)
        self._data: Any = np.zeros(0, np.uint8)
        self.last_place = begin

    def _node_of(self, begin: Place) -> _Node:
        node = self._nodes.get(begin.path)
        arrays = 0
        above = node
        while above is not None:
            arrays += 1
            above = above.parent
        if node is None or len(begin.numbers) != arrays or min(begin.numbers) < 0:
            raise ListFault("the place to go on does not belong to this kind of list")
        return node

    def _phase_of(self, begin: Place) -> int:
        if not begin.path:
            return self._scan.AFTER if begin.numbers[0] else self._scan.VALUE
        return self._scan.FIRST if begin.fresh else self._scan.AFTER

    def _enter(self, node: _Node) -> None:
        """Set the state for listing the elements of an array."""
        np, scan = self._numpy, self._scan
        kinds = 0
        above: _Node | None = node
        shift = 0
        while above is not None and above.parent is not None:
            step = above.depth - above.parent.depth
            kinds |= (0b10 if step == 2 else 0b0) << shift
            shift += step
            above = above.parent
        self._node = node
        self._state[scan.DEPTH] = self._state[scan.ARRAY_DEPTH] = node.depth
        self._state[scan.KINDS] = kinds
        self._state[scan.MODE] = scan.STRUCTURE
        self._state[scan.PENDING] = 0
        self._state[scan.PARTLY_GIVEN] = 0
        self._state[scan.ENTER] = node.items is not None
        lengths = [0, *(len(name) for name in node.names)]
        self._names = (
            np.frombuffer(bytearray(b"".join(node.names) or b"\0"), np.uint8),
            np.cumsum(np.array(lengths, np.int64)),
        )

    def events(self) -> Iterator[Elements | Beside]:
        """Yield what `JsonStream` yields."""
        scan = self._scan
        while True:
            event, self._place, count = scan.scan(
                self._data, self._place, self._state, *self._names, self._starts, self._stops
            )
            if count:
                yield from self._elements(count)
            if event == scan.MORE:
                if not self._more():
                    break
            elif event == scan.OPENED:
                yield from self._opened()
            elif event == scan.CLOSED:
                yield self._closed()
            elif event == scan.ENDED:
                self._leave()
            elif event == scan.ESCAPED_KEY:
                self._state[scan.PENDING] = self._escaped_key()
            elif event == scan.DEEP:
                raise self._fault(f"more than {DEEPEST} objects and arrays inside each other")
            elif event == scan.UNEXPECTED:
                raise self._fault(self._unexpected())
        self._check_end()

    def _elements(self, count: int) -> Iterator[Elements]:
        starts = self._starts[:count].tolist()
        stops = self._stops[:count].tolist()
        whole = count
        for number in range(count):
            if stops[number] - starts[number] > ELEMENT_BYTES:
                whole = number
                break
        node, first = self._node, tuple(self._numbers)
        if whole:
            offsets = self._source.offsets([*starts[:whole], stops[whole - 1]])
            self._numbers[-1] += whole
            self._remember(offsets.pop())
            if node.wanted:
                text = self._source.text
                yield Elements(node.path, first, text, starts[:whole], stops[:whole], offsets)
        if whole < count:
            self._too_large(starts[whole])
        self._source.anchor_at(stops[count - 1])

    def _remember(self, offset_bytes: int, *, fresh: bool = False) -> None:
        self.last_place = Place(
            offset_bytes, self._source.encoding, self._node.path, tuple(self._numbers), fresh
        )

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        scan, state = self._scan, self._state
        held = int(state[scan.START]) if state[scan.PHASE] == scan.INSIDE else self._place
        if self._place - held > ELEMENT_BYTES:
            self._too_large(held)
        if not self._source.more(held):
            return False
        self._data = self._numpy.frombuffer(self._source.text, self._numpy.uint8)
        self._place -= held
        for field in (scan.START, scan.KEY_START, scan.KEY_STOP):
            state[field] -= held
        return True

    def _opened(self) -> Iterator[Beside]:
        """Give what stands before a wanted array, and go in."""
        scan, state = self._scan, self._state
        self._found = True
        pending = int(state[scan.PENDING])
        if pending:
            node = self._node.arrays[pending - 1]
            beside = self._beside(int(state[scan.KEY_START]), node)
        else:
            assert self._node.items is not None
            node = self._node.items
            beside = None
        self._enter(node)
        self._numbers.append(0)
        state[scan.PHASE] = scan.FIRST
        self._remember(self._source.offset(self._place), fresh=True)
        if beside is not None:
            yield beside

    def _leave(self) -> None:
        """Go back to the object that the array which ends here lies in."""
        scan, state = self._scan, self._state
        node = self._node
        assert node.parent is not None
        self._enter(node.parent)
        self._numbers.pop()
        if node.depth - node.parent.depth == 1:
            state[scan.PHASE] = scan.AFTER
            self._numbers[-1] += 1
            return
        state[scan.DEPTH] += 1
        state[scan.KINDS] = (int(state[scan.KINDS]) << 1) | 1
        state[scan.PHASE] = scan.INSIDE
        state[scan.PARTLY_GIVEN] = 1
        for field in (scan.START, scan.KEY_START, scan.KEY_STOP):
            state[field] = self._place

    def _closed(self) -> Beside:
        """Give what stands behind the last wanted array of an object that ends here."""
        beside = self._beside(self._place - 1, None)
        self._state[self._scan.PARTLY_GIVEN] = 0
        self._numbers[-1] += 1
        self._remember(self._source.offset(self._place))
        return beside

    def _beside(self, stop: int, opens: _Node | None) -> Beside:
        """Return the members between the piece's start and `stop`, once their grammar holds."""
        scan, state, text = self._scan, self._state, self._source.text
        start = int(state[scan.START])
        if stop - start > ELEMENT_BYTES:
            self._too_large(start)
        behind = bool(state[scan.PARTLY_GIVEN])
        body = text[start if behind else start + 1 : stop]
        begin = stop - len(body)
        offset_bytes = self._source.offset(begin)
        lead = b'{"":0' if behind else b"{"
        trail = b"}" if opens is None else b'"":0}'
        try:
            beside = sum(1 for _ in json_text.members(lead + body + trail))
        except json_text.NotJson as error:
            # What was put before is not in the file; what breaks off there is.
            place = min(max(error.place - len(lead), 0), len(body))
            raise self._fault(_UNEXPECTED, begin + place) from None
        if beside > BESIDE_MEMBERS:
            raise self._fault(f"more than {BESIDE_MEMBERS} fields beside the entries", begin)
        bare = body.strip(b" \t\n\r").removeprefix(b"," if behind else b"")
        if opens is not None:
            bare = bare.removesuffix(b",")
        offset_bytes = self._source.offset(begin + body.find(bare)) if bare else offset_bytes
        key = text[stop : int(state[scan.KEY_STOP])] if opens is not None else b""
        return Beside(
            self._node.path,
            tuple(self._numbers),
            b"{" + bare + b"}",
            offset_bytes,
            None if opens is None else opens.path,
            key,
        )

    def _escaped_key(self) -> int:
        """Return 1 + the number of the wanted name that a key with escapes stands for, or 0."""
        scan, state = self._scan, self._state
        raw = self._source.text[int(state[scan.KEY_START]) : int(state[scan.KEY_STOP])]
        longest = max(len(name) for name in self._node.names)
        if len(raw) > 6 * longest + 2:
            return 0
        key = json_text.string(raw)
        names = self._node.names
        lower = key.lower().encode() if key.isascii() else b""
        return names.index(lower) + 1 if lower in names else 0

    def _check_end(self) -> None:
        """Raise ListFault unless the document is complete, and held a wanted array."""
        scan, state = self._scan, self._state
        whole = not self._node.path and (
            state[scan.PHASE] == scan.AFTER
            or (state[scan.PHASE] == scan.INSIDE and state[scan.MODE] == scan.SCALAR)
        )
        if not whole and not self._source.text and not self._source.offset(0):
            raise self._fault("the file is empty")
        if not whole:
            raise self._fault("the file ends inside the JSON document and is truncated")
        if not self._found:
            wanted = " or ".join(path.removesuffix("[]") or "[]" for path in self._paths)
            raise ListFault(f"the JSON document has no array {wanted}")

    def _unexpected(self) -> str:
        if not self._node.path and self._state[self._scan.PHASE] == self._scan.AFTER:
            return "something stands behind the end of the JSON document"
        return _UNEXPECTED

    def _too_large(self, place: int) -> None:
        size = f"{ELEMENT_BYTES >> 20} MiB"
        raise self._fault(f"one object, or what stands beside its entries, exceeds {size}", place)

    def _fault(self, reason: str, place: int | None = None) -> ListFault:
        offset = self._source.offset(self._place if place is None else place)
        return ListFault(reason, Spot(offset_bytes=offset))
