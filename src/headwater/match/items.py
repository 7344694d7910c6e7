"""The items of a case as arrays: what they are compared by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.case.records import Comparable, Rehash

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FORM_BYTES = 32
_FORMS = 8
_DIGEST_BYTES = {"sha256": 32, "sha1": 20, "md5": 16}
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Full:
    """The hash of a full decode."""

    codes: Bytes | None
    """Shape (8, 32); None where the decode could not be made."""
    quality: int
    version: int
    """Of the method that made it."""


@dataclass(frozen=True, slots=True)
class Best:
    """Hashes of some items: places, codes of shape (k, 8, 32), and which are from less than all
    pixels."""

    places: Integers
    codes: Bytes
    scaled: Flags


@dataclass(slots=True)
class Items:
    """`n` items, in the order of their outcomes."""

    outcome_ids: Integers
    """Shape (n,)."""
    item_ids: Integers
    digests: dict[str, Bytes]
    """By `sha256`, `sha1`, `md5`: shape (n, bytes of the digest)."""
    codes: Bytes
    """PDQ, shape (n, 8, 32): the dihedral forms in the order of `model.DIHEDRAL`. Zero where an
    item has none."""
    qualities: Integers
    """0..100; -1 where an item has no PDQ."""
    scaled: Flags
    """The codes were reckoned from a decode smaller than the picture. They stay so when a full
    decode is made: what a match comes to may not depend on what else the item was compared with."""
    versions: Integers
    """Of the method that made the codes; 0 where an item has none."""
    full: dict[int, Full] = field(default_factory=dict)
    """By place, the hash of the full decode, for items where one was made or tried."""

    def __len__(self) -> int:
        return len(self.item_ids)

    def comparable(self, places: Integers, least_quality: int) -> Integers:
        """Return those places whose items have a PDQ that may be compared."""
        return places[self.qualities[places] >= least_quality]

    def take_full(self, rehashes: Mapping[int, Rehash]) -> None:
        """Keep hashes of full decodes, by outcome, beside those from smaller ones."""
        for place in np.flatnonzero(self.scaled):
            rehash = rehashes.get(int(self.outcome_ids[place]))
            if rehash is not None:
                codes = None if rehash.pdq is None else _forms(rehash.pdq)
                version = rehash.methods[0].version if rehash.methods else 0
                self.full[int(place)] = Full(codes, rehash.quality or 0, version)

    def to_make_full(self, places: Integers) -> Integers:
        """Return those places whose full decode was not tried yet."""
        return np.array([place for place in places if int(place) not in self.full], np.int64)

    def best(self, places: Integers, least_quality: int) -> Best:
        """Return the best hashes there are of items: from the full decode where it could be made.

        Items whose hash from the full decode is of too low a quality are left out.
        """
        codes, scaled, kept = self.codes[places].copy(), self.scaled[places].copy(), []
        for row, place in enumerate(places):
            full = self.full.get(int(place))
            if full is not None and full.codes is not None:
                codes[row], scaled[row] = full.codes, False
                if full.quality < least_quality:
                    continue
            kept.append(row)
        return Best(places[kept], codes[kept], scaled[kept])

    def quality(self, place: int, *, scaled: bool) -> int:
        """Return the quality of the hash that was compared."""
        full = None if scaled else self.full.get(place)
        return int(self.qualities[place]) if full is None else full.quality

    def method(self, place: int, *, scaled: bool) -> dict[str, str | int]:
        """Return which method made the hash that was compared, and in which version of it."""
        full = None if scaled else self.full.get(place)
        if full is None or full.codes is None:
            return {"method": "pdq", "version": int(self.versions[place])}
        return {"method": "pdq_full", "version": full.version}


def items_of(comparables: Iterable[Comparable]) -> Items:
    """Gather items into arrays; about 360 bytes each, and no more while they are gathered."""
    waiting = iter(comparables)
    parts = [_part_of(list(islice(waiting, _BATCH)))]
    while len(parts[-1]["item_ids"]) == _BATCH:
        parts.append(_part_of(list(islice(waiting, _BATCH))))

    def joined(name: str) -> npt.NDArray[Any]:
        return _joined([part.pop(name) for part in parts])

    return Items(
        outcome_ids=joined("outcome_ids"),
        item_ids=joined("item_ids"),
        digests={name: joined(name) for name in _DIGEST_BYTES},
        codes=joined("codes"),
        qualities=joined("qualities"),
        scaled=joined("scaled"),
        versions=joined("versions"),
    )


def _part_of(held: Sequence[Comparable]) -> dict[str, npt.NDArray[Any]]:
    nothing = bytes(_FORMS * _FORM_BYTES)
    codes = b"".join(one.pdq or nothing for one in held)
    qualities = [-1 if one.pdq is None or one.quality is None else one.quality for one in held]
    part: dict[str, npt.NDArray[Any]] = {
        "outcome_ids": np.array([one.outcome_id for one in held], np.int64),
        "item_ids": np.array([one.item_id for one in held], np.int64),
        "codes": np.frombuffer(codes, np.uint8).reshape(-1, _FORMS, _FORM_BYTES),
        "qualities": np.array(qualities, np.int64),
        "scaled": np.array([one.scaled for one in held], np.bool_),
        "versions": np.array([one.pdq_version for one in held], np.int64),
    }
    for name, size_bytes in _DIGEST_BYTES.items():
        joined = b"".join(getattr(one, name) for one in held)
        part[name] = np.frombuffer(joined, np.uint8).reshape(-1, size_bytes)
    return part


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return parts as one array, giving up each as soon as it is copied."""
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def _forms(pdq: bytes) -> Bytes:
    return np.frombuffer(pdq, np.uint8).reshape(_FORMS, _FORM_BYTES)
