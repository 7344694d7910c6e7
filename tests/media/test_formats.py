"""The table of formats is whole, and file names are judged by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.evidence.archives.open import MEDIA_TYPES
from headwater.media.formats import ARCHIVE_EXTENSIONS, BY_NAME, FORMATS, extension_agrees
from headwater.media.identification.signatures import STARTS
from tests.media.pictures.raw_files import CAMERAS


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (b"a.jpg", "jpeg", True),
        (b"A.JPG", "jpeg", True),
        (b"folder.png/a.JpEg", "jpeg", True),
        (b"a.png", "jpeg", False),
        (b"a.jpg", "mp4", False),
        (b"holiday.jpg", "zip", False),
        (b"a.jpg.exe", "jpeg", False),
        (b"a.exe.jpg", "exe", False),
        (b"a.docx", "zip", True),
        (b"a.tgz", "tar.gz", True),
        (b"a", "jpeg", None),
        (b".jpg", "jpeg", None),
        (b"a.xyz", "jpeg", None),
        (b"a.\xff\xfe", "jpeg", None),
        (b"a.jpg", "unknown", None),
        (b"", "jpeg", None),
    ],
)
def test_extensions(name: bytes, content: str, expected: bool | None) -> None:
    assert extension_agrees(name, content) is expected


def test_names_are_unique_and_every_signature_has_a_row() -> None:
    assert len(BY_NAME) == len(FORMATS)
    assert {name for _, name in STARTS} <= set(BY_NAME)


def test_every_archive_that_is_read_has_extensions() -> None:
    assert set(ARCHIVE_EXTENSIONS) == set(MEDIA_TYPES)


def test_what_verified_a_format_is_told_wherever_a_test_is_named() -> None:
    for row in FORMATS:
        assert (row.verified_by is None) == (row.verified_with is None), row.name
    made = {row.name for row in FORMATS if row.verified_with == "made, preview alone"}
    assert made == set(CAMERAS)


def test_verified_rows_name_tests_that_exist() -> None:
    root = Path(__file__).parent.parent.parent
    for row in FORMATS:
        if row.verified_by is not None:
            path, test = row.verified_by.split("::")
            assert f"def {test.partition('[')[0]}(" in (root / path).read_text(), row.name


def test_what_is_never_opened_names_no_decoder() -> None:
    for row in FORMATS:
        assert (row.decoder is None) == (row.kind == "other"), row.name
