"""Embedded thumbnails beside pictures painted here: own, turned, barred, foreign, broken."""

from __future__ import annotations

import io
import struct
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure
from headwater.measures.embedded_thumbnail import EmbeddedThumbnail, EmbeddedThumbnails
from headwater.media.media import Media
from headwater.model import Identity

MAIN = (960, 640)


def painting(seed: int, size: tuple[int, int] = MAIN) -> Image.Image:
    """Soft coloured shapes: features at many scales, like a photograph, and none alike."""
    random = np.random.default_rng(seed)
    layers = [
        Image.fromarray(random.integers(0, 256, (side, side, 3), np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        for side in (3, 6, 12, 24)
    ]
    weights = (0.4, 0.3, 0.2, 0.1)
    mixed = sum(w * np.asarray(layer, np.float64) for w, layer in zip(weights, layers, strict=True))
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def encoded(picture: Image.Image, quality: int = 85) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def with_thumbnail(main: Image.Image, thumbnail: bytes, stated: int | None = None) -> bytes:
    """A JPEG whose IFD1 points to `thumbnail`."""
    size = len(thumbnail) if stated is None else stated
    block = b"II*\0\x08\0\0\0" + struct.pack("<HI", 0, 14)
    block += struct.pack("<HHHIIHHIII", 2, 0x0201, 4, 1, 44, 0x0202, 4, 1, size, 0)
    segment = b"Exif\0\0" + block + thumbnail
    head = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment
    return head + encoded(main)[2:]


def measure(data: bytes) -> EmbeddedThumbnails | CannotMeasure:
    content = Content.from_bytes(data)
    identity = Identity(kind="picture", format="jpeg", media_type="image/jpeg")
    measured = EmbeddedThumbnail().measure(Media(content, identity, Limits(), content.digests()))
    if isinstance(measured, CannotMeasure):
        return measured
    assert isinstance(measured.record, EmbeddedThumbnails)
    return measured.record


def record_of(data: bytes) -> EmbeddedThumbnails:
    record = measure(data)
    assert isinstance(record, EmbeddedThumbnails)
    return record


def small(picture: Image.Image, size: tuple[int, int] = (160, 107)) -> Image.Image:
    return picture.resize(size, Image.Resampling.BOX)


@pytest.mark.parametrize("seed", range(5))
def test_own_and_foreign_thumbnails_part(seed: int) -> None:
    main = painting(seed)
    own = record_of(with_thumbnail(main, encoded(small(main)))).pictures[0]
    foreign = record_of(with_thumbnail(main, encoded(small(painting(seed + 100))))).pictures[0]
    assert own.pdq_distance_bits is not None
    assert foreign.pdq_distance_bits is not None
    assert own.pdq_distance_bits <= 31
    assert foreign.pdq_distance_bits > 70
    assert (own.aspect, own.nearest_form, own.compared_with) == ("same", "original", "whole")


def test_facts_of_the_thumbnail_itself() -> None:
    thumbnail = encoded(small(painting(1)), quality=60)
    data = with_thumbnail(painting(1), thumbnail)
    found = record_of(data).pictures[0]
    assert found.source == "IFD1"
    assert found.sha256 == sha256(thumbnail).hexdigest()
    assert found.offset_bytes is not None
    assert data[found.offset_bytes : found.offset_bytes + found.size_bytes] == thumbnail
    assert (found.width_px, found.height_px) == (160, 107)
    other = record_of(with_thumbnail(painting(1), encoded(small(painting(2)), quality=60)))
    coarser = record_of(with_thumbnail(painting(1), encoded(small(painting(1)), quality=50)))
    assert found.quantisation_sha256 == other.pictures[0].quantisation_sha256
    assert found.quantisation_sha256 != coarser.pictures[0].quantisation_sha256


@pytest.mark.parametrize(
    ("turn", "form"),
    [
        (Image.Transpose.ROTATE_90, "rotate90"),
        (Image.Transpose.ROTATE_180, "rotate180"),
        (Image.Transpose.FLIP_LEFT_RIGHT, "fliph"),
    ],
)
def test_a_turned_thumbnail_is_found_by_its_form(turn: Image.Transpose, form: str) -> None:
    main = painting(3)
    found = record_of(with_thumbnail(main, encoded(small(main).transpose(turn)))).pictures[0]
    assert found.pdq_distance_bits is not None
    assert found.pdq_distance_bits <= 31
    assert found.nearest_form == form


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255)])
def test_bars_are_told_and_cut(colour: tuple[int, int, int]) -> None:
    main = painting(4)
    framed = Image.new("RGB", (160, 120), colour)
    framed.paste(small(main), (0, 7))
    found = record_of(with_thumbnail(main, encoded(framed))).pictures[0]
    assert found.aspect == "barred"
    assert found.bars_px is not None
    left, top, right, bottom = found.bars_px
    assert (left, right) == (0, 0)
    assert 6 <= top <= 9
    assert 5 <= bottom <= 8
    assert found.pdq_distance_bits is not None
    assert found.pdq_distance_bits <= 40


def test_a_thumbnail_of_the_middle_is_compared_with_the_middle() -> None:
    main = painting(5)
    middle = main.crop((160, 0, 800, 640))
    found = record_of(with_thumbnail(main, encoded(small(middle, (128, 128))))).pictures[0]
    assert (found.aspect, found.compared_with) == ("differs", "centre crop")
    assert found.pdq_distance_bits is not None
    assert found.pdq_distance_bits <= 31


def test_a_cut_off_thumbnail_is_told() -> None:
    thumbnail = encoded(small(painting(6)))
    record = record_of(with_thumbnail(painting(6), thumbnail[: len(thumbnail) // 2], 1 << 24))
    assert record.pictures[0].problem is not None


def test_bytes_that_only_begin_as_a_jpeg() -> None:
    record = record_of(with_thumbnail(painting(7), b"\xff\xd8\xff\xe0 no jpeg"))
    found = record.pictures[0]
    assert found.pdq is None
    assert found.width_px is None
    assert found.problem is not None


def test_a_gigantic_thumbnail_is_not_decoded() -> None:
    thumbnail = bytearray(encoded(small(painting(8))))
    frame = thumbnail.index(b"\xff\xc0")
    thumbnail[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    found = record_of(with_thumbnail(painting(8), bytes(thumbnail))).pictures[0]
    assert (found.width_px, found.height_px) == (65535, 65535)
    assert found.pdq is None
    assert found.problem is not None
    assert "not decoded" in found.problem


def test_without_a_thumbnail() -> None:
    assert isinstance(measure(encoded(painting(9))), CannotMeasure)


@pytest.mark.data
def test_real_thumbnails_are_near_their_own(data_folder: Path) -> None:
    """Camera files as they came, and the same with the next file's thumbnail in its place."""
    paths = sorted(data_folder.glob("metadata/*.jpg"))
    own, thumbnails = [], []
    for path in paths:
        data = path.read_bytes()
        record = measure(data)
        if isinstance(record, CannotMeasure) or (record.main_quality or 0) < 50:
            continue
        first = record.pictures[0]
        if first.offset_bytes is None or first.quality is None or first.quality < 50:
            continue
        own.append((path, first.pdq_distance_bits))
        thumbnails.append(data[first.offset_bytes : first.offset_bytes + first.size_bytes])
    assert len(own) > 35
    assert [path.name for path, bits in own if bits is None or bits > 50] == []
    near = []
    for index, (path, _) in enumerate(own[::6]):
        stranger = thumbnails[(6 * index + len(own) // 2) % len(own)]
        main = Image.open(path).convert("RGB")
        record = record_of(with_thumbnail(main, stranger))
        if (record.pictures[0].pdq_distance_bits or 0) < 70:
            near.append(path.name)
    assert near == []
