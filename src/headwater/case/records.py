"""The records of the case: what the engine hands in, and what a question to the case gives back."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from headwater.model import (
    Containment,
    Kind,
    Method,
    Occurrence,
    Outcome,
    Problem,
    Record,
    State,
    Time,
)

ListRole = Literal["watch", "known", "negative"]
"""`watch` lists pre-categorise, `known` lists only say that a file is known (never that it is
good), and `negative` lists hold confirmed false matches and suppress."""

MatchKind = Literal["sha256", "sha1", "md5", "pdq", "photodna"]
MatchStanding = Literal["match", "unconfirmed", "ended"]
"""`unconfirmed`: the decision hangs on a full decode that could not be made. `ended`: a later
comparison no longer finds it."""


class CaseInfo(Record, frozen=True, kw_only=True):
    """What a case says about itself; written once, in its first leaf.

    A caller of `CaseStore.create` gives the first five fields; the store fills in the others.
    """

    name: str
    examiner: str
    organisation: str
    authority: str
    """The order, warrant or policy under which the examination is made."""
    thumbnails: bool = True
    case_id: str = ""
    """16 random bytes as 32 hex digits."""
    made_at: str = ""
    """RFC 3339, UTC."""
    program_version: str = ""
    schema_revision: str = ""
    public_key: str = ""
    """Ed25519 public key of the checkpoints, 64 hex digits."""


class RunInfo(Record, frozen=True, kw_only=True):
    """The facts of one run, known when it starts."""

    program_version: str
    options: str
    """What was asked for, as JSON."""
    engine: str
    workers: int
    cage: dict[str, str]
    """The cage's own report."""
    probes: int = 0
    """Attempts to leave the cage that were made, and failed, before the first item."""
    uncaged: bool = False
    accept_atime: bool = False
    """Reads that may change access times were allowed."""
    versions: dict[str, str]
    """Libraries that decide the output."""


class Attempt(Record, frozen=True, kw_only=True):
    """A try of an item or place that ended with the death of its worker."""

    key: bytes
    """What was tried, in the engine's own words: a SHA-256, or a source and a path."""
    reason: str


class Walk(Record, frozen=True, kw_only=True):
    """The walk of an archive came to its end: all its containments are in the case.

    It belongs to the latest outcome of the archive, that of the same batch included.
    """

    parent_sha256: bytes
    members: int
    unpacked_bytes: int
    problems: tuple[Problem, ...] = ()
    """Why the walk ended early, where it did."""


class Batch(Record, frozen=True, kw_only=True):
    """What one commit adds. The order within a field carries no meaning, but one: where two
    entries speak of the same item or place, the later one holds and the earlier is not stored.

    An occurrence, containment or walk names items of this batch or of an earlier one. What is
    already stored as the latest word on its item or place is not stored again.
    """

    outcomes: tuple[Outcome, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    containments: tuple[Containment, ...] = ()
    walks: tuple[Walk, ...] = ()
    attempts: tuple[Attempt, ...] = ()


class Seen(Record, frozen=True, kw_only=True):
    """The latest word on one place of a source."""

    size_bytes: int | None
    modified_ns: int | None
    changed_ns: int | None
    item_id: int | None
    item_sha256: bytes | None
    state: State | None
    """None where the item tells."""
    kind: str
    """A `model.PlaceKind`."""


class ItemState(Record, frozen=True, kw_only=True):
    """The latest word on one item, as the engine needs it to decide what is left to do."""

    item_id: int
    state: State
    kind: Kind
    format: str
    methods: tuple[Method, ...]
    """Whose results the case has, sorted by name."""
    finished: bool
    """It was visited, and if it is an archive that was opened, walked to its end since."""
    reproducible: bool
    """False where a problem of it may not come up again (time, a crash)."""
    problems: tuple[str, ...]
    """Codes of its problems, in order."""


class Checkpoint(Record, frozen=True, kw_only=True):
    """A signed statement that the log had this root at this size."""

    case_id: str
    size: int
    """Leaves."""
    root_hex: str
    """64 hex digits."""
    at: str
    key_id: str
    """First 16 hex digits of the SHA-256 of the public key."""
    note: str
    """The signed note itself, as it is written to a file."""


class Counts(Record, frozen=True, kw_only=True):
    """How much a case holds. Superseded rows are not counted."""

    occurrences: int
    """Places: files of the sources, and members of containers once for each place of those."""
    files: int
    """Places in sources, as they are stored."""
    members: int
    """Places in containers, as they are stored: once for each container."""
    items: int
    items_by_state: dict[str, int]
    items_by_kind: dict[str, int]
    items_by_format: dict[str, int]
    measurements: int
    measurements_by_method: dict[str, int]
    unread_places: int
    """Files and members, as stored, whose bytes were not read."""
    problems: int
    problems_by_code: dict[str, int]
    blobs: int
    blob_bytes: int
    leaves: int


class ItemFilter(Record, frozen=True, kw_only=True):
    """Which items to list; an empty field does not restrict, and all fields must hold."""

    states: tuple[State, ...] = ()
    kinds: tuple[Kind, ...] = ()
    formats: tuple[str, ...] = ()
    problem_codes: tuple[str, ...] = ()


class ItemRow(Record, frozen=True, kw_only=True):
    """One item with its latest outcome."""

    item_id: int
    sha256: bytes
    sha1: bytes
    md5: bytes
    size_bytes: int
    state: State
    kind: Kind
    format: str
    media_type: str | None


class Found(Record, frozen=True, kw_only=True):
    """The items that a question fits: the first ones, and how many there are in all."""

    items: tuple[ItemRow, ...]
    """In the order of their SHA-256."""
    total: int


class Step(Record, frozen=True, kw_only=True):
    """One step of a place into a container."""

    parent_sha256: bytes
    ordinal: int
    name: bytes
    size_bytes: int | None
    offset_bytes: int | None
    times: tuple[Time, ...] = ()
    notes: tuple[str, ...] = ()


class Place(Record, frozen=True, kw_only=True):
    """Where a content lies: a path in a source, then steps into containers, outermost first.

    Size and times are those of the file in the source.
    """

    source_id: int
    source_path: bytes
    directory: bytes
    name: bytes
    size_bytes: int | None
    modified_ns: int | None
    changed_ns: int | None
    accessed_ns: int | None
    created_ns: int | None
    steps: tuple[Step, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Problems of the last part of the place itself, not of its content."""

    @property
    def path(self) -> bytes:
        """Path of the file below its source."""
        return self.directory + b"/" + self.name if self.directory else self.name

    @property
    def whole_path(self) -> bytes:
        """Path of the file and the names of the members inside, with `//` between them."""
        return b"//".join([self.path, *(step.name for step in self.steps)])


class UnreadPlace(Record, frozen=True, kw_only=True):
    """A place whose bytes were not read: an occurrence, or a containment."""

    state: State | None
    occurrence: Occurrence | None = None
    containment: Containment | None = None
    problems: tuple[Problem, ...] = ()


class SourceRow(Record, frozen=True, kw_only=True):
    """One source of the case."""

    source_id: int
    kind: str
    path: bytes
    first_seen_at: str


class RunEvent(Record, frozen=True, kw_only=True):
    """Something that happened to a run: `finish`, `stopped`, ..."""

    event: str
    at: str
    detail: dict[str, object]


class RunRow(Record, frozen=True, kw_only=True):
    """One run with all that happened to it."""

    run_id: int
    started_at: str
    info: RunInfo
    events: tuple[RunEvent, ...]


class Facts(Record, frozen=True, kw_only=True):
    """The measurements of an item that are filtered or joined, in columns of their own."""

    width_px: int | None = None
    height_px: int | None = None
    duration_seconds: float | None = None
    pdq: bytes | None = None
    """256-bit perceptual hash, 32 bytes. Treat it as content."""
    pdq_quality: int | None = None
    taken_at: str | None = None
    taken_basis: str | None = None
    latitude_degrees: float | None = None
    longitude_degrees: float | None = None
    make: str | None = None
    model: str | None = None


class ListInfo(Record, frozen=True, kw_only=True):
    """What is known of a list as a whole."""

    name: str
    folder: str
    """Name of the folder of its sealed files, 32 hex digits."""
    format: str
    role: ListRole
    version: str
    source: str
    purpose: str
    licence: str
    dated: str
    """The list's own date, in its own words."""
    scheme: str
    """Category scheme that was chosen for its codes."""
    signer: str | None
    """Id of the key that signed the list file, None for an unsigned list."""
    imported_by: str
    file_sha256: bytes
    manifest_sha256: bytes
    entries: int
    report: dict[str, Any]
    """Counts by kind of hash, faults by rule, values that were not kept by field."""


class ListVersion(Record, frozen=True, kw_only=True):
    """A list as it was imported once, and what became of it."""

    version_id: int
    info: ListInfo
    imported_at: str
    program_version: str
    standing: Literal["served", "replaced", "withdrawn"]
    standing_since: str
    standing_reason: str

    @property
    def serves(self) -> bool:
        """Return whether it is matched against."""
        return self.standing == "served"


class Comparable(Record, frozen=True, kw_only=True):
    """What one item can be compared by, as its latest outcome gives it."""

    outcome_id: int
    item_id: int
    sha256: bytes
    sha1: bytes
    md5: bytes
    pdq: bytes | None
    """Eight dihedral forms in the order of `model.DIHEDRAL`, 256 bytes."""
    quality: int | None
    scaled: bool
    """The hash was reckoned from a decode smaller than the picture."""
    pdq_version: int = 0
    """Version of the method that made the hash, 0 without one."""


class FoundMatch(Record, frozen=True, kw_only=True):
    """One match of an item: with a list, or with another item."""

    item_id: int
    list_version_id: int | None = None
    partner_item_id: int | None = None
    kind: MatchKind
    standing: MatchStanding
    distance: int | None = None
    """For `pdq`, bits; for `photodna`, the squared distance of the paper's vectors; else None."""
    entries: int = 1
    """Entries of the list that match in this kind; 1 with a partner."""
    detail: dict[str, Any] = msgspec.field(default_factory=dict)
    """What the list says of the entries, and how the match was made."""


class Compared(Record, frozen=True, kw_only=True):
    """What a comparison covered: what it did not find there is no match any more."""

    item_ids: frozenset[int] = frozenset()
    list_version_ids: frozenset[int] = frozenset()
    partners: bool = False
    """The items were compared with all others of the case too."""


class Rehash(Record, frozen=True, kw_only=True):
    """PDQ of an item's full decode, or why there is none."""

    outcome_id: int
    methods: tuple[Method, ...] = ()
    """The one method that made it; none where it could not be made."""
    pdq: bytes | None = None
    """Eight dihedral forms in their order, 256 bytes."""
    quality: int | None = None
    problem: str | None = None


class MatchPass(Record, frozen=True, kw_only=True):
    """What was compared with what: all outcomes up to one, with a list or with each other."""

    list_version_id: int | None
    rule: str
    outcome_id: int


class Decision(Record, frozen=True, kw_only=True):
    """What a person decided of an item."""

    category: str
    at: str
    by: str
    note: str
