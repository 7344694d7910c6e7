"""One object of a VICS file, mended member by member and otherwise left as it is.

Unknown members, the order of all members, and the spelling of every value that is not mended stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from headwater.lists import json_text
from headwater.lists.vics import fields, spellings, values
from headwater.lists.vics.deviation import Outcome
from headwater.lists.vics.values import Check

Tell = Callable[[int, str, str, Outcome], None]
"""Takes a place of the text, the path below the object, a rule, and what is made of it."""

_MD5 = values.digest(fields.MD5_BYTES)
_SHA1 = values.digest(fields.SHA1_BYTES)
_SHA256 = values.digest(fields.SHA256_BYTES)
_PDQ = values.digest(fields.PDQ_BYTES, upper=False)
_CHECKS: dict[str, Check] = {
    "MD5": _MD5,
    "ParentMD5": _MD5,
    "SHA1": _SHA1,
    "SHA256": _SHA256,
    "PhotoDNA": values.photodna,
    "TotalMediaFiles": values.number,
    "TotalPrecategorized": values.number,
    "MediaID": values.number,
    "MediaSize": values.number,
    "Category": values.number,
    "VictimIdentified": values.flag,
    "OffenderIdentified": values.flag,
    "IsDistributed": values.flag,
    "IsSuspected": values.flag,
    "SelfGenerated": values.flag,
    "IsPrecategorized": values.flag,
    "Unallocated": values.flag,
    "Deleted": values.flag,
    "DateUpdated": values.date,
    "Created": values.date,
    "Written": values.date,
    "Accessed": values.date,
    "Change": values.date,
}
"""Checks by the name of the field, which means the same in every object that has it."""

_UNCHECKED = frozenset(("Media", "SegmentIndex", "Start", "End", *spellings.NESTED))
_ALTERNATIVES: dict[str, Check] = {
    "md5": _MD5,
    "sha1": _SHA1,
    "sha256": _SHA256,
    "pdq": _PDQ,
    "photodna": values.photodna,
}
_MOST_NAMES = 65_536
"""Keys of one object that are looked at for duplicates."""
_MOST_MEMBERS = 65_536
_TOO_MANY = f"more than {_MOST_MEMBERS} members"

CASE = spellings.lower_case(spellings.CASE)
MEDIA = spellings.lower_case(spellings.MEDIA)
_NESTED = {name: spellings.lower_case(known) for name, known in spellings.NESTED.items()}
_REQUIRED = {"MediaFiles": ("MD5", "FileName", "FilePath")}
_CASE_KEYS = frozenset(("caseid", "casenumber", "media", "sourceapplicationname"))
_HASH_KEYS = frozenset(("md5", "sha1", "sha256", "photodna", "alternativehashes"))
_KEY_OTHERWISE = "key spelled otherwise"
_KEY_TWICE = "key given twice"
MISSING = "required and not there"


class _Known(NamedTuple):
    """One member, with its name in the exact spelling; None where VICS has no such field."""

    member: json_text.Member
    key: str
    name: str | None


class Names:
    """The keys of one object that were met, which may come in several pieces."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def met(self, key: str) -> bool:
        """Whether a key, or a known name, was met before; from now on it was."""
        if key in self._keys:
            return True
        if len(self._keys) < _MOST_NAMES:
            self._keys.add(key)
        return False


def mend_element(text: bytes, tell: Tell) -> tuple[bytes, bool]:
    """Return an element of `value` or `Media` with what can be mended mended.

    Says also whether it is a case, which no media lie in. Raises NotJson.
    """
    members = known_members(text, MEDIA)
    if members is None:
        return _left_alone(text, tell), False
    if _are_of_case(members):
        parts = mend_case(text, Names(), tell)
        return b"{" + b",".join(parts) + b"}", True
    parts = mended_members(text, members, Names(), tell)
    hashes = [item.member for item in members if item.name == "MD5"]
    if all(text[member.start : member.stop] in (b'""', b"null") for member in hashes):
        tell(hashes[0].start if hashes else 0, "MD5", MISSING, "kept")
    return b"{" + b",".join(parts) + b"}", False


def mend_case(text: bytes, names: Names, tell: Tell) -> list[bytes]:
    """Return the members of a case, or of a piece of one. Raises NotJson."""
    members = known_members(text, CASE)
    if members is None:
        return [_left_alone(text, tell)[1:-1]]
    return mended_members(text, members, names, tell)


def is_case(text: bytes) -> bool:
    """Whether an object without an array of media is a case all the same. Raises NotJson."""
    members = known_members(text, MEDIA)
    return members is not None and _are_of_case(members)


def _are_of_case(members: list[_Known]) -> bool:
    keys = {item.key.lower() for item in members}
    return not keys.isdisjoint(_CASE_KEYS) and keys.isdisjoint(_HASH_KEYS)


def mended_members(text: bytes, members: list[_Known], names: Names, tell: Tell) -> list[bytes]:
    """Return `key:value` of each member, mended."""
    given: dict[str, int] = {}
    for item in members:
        if item.name is not None:
            given[item.name] = given.get(item.name, 0) + 1
    parts = []
    for item in members:
        key, start, stop = text[item.member.key_start : item.member.key_stop], *item.member[2:]
        value = text[start:stop]
        path = item.name or spellings.shown(item.key)
        if names.met(item.name or item.key):
            tell(item.member.key_start, path, _KEY_TWICE, "kept")
        if item.name is not None:
            if given[item.name] == 1:
                key = _exact_key(key, item, tell)
            value = _mended_value(text, item, tell)
        parts.append(key + b":" + value)
    return parts


def _exact_key(key: bytes, item: _Known, tell: Tell) -> bytes:
    assert item.name is not None
    exact = b'"%b"' % item.name.encode()
    if key != exact:
        tell(item.member.key_start, item.name, _KEY_OTHERWISE, "mended")
    return exact


def _mended_value(text: bytes, item: _Known, tell: Tell) -> bytes:
    assert item.name is not None
    start, stop = item.member.start, item.member.stop
    value = text[start:stop]
    if item.name in _NESTED:
        return _mended_array(text, item, tell)
    check = _CHECKS.get(item.name)
    if check is None:
        if item.name == "Media" and value != b"null":
            tell(start, item.name, "not an array", "kept")
        if item.name in _UNCHECKED:
            return value
        check = values.text
    verdict = check(value)
    if verdict is None:
        return value
    tell(start, item.name, verdict.rule, "mended" if verdict.mended else "kept")
    return verdict.text


def _mended_array(text: bytes, item: _Known, tell: Tell) -> bytes:
    """Return one of the arrays of an entry with its objects mended."""
    assert item.name is not None
    start, stop = item.member.start, item.member.stop
    if text[start:stop] == b"null":
        return b"null"
    if text[start : start + 1] != b"[":
        tell(start, item.name, "not an array", "kept")
        return text[start:stop]
    mended = bytearray(b"[")
    for number, (first, last) in enumerate(json_text.items(text, start)):
        path = f"{item.name}[{number}]"
        if number:
            mended += b","
        if text[first : first + 1] != b"{":
            tell(first, path, "not an object", "kept")
            mended += text[first:last]
        else:
            mended += _mended_element(text, first, item.name, _below(tell, path))
    return bytes(mended + b"]")


def _mended_element(text: bytes, place: int, array: str, tell: Tell) -> bytes:
    members = known_members(text, _NESTED[array], place)
    if members is None:
        return _left_alone(text[place : json_text.value_stop(text, place)], tell)
    parts = mended_members(text, members, Names(), tell)
    for name in _REQUIRED.get(array, ()):
        if all(item.name != name for item in members):
            tell(place, name, MISSING, "kept")
    if array == "AlternativeHashes":
        _mend_alternative(text, members, parts, tell)
    return b"{" + b",".join(parts) + b"}"


def _mend_alternative(text: bytes, members: list[_Known], parts: list[bytes], tell: Tell) -> None:
    """Mend the value of a hash whose kind is told by the member beside it."""
    by_name = {item.name: number for number, item in enumerate(members)}
    kind, place = by_name.get("HashName"), by_name.get("HashValue")
    if kind is None or place is None:
        return
    named = text[members[kind].member.start : members[kind].member.stop]
    value = text[members[place].member.start : members[place].member.stop]
    if not named.startswith(b'"') or not value.startswith(b'"'):
        return
    check = _ALTERNATIVES.get(json_text.string(named).strip().lower().replace("-", ""))
    verdict = check(value) if check else None
    if verdict is not None:
        outcome: Outcome = "mended" if verdict.mended else "kept"
        tell(members[place].member.start, "HashValue", verdict.rule, outcome)
        parts[place] = parts[place][: -len(value)] + verdict.text


def known_members(text: bytes, names: dict[str, str], place: int = 0) -> list[_Known] | None:
    """Return the members of an object; None where they are too many to be held."""
    members = list(islice(_known(text, names, place), _MOST_MEMBERS + 1))
    return members if len(members) <= _MOST_MEMBERS else None


def _left_alone(text: bytes, tell: Tell) -> bytes:
    """Return an object as it is, once its grammar is known to hold."""
    stop = json_text.value_stop(text, 0)
    tell(0, "", _TOO_MANY, "kept")
    return text[:stop]


def _known(text: bytes, names: dict[str, str], place: int = 0) -> Iterator[_Known]:
    for member in json_text.members(text, place):
        key = json_text.string(text[member.key_start : member.key_stop])
        yield _Known(member, key, names.get(key.lower()))


def _below(tell: Tell, path: str) -> Tell:
    def told(place: int, name: str, rule: str, outcome: Outcome) -> None:
        tell(place, f"{path}.{name}" if name else path, rule, outcome)

    return told
