"""A VICS file written anew, one element at a time, and everything in it that deviates.

Linting and repairing are this one walk; a lint throws the new text away.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from headwater.lists import json_text
from headwater.lists.contract import Spot, Stream
from headwater.lists.json_source import CHUNK_BYTES, Encoding
from headwater.lists.json_stream import Beside, Elements, JsonStream
from headwater.lists.vics import characters, objects, spellings
from headwater.lists.vics.deviation import Deviation, Outcome, Summary, counted
from headwater.lists.vics.reader import ARRAYS

DEFAULT_REGION = "Default"
_CONTEXT = (
    "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/{region}/$metadata#{structure}"
)
_REGION_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_REGION = re.compile(r"/2\.0\.xml/([A-Za-z0-9_-]{1,32})/\$metadata")
_CONTEXT_KEYS = frozenset(("@odata.context", "odata.context", "odata.metadata", "@odata.metadata"))
_CONTEXT_PATH = "@odata.context"
_CASES, _MEDIA = ARRAYS
_BLOCK_BYTES = 1 << 16
MOST_LISTED = 1 << 16
"""Deviations of one element that are held; the rest of them are counted alone."""

Written = tuple[bytes, list[Deviation]]


class Rewriting:
    """One walk over a file. Iterate over it once; then `summary` says what it held."""

    def __init__(
        self, stream: Stream, *, region: str = DEFAULT_REGION, chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        if _REGION_NAME.fullmatch(region) is None:
            raise ValueError("a region is a word of letters and digits, such as US or Default")
        self._json = JsonStream(stream, ARRAYS, chunk_bytes=chunk_bytes)
        self._region = region
        self._deviations: list[Deviation] = []
        self._unlisted: Counter[tuple[str, Outcome]] = Counter()
        self._counts: Counter[tuple[str, Outcome]] = Counter()
        self._open: dict[str, objects.Names] = {}
        """By path: the objects of which a part is written, and the keys met in them."""
        self._separator = b""
        """What stands before the next element of the array that is being written."""
        self._head: Beside | None = None
        """The beginning of the document, until its structure is known."""
        self._structure: str | None = None
        self._context_made = False
        self._context_given = False
        """Whether the head of the file itself held a context."""
        self._entries = 0
        self._cases = 0

    @property
    def summary(self) -> Summary:
        """What the file held; complete once the iteration ended."""
        return Summary(
            structure="Cases" if self._structure == "Cases" else "Media",
            entries=self._entries,
            cases=self._cases,
            counts=counted(self._counts),
        )

    def __iter__(self) -> Iterator[Written]:
        """Yield text and the deviations found in it. Raises ListFault: see `JsonStream`."""
        first = True
        for event in self._json:
            if first:
                self._tell_encoding()
                first = False
            for text in self._event(event):
                yield text, self._taken()
        yield b"\n", self._taken()

    def _taken(self) -> list[Deviation]:
        taken = self._deviations
        self._deviations = []
        self._counts.update((deviation.rule, deviation.outcome) for deviation in taken)
        self._counts.update(self._unlisted)
        self._unlisted = Counter()
        return taken

    def _tell_encoding(self) -> None:
        spot = Spot(offset_bytes=0)
        if self._json.encoding != "utf-8":
            self._tell(spot, "", "not UTF-8 but UTF-16", "mended")
        elif self._json.marked:
            self._tell(spot, "", "byte order mark", "mended")

    def _tell(self, spot: Spot, path: str, rule: str, outcome: Outcome) -> None:
        if len(self._deviations) < MOST_LISTED:
            self._deviations.append(Deviation(spot=spot, path=path, rule=rule, outcome=outcome))
        else:
            self._unlisted[rule, outcome] += 1

    def _event(self, event: Elements | Beside) -> Iterator[bytes]:
        if isinstance(event, Beside):
            yield from self._beside(event)
            return
        parts: list[bytes] = []
        size_bytes = 0
        for number in range(len(event.starts)):
            written = self._element(event, number)
            if written is not None:
                if self._head is not None:
                    parts.append(self._begin_before(event.path, written))
                parts += (self._separator, written)
                size_bytes += len(written)
                self._separator = b",\n"
            if size_bytes > _BLOCK_BYTES or len(self._deviations) >= MOST_LISTED // 2:
                yield b"".join(parts)
                parts, size_bytes = [], 0
        yield b"".join(parts)

    def _begin_before(self, path: str, written: bytes) -> bytes:
        """Return the beginning of the document, now that its first element is known."""
        found, self._deviations = self._deviations, []
        is_case = path == _MEDIA and written.startswith(b"{") and objects.is_case(written)
        begun = self._begin("Cases" if is_case else "Media")
        self._deviations += found
        return begun

    def _element(self, event: Elements, number: int) -> bytes | None:
        """Return one element, mended; None where it cannot stand in JSON."""
        offset_bytes = event.offsets_bytes[number]
        text = event.text[event.starts[number] : event.stops[number]]
        path = _shown_path(event.path, (*event.numbers[:-1], event.numbers[-1] + number))
        spot = Spot(offset_bytes=offset_bytes)
        self._entries += 1
        exact = True
        if (found := characters.as_utf8(text)) is not None:
            exact, text = False, found[0]
            self._tell(spot, path, *found[1:])
        held = len(self._deviations), self._unlisted.copy()
        for attempt in ("as it is", "controls escaped"):
            places = _Places(text, offset_bytes, self._json.encoding) if exact else None
            try:
                return self._mended(text, path, spot, places)
            except json_text.NotJson as error:
                del self._deviations[held[0] :]
                self._unlisted = held[1].copy()
                escaped = characters.with_controls_escaped(text)
                if attempt != "as it is" or escaped == text:
                    at = spot if places is None else Spot(offset_bytes=places.offset(error.place))
                    self._tell(at, path, "not valid JSON", "left out")
                    return None
                exact, text = False, escaped
                self._tell(spot, path, "control character not escaped", "mended")
                held = len(self._deviations), self._unlisted.copy()
        raise AssertionError("an element is either mended or left out")

    def _mended(self, text: bytes, path: str, spot: Spot, places: _Places | None) -> bytes:
        if not text.startswith(b"{"):
            json_text.value_stop(text, 0)
            self._tell(spot, path, "not an object", "kept")
            return text

        def tell(place: int, name: str, rule: str, outcome: Outcome) -> None:
            at = spot if places is None else Spot(offset_bytes=places.offset(place))
            self._tell(at, f"{path}.{name}" if name else path, rule, outcome)

        mended, is_case = objects.mend_element(text, tell)
        if is_case:
            self._cases += 1
            self._entries -= 1
        return mended

    def _beside(self, event: Beside) -> Iterator[bytes]:
        """Write a piece of the document, or of a case, up to a wanted array or to the end."""
        if self._head is None and self._structure is None:
            self._head = event
            return
        if self._head is not None:
            yield self._begin("Cases" if event.path else self._named(self._head))
        lead = b""
        if event.path not in self._open:
            lead = self._separator + b"{"
            self._open[event.path] = objects.Names()
            self._cases += 1
        else:
            lead = b"]"
        yield lead + self._piece(event, behind=lead == b"]")

    def _piece(self, event: Beside, *, behind: bool) -> bytes:
        """Return the members of a piece, and the key of the array behind it, or the end."""
        names = self._open[event.path]
        text, tell = self._piece_text(event)
        if event.path:
            members = objects.mend_case(text, names, tell)
        else:
            members = self._document_members(text, names, tell)
        if event.opens is not None:
            members.append(self._array_key(event, names, tell) + b":[")
            self._separator = b""
        else:
            del self._open[event.path]
            self._separator = b",\n"
        joined = b",".join(members)
        lead = b"," if behind and joined else b""
        return lead + joined + (b"}" if event.opens is None else b"")

    def _piece_text(self, event: Beside) -> tuple[bytes, objects.Tell]:
        prefix = _shown_path(event.path, event.numbers)
        text = event.text
        places: _Places | None = _Places(text, event.offset_bytes - 1, self._json.encoding)
        start = Spot(offset_bytes=event.offset_bytes)
        if (found := characters.as_utf8(text)) is not None:
            text, places = found[0], None
            self._tell(start, prefix, *found[1:])

        def tell(place: int, name: str, rule: str, outcome: Outcome) -> None:
            at = start if places is None else Spot(offset_bytes=places.offset(place))
            self._tell(at, f"{prefix}.{name}" if prefix else name, rule, outcome)

        return text, tell

    def _array_key(self, event: Beside, names: objects.Names, tell: objects.Tell) -> bytes:
        name = "Media" if event.path else "value"
        place = max(len(event.text) - 1, 1)
        if names.met(name):
            tell(place, name, "key given twice", "kept")
        exact = b'"%b"' % name.encode()
        if event.key != exact:
            tell(place, name, "key spelled otherwise", "mended")
        return exact

    def _named(self, head: Beside) -> str:
        """Return the structure that the head names, for a file in which nothing lies."""
        return "Cases" if b"#Cases" in head.text else "Media"

    def _begin(self, structure: str) -> bytes:
        """Return the beginning of the document, now that its structure is known."""
        assert self._head is not None
        head, self._head, self._structure = self._head, None, structure
        self._open[""] = objects.Names()
        return b"{" + self._piece(head, behind=False)

    def _document_members(
        self, text: bytes, names: objects.Names, tell: objects.Tell
    ) -> list[bytes]:
        members = [
            (member, text[member.key_start : member.key_stop]) for member in json_text.members(text)
        ]
        at_head = not self._context_made
        chosen = _context_among([key for _, key in members]) if at_head else None
        moved = not at_head and not self._context_given
        parts = []
        for number, (member, raw_key) in enumerate(members):
            key = json_text.string(raw_key)
            value = text[member.start : member.stop]
            if number == chosen:
                names.met(_CONTEXT_PATH)
                parts.append(self._context(raw_key, value, member.start, tell))
            elif moved and key.lower() in _CONTEXT_KEYS:
                same = _region_of(value) in (None, self._region)
                outcome: Outcome = "mended" if same else "left out"
                tell(member.key_start, _CONTEXT_PATH, "context behind the entries", outcome)
            else:
                if names.met(key):
                    tell(member.key_start, spellings.shown(key), "key given twice", "kept")
                parts.append(raw_key + b":" + value)
        if at_head:
            self._context_made, self._context_given = True, chosen is not None
            if chosen is None:
                names.met(_CONTEXT_PATH)
                tell(1, _CONTEXT_PATH, "no context before the entries", "mended")
                parts.insert(0, b'"@odata.context":' + self._right_context(self._region))
        return parts

    def _right_context(self, region: str) -> bytes:
        url = _CONTEXT.format(region=region, structure=self._structure)
        return b'"%b"' % url.encode()

    def _context(self, key: bytes, value: bytes, place: int, tell: objects.Tell) -> bytes:
        right = self._right_context(_region_of(value) or self._region)
        if key != b'"@odata.context"':
            tell(place, _CONTEXT_PATH, "context of an older version", "mended")
        elif value != right:
            ending = f'#{self._structure}"'.encode()
            other = "context of another form" if value.endswith(ending) else None
            tell(place, _CONTEXT_PATH, other or "context of another structure", "mended")
        return b'"@odata.context":' + right


class _Places:
    """Where places of an element's text lie in the file; asked for mostly in ascending order."""

    def __init__(self, text: bytes, offset_bytes: int, encoding: Encoding) -> None:
        self._text = text
        self._offset = offset_bytes
        self._wide = encoding != "utf-8"
        self._place = 0
        self._units = 0

    def offset(self, place: int) -> int:
        """Return the offset in the file as it is stored."""
        if not self._wide:
            return self._offset + place
        if place < self._place:
            self._place = self._units = 0
        between = self._text[self._place : place].decode("utf-8", "surrogatepass")
        self._units += sum(2 if ord(character) > 0xFFFF else 1 for character in between)
        self._place = place
        return self._offset + 2 * self._units


def _context_among(keys: list[bytes]) -> int | None:
    """Return which key names the context: the one of version 2.0, else the first of another."""
    others = [
        number for number, key in enumerate(keys) if json_text.string(key).lower() in _CONTEXT_KEYS
    ]
    exact = [number for number in others if keys[number] == b'"@odata.context"']
    return next(iter([*exact, *others]), None)


def _region_of(value: bytes) -> str | None:
    found = _REGION.search(json_text.string(value)) if value.startswith(b'"') else None
    return found[1] if found else None


def _shown_path(path: str, numbers: tuple[int, ...]) -> str:
    """Return `value[12].Media[3]` of a path and the numbers of its elements."""
    shown = ""
    for step, number in zip(path.split("[]"), numbers[1:], strict=False):
        shown += f"{step}[{number}]"
    return shown
