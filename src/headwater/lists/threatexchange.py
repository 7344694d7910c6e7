"""What ThreatExchange and HMA exchange: `threatexchange`.

* Records of `threat_updates` (fields confirmed by the public client), in a JSON array, one a line,
  or in pages `{"data": [...]}`. A record without descriptors, or with `should_delete`, is a
  deletion; one that every descriptor calls NON_MALICIOUS is a negative.
* Contents of an HMA bank: `{"id": 1, "signals": {"pdq": "..."}}`, a bare `{"pdq": "..."}` as HMA
  takes it, and `{"signal_type": "pdq", "signal": "..."}`. HMA has no export of its own; these are
  the shapes of its answers and requests.
* The local file of python-threatexchange: `pdq f8f8...`, a type and a hash a line.

Signals that are no hash an entry can hold (texts, addresses, TMK) are counted as lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from headwater.lists import values
from headwater.lists.contract import Batch, Entry, Fault, MediaKind, Spot, Status, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.drafts import Draft, joined
from headwater.lists.json_records import (
    JsonRecords,
    Object,
    Record,
    list_member,
    text_member,
)
from headwater.lists.lines import LineBlock, LinePlace, Lines
from headwater.lists.losses import Losses, shown
from headwater.lists.stream import PeekedStream, from_start
from headwater.lists.text_encoding import text_of
from headwater.lists.values import HashType

ARRAYS = ("data[]", "[].data[]", "[]", "contents[]", "content[]")
_HEAD_BYTES = 1 << 16
_TEXT_KEYS = ("signal", "signal_val", "signal_value", "signal_str")


class _Signal(NamedTuple):
    hash_type: HashType
    media: MediaKind | None


_SIGNALS: dict[str, _Signal] = {
    "pdq": _Signal("pdq", "picture"),
    "md5": _Signal("md5", None),
    "photo_md5": _Signal("md5", "picture"),
    "image_md5": _Signal("md5", "picture"),
    "video_md5": _Signal("md5", "video"),
    "sha1": _Signal("sha1", None),
    "sha256": _Signal("sha256", None),
}
"""By the name of a signal type in lower case, `hash_` in front of it left out."""
_OTHER_SIGNALS = frozenset(
    (
        "vpdq",
        "video_vpdq",
        "tmk",
        "tmk_pdqf",
        "video_tmk",
        "pdq_ocr",
        "pdna",
        "photo_pdna",
        "clip",
        "url",
        "uri",
        "text",
        "raw_text",
        "text_string",
        "trend_query",
    )
)
_READ_KEYS = frozenset(
    ("id", "indicator", "type", "signal_type", "descriptors", "last_updated", "should_delete")
)


def signal_named(word: str) -> _Signal | None:
    """Return the hash that a name of a signal type stands for; None where it is none."""
    return _SIGNALS.get(_plain(word))


def is_signal_line(text: str) -> bool:
    """Whether a line is a type and a signal."""
    word, blank, rest = text.strip().partition(" ")
    plain = _plain(word)
    return bool(blank and rest) and (plain in _SIGNALS or plain in _OTHER_SIGNALS)


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").removeprefix("hash_")


def _lost_signal(word: str) -> str:
    plain = _plain(word)
    return f"signal {plain}" if plain in _OTHER_SIGNALS else "signal of another type"


class ThreatExchangeReader:
    """Implements `lists.contract.Reader` for ThreatExchange and HMA."""

    FORMAT: ClassVar[str] = "threatexchange"

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault: see `JsonRecords.blocks`.
        """
        stream = from_start(stream)
        if _is_text(stream):
            yield from _local_file(stream, cursor)
            return
        losses = Losses()
        for block in JsonRecords(ARRAYS, "record", _within).blocks(stream, cursor):
            entries: list[Entry] = []
            faults = block.faults
            for record in block.records:
                entry = _entry(record, faults, losses)
                if entry is not None:
                    entries.append(entry)
            yield Batch(
                entries=entries,
                faults=faults,
                lost=losses.take(),
                cursor=block.cursor,
                position_bytes=block.position_bytes,
            )


def _is_text(stream: PeekedStream) -> bool:
    head = stream.peek(_HEAD_BYTES)
    text = text_of(head, whole=len(head) < _HEAD_BYTES).lstrip("\ufeff \t\r\n")
    return not text.startswith(("{", "["))


def _within(page: Object) -> Sequence[Any]:
    """Return the records in a page, or the object itself."""
    data = page.get("data")
    return data if isinstance(data, list) else (page,)


def _entry(record: Record, faults: list[Fault], losses: Losses) -> Entry | None:
    draft = Draft(record.spot)
    members = record.members
    status: Status = "active"
    other = False
    try:
        if "indicator" in members or "descriptors" in members or "should_delete" in members:
            other = not _set_signal(
                draft, "indicator", _type_of(members), _indicator(members), losses
            )
            status = _take_statements(draft, members, losses)
        else:
            other = _take_content(draft, members, losses)
    except ValueError as error:
        draft.fault("record", str(error))
    if draft.has_hash:
        faults += draft.faults
        return draft.entry(status)
    if not other or draft.faults:
        faults.append(draft.without_hash("record", "no hash"))
    return None


def _set_signal(draft: Draft, field: str, name: str, text: str, losses: Losses) -> bool:
    """Set the hash of one signal; False, counted as lost, where its type is another."""
    signal = signal_named(name)
    if signal is None:
        if not name:
            draft.fault(field, "no type")
            return True
        losses.add(_lost_signal(name))
        return False
    draft.set(signal.hash_type, field, values.digest(signal.hash_type), text)
    if signal.media is not None:
        draft.set("media", field, values.media, signal.media)
    return True


def _type_of(members: Object) -> str:
    return text_member(members, "type") or text_member(members, "signal_type")


def _indicator(members: Object) -> str:
    """Return the hash of a record: its own, or that of its first descriptor."""
    own = members.get("indicator")
    if isinstance(own, str) and own.strip():
        return own
    for descriptor in _descriptors(members):
        raw = descriptor.get("raw_indicator")
        if isinstance(raw, str):
            return raw
    return ""


def _descriptors(members: Object) -> list[Object]:
    value = members.get("descriptors")
    data = value.get("data") if isinstance(value, dict) else value
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def _take_statements(draft: Draft, members: Object, losses: Losses) -> Status:
    """Set what the record and its descriptors say beside the hash; return what follows."""
    draft.label("record_id", "id", values.record_id, text_member(members, "id"))
    draft.label("updated_at", "last_updated", values.moment, text_member(members, "last_updated"))
    for key in members:
        if key not in _READ_KEYS and members[key]:
            losses.add(f"record.{shown(key)}")
    if members.get("should_delete") in (True, "true", 1) or members.get("descriptors") is None:
        return "withdrawn"
    owners: set[str] = set()
    tags: set[str] = set()
    opinions: set[str] = set()
    disputed = False
    for descriptor in _descriptors(members):
        owner = descriptor.get("owner")
        if isinstance(owner, dict):
            owners.add(text_member(owner, "id"))
        tags.update(tag for tag in list_member(descriptor, "tags") if isinstance(tag, str))
        opinions.add(text_member(descriptor, "status").upper())
        disputed = disputed or _is_disputed(descriptor)
        if descriptor.get("added_on"):
            losses.add("descriptors.added_on")
    draft.label("owner", "descriptors.owner", values.label, joined(owners - {""}))
    draft.label("tags", "descriptors.tags", values.label, joined(tags - {""}))
    contrary = "NON_MALICIOUS" in opinions
    if disputed or (contrary and len(opinions) > 1):
        draft.label("disputed", "descriptors.status", values.flag, "yes")
    return "withdrawn" if opinions == {"NON_MALICIOUS"} else "active"


def _is_disputed(descriptor: Object) -> bool:
    reactions = list_member(descriptor, "reactions")
    return any(
        isinstance(each, dict) and each.get("key") == "DISAGREE_WITH_TAGS" for each in reactions
    )


def _take_content(draft: Draft, members: Object, losses: Losses) -> bool:
    """Set what a content of an HMA bank holds; True where it holds signals of other types."""
    signals = members.get("signals")
    if isinstance(signals, list):
        pairs = [_pair(each) for each in signals if isinstance(each, dict)]
    elif isinstance(signals, dict):
        pairs = list(signals.items())
    elif "signal_type" in members:
        pairs = [_pair(members)]
    else:
        pairs = [(key, members[key]) for key in members if _is_signal_key(key)]
    other = False
    for name, value in pairs:
        if not isinstance(value, str):
            draft.fault("signals", "not a text")
            continue
        other = not _set_signal(draft, "signals", name, value, losses) or other
    if signals is not None:
        draft.label("record_id", "id", values.record_id, text_member(members, "id"))
    bank = members.get("bank")
    bank_name = bank.get("name") if isinstance(bank, dict) else bank
    if isinstance(bank_name, str):
        draft.label("list", "bank", values.label, bank_name)
    for key in ("note", "metadata", "collab_metadata", "original_media_uri", "disable_until_ts"):
        if members.get(key):
            losses.add(key)
    return other


def _pair(members: Object) -> tuple[str, Any]:
    name = text_member(members, "signal_type") or text_member(members, "type")
    return name, next((members[key] for key in _TEXT_KEYS if key in members), None)


def _is_signal_key(key: str) -> bool:
    plain = _plain(key)
    return plain in _SIGNALS or plain in _OTHER_SIGNALS


def _local_file(stream: Stream, cursor: bytes) -> Iterator[Batch]:
    losses = Losses()
    for block in Lines(stream, decoded(cursor, LinePlace)).blocks():
        entries, faults = _of_lines(block, losses)
        yield Batch(
            entries=entries,
            faults=faults,
            lost=losses.take(),
            cursor=encoded(block.after),
            position_bytes=block.after.offset_bytes,
        )


def _of_lines(block: LineBlock, losses: Losses) -> tuple[list[Entry], list[Fault]]:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for index, (text, offset) in enumerate(zip(block.texts, block.offsets, strict=True)):
        if not text or text.isspace() or text.startswith("#"):
            continue
        spot = Spot(offset, block.first_line + index)
        word, _, rest = text.strip().partition(" ")
        if not is_signal_line(text):
            faults.append(Fault(spot=spot, field="line", rule="not a signal type and a signal"))
            continue
        draft = Draft(spot)
        if not _set_signal(draft, "signal", word, rest, losses):
            continue
        if draft.has_hash:
            entries.append(draft.entry())
        else:
            faults.append(draft.without_hash("signal", "no hash"))
    return entries, faults
