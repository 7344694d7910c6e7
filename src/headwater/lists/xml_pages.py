"""Elements of XML documents that stand one behind the other in a file, in bounded memory.

A DOCTYPE is refused, and with it every entity but the five of XML itself. Depth, the length of a
tag and the length of a text are limited. Prefixes of namespaces are left off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat

import msgspec

from headwater.lists.contract import ListFault, Spot, Stream
from headwater.lists.stream import from_start, go_to
from headwater.lists.text_encoding import HEAD_BYTES, encoding_of

DEEPEST = 50
"""Elements inside each other."""
TOKEN_BYTES = 1 << 20
"""Ceiling for one tag, comment or instruction as it is stored."""
TEXT_CHARACTERS = 1 << 16
"""What is kept of the text of one element; more is cut off, and the element is marked."""
_CHUNK_BYTES = 1 << 16
_NO_ELEMENT = 3
_JUNK = 9
_UNDEFINED_ENTITY = 11
"""Of expat's errors: nothing there; something behind the document; a name without an entity."""
_ENCODINGS = frozenset(("utf-8", "us-ascii", "iso-8859-1", "windows-1252"))
_MOST_ATTRIBUTES = 64
_LONGEST_NAME = 200


class Opened(NamedTuple):
    """An element begins."""

    path: tuple[str, ...]
    """Names from the document's element inwards, this one's last."""
    attributes: dict[str, str]
    offset_bytes: int
    line: int


class Closed(NamedTuple):
    """An element ends."""

    path: tuple[str, ...]
    text: str
    """Its own text, blanks at the ends left out; cut off at TEXT_CHARACTERS."""
    place: XmlPlace | None
    """Before its end tag, for elements at the depth that was asked for; not to be used for one
    with nothing in it, which may have no end tag."""


class XmlPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where to go on: before a tag inside these open elements. Free of values."""

    offset_bytes: int = 0
    line: int = 1
    open: tuple[str, ...] = ()
    """Names as they are spelled, prefixes included."""
    encoding: str | None = None
    """None at the very beginning."""


class _Stop(Exception):
    """Leaves the parser from inside a handler."""


class XmlPages:
    """The elements of the documents in a stream, from a place on; iterate over it once.

    Places to go on are given with the ends of elements at the depth `placed` (1 is a document's
    own element).
    """

    def __init__(self, stream: Stream, placed: int, place: XmlPlace | None = None) -> None:
        self._placed = placed
        self._stream = from_start(stream)
        self._begin = place or XmlPlace()
        self._encoding = self._begin.encoding
        self._events: list[Opened | Closed] = []
        self._begin_document(0, 0)

    def __iter__(self) -> Iterator[Opened | Closed]:
        """Yield the beginnings and ends of elements.

        Raises ListFault, after all that lies before that place was given, where the file breaks
        off or breaks the grammar, has a DOCTYPE, or reaches a ceiling.
        """
        held_at = self._open()
        held = b""
        """What the parser was given and has not used up."""
        while True:
            fresh = self._stream.read(_CHUNK_BYTES)
            held += fresh
            fault, next_at = self._parsed(fresh, last=not fresh)
            yield from self._taken()
            while next_at is not None:
                held = held[next_at - held_at :]
                held_at = next_at
                self._begin_document(next_at, self._lines + self._parser.ErrorLineNumber - 1)
                fault, next_at = self._parsed(held, last=not fresh)
                yield from self._taken()
            if fault is not None:
                raise fault
            if not fresh:
                return
            used = max(self._parser.CurrentByteIndex + self._base - held_at, 0)
            held = held[used:]
            held_at += used
            if len(held) > TOKEN_BYTES:
                raise self._fault(f"a tag or a comment is longer than {TOKEN_BYTES >> 20} MiB")

    def _open(self) -> int:
        """Go to the place, and make the parser ready; return where the stream stands."""
        begin = self._begin
        if begin.encoding is not None:
            go_to(self._stream, begin.offset_bytes)
            self._resume()
            return begin.offset_bytes
        encoding, mark_bytes = encoding_of(self._stream.peek(HEAD_BYTES))
        if encoding != "utf-8":
            self._encoding = encoding
        self._stream.read(mark_bytes)
        self._begin_document(mark_bytes, 0)
        return mark_bytes

    def _resume(self) -> None:
        """Open again the elements that the place lies in."""
        tags = "".join(f"<{name}>" for name in self._begin.open)
        try:
            prologue = tags.encode(self._encoding or "utf-8")
            self._begin_document(self._begin.offset_bytes - len(prologue), self._begin.line - 1)
            fault, _ = self._parsed(prologue, last=False)
        except LookupError:
            fault = self._fault("the encoding is not supported")
        if fault is not None:
            raise ListFault("the place to go on was not made by this reader: import anew")
        self._events = []

    def _begin_document(self, offset_bytes: int, lines: int) -> None:
        """Make a parser whose byte 0 and line 1 are at a place of the file."""
        known = self._encoding
        parser = expat.ParserCreate(None if known is None else known.replace("16-", "16"))
        parser.buffer_text = True
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._characters
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        self._parser = parser
        self._base = offset_bytes
        self._lines = lines
        self._spelled: list[str] = []
        self._paths: list[tuple[str, ...]] = [()]
        """Of the open elements, from the outermost inwards."""
        self._texts: list[list[str]] = []
        self._sizes: list[int] = []
        self._done = False

    def _parsed(self, data: bytes, *, last: bool) -> tuple[ListFault | None, int | None]:
        """Parse what comes next; return what is wrong, or where the next document begins."""
        try:
            self._parser.Parse(data, last)
        except _Stop as stop:
            return self._fault(str(stop)), None
        except expat.ExpatError as error:
            if self._done and error.code == _JUNK:
                return None, self._parser.ErrorByteIndex + self._base
            return self._broken(error.code, last=last), None
        except (LookupError, ValueError):
            return self._fault("the encoding is not supported"), None
        return None, None

    def _broken(self, code: int, *, last: bool) -> ListFault:
        if code == _NO_ELEMENT and not self._parser.ErrorByteIndex and not self._base:
            return ListFault("the file is empty", Spot(offset_bytes=0))
        if last:
            reason = "the file ends inside the XML document and is truncated"
        elif code == _UNDEFINED_ENTITY:
            reason = "the XML names an entity that is not its own, which is refused"
        else:
            reason = f"the XML is broken ({expat.ErrorString(code)})"
        parser = self._parser
        return self._at(reason, parser.ErrorByteIndex, parser.ErrorLineNumber)

    def _fault(self, reason: str) -> ListFault:
        return self._at(reason, self._parser.CurrentByteIndex, self._parser.CurrentLineNumber)

    def _at(self, reason: str, index: int, line: int) -> ListFault:
        spot = Spot(offset_bytes=max(index, 0) + self._base, line=max(line, 1) + self._lines)
        return ListFault(reason, spot)

    def _taken(self) -> list[Opened | Closed]:
        taken, self._events = self._events, []
        return taken

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if self._encoding is None and encoding is not None:
            if encoding.lower() not in _ENCODINGS:
                raise _Stop("the XML is in an encoding that is not supported: save it as UTF-8")
            self._encoding = encoding.lower()

    def _doctype(self, *_: object) -> None:
        raise _Stop("the XML has a DOCTYPE or an entity of its own, which is refused")

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._spelled) >= DEEPEST:
            raise _Stop(f"more than {DEEPEST} elements inside each other")
        if len(name) > _LONGEST_NAME or len(attributes) > _MOST_ATTRIBUTES:
            raise _Stop("a tag has a name too long, or too many attributes")
        self._spelled.append(name)
        path = (*self._paths[-1], name.rpartition(":")[2])
        self._paths.append(path)
        self._texts.append([])
        self._sizes.append(0)
        parser = self._parser
        opened = Opened(
            path,
            {key.rpartition(":")[2]: value for key, value in attributes.items()},
            parser.CurrentByteIndex + self._base,
            parser.CurrentLineNumber + self._lines,
        )
        self._events.append(opened)

    def _characters(self, text: str) -> None:
        room = TEXT_CHARACTERS - self._sizes[-1]
        if room > 0:
            self._texts[-1].append(text[:room])
            self._sizes[-1] += len(text)

    def _ended(self, _name: str) -> None:
        text = "".join(self._texts.pop()).strip()
        place = self._place() if len(self._spelled) == self._placed else None
        self._events.append(Closed(self._paths.pop(), text, place))
        self._sizes.pop()
        self._spelled.pop()
        self._done = not self._spelled

    def _place(self) -> XmlPlace:
        return XmlPlace(
            self._parser.CurrentByteIndex + self._base,
            self._parser.CurrentLineNumber + self._lines,
            tuple(self._spelled),
            self._encoding or "utf-8",
        )
