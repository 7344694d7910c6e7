"""Thumbnails and previews inside a picture, set beside the picture itself."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from headwater.errors import ContentError, Malformed
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure, Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.metadata.embedded_pictures import EmbeddedPlace, find_embedded
from headwater.media.metadata.exif_tree import exif_tree_of
from headwater.media.metadata.jpeg_tables import quantisation_sha256
from headwater.media.metadata.segments import segments_of
from headwater.media.pictures.header import PictureHeader
from headwater.media.pictures.jpeg import walk_jpeg
from headwater.media.pictures.jpeg_decode import decode_jpeg
from headwater.media.pictures.jpeg_header import read_jpeg_header
from headwater.media.raster import Pixels
from headwater.model import DIHEDRAL, Record

PIXELS_MOST = 64_000_000
"""Of one embedded picture, and of all that are decoded together."""
SAME_ASPECT = 0.03
"""Ratios of sides that differ by less are the same: small sides are whole numbers."""
BARRED_ASPECT = 0.05
"""The same for what is left inside bars, whose edges are smeared."""
_BAR_SPREAD = 20
"""Levels by which a bar's pixels may differ from its corner's, compression included."""
_INNER_LEAST = 16
"""Rows and columns that bars leave at least."""


class EmbeddedPicture(Record, frozen=True, kw_only=True):
    """One embedded JPEG. Its bytes are not kept; fields are None where they could not be had."""

    source: str
    """What points to it: `IFD1`, `SubIFD0`, `MakerNote/Preview`, `photoshop thumbnail`, ..."""
    offset_bytes: int | None
    """In the item; None where it lies in an unpacked block."""
    size_bytes: int
    """Bytes that are there; fewer than stated where it runs past the end."""
    sha256: str
    width_px: int | None
    height_px: int | None
    """By its own frame header."""
    quantisation_sha256: str | None
    """Digest of its quantisation tables; see `media.metadata.jpeg_tables`."""
    pdq: str | None
    """64 hexadecimal digits; of the part inside even bars, where `bars_px` names some."""
    quality: int | None
    """PDQ's quality, 0..100; below 50 a distance means little."""
    pdq_distance_bits: int | None
    """To the main picture's raster: the least over its eight turned and mirrored forms."""
    nearest_form: str | None
    """The form of the main picture at that distance: `original`, `rotate90`, ..."""
    compared_with: str | None
    """`whole`, or `centre crop`: where the sides differ, the middle of the main picture, cut to
    the thumbnail's ratio, is tried too, as some cameras make thumbnails so."""
    aspect: str | None
    """`same`, `turned`, `barred` (even bars make up the difference) or `differs`: the ratio of the
    sides beside that of the main picture."""
    bars_px: tuple[int, int, int, int] | None
    """Even bars around it: left, top, right, bottom."""
    problem: str | None


class EmbeddedThumbnails(Record, frozen=True, kw_only=True):
    """All embedded JPEGs that the metadata points to, at most twelve."""

    pictures: tuple[EmbeddedPicture, ...]
    main_quality: int | None
    """PDQ's quality of the main raster: below 50 the distances mean little; None where it could not
    be decoded."""
    problems: tuple[str, ...]


class EmbeddedThumbnail(Measure):
    """Compares embedded thumbnails and previews with the picture that is shown."""

    NAME = "embedded_thumbnail"
    VERSION = 2
    KINDS = frozenset({"picture"})
    RECORD = EmbeddedThumbnails
    LIBRARIES = ("numba", "numpy", "pillow", "simplejpeg", "pi-heif", "rawpy", "imagecodecs")
    COST = "2 ms for one thumbnail of 160 x 120, beyond the shared decode"
    DOC = Doc(
        requirement=(
            "Find each JPEG that EXIF, a maker note, Photoshop or a raw format embeds, give its "
            "digest, size, quantisation tables and PDQ, and how far it is from the main picture."
        ),
        shows=(
            "A thumbnail that does not show the main picture: many programs that crop or change a "
            "picture leave the camera's thumbnail as it was. Its quantisation tables are often "
            "the camera's own even where the main picture was compressed again."
        ),
        cannot_show=(
            "A small change (a face, a sign) is lost at a thumbnail's size: a short distance does "
            "not show that the picture is unaltered. Most editors make a new thumbnail, most "
            "platforms remove it. A long distance may come from a crop, bars, or processing in "
            "the camera, or from a picture with few features (see quality). Thumbnails that are "
            "not JPEG are not read."
        ),
        method=(
            "EXIF 3.0, 4.5.8 (thumbnails); TIFF 6.0, section 22; PDQ as in the measure `pdq`, on "
            "the embedded picture and on the shared raster."
        ),
        validated_on=(
            "57 camera and edited files with thumbnails and features (quality 50 or more): own "
            "thumbnails at most 44 bits away (median 22), 3,192 pairs with another picture at "
            "least 88 (median 116). No file with a picture altered after its thumbnail was among "
            "them; such files are painted by the tests."
        ),
        tests=(
            "tests/measures/test_embedded_thumbnail.py::test_own_and_foreign_thumbnails_part",
            "tests/measures/test_embedded_thumbnail.py::test_bars_are_told_and_cut",
            "tests/measures/test_embedded_thumbnail.py::test_real_thumbnails_are_near_their_own",
        ),
    )

    def measure(self, media: Media) -> Measured | CannotMeasure:
        segments, tree = segments_of(media), exif_tree_of(media)
        places = find_embedded(media.content, media.identity.format, tree, segments)
        if not places:
            return CannotMeasure(reason="no embedded JPEG thumbnail or preview")
        main, problem = _main(media)
        left = PIXELS_MOST
        pictures = []
        for place in places:
            picture, used = _picture(place, media.limits, main, left)
            left -= used
            if picture is not None:
                pictures.append(picture)
        if not pictures:
            return CannotMeasure(reason="no embedded JPEG thumbnail or preview")
        problems = (problem,) if problem else ()
        quality = main.quality if main is not None else None
        return Measured(
            EmbeddedThumbnails(pictures=tuple(pictures), main_quality=quality, problems=problems)
        )


@dataclass(frozen=True, slots=True)
class _Main:
    """The main picture, the hashes of its eight forms, uint8[8, 32], and their quality."""

    pixels: Pixels
    forms: Pixels
    quality: int

    @property
    def aspect(self) -> float:
        return float(self.pixels.shape[1] / self.pixels.shape[0])


def _main(media: Media) -> tuple[_Main | None, str | None]:
    from headwater.measures import pdq_hash  # noqa: PLC0415 - compiles or loads its kernels

    try:
        pixels = media.raster.pixels
    except ContentError as error:
        return None, f"the main picture could not be decoded: {error}"
    forms, quality = pdq_hash.dihedral(pixels)
    return _Main(pixels, forms, quality), None


def _picture(
    place: EmbeddedPlace, limits: Limits, main: _Main | None, pixels_left: int
) -> tuple[EmbeddedPicture | None, int]:
    """Measure one place; None where it is no picture to look at but a raw image's data."""
    size = min(place.content.size_bytes, limits.metadata_bytes)
    window = place.content.part(0, size)
    header, problem = _header(window)
    if header is not None and (header.coding or "").startswith("lossless"):
        return None, 0
    if problem is None and size < place.stated_bytes:
        problem = f"{size} of {place.stated_bytes} stated bytes are there"
    compared = _Compared()
    used = 0
    if header is not None:
        used = header.width_px * header.height_px
        if 0 < used <= pixels_left:
            try:
                compared = _compare(decode_jpeg(window, header, limits, False).pixels, main)
            except ContentError as error:
                problem = str(error)
        else:
            problem, used = f"{header.width_px} x {header.height_px} px: not decoded", 0
    return _as_record(place, window.read_at(0, size), header, compared, problem), used


def _header(window: Content) -> tuple[PictureHeader | None, str | None]:
    try:
        return read_jpeg_header(window), None
    except Malformed as error:
        return None, str(error)


@dataclass(frozen=True, slots=True)
class _Compared:
    pdq: str | None = None
    quality: int | None = None
    distance: int | None = None
    form: str | None = None
    compared_with: str | None = None
    aspect: str | None = None
    bars: tuple[int, int, int, int] | None = None


def _compare(pixels: Pixels, main: _Main | None) -> _Compared:
    from headwater.measures import pdq_hash  # noqa: PLC0415

    aspect, bars = _aspect(pixels, main.aspect) if main is not None else (None, None)
    if bars is not None:
        left, top, right, bottom = bars
        pixels = pixels[top : pixels.shape[0] - bottom, left : pixels.shape[1] - right]
    bits, quality = pdq_hash.hash_luma(np.ascontiguousarray(pixels))
    if main is None:
        return _Compared(bits.tobytes().hex(), quality)
    distance, form = _nearest(bits, main.forms)
    compared_with = "whole"
    if aspect in ("turned", "differs"):
        cut = _centre(main.pixels, pixels.shape[1] / pixels.shape[0])
        other = _nearest(bits, pdq_hash.dihedral(cut)[0])
        if other[0] < distance:
            (distance, form), compared_with = other, "centre crop"
    return _Compared(
        pdq=bits.tobytes().hex(),
        quality=quality,
        distance=distance,
        form=DIHEDRAL[form],
        compared_with=compared_with,
        aspect=aspect,
        bars=bars,
    )


def _nearest(bits: Pixels, forms: Pixels) -> tuple[int, int]:
    """The least distance in bits, and the number of the form it belongs to."""
    distances = np.bitwise_count(forms ^ bits).sum(axis=1)
    nearest = int(distances.argmin())
    return int(distances[nearest]), nearest


def _centre(pixels: Pixels, ratio: float) -> Pixels:
    """The largest middle part with that ratio of width to height."""
    height, width = pixels.shape[:2]
    inner_height = max(1, min(height, round(width / ratio)))
    inner_width = max(1, min(width, round(height * ratio)))
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    return np.ascontiguousarray(pixels[top : top + inner_height, left : left + inner_width])


def _aspect(pixels: Pixels, main: float) -> tuple[str, tuple[int, int, int, int] | None]:
    """Set the ratio of the sides beside the main picture's; name even bars that make them equal."""
    height, width = pixels.shape[:2]
    own = width / height
    if abs(own / main - 1) < SAME_ASPECT:
        return "same", None
    for ratio, name in ((main, "barred"), (1 / main, "barred, turned")):
        bars = _bars(pixels, ratio)
        if bars is not None:
            return name, bars
    return ("turned" if abs(own * main - 1) < SAME_ASPECT else "differs"), None


def _bars(pixels: Pixels, ratio: float) -> tuple[int, int, int, int] | None:
    """Even bars (of the corner's colour) that leave an inner part of that ratio; else None.

    Each bar takes one more row or column: scaling and compression smear its edge.
    """
    height, width = pixels.shape[:2]
    planes = pixels.reshape(height, width, -1).astype(np.int16)
    even = (abs(planes - planes[0, 0]) <= _BAR_SPREAD).all(axis=2)
    rows, columns = np.flatnonzero(~even.all(axis=1)), np.flatnonzero(~even.all(axis=0))
    if rows.size < _INNER_LEAST or columns.size < _INNER_LEAST:
        return None
    left, right = int(columns[0]), width - 1 - int(columns[-1])
    top, bottom = int(rows[0]), height - 1 - int(rows[-1])
    inner = (width - left - right) / (height - top - bottom)
    if not (left or top or right or bottom) or abs(inner / ratio - 1) > BARRED_ASPECT:
        return None
    sides = [side + 1 if side else 0 for side in (left, top, right, bottom)]
    return sides[0], sides[1], sides[2], sides[3]


def _as_record(
    place: EmbeddedPlace,
    data: bytes,
    header: PictureHeader | None,
    compared: _Compared,
    problem: str | None,
) -> EmbeddedPicture:
    window = place.content.part(0, len(data))
    return EmbeddedPicture(
        source=place.source,
        offset_bytes=place.offset_bytes,
        size_bytes=len(data),
        sha256=sha256(data).hexdigest(),
        width_px=header.width_px if header else None,
        height_px=header.height_px if header else None,
        quantisation_sha256=quantisation_sha256(window, walk_jpeg(window, find_end=False)),
        pdq=compared.pdq,
        quality=compared.quality,
        pdq_distance_bits=compared.distance,
        nearest_form=compared.form,
        compared_with=compared.compared_with,
        aspect=compared.aspect,
        bars_px=compared.bars,
        problem=problem,
    )
