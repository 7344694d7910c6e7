"""Names of EXIF, TIFF, DNG, GPS and interoperability tags.

Most come from Pillow's `ExifTags`; here are those of EXIF 2.31 to 3.0 (CIPA DC-008) that it does
not know yet, and a few that readers commonly write.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

_ADDED = {
    0x000B: "ProcessingSoftware",
    0x02BC: "XMP",
    0x83BB: "IPTC",
    0x8649: "PhotoshopResources",
    0x8769: "ExifIFD",
    0x8773: "ICCProfile",
    0x8825: "GPSIFD",
    0x882A: "TimeZoneOffset",
    0x9009: "GooglePlusUploadCode",
    0xA005: "InteropIFD",
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA439: "CameraFirmware",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
    0xA480: "GDALMetadata",
    0xC5E0: "HasselbladTag",
    0xC65A: "CalibrationIlluminant1",
    0xEA1C: "Padding",
    0xEA1D: "OffsetSchema",
}
_INTEROP = {
    0x0001: "InteropIndex",
    0x0002: "InteropVersion",
    0x1000: "RelatedImageFileFormat",
    0x1001: "RelatedImageWidth",
    0x1002: "RelatedImageHeight",
}
_NONE: Mapping[int, str] = {}


def tag_names(group: str) -> Mapping[int, str]:
    """Return names by tag for a group such as `IFD0`, `IFD1/Exif`, `GPS`, `SubIFD2`, `Interop`."""
    last = group.rpartition("/")[2].rpartition(":")[2]
    if last.startswith("MakerNote"):
        return _NONE
    if last == "Interop":
        return _INTEROP
    return _gps_names() if last == "GPS" else _exif_names()


@cache
def _gps_names() -> Mapping[int, str]:
    from PIL import ExifTags  # noqa: PLC0415

    return dict(ExifTags.GPSTAGS)


@cache
def _exif_names() -> Mapping[int, str]:
    from PIL import ExifTags  # noqa: PLC0415

    # Tags 1 and 2 are those of the interoperability directory and stand nowhere else.
    return {tag: name for tag, name in (ExifTags.TAGS | _ADDED).items() if tag > 2}
