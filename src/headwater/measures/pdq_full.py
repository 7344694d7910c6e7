"""PDQ of the full decode, for the few pictures whose match hangs on the last bits."""

from __future__ import annotations

from headwater.measures.contract import Doc, Measure, Measured
from headwater.measures.pdq import PdqHashes, hashes_of
from headwater.media.media import Media


class PdqFull(Measure):
    """PDQ of every pixel of the picture, before its orientation is applied."""

    NAME = "pdq_full"
    VERSION = 1
    KINDS = frozenset({"picture"})
    RECORD = PdqHashes
    LIBRARIES = ("numba", "numpy", "pillow", "simplejpeg", "pi-heif", "rawpy", "imagecodecs")
    COST = "a full decode, and 1 ms for each 0.75 megapixels"
    DOC = Doc(
        requirement=(
            "Give the PDQ hash of the full decode, bit for bit that of the reference "
            "implementation, so that a match is not declared or dismissed on a hash that was "
            "reckoned from a smaller decode and lies near the radius."
        ),
        shows="What `pdq` shows, without the few bits that a smaller decode can move.",
        cannot_show="What `pdq` cannot show.",
        method=(
            'Meta, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" '
            "(hashing.pdf, 2019), chapter PDQ; equal to pdqhash 0.2.8."
        ),
        validated_on=(
            "1,797 photographs beside the reference at full size: no bit of 4.1 million differs "
            "(bench/pdq_peer.py)."
        ),
        techniques=("DFT-1051",),
        tests=(
            "tests/measures/test_pdq_hash.py::test_equals_the_reference",
            "tests/measures/test_pdq_full.py::test_hash_is_that_of_the_full_decode",
        ),
    )

    def measure(self, media: Media) -> Measured:
        return Measured(hashes_of(media.full_raster, media.header))
