"""One media entry of a VICS file, as an entry of a list.

An entry whose fields are spelled and typed as most exporters do is decoded at once. Any other is
taken apart field by field, so that what is wrong with one field costs that one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from operator import attrgetter
from typing import Any

import msgspec

from headwater.lists import json_text
from headwater.lists.contract import Entry, Fault, MediaKind, Spot
from headwater.lists.vics import dates, fields, spellings
from headwater.lists.vics.lost import (
    DECODED_BYTES,
    Lost,
    count,
    count_case,
    count_nested,
    is_empty,
    named_members,
)

_Text = str | None
_Number = int | str | None
_Flag = bool | str | int | None
_NO_VALUE = msgspec.Raw(b"null")


class _Media(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The fields of an entry under their own names; what is not kept is counted alone."""

    MediaID: _Number = None
    Category: _Number = None
    MD5: _Text = None
    SHA1: _Text = None
    SHA256: _Text = None
    PhotoDNA: _Text = None
    MediaSize: _Number = None
    MimeType: _Text = None
    RelativeFilePath: _Text = None
    VictimIdentified: _Flag = None
    OffenderIdentified: _Flag = None
    IsDistributed: _Flag = None
    IsSuspected: _Flag = None
    SelfGenerated: _Flag = None
    Series: _Text = None
    Tags: _Text = None
    Comments: _Text = None
    DateUpdated: _Text = None
    IsPrecategorized: _Flag = None
    PrecategorizationSource: _Text = None
    Name: _Text = None
    FileName: _Text = None
    Created: _Text = None
    Written: _Text = None
    Accessed: _Text = None
    Change: _Text = None
    MediaFiles: msgspec.Raw = _NO_VALUE
    Exifs: msgspec.Raw = _NO_VALUE
    AlternativeHashes: msgspec.Raw = _NO_VALUE
    MediaMetadata: msgspec.Raw = _NO_VALUE
    Segments: msgspec.Raw = _NO_VALUE
    Repositories: msgspec.Raw = _NO_VALUE


_KEPT: dict[str, tuple[Any, str]] = {
    "Category": (_Number, fields.NOT_CODE),
    "MD5": (_Text, "not a text"),
    "SHA1": (_Text, "not a text"),
    "SHA256": (_Text, "not a text"),
    "PhotoDNA": (_Text, "not a text"),
    "MediaSize": (_Number, fields.NOT_SIZE),
    "MimeType": (_Text, "not a text"),
    "VictimIdentified": (_Flag, fields.NOT_FLAG),
    "OffenderIdentified": (_Flag, fields.NOT_FLAG),
    "IsDistributed": (_Flag, fields.NOT_FLAG),
    "IsSuspected": (_Flag, fields.NOT_FLAG),
    "SelfGenerated": (_Flag, fields.NOT_FLAG),
    "Series": (_Text, "not a text"),
    "Tags": (_Text, "not a text"),
    "DateUpdated": (_Text, "not a date"),
    "PrecategorizationSource": (_Text, "not a text"),
}
"""The scalar fields that an entry keeps: their type, and the rule that another type breaks."""

_LABELS = (
    ("IsDistributed", "distributed", True),
    ("OffenderIdentified", "offender_identified", True),
    ("SelfGenerated", "self_generated", True),
    ("Series", "series", False),
    ("PrecategorizationSource", "source", False),
    ("IsSuspected", "suspected", True),
    ("Tags", "tags", False),
)
"""Fields that become labels, in the order of those; whether they are flags."""
_SAYS = attrgetter(*(name for name, _, _ in _LABELS))
_SAYS_NO = (None, "", "false", False)

_ALTERNATIVES: dict[str, tuple[str, int]] = {
    "md5": ("MD5", fields.MD5_BYTES),
    "sha1": ("SHA1", fields.SHA1_BYTES),
    "sha256": ("SHA256", fields.SHA256_BYTES),
    "pdq": ("PDQ", fields.PDQ_BYTES),
    "photodna": ("PhotoDNA", fields.PHOTODNA_BYTES),
    "pdna": ("PhotoDNA", fields.PHOTODNA_BYTES),
}
"""Kinds of hash by their names in AlternativeHashes, in lower case without hyphens."""

_COUNTED_TEXTS = (
    "RelativeFilePath",
    "Comments",
    "Name",
    "FileName",
    "Created",
    "Written",
    "Accessed",
    "Change",
)
_NESTED = ("MediaFiles", "Exifs", "MediaMetadata", "Segments", "Repositories")
_TEXTS = attrgetter(*_COUNTED_TEXTS)
_ARRAYS = attrgetter(*_NESTED)
_EXACT = spellings.lower_case(spellings.MEDIA)
_CASE_KEYS = frozenset(("caseid", "casenumber", "media", "sourceapplicationname"))
_HASH_KEYS = frozenset(("md5", "sha1", "sha256", "photodna", "alternativehashes"))
_LONGEST_LABEL = 1024
_MOST_ALTERNATIVES = 256
_MOST_MEMBERS = DECODED_BYTES
_HASH_LIKE = re.compile(r"[0-9A-Fa-f]{32}|[A-Za-z0-9+/]{100}|[/\\]")
"""What a label may not hold: a digest, a PhotoDNA value, a path."""


class MediaReader:
    """Reads one entry after the other; what could not be read or kept is added to its tallies."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.lost: Lost = Lost(int)
        self._decode: Callable[[bytes], _Media] = msgspec.json.Decoder(_Media).decode
        self._decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        self._decode_field = {
            name: msgspec.json.Decoder(kind).decode for name, (kind, _) in _KEPT.items()
        }

    def read(self, text: bytes, offset_bytes: int) -> Entry | None:
        """Return the entry whose JSON is `text`; None where nothing of it can be kept."""
        spot = Spot(offset_bytes)
        first_fault = len(self.faults)
        try:
            media = self._decode(text)
        except ValueError:
            apart = self._taken_apart(text, spot)
            if apart is None:
                return None
            media = apart
        return self._entry(media, spot, first_fault)

    def _taken_apart(self, text: bytes, spot: Spot) -> _Media | None:
        """Return the fields of an entry that cannot be decoded at once."""
        if not text.startswith(b"{"):
            self._whole(spot, "Media", "not an object")
            return None
        try:
            members = self._members(text)
        except json_text.NotJson:
            self._whole(spot, "Media", "not valid JSON")
            return None
        if len(members) > _MOST_MEMBERS:
            self._whole(spot, "Media", f"more than {_MOST_MEMBERS} fields")
            return None
        keys = {key.lower() for key, _ in members}
        if keys & _CASE_KEYS and not keys & _HASH_KEYS:
            count_case(self.lost, members)
            return None
        media = _Media()
        given: dict[str, bytes] = {}
        for key, value in members:
            name = _EXACT.get(key.lower())
            if name is None:
                if not spellings.is_odata(key) and not is_empty(value):
                    count(self.lost, f"Media.{spellings.shown(key)}")
            elif given.setdefault(name, value) != value and not is_empty(value):
                if is_empty(given[name]):
                    given[name] = value
                    self._set(media, name, value, spot)
                else:
                    self._part(spot, name, "given twice with different values")
            else:
                self._set(media, name, value, spot)
        return media

    def _members(self, text: bytes) -> list[tuple[str, bytes]]:
        if len(text) <= DECODED_BYTES:
            try:
                return [(key, bytes(value)) for key, value in self._decode_raw(text).items()]
            except ValueError:
                # Lone surrogates, or bytes that are not UTF-8, may stand in one field only.
                pass
        return list(islice(named_members(text), _MOST_MEMBERS + 1))

    def _set(self, media: _Media, name: str, value: bytes, spot: Spot) -> None:
        if name in _KEPT:
            try:
                decoded = self._decode_field[name](value)
            except ValueError:
                self._part(spot, name, _KEPT[name][1])
            else:
                setattr(media, name, decoded)
        elif name in spellings.NESTED:
            setattr(media, name, msgspec.Raw(value))
        elif not is_empty(value):
            count(self.lost, f"Media.{name}")

    def _entry(self, media: _Media, spot: Spot, first_fault: int) -> Entry | None:
        md5 = self._digest(media.MD5, "MD5", fields.MD5_BYTES, spot)
        sha1 = self._digest(media.SHA1, "SHA1", fields.SHA1_BYTES, spot)
        sha256 = self._digest(media.SHA256, "SHA256", fields.SHA256_BYTES, spot)
        photodna = None
        if media.PhotoDNA:
            try:
                photodna = fields.photodna(media.PhotoDNA)
            except ValueError as error:
                self._part(spot, "PhotoDNA", str(error))
        pdq = None
        if media.AlternativeHashes is not _NO_VALUE:
            found = {"MD5": md5, "SHA1": sha1, "SHA256": sha256, "PhotoDNA": photodna, "PDQ": None}
            self._alternatives(media, found, spot)
            md5, sha1, sha256 = found["MD5"], found["SHA1"], found["SHA256"]
            photodna, pdq = found["PhotoDNA"], found["PDQ"]
        if not (md5 or sha1 or sha256 or photodna or pdq):
            self._no_hash(first_fault, spot)
            return None
        self._count(media, spot)
        return Entry(
            spot=spot,
            md5=md5,
            sha1=sha1,
            sha256=sha256,
            pdq=pdq,
            photodna=photodna,
            size_bytes=self._size(media, spot),
            media=self._kind(media),
            category=self._category(media, spot),
            labels=self._labels(media, spot),
        )

    def _digest(self, text: str | None, name: str, size_bytes: int, spot: Spot) -> bytes | None:
        if not text:
            return None
        try:
            return fields.digest(text, size_bytes)
        except ValueError as error:
            if text.strip():
                self._part(spot, name, str(error))
            return None

    def _alternatives(self, media: _Media, found: dict[str, bytes | None], spot: Spot) -> None:
        text = bytes(media.AlternativeHashes)
        if is_empty(text):
            return
        try:
            for number, (start, stop) in enumerate(json_text.items(text)):
                if number == _MOST_ALTERNATIVES:
                    rule = f"more than {_MOST_ALTERNATIVES} hashes, the others left out"
                    self._part(spot, "AlternativeHashes", rule)
                    return
                self._alternative(text[start:stop], number, media.MD5, found, spot)
        except json_text.NotJson:
            self._part(spot, "AlternativeHashes", "not an array of objects")

    def _alternative(
        self,
        text: bytes,
        number: int,
        own_md5: str | None,
        found: dict[str, bytes | None],
        spot: Spot,
    ) -> None:
        """Add one alternative hash; one without a name at place 0 may be PhotoDNA."""
        known = {key.lower(): value for key, value in named_members(text)}
        try:
            name = msgspec.json.decode(known.get("hashname", b"null"), type=_Text) or ""
            value = msgspec.json.decode(known.get("hashvalue", b"null"), type=_Text) or ""
        except ValueError:
            self._part(spot, "AlternativeHashes.HashValue", "not a text")
            return
        if not value.strip():
            return
        kind = _ALTERNATIVES.get(name.strip().lower().replace("-", ""))
        if kind is None and not name.strip() and number == 0:
            kind = _ALTERNATIVES["photodna"]
        if kind is None:
            count_nested(self.lost, "AlternativeHashes", b"[" + text + b"]", own_md5)
            return
        target, size_bytes = kind
        try:
            raw = (
                fields.photodna(value) if target == "PhotoDNA" else fields.digest(value, size_bytes)
            )
        except ValueError as error:
            self._part(spot, f"AlternativeHashes.{target}", str(error))
            return
        held = found[target]
        if held is None:
            found[target] = raw
        elif held != raw and target == "PhotoDNA":
            count(self.lost, "Media.AlternativeHashes.HashValue")
        elif held != raw:
            self._part(spot, f"AlternativeHashes.{target}", f"another {target} than before")

    def _no_hash(self, first_fault: int, spot: Spot) -> None:
        """Make the first fault of a hash the reason why the entry is left out."""
        own = self.faults[first_fault:]
        del self.faults[first_fault:]
        for fault in own:
            name = fault.field.removeprefix("Media.")
            if name.partition(".")[0].lower() in _HASH_KEYS:
                self._whole(spot, name, fault.rule)
                return
        self._whole(spot, "Media", "no hash")

    def _size(self, media: _Media, spot: Spot) -> int | None:
        if media.MediaSize is None:
            return None
        try:
            return fields.size(media.MediaSize)
        except ValueError as error:
            self._part(spot, "MediaSize", str(error))
            return None

    def _category(self, media: _Media, spot: Spot) -> str | None:
        if media.Category is None:
            return None
        try:
            return fields.category(media.Category)
        except ValueError as error:
            self._part(spot, "Category", str(error))
            return None

    def _kind(self, media: _Media) -> MediaKind | None:
        if not media.MimeType:
            return None
        # The kind is kept, what kind of picture or film it is has no place.
        self.lost["Media.MimeType"] += 1
        top = media.MimeType.partition("/")[0].strip().lower()
        return "picture" if top == "image" else "video" if top == "video" else None

    def _labels(self, media: _Media, spot: Spot) -> tuple[tuple[str, str], ...]:
        labels = []
        if any(_SAYS(media)):
            for value, (name, label, is_flag) in zip(_SAYS(media), _LABELS, strict=True):
                if is_flag:
                    if value not in _SAYS_NO and self._flag(value, name, spot):
                        labels.append((label, "yes"))
                elif value and (text := self._label(value, name)):
                    labels.append((label, text))
        if media.DateUpdated and (date := self._date(media.DateUpdated, spot)):
            labels.append(("updated_at", date))
        if media.VictimIdentified not in _SAYS_NO and self._flag(
            media.VictimIdentified, "VictimIdentified", spot
        ):
            labels.append(("victim_identified", "yes"))
        return tuple(labels)

    def _flag(self, value: bool | str | int, name: str, spot: Spot) -> bool:
        try:
            return fields.flag(value)
        except ValueError as error:
            self._part(spot, name, str(error))
            return False

    def _label(self, value: str, name: str) -> str | None:
        text = value.strip()
        if len(text) > _LONGEST_LABEL or _HASH_LIKE.search(text):
            count(self.lost, f"Media.{name}")
            return None
        return text

    def _date(self, text: str, spot: Spot) -> str | None:
        try:
            date = dates.one_spelling(text)
        except ValueError:
            if text.strip():
                self._part(spot, "DateUpdated", "not a date")
            return None
        return None if dates.means_none(date) else date

    def _count(self, media: _Media, spot: Spot) -> None:
        """Count what an entry has no place for."""
        lost = self.lost
        if media.MediaID is not None:
            lost["Media.MediaID"] += 1
        if media.IsPrecategorized not in (None, "", False):
            lost["Media.IsPrecategorized"] += 1
        if any(_TEXTS(media)):
            for name, value in zip(_COUNTED_TEXTS, _TEXTS(media), strict=True):
                if value:
                    lost[f"Media.{name}"] += 1
        for name, raw in zip(_NESTED, _ARRAYS(media), strict=True):
            if raw is not _NO_VALUE:
                try:
                    count_nested(lost, name, bytes(raw), media.MD5)
                except json_text.NotJson:
                    self._part(spot, name, "not an array")

    def _part(self, spot: Spot, name: str, rule: str) -> None:
        self.faults.append(Fault(spot=spot, field=f"Media.{name}", rule=rule, whole=False))

    def _whole(self, spot: Spot, name: str, rule: str) -> None:
        field = name if name == "Media" else f"Media.{name}"
        self.faults.append(Fault(spot=spot, field=field, rule=rule, whole=True))
