"""The fields of VICS in their exact spelling, and how other spellings are told.

Source: the public exporters and readers of versions 1.1 to 2.0. `Segments` and `Repositories` are
the likely names of two arrays that no public file shows. Exporters differ in the case of letters.
"""

from __future__ import annotations

import re

CASE = (
    "CaseID",
    "CaseNumber",
    "ContactName",
    "ContactPhone",
    "ContactEmail",
    "ContactTitle",
    "ContactOrganization",
    "SourceApplicationName",
    "SourceApplicationVersion",
    "TotalMediaFiles",
    "TotalPrecategorized",
    "Media",
)
MEDIA = (
    "MediaID",
    "Category",
    "MD5",
    "SHA1",
    "SHA256",
    "PhotoDNA",
    "MediaSize",
    "MimeType",
    "RelativeFilePath",
    "VictimIdentified",
    "OffenderIdentified",
    "IsDistributed",
    "IsSuspected",
    "SelfGenerated",
    "Series",
    "Tags",
    "Comments",
    "DateUpdated",
    "IsPrecategorized",
    "PrecategorizationSource",
    "MediaFiles",
    "Exifs",
    "AlternativeHashes",
    "MediaMetadata",
    "Segments",
    "Repositories",
    "Name",
    "FileName",
    "Created",
    "Written",
    "Accessed",
    "Change",
)
NESTED = {
    "MediaFiles": (
        "MD5",
        "FileName",
        "FilePath",
        "Created",
        "Written",
        "Accessed",
        "Change",
        "Unallocated",
        "Deleted",
        "PhysicalLocation",
        "ParentMD5",
        "ParentFileName",
        "ParentFilePath",
        "ParentPhysicalLocation",
        "SourceID",
    ),
    "Exifs": ("MD5", "PropertyName", "PropertyValue"),
    "AlternativeHashes": ("MD5", "HashName", "HashValue"),
    "MediaMetadata": ("MD5", "PropertyName", "PropertyValue"),
    "Segments": ("MD5", "SegmentIndex", "Start", "End", "Category"),
    "Repositories": ("MD5", "RepositoryName"),
}
"""The arrays of a media entry, and the fields of their elements."""

UNKNOWN = "(unknown)"
"""Stands for a key that is not shown."""

_LONGEST_NAME = 64
_NAME = re.compile(r"[A-Za-z_@.$][A-Za-z0-9_@.$:# -]*")
_VALUE_LIKE = re.compile(r"[0-9A-Fa-f]{8}|[A-Za-z0-9]{32}|[0-9]{6}")


def lower_case(names: tuple[str, ...]) -> dict[str, str]:
    """Return the exact spelling by the lower-case one."""
    return {name.lower(): name for name in names}


def is_odata(key: str) -> bool:
    """Whether a key is OData's own: a link to where data lay (with a digest in it), or an id."""
    return "@odata." in key or key.startswith("odata.")


def shown(key: str) -> str:
    """Return the name of a field that VICS does not have, where it surely is no value.

    A file may use digests as keys; what could be one is not shown.
    """
    if len(key) > _LONGEST_NAME or _NAME.fullmatch(key) is None or _VALUE_LIKE.search(key):
        return UNKNOWN
    return key
