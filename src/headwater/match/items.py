"""The items of a case as arrays: what they are compared by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.case.records import Comparable, Rehash

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FORM_BYTES = 32
_FORMS = 8


@dataclass(frozen=True, slots=True)
class Full:
    """The hash of a full decode."""

    codes: Bytes | None
    """Shape (8, 32); None where the decode could not be made."""
    quality: int


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
    full: dict[int, Full]
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
                self.full[int(place)] = Full(codes, rehash.quality or 0)

    def to_make_full(self, places: Integers) -> Integers:
        """Return those places whose full decode was not tried yet."""
        return np.array([place for place in places if int(place) not in self.full], np.int64)

    def best(self, places: Integers, least_quality: int) -> Best:
        """Return the best hashes there are of items: from the full decode where it could be made.

        Items whose better hash is of too low a quality are left out.
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


def items_of(comparables: Iterable[Comparable]) -> Items:
    """Gather items into arrays; about 350 bytes each."""
    held = list(comparables)
    digests = {
        name: np.frombuffer(b"".join(getattr(one, name) for one in held), np.uint8).reshape(
            len(held), size
        )
        for name, size in (("sha256", 32), ("sha1", 20), ("md5", 16))
    }
    nothing = bytes(_FORMS * _FORM_BYTES)
    codes = bytearray().join(one.pdq or nothing for one in held)
    return Items(
        outcome_ids=np.array([one.outcome_id for one in held], np.int64),
        item_ids=np.array([one.item_id for one in held], np.int64),
        digests=digests,
        codes=np.frombuffer(codes, np.uint8).reshape(len(held), _FORMS, _FORM_BYTES),
        qualities=np.array(
            [-1 if one.pdq is None or one.quality is None else one.quality for one in held],
            np.int64,
        ),
        scaled=np.array([one.scaled for one in held], np.bool_),
        full={},
    )


def _forms(pdq: bytes) -> Bytes:
    return np.frombuffer(pdq, np.uint8).reshape(_FORMS, _FORM_BYTES)
