"""Records of a list in JSON: in arrays of one document of any size, or one a line.

Which of the two a file is, its beginning tells: a first line that is a JSON value by itself and
has more behind it, or that is an object without a wanted array, is one of many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from headwater.lists.contract import Fault, Spot, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.json_stream import Elements, JsonStream, Place
from headwater.lists.lines import LinePlace, Lines
from headwater.lists.stream import PEEK_BYTES, PeekedStream, from_start
from headwater.lists.text_encoding import text_of

Object = dict[str, Any]

NOT_JSON = "not valid JSON"
NOT_OBJECT = "not an object"


class Record(NamedTuple):
    """One record and its place."""

    spot: Spot
    members: Object


class RecordBlock(NamedTuple):
    """Some records, one after the other."""

    records: list[Record]
    faults: list[Fault]
    cursor: bytes
    position_bytes: int


class _Place(msgspec.Struct, frozen=True, array_like=True):
    document: Place | None = None
    lines: LinePlace | None = None


class JsonRecords:
    """Reads the records of a file.

    `paths` name the arrays they lie in (see `JsonStream`), `field` what a fault calls one of
    them; `within` returns the records of an object on a line by itself: the object itself, or
    those in it where it is a page of them.
    """

    def __init__(
        self, paths: Sequence[str], field: str, within: Callable[[Object], Sequence[Any]]
    ) -> None:
        self._paths = paths
        self._field = field
        self._within = within
        self._decode = msgspec.json.Decoder().decode

    def blocks(self, stream: Stream, cursor: bytes = b"") -> Iterator[RecordBlock]:
        """Yield all records, or go on behind the block that gave `cursor`.

        Raises ListFault, after all records before that place were given: see `JsonStream` and
        `Lines.blocks`.
        """
        place = decoded(cursor, _Place)
        stream = from_start(stream)
        if place.lines is not None or (not cursor and self._are_lines(stream)):
            yield from self._from_lines(stream, place.lines)
        else:
            yield from self._from_document(stream, place.document)

    def _are_lines(self, stream: PeekedStream) -> bool:
        head = stream.peek(PEEK_BYTES)
        text = text_of(head, whole=len(head) < PEEK_BYTES).lstrip()
        first, _, rest = text.partition("\n")
        if not first.startswith("{"):
            return False
        try:
            value = self._decode(first)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return False
        keys = {key.lower() for key in value}
        named = {path.partition(".")[0].removesuffix("[]").lower() for path in self._paths}
        return bool(rest.strip()) or not keys & (named - {""})

    def _from_document(self, stream: Stream, place: Place | None) -> Iterator[RecordBlock]:
        json = JsonStream(stream, self._paths, place)
        for event in json:
            if not isinstance(event, Elements):
                continue
            records: list[Record] = []
            faults: list[Fault] = []
            for start, stop, offset in zip(
                event.starts, event.stops, event.offsets_bytes, strict=True
            ):
                spot = Spot(offset_bytes=offset)
                value = self._object(event.text[start:stop], spot, faults)
                if value is not None:
                    records.append(Record(spot, value))
            reached = json.place()
            cursor = encoded(_Place(document=reached))
            yield RecordBlock(records, faults, cursor, reached.offset_bytes)

    def _from_lines(self, stream: Stream, place: LinePlace | None) -> Iterator[RecordBlock]:
        for block in Lines(stream, place).blocks():
            records: list[Record] = []
            faults: list[Fault] = []
            for index, (text, offset) in enumerate(zip(block.texts, block.offsets, strict=True)):
                if not text or text.isspace():
                    continue
                spot = Spot(offset, block.first_line + index)
                value = self._object(text.encode(), spot, faults)
                for record in () if value is None else self._within(value):
                    if isinstance(record, dict):
                        records.append(Record(spot, record))
                    else:
                        faults.append(Fault(spot=spot, field=self._field, rule=NOT_OBJECT))
            cursor = encoded(_Place(lines=block.after))
            yield RecordBlock(records, faults, cursor, block.after.offset_bytes)

    def _object(self, text: bytes, spot: Spot, faults: list[Fault]) -> Object | None:
        try:
            value = self._decode(text)
        except (msgspec.DecodeError, RecursionError):
            faults.append(Fault(spot=spot, field=self._field, rule=NOT_JSON))
            return None
        if not isinstance(value, dict):
            faults.append(Fault(spot=spot, field=self._field, rule=NOT_OBJECT))
            return None
        return value


def text_member(members: Object, key: str) -> str:
    """Return a member that should be a text; empty where it is not there.

    Raises ValueError, with a rule, where it is something else.
    """
    value = members.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("not a text")
    return str(value) if not isinstance(value, int) or abs(value) < 1 << 63 else "?"


def list_member(members: Object, key: str) -> list[Any]:
    """Return a member that should be an array; empty where it is not there.

    Raises ValueError, with a rule, where it is something else.
    """
    value = members.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError("not an array")
    return value
