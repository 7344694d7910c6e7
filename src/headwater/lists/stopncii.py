"""Pages of StopNCII's `FetchHashes`: `stopncii`.

A page is an object with `hashRecords`; a file holds one, an array of them, one a line, or the
records alone. Fields as in the public client. A record is withdrawn where its `hashStatus` is
Withdrawn or Deleted; what providers answered (`CSPFeedbacks`) changes no status, and is kept as
the label `feedback`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from headwater.lists import values
from headwater.lists.contract import Batch, Entry, Fault, MediaKind, Status, Stream
from headwater.lists.drafts import Draft, joined
from headwater.lists.json_records import (
    JsonRecords,
    Object,
    Record,
    list_member,
    text_member,
)
from headwater.lists.losses import Losses
from headwater.lists.values import HashType

ARRAYS = ("hashRecords[]", "[].hashRecords[]", "[]")

_SIGNALS: dict[str, tuple[HashType, MediaKind]] = {
    "imagepdq": ("pdq", "picture"),
    "imagemd5": ("md5", "picture"),
    "videomd5": ("md5", "video"),
}
_OTHER_SIGNALS = {"videotmk": "VideoTMK", "url": "URL", "text": "Text"}
_STATUS: dict[str, Status] = {
    "active": "active",
    "received": "active",
    "": "active",
    "withdrawn": "withdrawn",
    "deleted": "withdrawn",
}


class StopNciiReader:
    """Implements `lists.contract.Reader` for StopNCII."""

    FORMAT: ClassVar[str] = "stopncii"

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of the file, or go on after the batch that gave `cursor`.

        Raises ListFault: see `JsonRecords.blocks`.
        """
        losses = Losses()
        for block in JsonRecords(ARRAYS, "hashRecords", _within).blocks(stream, cursor):
            entries: list[Entry] = []
            for record in block.records:
                entry = _entry(record, block.faults, losses)
                if entry is not None:
                    entries.append(entry)
            yield Batch(
                entries=entries,
                faults=block.faults,
                lost=losses.take(),
                cursor=block.cursor,
                position_bytes=block.position_bytes,
            )


def _within(page: Object) -> Sequence[Any]:
    records = page.get("hashRecords")
    return records if isinstance(records, list) else (page,)


def _entry(record: Record, faults: list[Fault], losses: Losses) -> Entry | None:
    draft = Draft(record.spot)
    members = record.members
    status: Status = "active"
    try:
        kind = text_member(members, "signalType")
        if kind.lower() not in _SIGNALS:
            _other(draft, kind, faults, losses)
            return None
        hash_type, media = _SIGNALS[kind.lower()]
        value = text_member(members, "hashValue")
        draft.set(hash_type, "hashValue", values.digest(hash_type), value)
        draft.set("media", "signalType", values.media, media)
        status = _status(draft, members)
        modified = text_member(members, "lastModtimestamp")
        draft.label("updated_at", "lastModtimestamp", values.moment, modified)
        _take_feedback(draft, members, losses)
    except ValueError as error:
        draft.fault("hashRecords", str(error))
    if members.get("caseNumbers"):
        losses.add("hashRecords.caseNumbers")
    if not draft.has_hash:
        faults.append(draft.without_hash("hashValue", "no hash"))
        return None
    faults += draft.faults
    return draft.entry(status)


def _other(draft: Draft, kind: str, faults: list[Fault], losses: Losses) -> None:
    if kind:
        losses.add(f"signal {_OTHER_SIGNALS.get(kind.lower(), 'of another type')}")
    else:
        faults.append(draft.without_hash("signalType", "no type"))


def _status(draft: Draft, members: Object) -> Status:
    word = text_member(members, "hashStatus").lower()
    if word not in _STATUS:
        draft.fault("hashStatus", "not a status that is known")
    return _STATUS.get(word, "active")


def _take_feedback(draft: Draft, members: Object, losses: Losses) -> None:
    answers: set[str] = set()
    for feedback in list_member(members, "CSPFeedbacks"):
        if not isinstance(feedback, dict):
            draft.fault("CSPFeedbacks", "not an object")
            continue
        answers.add(text_member(feedback, "feedbackValue"))
        for key in ("source", "tags"):
            if feedback.get(key):
                losses.add(f"hashRecords.CSPFeedbacks.{key}")
    draft.label("feedback", "CSPFeedbacks", values.label, joined(answers - {"", "None"}))
