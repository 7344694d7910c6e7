"""Segments are found where independent writers, or the formats' rules, put them."""

from __future__ import annotations

import io
import struct
import zlib
from hashlib import md5
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.metadata.exif_tree import read_exif
from headwater.media.metadata.segments import Segments, find_segments
from headwater.model import Identity

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Quill 3"/></rdf:RDF></x:xmpmeta>"""
MODEL = "Lantern 7"
FORMATS = ("jpeg", "png", "webp", "tiff", "avif")
BLOCK = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
"""One directory with one field: orientation 6."""


def find(data: bytes, name: str, limits: Limits | None = None) -> Segments:
    identity = Identity(kind="picture", format=name, media_type=None)
    return find_segments(Content.from_bytes(data), identity, limits or Limits())


def exif_bytes() -> bytes:
    exif = Image.Exif()
    exif[0x0110] = MODEL
    exif[0x0112] = 6
    return exif.tobytes()


PROFILE: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
"""Made once: its header holds the time of making."""


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    """The same EXIF, XMP and ICC profile, as Pillow writes them into five formats."""
    picture = Image.new("RGB", (40, 30), (90, 120, 30))
    files = {}
    for name in FORMATS:
        out = io.BytesIO()
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        tags = {700: XMP, 0x0110: MODEL}
        forms: dict[str, dict[str, Any]] = {"png": {"pnginfo": info}, "tiff": {"tiffinfo": tags}}
        more = forms.get(name, {"xmp": XMP})
        picture.save(out, name.upper(), exif=exif_bytes(), icc_profile=PROFILE, **more)
        files[name] = out.getvalue()
    return files


@pytest.mark.parametrize("name", FORMATS)
def test_what_pillow_writes_is_found(written: dict[str, bytes], name: str) -> None:
    found = find(written[name], "heif" if name == "avif" else name)
    assert found.problems == []
    assert [segment.data for segment in found.icc] == [PROFILE]
    assert [segment.data for segment in found.xmp] == [XMP]
    assert read_exif(found.exif).text("IFD0", 0x0110) == MODEL


@pytest.mark.parametrize("name", FORMATS)
def test_offsets_are_those_in_the_file(written: dict[str, bytes], name: str) -> None:
    found = find(written[name], "heif" if name == "avif" else name)
    for segment in [*found.xmp, *found.icc]:
        if segment.offset_bytes is not None:
            at = segment.offset_bytes
            assert written[name][at : at + 40] == segment.data[:40]
    block = found.exif[0]
    assert block.offset_bytes is not None
    head = written[name][block.offset_bytes : block.offset_bytes + 8]
    assert head == block.content.read_at(0, 8)


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_damage_never_raises(written: dict[str, bytes], name: str, data: st.DataObject) -> None:
    raw = bytearray(written[name])
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for claimed in (name, "cr3", "jxl", "jp2", "gif", "raf", "rw2"):
        read_exif(find(cut, "heif" if claimed == "avif" else claimed).exif)


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    parts = [b"\xff\xd8"]
    parts += [bytes([255, m]) + struct.pack(">H", len(d) + 2) + d for m, d in segments]
    return b"".join(parts) + b"\xff\xda\0\x02\0\xff\xd9"


def extended(packet: bytes, guid: bytes, size: int) -> list[tuple[int, bytes]]:
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid
    return [
        (0xE1, head + struct.pack(">II", len(packet), at) + packet[at : at + size])
        for at in range(0, len(packet), size)
    ]


@given(st.binary(min_size=1, max_size=2000), st.integers(100, 900), st.randoms())
def test_extended_xmp_is_put_together_in_any_order(packet, size, random) -> None:  # type: ignore[no-untyped-def]
    guid = md5(packet).hexdigest().upper().encode()
    parts = extended(packet, guid, size)
    random.shuffle(parts)
    found = find(jpeg(*parts), "jpeg")
    assert [segment.data for segment in found.extended_xmp] == [packet]
    assert found.problems == []


def test_extended_xmp_with_a_gap_is_said_to_have_one() -> None:
    packet = bytes(range(256)) * 8
    parts = extended(packet, md5(packet).hexdigest().upper().encode(), 512)
    found = find(jpeg(*parts[:1], *parts[2:]), "jpeg")
    assert found.extended_xmp[0].data == packet[:512]
    assert any("fit together" in reason for reason in found.problems)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_an_icc_profile_in_parts_is_put_in_order(order: tuple[int, ...]) -> None:
    parts = [(0xE2, b"ICC_PROFILE\0" + bytes([n, 3]) + bytes([n]) * 10) for n in order]
    found = find(jpeg(*parts), "jpeg")
    assert found.icc[0].data == b"\1" * 10 + b"\2" * 10 + b"\3" * 10
    assert found.problems == []


def test_a_missing_part_of_an_icc_profile_is_told() -> None:
    found = find(jpeg((0xE2, b"ICC_PROFILE\0\x02\x02abc")), "jpeg")
    assert found.icc[0].data == b"abc"
    assert any("ICC profile" in reason for reason in found.problems)


def test_exif_over_two_segments_is_joined() -> None:
    head, tail = BLOCK[:20], BLOCK[20:]
    found = find(jpeg((0xE1, b"Exif\0\0" + head), (0xE1, b"Exif\0\0" + tail)), "jpeg")
    assert read_exif(found.exif).integer("IFD0", 0x0112) == 6


def test_small_jpeg_segments() -> None:
    iptc = b"\x1c\x02\x78\0\x05hello"
    resources = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    found = find(
        jpeg(
            (0xE0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\0\0"),
            (0xEE, b"Adobe\0\x64\x80\0\0\0\x01"),
            (0xFE, b"a comment"),
            (0xED, b"Photoshop 3.0\0" + resources),
        ),
        "jpeg",
    )
    assert found.jfif is not None
    assert (found.jfif.version, found.jfif.density_x) == ("1.02", 72)
    assert found.adobe is not None
    assert (found.adobe.version, found.adobe.flags0, found.adobe.transform) == (100, 0x8000, 1)
    assert [text.data for text in found.texts] == [b"a comment"]
    assert [segment.data for segment in found.iptc] == [iptc]


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    whole = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in whole
    )


def raw_profile(name: bytes, data: bytes, title: bytes = b"") -> bytes:
    text = data.hex().encode()
    lines = b"\n".join(text[at : at + 72] for at in range(0, len(text), 72))
    body = b"\n" + (title or name) + b"\n%8d\n" % len(data) + lines + b"\n"
    return b"Raw profile type " + name + b"\0\0" + zlib.compress(body)


def test_png_text_chunks_carry_segments() -> None:
    found = find(
        png(
            (b"tEXt", b"Software\0Quill"),
            (b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(XMP)),
            (b"zTXt", raw_profile(b"exif", b"Exif\0\0" + BLOCK)),
            (
                b"zTXt",
                raw_profile(
                    b"iptc",
                    title=b"IPTC profile",
                    data=b"8BIM\x04\x04\0\0\0\0\0\x05\x1c\x02\x05\0\0\0",
                ),
            ),
            (b"zTXt", raw_profile(b"icc", b"profile")),
        ),
        "png",
    )
    assert found.problems == []
    assert [(text.keyword, text.data) for text in found.texts] == [("Software", b"Quill")]
    assert [segment.data for segment in found.xmp] == [XMP]
    assert read_exif(found.exif).integer("IFD0", 0x0112) == 6
    assert [segment.data for segment in found.iptc] == [b"\x1c\x02\x05\0\0"]
    assert [segment.data for segment in found.icc] == [b"profile"]


def test_unpacking_ends_at_the_limit() -> None:
    """Many streams that would unpack to much cost no more than the limit allows in all."""
    limits = Limits(metadata_bytes=1 << 16)
    bomb = (b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))
    mild = (b"zTXt", b"b\0\0" + zlib.compress(bytes(1 << 15)))
    found = find(png(bomb, *[mild] * 40), "png", limits)
    assert any("metadata_bytes" in reason for reason in found.problems)
    assert sum(text.size_bytes for text in found.texts) <= 2 << 16


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def test_jxl_boxes() -> None:
    start = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    packed = box(b"brob", b"xml " + brotli.compress(XMP))
    data = start + box(b"Exif", b"\0\0\0\x06Exif\0\0" + BLOCK) + packed + box(b"jxlc", b"\xff\x0a")
    found = find(data, "jxl")
    assert [segment.data for segment in found.xmp] == [XMP]
    assert read_exif(found.exif).integer("IFD0", 0x0112) == 6
    bomb = start + box(b"brob", b"xml " + brotli.compress(bytes(1 << 22)))
    limited = find(bomb, "jxl", Limits(metadata_bytes=1 << 16))
    assert limited.xmp == []
    assert any("metadata_bytes" in reason for reason in limited.problems)


def test_jp2_boxes() -> None:
    start = b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    colour = box(b"jp2h", box(b"colr", b"\x02\0\0profile"))
    exif = box(b"uuid", b"JpgTiffExif->JP2" + BLOCK)
    xmp = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP)
    found = find(start + colour + exif + xmp, "jp2")
    assert [segment.data for segment in found.icc] == [b"profile"]
    assert [segment.data for segment in found.xmp] == [XMP]
    assert read_exif(found.exif).integer("IFD0", 0x0112) == 6


@pytest.mark.parametrize("construction", [0, 1])
def test_heif_items_in_the_file_and_in_idat(construction: int) -> None:
    payload = b"\0\0\0\0" + BLOCK
    infe = box(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0")
    iinf = box(b"iinf", b"\0\0\0\0\0\x01" + infe)

    def meta(offset: int) -> bytes:
        place = struct.pack(">HHHHHII", 1, 1, construction, 0, 1, offset, len(payload))
        iloc = box(b"iloc", b"\x01\0\0\0\x44\0" + place)
        return box(b"meta", b"\0\0\0\0" + iinf + iloc + box(b"idat", payload))

    start = box(b"ftyp", b"heic\0\0\0\0")
    end = len(start) + len(meta(0)) + 8
    data = start + meta(0 if construction else end) + box(b"mdat", payload)
    found = find(data, "heif")
    assert read_exif(found.exif).integer("IFD0", 0x0112) == 6


def test_a_canon_raw_keeps_its_groups_apart() -> None:
    uuid = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    exposure = BLOCK.replace(b"\x12\x01", b"\x27\x88")
    inner = box(b"CMT1", BLOCK) + box(b"CMT2", exposure)
    found = find(box(b"ftyp", b"crx \0\0\0\0") + box(b"moov", box(b"uuid", uuid + inner)), "cr3")
    tree = read_exif(found.exif)
    assert tree.integer("IFD0", 0x0112) == 6
    assert tree.integer("Exif", 0x8827) == 6


def test_gif_extensions() -> None:
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    sub = b"\x05hello\x06 world\0"
    data = b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe" + sub + b"\x21\xff\x0bXMP DataXMP" + XMP + trailer
    data += b"\x21\xff\x0bICCRGBG1012\x04prof\x03ile\0"
    data += b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b"
    found = find(data, "gif")
    assert [segment.data for segment in found.xmp] == [XMP]
    assert [text.data for text in found.texts] == [b"hello world"]
    assert [segment.data for segment in found.icc] == [b"profile"]


def test_a_raf_points_to_its_jpeg() -> None:
    inner = jpeg((0xE1, b"Exif\0\0" + BLOCK))
    data = b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 200, len(inner))
    data = data.ljust(200, b"\0") + inner
    found = find(data, "raf")
    assert read_exif(found.exif).integer("IFD0", 0x0112) == 6
    block = found.exif[0]
    assert block.offset_bytes is not None
    assert data[block.offset_bytes :].startswith(BLOCK)
    assert found.jpegs[0].offset_bytes == 200


def test_other_formats_have_none() -> None:
    found = find(BLOCK, "bmp")
    assert found == Segments()
