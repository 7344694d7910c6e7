"""Headers say what was encoded, and never more than the format tells."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from headwater.errors import ContentError, LimitExceeded, Malformed
from headwater.evidence.content import Content
from headwater.media.pictures.orientation import exif_orientation
from tests.media.pictures import makers
from tests.pictures import texture


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_sizes_are_what_was_encoded(width: int, height: int, seed: int) -> None:
    for name, data in makers.samples(seed, width, height).items():
        _, header = makers.opened(data)
        assert (header.width_px, header.height_px) == (width, height), name


@pytest.mark.parametrize(("subsampling", "expected"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_fields(subsampling: int, expected: str, progressive: bool) -> None:
    data = makers.encoded(texture(1), "JPEG", subsampling=subsampling, progressive=progressive)
    _, header = makers.opened(data)
    assert header.subsampling == expected
    assert header.progressive is progressive
    assert header.coding == ("progressive" if progressive else "baseline")
    assert (header.mode, header.bit_depth, header.channels) == ("ycbcr", 8, 3)


def test_jpeg_colour_spaces() -> None:
    _, grey = makers.opened(makers.encoded(texture(1).convert("L"), "JPEG"))
    assert (grey.mode, grey.channels, grey.subsampling) == ("grey", 1, None)
    _, inks = makers.opened(makers.encoded(texture(1).convert("CMYK"), "JPEG"))
    assert (inks.mode, inks.channels, inks.adobe_transform) == ("cmyk", 4, 0)
    _, rgb = makers.opened(makers.encoded(texture(1), "JPEG", keep_rgb=True))
    assert rgb.mode == "rgb"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", ("grey", 8, 1)),
        ("1", ("grey", 1, 1)),
        ("P", ("palette", 8, 1)),
        ("RGB", ("rgb", 8, 3)),
        ("RGBA", ("rgb+alpha", 8, 4)),
        ("LA", ("grey+alpha", 8, 2)),
        ("I;16", ("grey", 16, 1)),
    ],
)
def test_png_modes(mode: str, expected: tuple[str, int, int]) -> None:
    image = texture(1)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(image)[:, :, 0].astype(np.uint16) << 8)
    elif mode == "P":
        picture = image.quantize(256)
    else:
        picture = image.convert(mode)
    _, header = makers.opened(makers.encoded(picture, "PNG"))
    assert (header.mode, header.bit_depth, header.channels) == expected


def test_tiff_pages_and_compression() -> None:
    options = {"save_all": True, "append_images": [texture(2), texture(3)]}
    _, header = makers.opened(
        makers.encoded(texture(1), "TIFF", compression="tiff_adobe_deflate", **options)
    )
    assert (header.auxiliary_pictures, header.coding, header.frames) == (2, "deflate", 1)


def test_avif_alpha_is_an_auxiliary_picture() -> None:
    picture = texture(1).convert("RGBA")
    picture.putalpha(128)
    _, header = makers.opened(makers.encoded(picture, "AVIF", max_threads=1))
    assert header.mode == "ycbcr+alpha"
    assert header.auxiliary_pictures == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", [0, 1, 5, 8, 9, 65535])
def test_exif_orientation_is_1_to_8_or_nothing(order: str, value: int) -> None:
    data = makers.exif(value, order)
    expected = value if 1 <= value <= 8 else None
    assert exif_orientation(Content.from_bytes(data), 0, len(data)) == expected
    prefixed = b"Exif\0\0" + data
    assert exif_orientation(Content.from_bytes(prefixed), 0, len(prefixed)) == expected


@given(st.binary(max_size=64))
@settings(max_examples=200, deadline=None)
def test_exif_noise_gives_nothing_or_a_number(noise: bytes) -> None:
    for data in (noise, b"II*\0\x08\0\0\0" + noise, b"MM\0+\0\x08\0\0" + noise):
        value = exif_orientation(Content.from_bytes(data), 0, len(data))
        assert value is None or 1 <= value <= 8


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_headers_of_damaged_bytes_raise_content_errors_alone(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SMALL)))
    mutated = bytearray(SMALL[name])
    for _ in range(data.draw(st.integers(1, 12))):
        where = data.draw(st.integers(0, len(mutated) - 1))
        mutated[where] = data.draw(st.integers(0, 255))
    try:
        _, header = makers.opened(bytes(mutated))
    except ContentError:
        return
    assert 0 < header.width_px * header.height_px <= makers.LIMITS.picture_pixels
    assert 1 <= header.orientation <= 8


SMALL = makers.samples(2, 24, 16)


def test_a_size_that_lies_is_refused_before_decoding() -> None:
    png = bytearray(makers.samples()["png"])
    png[16:24] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(LimitExceeded):
        makers.opened(bytes(png))
    png[16:24] = struct.pack(">II", 0, 5)
    with pytest.raises(Malformed):
        makers.opened(bytes(png))


def test_a_second_frame_header_does_not_fool_the_limit() -> None:
    """The decoder's own idea of the size is checked, not only ours."""
    data = makers.samples()["jpeg"]
    frame = data.index(b"\xff\xc0")
    size = int.from_bytes(data[frame + 2 : frame + 4], "big")
    second = bytearray(data[frame : frame + 2 + size])
    second[5:9] = struct.pack(">HH", 60_000, 60_000)
    for forged in (
        data[:frame] + bytes(second) + data[frame:],
        data[: frame + 2 + size] + bytes(second) + data[frame + 2 + size :],
    ):
        with pytest.raises(ContentError):
            makers.decoded(forged)
