"""Who photographed what, where and when, and what became of it: the script of the evidence."""

from __future__ import annotations

from typing import NamedTuple

from headwater.demo.edits import EditName
from headwater.demo.scenes import SceneKind


class PlannedShot(NamedTuple):
    """One exposure."""

    label: str
    camera: str
    place: str
    local_time: str
    """Wall clock of the place, with hundredths of a second."""
    kind: SceneKind
    number: int
    pan: float = 0.0
    upright: bool = False


SHOTS: tuple[PlannedShot, ...] = (
    # Munich, three days in May: a telephone and the first Quillon.
    PlannedShot("town", "roam", "munich", "2026-05-13T10:15:23.41", "canal", 0),
    PlannedShot("town-again", "roam", "munich", "2026-05-13T10:16:02.07", "canal", 0, 0.11),
    PlannedShot("lake", "roam", "munich", "2026-05-14T17:42:51.88", "lake", 0),
    PlannedShot("evening", "quillon-a", "munich", "2026-05-14T20:31:10.15", "lake", 1),
    PlannedShot("fountain", "quillon-a", "munich", "2026-05-15T09:05:44.62", "canal", 1),
    # Lisbon: both in one room, minutes apart.
    PlannedShot("room", "roam", "lisbon", "2026-05-17T16:20:09.30", "room", 0),
    PlannedShot("room-second", "quillon-a", "lisbon", "2026-05-17T16:24:37.55", "room", 0, -0.1),
    PlannedShot("still", "roam", "lisbon", "2026-05-17T18:02:30.94", "table", 0, 0.0, True),
    PlannedShot("beach", "roam", "lisbon", "2026-05-18T11:47:16.23", "coast", 0),
    PlannedShot("lamps", "quillon-a", "lisbon", "2026-05-18T22:10:55.71", "night", 0),
    # Buenos Aires, in June: the second Quillon, a body of the same model.
    PlannedShot("bay", "quillon-b", "buenos-aires", "2026-06-09T12:33:40.18", "coast", 1),
    PlannedShot("flat", "quillon-b", "buenos-aires", "2026-06-09T19:15:01.84", "room", 1),
    PlannedShot("square", "quillon-b", "buenos-aires", "2026-06-10T21:50:27.36", "night", 1),
    PlannedShot("autumn", "quillon-b", "buenos-aires", "2026-06-11T15:08:12.49", "lake", 2),
    # Melbourne, in July: the Field.
    PlannedShot("cape", "field", "melbourne", "2026-07-20T13:12:48.77", "coast", 2),
    PlannedShot("flowers", "field", "melbourne", "2026-07-21T10:40:05.02", "table", 2),
    PlannedShot("flowers-again", "field", "melbourne", "2026-07-21T10:41:19.60", "table", 2, 0.08),
    PlannedShot("quay", "field", "melbourne", "2026-07-22T17:55:33.13", "canal", 3),
)

HOLIDAY = b"computer/Archives/holiday.zip"
ONLY_IN_ARCHIVE: dict[str, bytes] = {"quay": b"Holiday/Town/MOW02106.JPG"}
"""Shots whose original is a member of `HOLIDAY` alone; the folder holds a copy of it."""


class PlannedCopy(NamedTuple):
    """One copy of a shot, or of a copy."""

    label: str
    of: str
    edit: EditName
    path: bytes
    modified: str
    """UTC."""


_EDITED = b"computer/Pictures/Edited/"
_CONVERTED = b"computer/Pictures/Converted/"
_DOWNLOADS = b"computer/Downloads/"
_MESSENGER = b"phone/Messenger/Media/"
_DESKTOP = b"computer/Desktop/"

COPIES: tuple[PlannedCopy, ...] = (
    # The large family: one picture, and how it travels.
    PlannedCopy(
        "town-backup", "town", "exact", b"computer/Pictures/Backup/town.jpg", "2026-05-20T08:00:01"
    ),
    PlannedCopy(
        "town-stripped", "town", "stripped", _DOWNLOADS + b"image.jpg", "2026-05-20T08:12:40"
    ),
    PlannedCopy("town-saved", "town", "recompressed", _EDITED + b"town.jpg", "2026-05-21T19:30:12"),
    PlannedCopy(
        "town-small", "town-saved", "resized", _EDITED + b"town-web.jpg", "2026-05-21T19:31:55"
    ),
    PlannedCopy(
        "town-cropped", "town", "cropped", _EDITED + b"town-cropped.jpg", "2026-05-21T19:40:20"
    ),
    PlannedCopy(
        "town-sent",
        "town-cropped",
        "messenger",
        _MESSENGER + b"IMG-20260522-WA0007.jpg",
        "2026-05-22T07:15:09",
    ),
    PlannedCopy(
        "town-screen",
        "town-sent",
        "framed",
        b"phone/Screenshots/Screenshot_20260522-184200.png",
        "2026-05-22T16:42:00",
    ),
    PlannedCopy("town-card", "town", "captioned", _EDITED + b"postcard.jpg", "2026-05-23T11:02:33"),
    # Smaller ones.
    PlannedCopy(
        "room-mirrored", "room", "mirrored", _DOWNLOADS + b"IMG_5512.jpg", "2026-05-29T21:10:00"
    ),
    PlannedCopy("room-grey", "room", "grey", _EDITED + b"room-grey.jpg", "2026-05-30T09:00:41"),
    PlannedCopy(
        "still-sent",
        "still",
        "messenger",
        _MESSENGER + b"IMG-20260518-WA0002.jpg",
        "2026-05-18T06:20:18",
    ),
    PlannedCopy(
        "still-stripped", "still", "stripped", _DOWNLOADS + b"image (1).jpg", "2026-05-31T10:10:10"
    ),
    PlannedCopy(
        "beach-turned", "beach", "turned", _EDITED + b"beach-turned.jpg", "2026-06-01T14:22:05"
    ),
    PlannedCopy(
        "fountain-progressive",
        "fountain",
        "progressive",
        _DOWNLOADS + b"fountain.jpg",
        "2026-06-02T12:00:00",
    ),
    PlannedCopy(
        "fountain-inks",
        "fountain",
        "cmyk",
        _CONVERTED + b"fountain-print.jpg",
        "2026-06-02T12:05:30",
    ),
    PlannedCopy("flat-small", "flat", "resized", _DOWNLOADS + b"flat.jpg", "2026-06-12T18:00:25"),
    PlannedCopy(
        "quay-small", "quay", "resized", _DOWNLOADS + b"harbour.jpg", "2026-08-01T09:45:50"
    ),
    PlannedCopy("lake-png", "lake", "png", _CONVERTED + b"lake.png", "2026-06-03T10:00:00"),
    PlannedCopy("lake-webp", "lake", "webp", _CONVERTED + b"lake.webp", "2026-06-03T10:00:02"),
    PlannedCopy("lake-tiff", "lake", "tiff", _CONVERTED + b"lake.tif", "2026-06-03T10:00:04"),
    PlannedCopy("lake-bmp", "lake", "bmp", _CONVERTED + b"lake.bmp", "2026-06-03T10:00:06"),
    PlannedCopy("beach-avif", "beach", "avif", _CONVERTED + b"beach.avif", "2026-06-03T10:00:08"),
    PlannedCopy(
        "beach-jp2", "beach", "jpeg-2000", _CONVERTED + b"beach.jp2", "2026-06-03T10:00:10"
    ),
    PlannedCopy("beach-jxl", "beach", "jpeg-xl", _CONVERTED + b"beach.jxl", "2026-06-03T10:00:12"),
    PlannedCopy("lamps-gif", "lamps", "gif", _CONVERTED + b"lamps.gif", "2026-06-03T10:00:14"),
    PlannedCopy("lamps-apng", "lamps", "apng", _CONVERTED + b"lamps.png", "2026-06-03T10:00:16"),
    PlannedCopy(
        "cape-pair", "cape", "picture-pair", _CONVERTED + b"cape.mpo", "2026-08-02T15:30:00"
    ),
    # One picture under names that are hard to keep, show and print.
    PlannedCopy(
        "latin", "town-sent", "exact", _DESKTOP + b"caf\xe9 d'\xe9t\xe9.jpg", "2026-06-20T10:00:00"
    ),
    PlannedCopy(
        "newline", "town-sent", "exact", _DESKTOP + b"two\nlines.jpg", "2026-06-20T10:01:00"
    ),
    PlannedCopy(
        "long", "town-sent", "exact", _DESKTOP + b"long " * 50 + b"n.jpg", "2026-06-20T10:02:00"
    ),
    PlannedCopy(
        "markup",
        "still-sent",
        "exact",
        _DESKTOP + b'<i>tilted</i> & "quoted".jpg',
        "2026-06-20T10:03:00",
    ),
    PlannedCopy(
        "unicode",
        "still-sent",
        "exact",
        _DESKTOP + "Sommer \u2600 \u590f \u0627\u0644\u0635\u064a\u0641.jpg".encode(),
        "2026-06-20T10:04:00",
    ),
    PlannedCopy(
        "no-picture-name",
        "still-sent",
        "exact",
        _DESKTOP + b"shopping list.txt",
        "2026-06-20T10:05:00",
    ),
)

MOTION_PHOTO = PlannedCopy(
    "motion",
    "lake",
    "motion-photo",
    b"phone/DCIM/Camera/MVIMG_20260514_174251.jpg",
    "2026-05-14T15:42:53",
)
ZIP_BEHIND = PlannedCopy(
    "polyglot", "flat-small", "zip-behind", _DOWNLOADS + b"flat (1).jpg", "2026-06-12T18:03:00"
)


class PlannedFilm(NamedTuple):
    """One film: its takes as (kind, number, seconds)."""

    path: bytes
    form: str
    modified: str
    """UTC."""
    takes: tuple[tuple[SceneKind, int, int], ...]
    place: str | None = None
    sound: bool = False
    upright: bool = False


_FILMS = b"computer/Videos/"

WALK = PlannedFilm(
    _FILMS + b"walk.mp4",
    "mp4",
    "2026-05-15T12:00:00",
    (("canal", 6, 3), ("lake", 6, 4), ("room", 6, 3)),
    sound=True,
)
"""The film that the others are copies of."""
TRIM_SECONDS = 3
"""Where its trimmed copy begins: the first cut."""

FILMS: tuple[PlannedFilm, ...] = (
    PlannedFilm(
        b"phone/DCIM/Camera/VID_20260517_163000.mov",
        "mov",
        "2026-05-17T15:30:05",
        (("room", 0, 4), ("coast", 7, 3)),
        place="lisbon",
    ),
    PlannedFilm(
        _FILMS + b"evening.mkv", "mkv", "2026-06-11T02:00:00", (("night", 8, 3), ("table", 8, 3))
    ),
    PlannedFilm(
        _FILMS + b"clip.avi", "avi", "2026-06-15T10:20:00", (("coast", 9, 2), ("canal", 9, 2))
    ),
    PlannedFilm(
        _FILMS + b"upright.mp4", "mp4", "2026-07-21T01:00:00", (("table", 10, 4),), upright=True
    ),
)
TRIMMED_PATH, TRIMMED_MODIFIED = _FILMS + b"walk-short.mp4", "2026-05-16T08:00:00"
TRANSCODED_PATH, TRANSCODED_MODIFIED = _DOWNLOADS + b"video.webm", "2026-05-25T20:00:00"
