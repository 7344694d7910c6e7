"""Pages of NCMEC's hash sharing interface, version 2: `ncmec`.

A page is a `queryResult` with `images` and `videos`; a file holds one, or several one behind the
other. Elements as in the public client and its tests.

What is withdrawn: a hash that negative feedback speaks of and no affirmative feedback does (the
other hashes of that entry stay active, and both parts are given), and a `deletedImage` or
`deletedVideo` that tells hashes. A deletion that only tells the number of an entry is a fault,
because no entry of an earlier file can be found by it here. Where both kinds of feedback speak of
a hash it stays, with the label `disputed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from headwater.lists import values
from headwater.lists.columns import HASHES
from headwater.lists.contract import Batch, Entry, Fault, ListFault, Spot, Stream
from headwater.lists.cursors import decoded, encoded
from headwater.lists.drafts import Draft
from headwater.lists.losses import Losses, shown
from headwater.lists.values import HASH_TYPES, Convert
from headwater.lists.xml_pages import Closed, Opened, XmlPages, XmlPlace

ROOT = "queryResult"
_GROUPS = {"images": "picture", "videos": "video"}
_ENTRIES = frozenset(("image", "video", "deletedImage", "deletedVideo"))
_DEPTH = 3
"""Of an entry: `queryResult/images/image`."""
_BATCH_ENTRIES = 2048
_HASH_NAMES: dict[str, tuple[str, Convert]] = {
    **{name: (name, values.digest(name)) for name in HASH_TYPES},
    "pdna": ("photodna", values.photodna),
    "photodna": ("photodna", values.photodna),
}
_FEEDBACK = frozenset(("affirmativeFeedback", "negativeFeedback"))


class NcmecReader:
    """Implements `lists.contract.Reader` for NCMEC's hash sharing pages."""

    FORMAT: ClassVar[str] = "ncmec"

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault: see `XmlPages`, and where a document is no such page.
        """
        place = decoded(cursor, XmlPlace)
        batch = _Batching(place)
        try:
            for event in XmlPages(stream, _DEPTH, place):
                if batch.take(event) and batch.size >= _BATCH_ENTRIES:
                    yield batch.close()
        except ListFault:
            if batch.size:
                yield batch.close()
            raise
        yield batch.close()


class _Batching:
    """The batch that is being made."""

    def __init__(self, place: XmlPlace) -> None:
        self._place = place
        self._item: _Item | None = None
        self._entries: list[Entry] = []
        self._faults: list[Fault] = []
        self._losses = Losses()

    @property
    def size(self) -> int:
        """Entries and faults."""
        return len(self._entries) + len(self._faults)

    def take(self, event: Opened | Closed) -> bool:
        """Follow one event; return whether an entry ends there.

        Raises ListFault where the document is no such page.
        """
        path = event.path
        if isinstance(event, Opened):
            if path[0] != ROOT:
                reason = "the XML is not a page of NCMEC's hash sharing"
                raise ListFault(reason, Spot(event.offset_bytes, event.line))
            if len(path) == _DEPTH and path[1] in _GROUPS and path[2] in _ENTRIES:
                self._item = _Item(event, self._losses)
            elif self._item is not None:
                self._item.opened(event)
            return False
        if self._item is None:
            return False
        if len(path) > _DEPTH:
            self._item.closed(event)
            return False
        if self._item.is_empty:
            self._losses.add("entries with nothing in them")
        else:
            self._item.finish(self._entries, self._faults)
            self._place = event.place or self._place
        self._item = None
        return True

    def close(self) -> Batch:
        """Return the batch, and begin the next one."""
        batch = Batch(
            entries=self._entries,
            faults=self._faults,
            lost=self._losses.take(),
            cursor=encoded(self._place),
            position_bytes=self._place.offset_bytes,
        )
        self._entries = []
        self._faults = []
        return batch


class _Item:
    """One entry of a page, in the making."""

    def __init__(self, event: Opened, losses: Losses) -> None:
        self._losses = losses
        self._kind = event.path[2]
        self._draft = Draft(Spot(event.offset_bytes, event.line))
        media = "video" if "ideo" in self._kind else _GROUPS[event.path[1]]
        self._draft.set("media", "media", values.media, media)
        self._affirmed: set[str] = set()
        self._negated: set[str] = set()
        self.is_empty = True
        """Whether nothing lies in it."""

    def opened(self, event: Opened) -> None:
        """Follow the beginning of an element inside the entry."""
        self.is_empty = False
        below = event.path[_DEPTH:]
        if len(below) == 2 and below[0] == "feedback" and below[1] in _FEEDBACK:
            named = event.attributes.get("type", "").lower()
            target = _HASH_NAMES[named][0] if named in _HASH_NAMES else ""
            kind = self._affirmed if below[1] == "affirmativeFeedback" else self._negated
            if target:
                kind.add(target)
            self._losses.add(f"feedback/{below[1]}")
        elif below == ("member",) and event.attributes.get("id"):
            self._losses.add("member/@id")

    def closed(self, event: Closed) -> None:
        """Follow the end of an element inside the entry."""
        below, text, draft = event.path[_DEPTH:], event.text, self._draft
        if len(below) == 2 and below[0] == "fingerprints":
            self._fingerprint(below[1], text)
        elif below == ("member",):
            draft.label("owner", "member", values.label, text)
        elif below == ("timestamp",):
            draft.label("updated_at", "timestamp", values.moment, text)
        elif below == ("id",):
            draft.label("record_id", "id", values.record_id, text)
        elif below == ("classification",):
            draft.set("category", "classification", values.category, text)
        elif text and below[0] != "feedback":
            self._losses.add(shown("/".join(below)))

    def _fingerprint(self, name: str, text: str) -> None:
        known = _HASH_NAMES.get(name.lower())
        if known is None:
            self._losses.add(shown(f"fingerprints/{name}"))
        else:
            self._draft.set(known[0], f"fingerprints/{name.lower()}", known[1], text)

    def finish(self, entries: list[Entry], faults: list[Fault]) -> None:
        """Add the entry, in two parts where feedback withdraws some of its hashes."""
        draft = self._draft
        deleted = self._kind.startswith("deleted")
        if not draft.has_hash:
            rule = (
                "a deletion without a hash: no entry can be found by it" if deleted else "no hash"
            )
            faults.append(draft.without_hash(self._kind, rule))
            return
        faults += draft.faults
        if self._affirmed & self._negated:
            draft.label("disputed", "feedback", values.flag, "yes")
        entry = draft.entry("withdrawn" if deleted else "active")
        withdrawn = self._negated - self._affirmed
        told = {name for name in HASHES if getattr(entry, name) is not None}
        if deleted or not withdrawn & told:
            entries.append(entry)
            return
        if told - withdrawn:
            entries.append(_without(entry, withdrawn))
        negative = _without(entry, told - withdrawn)
        entries.append(msgspec.structs.replace(negative, status="withdrawn"))


def _without(entry: Entry, names: set[str]) -> Entry:
    return msgspec.structs.replace(entry, **dict.fromkeys(names))
