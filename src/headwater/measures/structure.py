"""What an item's bytes are besides the picture or video that is looked at."""

from __future__ import annotations

from typing import ClassVar

from headwater.measures.contract import Doc, Measure, Measured
from headwater.media.media import Media
from headwater.model import Claim, Embedded, Kind, Record

_FOUND_ANYWHERE = frozenset({"zip", "rar", "7z", "pdf"})
"""Formats whose readers look for their start or their end by themselves."""


class StructureFacts(Record, frozen=True, kw_only=True):
    """Everything the bytes could be read as, and what lies behind or inside their structure."""

    format: str
    claims: tuple[Claim, ...]
    is_polyglot: bool
    """Another format than the accepted one could begin at a place where its readers look."""
    trailing_bytes: int
    embedded: tuple[Embedded, ...]
    notes: tuple[str, ...]
    """Disagreements between signature and structure, and damage."""


class Structure(Measure):
    """Claims, trailing bytes and embedded media, as identification found them."""

    NAME: ClassVar[str] = "structure"
    VERSION: ClassVar[int] = 2
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"picture", "video"})
    RECORD: ClassVar[type[Record]] = StructureFacts
    LIBRARIES: ClassVar[tuple[str, ...]] = ()
    COST: ClassVar[str] = "below 0.01 ms, beyond identification"
    DOC: ClassVar[Doc] = Doc(
        requirement=(
            "List every format on the list that the bytes could be read as at its legal places, "
            "count the bytes behind the end of the structure, and name the media found there."
        ),
        shows=(
            "Polyglots, appended archives and scripts, motion-photo videos, further pictures of a "
            "multi-picture file, cut-off and damaged files."
        ),
        cannot_show=(
            "Data hidden inside pixels or compressed streams, formats that are not on the list, "
            "and why the bytes are there: cameras append data as a matter of course."
        ),
        method=(
            "A walk over the structure by each format's specification: ITU-T T.81 annex B, PNG "
            "section 5, GIF89a, RIFF, ISO/IEC 14496-12, RFC 9559, ASF; CIPA DC-007 and the Android "
            "motion photo format for what follows a JPEG."
        ),
        validated_on="not validated",
        tests=("tests/measures/test_structure.py::test_a_polyglot_is_told",),
    )

    def measure(self, media: Media) -> Measured:
        identity = media.identity
        inside = {item.offset_bytes for item in identity.embedded}
        return Measured(
            record=StructureFacts(
                format=identity.format,
                claims=identity.claims,
                is_polyglot=any(
                    claim.format in _FOUND_ANYWHERE
                    or (claim.format != identity.format and claim.offset_bytes not in inside)
                    for claim in identity.claims[1:]
                ),
                trailing_bytes=identity.trailing_bytes,
                embedded=identity.embedded,
                notes=identity.notes,
            )
        )
