"""What makers and hiders put behind a picture's end: found where it lies, to the byte."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from headwater.evidence.content import Content
from headwater.media.identify import identify
from headwater.model import Embedded
from tests.media.pictures import makers
from tests.pictures import jpeg, texture

MOVIE = makers.movie("mp4")
XMP = b"http://ns.adobe.com/xap/1.0/\0"


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def with_segment(picture: bytes, marker: int, payload: bytes) -> bytes:
    return picture[:2] + segment(marker, payload) + picture[2:]


def found(data: bytes) -> list[tuple[str, bytes]]:
    identity = identify(Content.from_bytes(data))
    return [(item.name, data[item.offset_bytes :][: item.size_bytes]) for item in identity.embedded]


def test_a_micro_video_counts_from_the_end() -> None:
    xmp = XMP + b'<rdf:Description GCamera:MicroVideo="1" GCamera:MicroVideoOffset="%d"/>'
    picture = with_segment(jpeg(1), 0xE1, xmp % len(MOVIE))
    assert found(picture + b"\0" * 7 + MOVIE) == [("motion-video", MOVIE)]


@pytest.mark.parametrize("elements", [False, True])
def test_a_container_directory_lays_items_end_to_end(elements: bool) -> None:
    gain = jpeg(2, 32, 24)

    def item(semantic: str, mime: str, length: int) -> str:
        fields = {"Semantic": semantic, "Mime": mime, "Length": length, "Padding": 0}
        if elements:
            inner = "".join(f"<Item:{key}>{value}</Item:{key}>" for key, value in fields.items())
            return f"<rdf:li><Container:Item>{inner}</Container:Item></rdf:li>"
        inner = " ".join(f'Item:{key}="{value}"' for key, value in fields.items())
        return f"<rdf:li><Container:Item {inner}/></rdf:li>"

    directory = item("Primary", "image/jpeg", 0) + item("GainMap", "image/jpeg", len(gain))
    directory += item("MotionPhoto", "video/mp4", len(MOVIE))
    picture = with_segment(jpeg(1), 0xE1, XMP + directory.encode())
    assert found(picture + gain + MOVIE) == [("gain-map", gain), ("motion-video", MOVIE)]


def test_a_container_directory_that_lies_is_not_believed() -> None:
    item = b'<Container:Item Item:Semantic="Primary"/><Container:Item Item:Semantic="MotionPhoto" '
    item += b'Item:Mime="video/mp4" Item:Length="%d"/>'
    for length in (3, len(MOVIE) + 1, 10**17):
        picture = with_segment(jpeg(1), 0xE1, XMP + item % length)
        # The video is found by its own signature all the same.
        assert found(picture + MOVIE) == [("trailing", MOVIE)]


def test_the_trailer_of_a_samsung_motion_photo() -> None:
    name = b"MotionPhoto_Data"
    block = struct.pack("<HHI", 0, 0x0A30, len(name)) + name + MOVIE
    other = struct.pack("<HHI", 0, 0x0A01, 8) + b"UTC_Data" + b"1600000000000"
    blocks = other + block
    entries = struct.pack("<HHII", 0, 0x0A01, len(blocks), len(other))
    entries += struct.pack("<HHII", 0, 0x0A30, len(block), len(block))
    directory = b"SEFH" + struct.pack("<II", 106, 2) + entries
    data = jpeg(1) + blocks + directory + struct.pack("<I", len(directory)) + b"SEFT"
    assert found(data) == [("motion-video", MOVIE)]


def test_the_second_picture_of_an_mpo() -> None:
    out = io.BytesIO()
    texture(1).save(out, "MPO", save_all=True, append_images=[texture(2), texture(3)])
    data = out.getvalue()
    names = []
    for name, part in found(data):
        names.append(name)
        with Image.open(io.BytesIO(part), formats=["JPEG", "MPO"]) as second:
            assert second.size == (96, 72)
    assert names == ["mpo-2", "mpo-3"]


def test_the_video_box_of_a_heif_motion_photo() -> None:
    picture = makers.samples()["avif"]
    box = struct.pack(">I4s", len(MOVIE) + 8, b"mpvd") + MOVIE
    assert found(picture + box) == [("motion-video", MOVIE)]


@pytest.mark.parametrize("name", ["jpeg", "png", "apng", "gif", "webp", "bmp"])
def test_a_picture_behind_a_picture(name: str) -> None:
    second = makers.samples(5)["png"]
    data = makers.samples()[name] + b"\0" * 6 + second
    identity = identify(Content.from_bytes(data))
    start = len(data) - len(second)
    assert identity.embedded == (
        Embedded(name="trailing", offset_bytes=start, size_bytes=len(second)),
    )
    assert ("png", start) in [(claim.format, claim.offset_bytes) for claim in identity.claims]


def test_an_end_marker_inside_a_segment_is_no_end() -> None:
    thumbnail = jpeg(3, 16, 16)
    picture = with_segment(jpeg(1), 0xE1, b"Exif\0\0" + thumbnail)
    assert identify(Content.from_bytes(picture)).trailing_bytes == 0
    assert identify(Content.from_bytes(picture + b"12345")).trailing_bytes == 5


def test_an_end_marker_inside_a_comment_between_scans_is_no_end() -> None:
    picture = makers.encoded(texture(1), "JPEG", progressive=True)
    second_scan = picture.index(b"\xff\xda", picture.index(b"\xff\xda") + 2)
    # Tables stand before the scan; a comment may stand anywhere that a table may.
    table = picture.rindex(b"\xff\xc4", 0, second_scan)
    comment = segment(0xFE, b"before \xff\xd9 after")
    whole = picture[:table] + comment + picture[table:]
    for tail in (b"", b"\0", b"\xff\xd9", b"tail"):
        assert identify(Content.from_bytes(whole + tail)).trailing_bytes == len(tail)
