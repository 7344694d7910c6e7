"""Files that are two things at once are told as both."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from headwater.evidence.content import Content
from headwater.media.identification.polyglot import zip_start
from headwater.media.identify import identify
from tests.media.pictures import makers
from tests.pictures import jpeg, texture


def archive(comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("notes.txt", "benign " * 50)
        target.comment = comment
    return out.getvalue()


def claims(data: bytes) -> dict[str, int]:
    identity = identify(Content.from_bytes(data))
    return {claim.format: claim.offset_bytes for claim in reversed(identity.claims)}


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "bmp", "webp", "tiff", "avif", "jp2"])
@pytest.mark.parametrize("comment", [b"", b"\xff\xd9" * 500])
def test_an_appended_zip_is_claimed_where_it_starts(name: str, comment: bytes) -> None:
    picture, zipped = makers.samples()[name], archive(comment)
    data = picture + zipped
    found = claims(data)
    assert (found[name], found["zip"]) == (0, len(picture))
    identity = identify(Content.from_bytes(data))
    assert identity.kind == "picture"
    if name != "tiff":
        assert [(e.offset_bytes, e.size_bytes) for e in identity.embedded] == [
            (len(picture), len(zipped))
        ]


def test_a_zip_with_corrected_offsets_is_claimed_too() -> None:
    out = io.BytesIO(jpeg(1))
    with zipfile.ZipFile(out, "a") as target:
        target.writestr("notes.txt", "benign")
    assert "zip" in claims(out.getvalue())


def test_a_stray_end_record_is_no_zip() -> None:
    record = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 60, 10, 0)
    assert zip_start(Content.from_bytes(bytes(200) + record)) is None
    assert list(claims(jpeg(1, after=b"stray" * 40 + record))) == ["jpeg"]


@pytest.mark.parametrize(
    ("tail", "name"),
    [
        (b"Rar!\x1a\x07\x01\x00" + bytes(30), "rar"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(30), "7z"),
        (b"%PDF-1.4\n%%EOF", "pdf"),
    ],
)
def test_signatures_behind_the_end(tail: bytes, name: str) -> None:
    for picture in (makers.samples()["jpeg"], makers.samples()["png"], makers.samples()["gif"]):
        assert claims(picture + b"padding" + tail)[name] == len(picture) + 7


def test_a_pdf_header_in_the_first_kilobyte() -> None:
    picture = makers.encoded(texture(1), "JPEG", comment=b"%PDF-1.5 objects follow")
    assert claims(picture)["pdf"] == picture.index(b"%PDF")
    late = makers.encoded(texture(1), "JPEG", comment=b" " * 1100 + b"%PDF-1.5")
    assert "pdf" not in claims(late)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"<script>x()</script>", "html"),
        (b"<HTML><body>", "html"),
        (b"<?php echo 1; ?>", "php"),
    ],
)
def test_scripts_in_comments(text: bytes, name: str) -> None:
    comment = b"x" * 50 + text
    for picture in (
        makers.encoded(texture(1), "JPEG", comment=comment),
        makers.encoded(texture(1), "GIF", comment=comment),
        jpeg(1, after=comment),
    ):
        assert claims(picture)[name] == picture.index(text)


def test_a_gif_or_jpeg_that_opens_a_script_comment() -> None:
    gif = bytearray(makers.samples()["gif"])
    gif[6:8] = b"/*"
    assert "javascript" in claims(bytes(gif))
    picture = jpeg(1)
    rest = picture[2 + 2 + struct.unpack(">H", picture[4:6])[0] :]
    head = b"\xff\xd8\xff\xe0/*JFIF\0\1\1\0\0\1\0\1\0\0"
    padded = head + bytes(0x2F2A - len(head) + 4) + rest
    identity = identify(Content.from_bytes(padded))
    assert identity.format == "jpeg"
    assert "javascript" in claims(padded)
    assert makers.decoded(padded).pixels.shape == (72, 96, 3)


def test_a_program_with_a_zip_is_an_archive_that_claims_both() -> None:
    data = b"MZ" + bytes(510) + archive()
    identity = identify(Content.from_bytes(data))
    assert (identity.kind, identity.format) == ("archive", "zip")
    assert "exe" in {claim.format for claim in identity.claims}


def test_a_disk_image_claim_beside_a_picture() -> None:
    data = bytearray(makers.samples()["bmp"].ljust(40_000, b"\0"))
    data[32769:32774] = b"CD001"
    assert claims(bytes(data))["iso9660"] == 32768


def test_brand_and_boxes_disagree() -> None:
    avif = makers.samples()["avif"]
    renamed = avif.replace(b"ftypavif", b"ftypmp42", 1).replace(b"avif", b"mp41", 1)
    identity = identify(Content.from_bytes(renamed))
    assert (identity.kind, identity.format) == ("picture", "heif")
    assert any("brand" in note for note in identity.notes)
    movie = makers.movie("mp4")
    heic = movie.replace(b"ftypisom", b"ftypheic", 1)
    assert "brand says heif, the boxes hold a video" in _notes(heic)


def _notes(data: bytes) -> tuple[str, ...]:
    return identify(Content.from_bytes(data)).notes


def test_a_wrong_riff_length_is_noted() -> None:
    webp = bytearray(makers.samples()["webp"])
    webp[4:8] = struct.pack("<I", len(webp) * 2)
    assert any("RIFF" in note for note in _notes(bytes(webp)))


def test_a_signature_without_a_structure_is_noted() -> None:
    assert any("frame" in note for note in _notes(b"\xff\xd8\xff\xd9"))
    assert any("IHDR" in note for note in _notes(b"\x89PNG\r\n\x1a\n\0\0\0\0tEXt\0\0\0\0"))
