"""PDQ of a picture: the perceptual hash that most known lists and exchanges carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from headwater.measures.contract import Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.raster import Decode, Raster
from headwater.model import DIHEDRAL, Record

if TYPE_CHECKING:
    from headwater.media.pictures.header import PictureHeader


class PdqHashes(Record, frozen=True, kw_only=True):
    """The hash of the stored pixels, and of their turned and mirrored variants.

    Hashes are 64 lower-case hex digits, the first digit holding the bits 255..252.
    """

    pdq: str
    quality: int
    """0..100; matches below 50 are not to be trusted."""
    dihedral: dict[str, str]
    """By variant: `original`, `rotate90`, `rotate180`, `rotate270` (counter-clockwise), `flipv`
    (upside down), `fliph` (mirrored), `rotate90_flip` (rows and columns swapped), and
    `rotate270_flip` (swapped at the other diagonal). `original` is `pdq`, except of a raster of
    64 x 64 px: there the reference filters for the variants alone."""
    subject: Literal["raster", "picture"]
    """What the hash is of. `raster`: the pixels of `decode`, bit for bit as the reference hashes
    them. `picture`: the picture at its stored size, reckoned from that smaller raster, a few bits
    from what the reference makes of the full decode."""
    decode: Decode
    """How the pixels came about that were read."""


class Pdq(Measure):
    """PDQ of the shared raster, before its orientation is applied."""

    NAME = "pdq"
    VERSION = 2
    KINDS = frozenset({"picture"})
    RECORD = PdqHashes
    LIBRARIES = ("numba", "numpy", "pillow", "simplejpeg", "pi-heif", "rawpy", "imagecodecs")
    COST = "0.3 ms for a JPEG decoded smaller, else 1 ms at 1000 x 750, beyond the shared decode"
    DOC = Doc(
        requirement=(
            "Give the PDQ hash, its quality and its eight dihedral variants: bit for bit those of "
            "the reference implementation for a picture that is decoded at full size, and at most "
            "16 bits from them (99 of 100 pictures of quality 50 or more) for one decoded smaller."
        ),
        shows=(
            "Near copies after recompression, resizing, slight changes of light or colour, and, "
            "through the variants, quarter turns and mirroring: 31 bits or fewer apart."
        ),
        cannot_show=(
            "Copies that were cropped by more than about a tenth, framed, overlaid with text or "
            "pictures, or turned by other angles are usually missed. Below quality 50 unlike "
            "pictures may be close. It says nothing about what is seen or who took it. The hash "
            "is of the stored pixels; a copy that was turned upright by software is found through "
            "a variant. Lists whose pictures were first reduced by other software hold hashes "
            "that differ by some more bits. A picture with a side shorter than 5 px gets the "
            "reference's zero hash and quality 0; one with a side under 64 px is hashed as the "
            "reference does, by repeating samples."
        ),
        method=(
            'Meta, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" '
            "(hashing.pdf, 2019), chapter PDQ; equal to pdqhash 0.2.8. Of a JPEG decoded at 1/2, "
            "1/4 or 1/8, the filter windows of the full size are laid over the smaller raster."
        ),
        validated_on=(
            "1,797 photographs beside the reference at full size: no bit of 4.1 million differs "
            "(bench/pdq_peer.py). 223 JPEGs decoded at 1/2 or 1/4 beside their full decode: "
            "median 0, 99th percentile 4, most 4 bits (bench/pdq_decode.py). 168 progressive ones "
            "of quality 50 to 90, decoded without their finest scans: 0, 6 and 12."
        ),
        techniques=("DFT-1051",),
        tests=(
            "tests/measures/test_pdq_hash.py::test_equals_the_reference",
            "tests/measures/test_pdq_hash.py::test_equals_the_plain_twin",
            "tests/measures/test_pdq_scaled.py::test_samples_are_those_of_the_enlarged_raster",
            "tests/measures/test_pdq.py::test_record_is_that_of_the_raster",
        ),
    )

    def measure(self, media: Media) -> Measured:
        return Measured(hashes_of(media.raster, media.header))


def hashes_of(raster: Raster, header: PictureHeader) -> PdqHashes:
    """Hash a raster of a picture, decoded at full size or smaller."""
    from headwater.measures import pdq_hash, pdq_scaled  # noqa: PLC0415 - they load kernels

    picture_size, raster_size = (header.height_px, header.width_px), raster.pixels.shape[:2]
    reduced = pdq_scaled.reduced_by(*picture_size, *raster_size) is not None
    if reduced:
        variants, quality = pdq_scaled.dihedral_scaled(raster.pixels, *picture_size)
    else:
        variants, quality = pdq_hash.dihedral(raster.pixels)
    bits = variants[0]
    if not reduced and pdq_hash.unfiltered(raster.pixels):
        bits, quality = pdq_hash.hash_luma(raster.pixels)
    hexes = (variant.tobytes().hex() for variant in variants)
    return PdqHashes(
        pdq=bits.tobytes().hex(),
        quality=quality,
        dihedral=dict(zip(DIHEDRAL, hexes, strict=True)),
        subject="picture" if reduced else "raster",
        decode=raster.decode,
    )
