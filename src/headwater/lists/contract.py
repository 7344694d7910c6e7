"""The contract between readers of list formats and those who keep and match what they read.

A reader turns the bytes of a list into batches of entries. It holds one batch at a time, however
long the list is, and says after each where it could go on. What it cannot read of an entry costs
that entry (a `Fault`); what it reads and the contract has no field for is counted (`Batch.lost`).

Values of a list are secrets: no error, fault, log or progress line may carry one, nor any part of
one. A fault names a place in the file and a rule, never what stood there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal, Protocol

import msgspec

from headwater.errors import HeadwaterError

MediaKind = Literal["picture", "video"]
Status = Literal["active", "withdrawn"]
"""`withdrawn`: the list itself says that this entry no longer holds (a deletion, a negative)."""


class Spot(msgspec.Struct, frozen=True):
    """A place in a list file. At least one of the two is set."""

    offset_bytes: int | None = None
    """From the start of the file as it is stored, its byte order mark included."""
    line: int | None = None
    """From 1; for a database, the row."""


class ListFault(HeadwaterError):
    """A list file as a whole cannot be read: truncated, wrong encoding, not what it claims.

    The message says what, where (line or offset) and what to do next, without any value.
    """

    def __init__(self, reason: str, spot: Spot | None = None) -> None:
        if spot is None:
            place = ""
        elif spot.line is not None:
            place = f" at line {spot.line}"
        else:
            place = f" at byte {spot.offset_bytes}"
        super().__init__(f"{reason}{place}")
        self.reason = reason
        self.spot = spot


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a list: what it names, and what it says about that.

    At least one of the five hashes is set. Hashes are raw bytes in Python. Not a `model.Record`:
    it is made ten million times, and never leaves the process that reads the list.
    """

    spot: Spot
    md5: bytes | None = None
    """16 bytes."""
    sha1: bytes | None = None
    """20 bytes."""
    sha256: bytes | None = None
    """32 bytes."""
    pdq: bytes | None = None
    """32 bytes: bits 255..248 first."""
    pdq_quality: int | None = None
    """0..100, where the list tells."""
    photodna: bytes | None = None
    """144 bytes. Compared with other given values only; Headwater computes none."""
    size_bytes: int | None = None
    media: MediaKind | None = None
    category: str | None = None
    """The code as the list writes it, in one spelling (`1`, `A2`, `Baseline`); what it means is
    decided by the scheme that was chosen on import."""
    labels: tuple[tuple[str, str], ...] = ()
    """Further statements by name, sorted: `series`, `tags`, `source`, `list`, `owner`,
    `distributed`, `identified`, `self_generated`, `updated_at`, ... Flags are `yes` or `no`; a
    flag that says no is left out. Never a hash, a name of a file, or a path."""
    status: Status = "active"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, or a part of one, that cannot be read and is left out."""

    spot: Spot
    field: str
    """The field in the format's own words: `MD5`, `Media.MediaSize`, `fingerprints/md5`, ..."""
    rule: str
    """What does not hold, in a few words, without the value: `not 32 hex digits`."""
    whole: bool = True
    """Whether the whole entry is left out, or this field of it alone."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Up to some thousands of entries in the order of the file."""

    entries: list[Entry]
    faults: list[Fault]
    lost: dict[str, int] = {}
    """Values that were read and not kept, counted by the field's full name in the format
    (`Media.Exifs.PropertyValue`, `Media.RelativeFilePath`)."""
    cursor: bytes = b""
    """Given to `read` of a new reader on the same file, it goes on after this batch with nothing
    left out or doubled. Opaque to the caller, small, and free of values of the list."""
    position_bytes: int = 0
    """How much of the file was taken, for progress."""


class Stream(Protocol):
    """The bytes of a list file, from a file or a pipe, as readers get them."""

    size_bytes: int | None
    """None of a pipe."""

    @property
    def seekable(self) -> bool:
        """Whether `seek` works; a pipe is read once, forward."""
        ...

    def read(self, size_bytes: int) -> bytes:
        """Return up to so many bytes, empty at the end."""
        ...

    def seek(self, offset_bytes: int) -> None:
        """Go to a place; raises ListFault where the stream is a pipe."""
        ...

    def tell(self) -> int:
        """Return the place of the next byte to be read."""
        ...


class Reader(Protocol):
    """Reads one format."""

    FORMAT: ClassVar[str]
    """Short name as on the command line: `vics`, `icse`, `ncmec`, `threatexchange`, `stopncii`,
    `nsrl2`, `nsrl3`, `csv`, `plain`, ..."""

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        """Yield the entries of a list, or go on after the batch that gave `cursor`.

        Raises ListFault where the file as a whole breaks off or cannot be what it claims, after
        all batches before that place were given.
        """
        ...
