"""The frozen records that cross layers.

A field name has one meaning and one unit everywhere: `*_bytes` are byte counts or offsets,
`*_px` pixels, `*_seconds` seconds, `*_bits` Hamming distances, `sha256` is 32 raw bytes in
Python and 64 lower-case hex digits in any text format. Times are RFC 3339 text, and each stands
beside its basis (`filesystem`, `archive`, ...). Text that came from evidence may hold any
character; whoever shows it escapes it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["picture", "video", "archive", "other"]
"""What an item is, by its content: `other` is everything Headwater does not open."""

State = Literal["measured", "not_media", "refused", "failed"]
"""How an item (or a place without an item) ended. Exactly one holds."""

Decision = Literal["read", "refused", "failed"]

DIHEDRAL = (
    "original",
    "rotate90",
    "rotate180",
    "rotate270",
    "flipv",
    "fliph",
    "rotate90_flip",
    "rotate270_flip",
)
"""The eight forms of a picture's PDQ, in the order of the reference implementation. `rotate*` turn
counter-clockwise, `flipv` turns upside down, `fliph` mirrors left and right, `rotate90_flip` swaps
rows and columns (a flip at the main diagonal), and `rotate270_flip` flips at the other diagonal."""

MEASURED: State = "measured"
NOT_MEDIA: State = "not_media"
REFUSED: State = "refused"
FAILED: State = "failed"


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of records that are stored or exchanged."""


class Problem(Record, frozen=True, kw_only=True):
    """Something that went wrong or was left out, as a value.

    `code` is a stable word (`malformed`, `refused`, `limit`, `crashed`, `hung`, `unreadable`,
    `changed`, `quarantined`, ...); `reason` is for a person; `where` names the measure or step.
    """

    code: str
    where: str
    reason: str
    limit: str | None = None
    reproducible: bool = True


class Time(Record, frozen=True, kw_only=True):
    """One clock reading of a place."""

    at: str
    """RFC 3339, in UTC with `Z`, or without an offset where the basis knows none."""
    basis: str
    """Which clock: `filesystem:modified`, `zip:dos`, `zip:extended`, `tar:modified`, ..."""


class Claim(Record, frozen=True, kw_only=True):
    """One format that the bytes of an item could be read as."""

    format: str
    offset_bytes: int
    evidence: str
    """`magic`, `structure`, ..."""


class Embedded(Record, frozen=True, kw_only=True):
    """Media that lies inside an item's bytes and becomes an item of its own."""

    name: str
    """What it is: `motion-video`, `gain-map`, `mpo-2`, `trailing`, ..."""
    offset_bytes: int
    size_bytes: int


class Identity(Record, frozen=True, kw_only=True):
    """What an item is, decided by its content and never by its name."""

    kind: Kind
    format: str
    """Headwater's short name: `jpeg`, `png`, `heif`, `mp4`, `zip`, ... or `unknown`."""
    media_type: str | None
    """IANA media type, None where nothing on the allow-list was recognised."""
    claims: tuple[Claim, ...] = ()
    """Every recognised format, the accepted one first: more than one is a polyglot."""
    embedded: tuple[Embedded, ...] = ()
    trailing_bytes: int = 0
    """Bytes after the end that the structure gives, 0 where there are none or it cannot be told."""
    notes: tuple[str, ...] = ()
    """Disagreements between magic and structure, in words."""


class Digests(Record, frozen=True, kw_only=True):
    """Cryptographic digests of all bytes of an item."""

    sha256: bytes
    sha1: bytes
    md5: bytes
    size_bytes: int


class Method(Record, frozen=True, kw_only=True):
    """What made a result. The key of every result is (item, method)."""

    name: str
    version: int
    options_sha256: str
    environment_sha256: str
    """Digest of the libraries and models that decide the output; see `engine.environment`."""


PlaceKind = Literal["file", "link", "device", "fifo", "socket", "directory"]
"""`directory` places are written only for a directory that could not be read."""


class Occurrence(Record, frozen=True, kw_only=True):
    """One place of one content in a source. `directory` + `/` + `name` is its path there."""

    source_id: int
    directory: bytes
    """Path below the source, without a leading or trailing slash; empty at its top."""
    name: bytes
    kind: PlaceKind
    item_sha256: bytes | None
    """None where nothing was read (`kind` is not `file`, or it could not be)."""
    state: State | None = None
    """How the place ended where there is no item; None where the item tells."""
    size_bytes: int | None
    modified_ns: int | None = None
    """Nanoseconds since 1970-01-01 UTC by the file system's clock; so are the next three."""
    changed_ns: int | None = None
    accessed_ns: int | None = None
    created_ns: int | None = None
    """None where the file system keeps none."""
    problems: tuple[Problem, ...] = ()


class Containment(Record, frozen=True, kw_only=True):
    """One place of one content inside another item: an archive's member, an embedded video."""

    parent_sha256: bytes
    ordinal: int
    """Position in stored order; embedded media count on from 0 in their own order."""
    name: bytes
    """The stored name, untouched."""
    child_sha256: bytes | None
    state: State | None = None
    size_bytes: int | None
    offset_bytes: int | None = None
    times: tuple[Time, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class Outcome(Record, frozen=True, kw_only=True):
    """Everything one visit to one item gave; what a worker answers and the store keeps.

    `measurements` holds canonical JSON objects by measure name (keys sorted, floats rounded by
    the measure). `blobs` are the bytes that they refer to by SHA-256.
    """

    digests: Digests
    identity: Identity
    state: State
    measurements: dict[str, bytes] = {}
    methods: tuple[Method, ...] = ()
    """One for each entry of `measurements`, sorted by name."""
    blobs: tuple[bytes, ...] = ()
    problems: tuple[Problem, ...] = ()
