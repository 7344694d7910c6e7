"""What was planted in the evidence, as records that tests and the demo can check against."""

from __future__ import annotations

from typing import Literal

from headwater.model import Kind, PlaceKind, Record

Size = Literal["small", "normal"]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are just outside."""


class DemoPlace(Record, frozen=True, kw_only=True):
    """A public square that pictures were taken on."""

    key: str
    name: str
    latitude_degrees: float
    longitude_degrees: float
    utc_offset_hours: int


class DemoCamera(Record, frozen=True, kw_only=True):
    """One simulated camera body. Its make and model are invented."""

    key: str
    make: str
    model: str
    body_serial: str
    software: str
    width_px: int
    height_px: int
    writes_gps: bool
    writes_utc_offset: bool


class Copy(Record, frozen=True, kw_only=True):
    """How a file was made from another one."""

    of: str
    """The `key` of the file that it was made from."""
    edit: str
    """`exact`, `recompressed`, `cropped`, ...: see `edits.EDITS` and `films`."""
    shows: Box | None = None
    """The part of that file's upright picture that is seen; None where all of it is."""
    placed: Box | None = None
    """Where it lies in this file's upright picture; None where it fills it."""
    mirrored: bool = False
    quarter_turns: int = 0
    """How often a viewer sees it turned by 90 degrees anticlockwise against that file."""
    start_seconds: float | None = None
    """Where in that film this one begins."""


class Film(Record, frozen=True, kw_only=True):
    """What a film shows."""

    width_px: int
    height_px: int
    """Size of the stored frames."""
    frames: int
    frames_per_second: int
    cuts: tuple[int, ...]
    """Numbers of the frames that begin a new scene, the first (0) left out."""
    scenes: tuple[str, ...]
    rotation_degrees: int = 0
    """How far a player turns it clockwise."""
    has_sound: bool = False


class Planted(Record, frozen=True, kw_only=True):
    """One file of the evidence, or one member inside an archive of it."""

    key: str
    """Readable and unique: the path, then `!/` and the name for each archive gone into."""
    path: bytes
    """Path of the file below the folder."""
    inside: tuple[bytes, ...] = ()
    """Stored names of the members that lead to it; empty for a file of the folder.

    A layer that only compresses (gzip around tar) has no name of its own and is left out.
    """
    entry: PlaceKind = "file"
    kind: Kind
    format: str
    """What the bytes are: `jpeg`, `png`, `mp4`, ...; `none` for a link or a FIFO."""
    size_bytes: int
    sha256: bytes | None
    """None for a link or a FIFO."""
    modified_at: str
    """RFC 3339 in UTC, as set on the file or stored in its archive."""
    camera: str | None = None
    """Key of the camera whose sensor saw the picture (also for copies)."""
    scene: str | None = None
    """Kind and number of the scene: equal for all pictures of one place, from any view."""
    place: str | None = None
    taken_at: str | None = None
    """RFC 3339 with the offset of the place."""
    copy_of: Copy | None = None
    film: Film | None = None
    password: str | None = None
    """What opens the archive."""
    broken: str | None = None
    """What is wrong with the bytes, in words; None where nothing is."""
    refuse: str | None = None
    """Why it is not to be opened though nothing is wrong with it; None where it may be."""
    odd: str | None = None
    """What else is unusual: a second format inside, a name that lies, ..."""


class DemoManifest(Record, frozen=True, kw_only=True):
    """Everything that `make_evidence` wrote, sorted by path and stored order."""

    seed: int
    size: Size
    cameras: tuple[DemoCamera, ...]
    places: tuple[DemoPlace, ...]
    planted: tuple[Planted, ...]

    def by_key(self, key: str) -> Planted:
        """Return one planted file. Raises KeyError where there is none of that key."""
        for item in self.planted:
            if item.key == key:
                return item
        raise KeyError(key)

    def files(self) -> tuple[Planted, ...]:
        """What lies in the folder itself, archives included, their members not."""
        return tuple(item for item in self.planted if not item.inside)

    def originals(self) -> tuple[Planted, ...]:
        """Camera originals: pictures with a camera that are copies of nothing."""
        return tuple(
            item
            for item in self.planted
            if item.kind == "picture" and item.camera and item.copy_of is None
        )

    def family(self, key: str) -> tuple[Planted, ...]:
        """Return all copies of a file, and the copies of those, in the manifest's order."""
        known, found = {key}, True
        while found:
            more = {i.key for i in self.planted if i.copy_of and i.copy_of.of in known} - known
            known, found = known | more, bool(more)
        return tuple(item for item in self.planted if item.key in known - {key})
