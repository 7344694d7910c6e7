"""IPTC-IIM datasets (IPTC Information Interchange Model 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

DATASETS_MOST = 1000
ALL_VALUES_MOST = 1 << 18
"""Characters of all values that are kept."""
VALUE_MOST = 1024
"""Characters of one value that are kept."""

NAMES = {
    (1, 0): "EnvelopeRecordVersion",
    (1, 5): "Destination",
    (1, 20): "FileFormat",
    (1, 22): "FileVersion",
    (1, 30): "ServiceIdentifier",
    (1, 40): "EnvelopeNumber",
    (1, 50): "ProductID",
    (1, 60): "EnvelopePriority",
    (1, 70): "DateSent",
    (1, 80): "TimeSent",
    (1, 90): "CodedCharacterSet",
    (1, 100): "UniqueObjectName",
    (2, 0): "ApplicationRecordVersion",
    (2, 3): "ObjectTypeReference",
    (2, 4): "ObjectAttributeReference",
    (2, 5): "ObjectName",
    (2, 7): "EditStatus",
    (2, 10): "Urgency",
    (2, 12): "SubjectReference",
    (2, 15): "Category",
    (2, 20): "SupplementalCategories",
    (2, 22): "FixtureIdentifier",
    (2, 25): "Keywords",
    (2, 26): "ContentLocationCode",
    (2, 27): "ContentLocationName",
    (2, 30): "ReleaseDate",
    (2, 35): "ReleaseTime",
    (2, 37): "ExpirationDate",
    (2, 38): "ExpirationTime",
    (2, 40): "SpecialInstructions",
    (2, 42): "ActionAdvised",
    (2, 55): "DateCreated",
    (2, 60): "TimeCreated",
    (2, 62): "DigitalCreationDate",
    (2, 63): "DigitalCreationTime",
    (2, 65): "OriginatingProgram",
    (2, 70): "ProgramVersion",
    (2, 75): "ObjectCycle",
    (2, 80): "By-line",
    (2, 85): "By-lineTitle",
    (2, 90): "City",
    (2, 92): "Sub-location",
    (2, 95): "Province-State",
    (2, 100): "Country-PrimaryLocationCode",
    (2, 101): "Country-PrimaryLocationName",
    (2, 103): "OriginalTransmissionReference",
    (2, 105): "Headline",
    (2, 110): "Credit",
    (2, 115): "Source",
    (2, 116): "CopyrightNotice",
    (2, 118): "Contact",
    (2, 120): "Caption-Abstract",
    (2, 121): "LocalCaption",
    (2, 122): "Writer-Editor",
    (2, 130): "ImageType",
    (2, 131): "ImageOrientation",
    (2, 135): "LanguageIdentifier",
    (2, 187): "UniqueDocumentID",
    (3, 0): "NewsPhotoVersion",
}
"""By record and dataset. A dataset without a name is called `record:dataset`."""
_NUMBERS = frozenset({(1, 0), (1, 20), (1, 22), (2, 0), (3, 0)})
_UTF8_CODE = b"\x1b%G"
_UTF8_CODES = frozenset({_UTF8_CODE, b"\x1b%/G", b"\x1b%/H", b"\x1b%/I"})


@dataclass(slots=True)
class Datasets:
    """Values by name, repeated ones in stored order."""

    values: dict[str, list[str]] = field(default_factory=dict)
    charset: str | None = None
    """What 1:90 declares: `utf-8`, or the escape code in hexadecimal digits; None without it."""
    problems: list[str] = field(default_factory=list)


def read_datasets(data: bytes) -> Datasets:
    """Read up to 1,000 datasets.

    Text is UTF-8 where 1:90 says so. Without 1:90 it is taken as UTF-8 where it is valid as that,
    else as Latin-1: many writers declare nothing.
    """
    found = Datasets()
    position, number, characters = 0, 0, 0
    utf8: bool | None = None
    while position + 5 <= len(data):
        if data[position] != 0x1C:
            if data[position:].strip(b"\0"):
                found.problems.append(f"no dataset at byte {position}")
            break
        key = (data[position + 1], data[position + 2])
        size = int.from_bytes(data[position + 3 : position + 5], "big")
        position += 5
        if size & 0x8000:
            width = size & 0x7FFF
            if width > 4:
                found.problems.append(f"dataset {key[0]}:{key[1]} has a length of {width} bytes")
                break
            size = int.from_bytes(data[position : position + width], "big")
            position += width
        value = data[position : position + size]
        if len(value) < size:
            found.problems.append(f"dataset {key[0]}:{key[1]} runs past the end")
        position += size
        number += 1
        if number > DATASETS_MOST or characters > ALL_VALUES_MOST:
            found.problems.append(f"the datasets after the first {number - 1} were left")
            break
        if key == (1, 90):
            utf8 = value in _UTF8_CODES
            found.charset = "utf-8" if utf8 else value[:16].hex()
        text = _text(key, value, utf8, found)
        characters += len(text)
        found.values.setdefault(NAMES.get(key, f"{key[0]}:{key[1]}"), []).append(text)
    found.values = dict(sorted(found.values.items()))
    return found


def _text(key: tuple[int, int], value: bytes, utf8: bool | None, found: Datasets) -> str:
    if key in _NUMBERS and len(value) <= 4:
        return str(int.from_bytes(value, "big"))
    if key == (1, 90) or key[0] in (3, 7, 8, 9) or not value.strip(b"\0"):
        return value[:64].hex()
    value = value.rstrip(b"\0")
    if utf8 is not False:
        try:
            return value.decode("utf-8")[:VALUE_MOST]
        except UnicodeDecodeError:
            if utf8 and len(found.problems) < 16:
                found.problems.append(f"dataset {key[0]}:{key[1]} is not UTF-8 as 1:90 says")
    return value[:VALUE_MOST].decode("latin-1")
