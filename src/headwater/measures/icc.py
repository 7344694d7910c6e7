"""ICC profiles of a picture."""

from __future__ import annotations

from headwater.errors import Malformed
from headwater.measures.contract import CannotMeasure, Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.metadata.icc_profile import IccProfile, read_profile
from headwater.media.metadata.segments import segments_of
from headwater.model import Record

_PROFILES_MOST = 8


class IccRecord(Record, frozen=True, kw_only=True):
    """The profiles in stored order, at most eight."""

    profiles: tuple[IccProfile, ...]
    problems: tuple[str, ...]


class Icc(Measure):
    """Reads what an ICC profile says of itself, and its digest."""

    NAME = "icc"
    VERSION = 2
    KINDS = frozenset({"picture"})
    RECORD = IccRecord
    LIBRARIES = ("brotli",)
    COST = "60 µs for a profile of 3 KB, 20 µs where there is none"
    DOC = Doc(
        requirement="Give the header, name and digest of each ICC profile in a picture.",
        shows=(
            "Which colour profile the last writer attached. Phones, editing programs and "
            "platforms each attach a few profiles of their own, so a digest narrows down what "
            "wrote the file."
        ),
        cannot_show=(
            "A profile is copied freely between files and programs; it names a device or program "
            "only by custom. Its date is that of the profile, never of the picture. Profiles "
            "inside the coded image of JPEG XL are not read."
        ),
        method="ICC.1:2022 sections 7.2, 7.3, 9.2 and 10; annex B for how formats embed it.",
        validated_on=(
            "Profiles in 23 C2PA and EXIF sample files against ExifTool 12.57, profiles that "
            "Pillow writes into five formats, and LittleCMS's own reading of its profiles."
        ),
        tests=(
            "tests/measures/test_metadata_against_exiftool.py::test_icc_agrees_with_exiftool",
            "tests/measures/test_icc.py::test_every_format_gives_the_profile_back",
        ),
    )

    def measure(self, media: Media) -> Measured | CannotMeasure:
        segments = segments_of(media)
        if not segments.icc:
            return CannotMeasure(reason="no ICC profile")
        profiles: list[IccProfile] = []
        problems: list[str] = []
        for segment in segments.icc[:_PROFILES_MOST]:
            try:
                profiles.append(read_profile(segment.data, segment.carrier, segment.offset_bytes))
            except Malformed as error:
                problems.append(f"{segment.carrier}: {error}")
        problems += [reason for reason in segments.problems if "ICC" in reason]
        return Measured(IccRecord(profiles=tuple(profiles), problems=tuple(problems)))
