"""The contract of a measure: one file, one class, one pure method.

A measure reads one media item and returns one record. It has no database, network, clock, global
state or printing. `docs/add-a-measure.md` teaches how to add one; `tests/measures/test_contract.py`
holds every registered measure to what is said here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from headwater.media.media import Media
from headwater.model import Kind, Record


class Doc(Record, frozen=True, kw_only=True):
    """What a person who relies on a measure has to know. The docs are generated from it."""

    requirement: str
    """What the measure is for, as a testable sentence."""
    shows: str
    cannot_show: str
    method: str
    """The published method or specification, with its section."""
    validated_on: str
    """What it was validated on, or `not validated`."""
    techniques: tuple[str, ...] = ()
    """SOLVE-IT technique ids that it serves."""
    tests: tuple[str, ...] = ()
    """Ids of the tests that hold it to its requirement (`tests/...::test_name`)."""


class CannotMeasure(Record, frozen=True, kw_only=True):
    """An expected failure: this item has nothing of the kind, or cannot give it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A record, with the bytes it refers to by digest (a thumbnail, an embedded picture)."""

    record: Record
    blobs: tuple[bytes, ...] = field(default=())


class Measure(ABC):
    """One measurement of one media item."""

    NAME: ClassVar[str]
    """Lower-case words joined by `_`; the key under `measurements` in every output."""
    VERSION: ClassVar[int]
    """Rises whenever an output could change."""
    KINDS: ClassVar[frozenset[Kind]]
    RECORD: ClassVar[type[Record]]
    LIBRARIES: ClassVar[tuple[str, ...]]
    """Distributions whose version decides the output; they go into the method's digest."""
    COST: ClassVar[str]
    """In words with numbers: `0.1 ms` or `3 ms at 12 megapixels, beyond the shared decode`."""
    DOC: ClassVar[Doc]

    def __init__(self, options: msgspec.Struct | None = None) -> None:
        self.options = options

    @abstractmethod
    def measure(self, media: Media) -> Measured | CannotMeasure:
        """Return what was read off `media`.

        May raise any `errors.ContentError`; that is recorded as a problem of this measure, and
        the item's other measures go on.
        """
