"""PDQ of a picture: the perceptual hash that most known lists and exchanges carry."""

from __future__ import annotations

from headwater.measures.contract import Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.raster import Decode
from headwater.model import Record


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
    decode: Decode
    """How the raster was made: the hash of another scale differs by a few bits."""


class Pdq(Measure):
    """PDQ of the shared raster, before its orientation is applied."""

    NAME = "pdq"
    VERSION = 1
    KINDS = frozenset({"picture"})
    RECORD = PdqHashes
    LIBRARIES = ("numba", "numpy", "pillow", "simplejpeg", "pi-heif", "rawpy", "imagecodecs")
    COST = "1 ms at 1000 x 750, 0.3 ms at 512 x 384, beyond the shared decode"
    DOC = Doc(
        requirement=(
            "Give the PDQ hash, its quality and its eight dihedral variants, bit for bit as the "
            "published reference implementation gives them for the same pixels."
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
            "a variant. It is of the raster named in `decode`, in which a large JPEG was decoded "
            "at a smaller scale, so it may differ by a few bits from one made at full size. A "
            "picture with a side shorter than 5 px gets the reference's zero hash and quality 0; "
            "one with a side under 64 px is hashed as the reference does, by repeating samples."
        ),
        method=(
            'Meta, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" '
            "(hashing.pdf, 2019), chapter PDQ; equal to pdqhash 0.2.8."
        ),
        validated_on=(
            "Golden vectors of made pictures, and live comparison with the reference on "
            "photographs (bench/pdq_peer.py): no differing bit."
        ),
        techniques=("DFT-1051",),
        tests=(
            "tests/measures/test_pdq_hash.py::test_equals_the_reference",
            "tests/measures/test_pdq_hash.py::test_equals_the_plain_twin",
            "tests/measures/test_pdq.py::test_record_is_that_of_the_raster",
        ),
    )

    def measure(self, media: Media) -> Measured:
        from headwater.measures import pdq_hash  # noqa: PLC0415 - compiles or loads its kernels

        raster = media.raster
        variants, quality = pdq_hash.dihedral(raster.pixels)
        bits = variants[0]
        if pdq_hash.unfiltered(raster.pixels):
            bits, quality = pdq_hash.hash_luma(raster.pixels)
        hexes = (variant.tobytes().hex() for variant in variants)
        record = PdqHashes(
            pdq=bits.tobytes().hex(),
            quality=quality,
            dihedral=dict(zip(pdq_hash.DIHEDRAL, hexes, strict=True)),
            decode=raster.decode,
        )
        return Measured(record)
