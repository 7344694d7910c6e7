"""Every format becomes the pixels that went in, at the size that was asked for."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from headwater.errors import ContentError, LimitExceeded, Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.scale import reduction
from tests.media.pictures import makers
from tests.pictures import texture

LOSSY = {"jpeg": 1.5, "webp": 2.5, "avif": 2.0, "gif": 12.0}
"""Mean absolute difference, in levels, that the format's coding may cost."""


@pytest.mark.parametrize("name", sorted(makers.samples()))
def test_every_picture_format_decodes(name: str) -> None:
    raster = makers.decoded(makers.samples()[name])
    expected = np.asarray(texture(1)).astype(int)
    assert raster.pixels.shape == (72, 96, 3)
    assert raster.pixels.dtype == np.uint8
    assert np.abs(raster.pixels - expected).mean() <= LOSSY.get(name, 0.0)
    assert raster.decode.scale == "full"
    assert (raster.decode.width_px, raster.decode.height_px) == (96, 72)
    assert raster.orientation == 1


@pytest.mark.parametrize("name", sorted(makers.samples()))
def test_large_pictures_are_reduced_and_full_ones_are_not(name: str) -> None:
    data = makers.samples(3, 1100, 1030)[name]
    reduced, full = makers.decoded(data), makers.decoded(data, full=True)
    assert full.pixels.shape == (1030, 1100, 3)
    assert reduced.pixels.shape == (515, 550, 3)
    boxes = np.asarray(Image.fromarray(full.pixels).reduce(2)).astype(int)
    assert np.abs(reduced.pixels - boxes).mean() < 2.0


@given(st.integers(1, 3000), st.integers(1, 3000))
@settings(max_examples=200, deadline=None)
def test_reduction_keeps_512_px_and_no_more_than_needed(width: int, height: int) -> None:
    for factors in ((1, 2, 4, 8), tuple(range(1, 65))):
        chosen = reduction(width, height, factors)
        if chosen > 1:
            assert -(-min(width, height) // chosen) >= 512
        larger = [factor for factor in factors if factor > chosen]
        assert all(-(-min(width, height) // factor) < 512 for factor in larger)


@pytest.mark.parametrize("size", [(1024, 1024), (1023, 2000), (4100, 520), (2048, 4097)])
def test_scaled_jpeg_is_what_the_picture_looks_like(size: tuple[int, int]) -> None:
    image = texture(4, *size)
    raster = makers.decoded(makers.encoded(image, "JPEG", quality=95))
    height, width = raster.pixels.shape[:2]
    assert min(width, height) >= 512
    expected = np.asarray(image.resize((width, height), Image.Resampling.BOX)).astype(int)
    assert np.abs(raster.pixels - expected).mean() < 2.0


@pytest.mark.parametrize("name", sorted(makers.samples()))
def test_the_same_bytes_give_the_same_pixels(name: str) -> None:
    data = makers.samples(6, 130, 70)[name]
    assert np.array_equal(makers.decoded(data).pixels, makers.decoded(data).pixels)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_shows_the_picture_upright(name: str, orientation: int) -> None:
    """What is stored turned comes back upright, whichever way a format tells the turn."""
    image = texture(7, 80, 48)
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    marked = image.copy()
    marked.getexif()[274] = inverse
    from PIL import ImageOps

    stored = ImageOps.exif_transpose(marked)
    exif = Image.Exif()
    exif[274] = orientation
    data = makers.encoded(stored, name, exif=exif, **({"quality": 95} if name != "PNG" else {}))
    _, header = makers.opened(data)
    assert header.orientation == orientation
    assert header.upright_size == (80, 48)
    shown = makers.upright(makers.decoded(data))
    assert shown.shape == (48, 80, 3)
    assert np.abs(shown.astype(int) - np.asarray(image)).mean() < 6.0


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_colour_is_pillows(mode: str, options: dict[str, object]) -> None:
    image = texture(8).convert(mode)
    data = makers.encoded(image, "JPEG", quality=90, **options)
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
        expected = np.asarray(opened.convert("L" if mode == "L" else "RGB"))
    raster = makers.decoded(data)
    assert raster.pixels.shape == expected.shape
    assert np.abs(raster.pixels.astype(int) - expected).max() <= 1


def test_ycck_is_recognised_and_decoded_as_pillow_does() -> None:
    from imagecodecs import jpeg8_encode

    inks = np.asarray(texture(8).convert("CMYK"))
    data = bytes(jpeg8_encode(inks, level=95, colorspace="CMYK", outcolorspace="YCCK"))
    _, header = makers.opened(data)
    assert (header.mode, header.channels, header.adobe_transform) == ("ycck", 4, 2)
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
        expected = np.asarray(opened.convert("RGB")).astype(int)
    assert np.abs(makers.decoded(data).pixels - expected).max() <= 1


def test_twelve_bit_and_lossless_jpegs_are_refused_with_the_reason() -> None:
    from imagecodecs import jpeg8_encode

    deep = np.ascontiguousarray(np.asarray(texture(1))[:, :, 0]).astype(np.uint16) << 4
    with pytest.raises(Refused, match="12-bit"):
        makers.decoded(bytes(jpeg8_encode(deep, bitspersample=12)))
    with pytest.raises(Refused, match="lossless"):
        makers.decoded(bytes(jpeg8_encode(np.asarray(texture(1)), lossless=True)))


def test_a_cut_off_jpeg_keeps_its_upper_part() -> None:
    image = texture(9, 400, 300)
    whole = makers.encoded(image, "JPEG", quality=90)
    raster = makers.decoded(whole[: len(whole) * 2 // 3])
    assert "past damage" in raster.decode.decoder
    upper = np.asarray(image)[:120].astype(int)
    assert np.abs(raster.pixels[:120] - upper).mean() < 3.0
    again = makers.decoded(whole[: len(whole) * 2 // 3])
    assert np.array_equal(raster.pixels, again.pixels)


def test_a_jpeg_with_stray_bytes_between_segments_decodes() -> None:
    whole = makers.encoded(texture(9), "JPEG", quality=90)
    table = whole.index(b"\xff\xdb")
    raster = makers.decoded(whole[:table] + b"\0\0" + whole[table:])
    assert np.array_equal(raster.pixels, makers.decoded(whole).pixels)
    assert "past damage" in raster.decode.decoder


@pytest.mark.parametrize("name", ["png", "gif", "bmp"])
def test_a_cut_off_picture_keeps_its_upper_part(name: str) -> None:
    whole = makers.samples(9, 200, 160)[name]
    raster = makers.decoded(whole[: len(whole) * 3 // 4])
    assert "past damage" in raster.decode.decoder
    if name == "png":
        assert np.array_equal(raster.pixels[:60], np.asarray(texture(9, 200, 160))[:60])


def test_alpha_is_laid_over_white() -> None:
    random = np.random.default_rng(3)
    rgba = random.integers(0, 256, (40, 50, 4), dtype=np.uint8)
    alpha = rgba[:, :, 3:].astype(float) / 255
    expected = rgba[:, :, :3] * alpha + 255 * (1 - alpha)
    for name, data in (
        ("PNG", makers.encoded(Image.fromarray(rgba), "PNG")),
        ("WEBP", makers.encoded(Image.fromarray(rgba), "WEBP", lossless=True, exact=True)),
        ("TIFF", makers.encoded(Image.fromarray(rgba), "TIFF")),
    ):
        assert np.abs(makers.decoded(data).pixels - expected).max() <= 1.0, name


def test_grey_with_alpha_stays_grey_over_white() -> None:
    random = np.random.default_rng(4)
    both = random.integers(0, 256, (40, 50, 2), dtype=np.uint8)
    expected = both[:, :, 0] * (both[:, :, 1] / 255) + 255 - both[:, :, 1]
    pixels = makers.decoded(makers.encoded(Image.fromarray(both, "LA"), "PNG")).pixels
    assert pixels.shape == (40, 50)
    assert np.abs(pixels - expected).max() <= 1.0


def test_jxl_alpha_depth_and_grey() -> None:
    from imagecodecs import jpegxl_encode

    random = np.random.default_rng(5)
    rgba = random.integers(0, 65536, (40, 50, 4), dtype=np.uint16)
    alpha = rgba[:, :, 3:] / 65535
    expected = (rgba[:, :, :3] * alpha + 65535 * (1 - alpha)) / 257
    pixels = makers.decoded(bytes(jpegxl_encode(rgba, lossless=True))).pixels
    assert np.abs(pixels - expected).max() <= 2.0
    grey = random.integers(0, 256, (40, 50), dtype=np.uint8)
    assert np.array_equal(makers.decoded(bytes(jpegxl_encode(grey, lossless=True))).pixels, grey)


def test_sixteen_bit_and_one_bit_samples() -> None:
    deep = (np.arange(64 * 64, dtype=np.uint16) * 16).reshape(64, 64)
    for name in ("PNG", "TIFF"):
        pixels = makers.decoded(makers.encoded(Image.fromarray(deep), name)).pixels
        assert np.array_equal(pixels, (deep >> 8).astype(np.uint8)), name
    bits = Image.fromarray((deep > 30000).astype(np.uint8) * 255).convert("1")
    pixels = makers.decoded(makers.encoded(bits, "PNG")).pixels
    assert np.array_equal(pixels, np.where(deep > 30000, 255, 0))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.linspace(0, 1, 256), np.linspace(0, 255, 256)),
        (np.linspace(0, 200, 256), np.linspace(0, 200, 256)),
        (np.linspace(-5, 5, 256), np.linspace(0, 255, 256)),
        (np.linspace(0, 65535, 256), np.linspace(0, 255, 256)),
    ],
)
def test_float_samples_are_scaled_sanely(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
    expected: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    picture = Image.fromarray(values.astype(np.float32).reshape(16, 16))
    pixels = makers.decoded(makers.encoded(picture, "TIFF")).pixels
    assert np.abs(pixels.reshape(-1) - expected).max() <= 1.0


def test_float_samples_that_are_no_numbers_do_not_spread() -> None:
    values = np.full((8, 8), 0.5, np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    pixels = makers.decoded(makers.encoded(Image.fromarray(values), "TIFF")).pixels
    assert set(pixels[1:].ravel().tolist()) == {128}


def test_the_first_frame_stands_for_an_animation() -> None:
    frames = [texture(seed, 60, 40) for seed in (1, 2, 3)]
    for name in ("GIF", "PNG", "WEBP", "AVIF"):
        options = {"save_all": True, "append_images": frames[1:], "duration": 200}
        data = makers.encoded(frames[0], name, **options)
        _, header = makers.opened(data)
        assert header.frames == 3, name
        assert header.animation_seconds == pytest.approx(0.6), name
        difference = makers.decoded(data).pixels - np.asarray(frames[0]).astype(int)
        assert np.abs(difference).mean() < 12, name


def test_limits_are_reached_before_a_decoder_is_called() -> None:
    """The header alone refuses: no decoder has even been imported."""
    script = (
        "import sys, pathlib\n"
        "from headwater.errors import LimitExceeded\n"
        "from headwater.evidence.content import Content\n"
        "from headwater.limits import Limits\n"
        "from headwater.media.identify import identify\n"
        "from headwater.media.pictures.header import read_header\n"
        "content = Content.from_bytes(sys.stdin.buffer.read())\n"
        "try:\n"
        "    read_header(content, identify(content), Limits(picture_pixels=6911))\n"
        "except LimitExceeded as error:\n"
        "    print(error.limit, error.reproducible)\n"
        "decoders = {'PIL', 'simplejpeg', 'imagecodecs', 'pi_heif', 'rawpy', 'av'}\n"
        "print(sorted(decoders & set(sys.modules)))\n"
    )
    for name, data in makers.samples().items():
        ran = subprocess.run(
            [sys.executable, "-c", script], input=data, capture_output=True, check=True
        )
        assert ran.stdout.decode().splitlines() == ["picture_pixels True", "[]"], name
        makers.opened(data, Limits(picture_pixels=6912))


def test_encoded_size_is_limited() -> None:
    data = makers.samples()["png"]
    with pytest.raises(LimitExceeded, match="picture_bytes"):
        makers.opened(data, Limits(picture_bytes=len(data) - 1))


def test_a_text_bomb_in_a_png_costs_that_picture_alone() -> None:
    body = b"Comment\0\0" + zlib.compress(bytes(300_000_000))
    chunk = len(body).to_bytes(4, "big") + b"zTXt" + body
    chunk += zlib.crc32(b"zTXt" + body).to_bytes(4, "big")
    png = makers.samples()["png"]
    with pytest.raises(LimitExceeded, match="metadata_bytes"):
        makers.decoded(png[:33] + chunk + png[33:])


def test_what_is_no_picture_is_refused() -> None:
    for data in (b"text", b"%PDF-1.7\n%", makers.movie("mp4")):
        with pytest.raises(Refused):
            makers.opened(data)


SMALL = makers.samples(2, 24, 16)


@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_damage_gives_a_raster_or_a_content_error(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SMALL)))
    mutated = bytearray(SMALL[name])
    for _ in range(data.draw(st.integers(1, 6))):
        where = data.draw(st.integers(0, len(mutated) - 1))
        mutated[where] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(mutated) // 2, len(mutated)))
    try:
        raster = makers.decoded(bytes(mutated[:cut]), limits=Limits(picture_pixels=1_000_000))
    except ContentError as error:
        assert str(error)
    else:
        assert raster.pixels.dtype == np.uint8
        assert raster.pixels.ndim in (2, 3)


def test_warm_decoders_leaves_nothing_to_load_and_no_program_is_started(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from headwater.media.pictures.decode import warm_decoders\n"
        "warm_decoders()\n"
        "from headwater.errors import ContentError\n"
        "from tests.media.pictures import makers\n"
        "files = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).iterdir())]\n"
        "loaded, seen = set(sys.modules), []\n"
        "watched = ('open', 'subprocess.Popen', 'os.exec', 'os.posix_spawn', 'os.system',\n"
        "           'socket.connect', 'ctypes.dlopen')\n"
        "sys.addaudithook(lambda event, a: seen.append((event, a)) if event in watched else None)\n"
        "for data in files:\n"
        "    for cut in (len(data), len(data) // 2):\n"
        "        try: makers.decoded(data[:cut])\n"
        "        except ContentError: pass\n"
        "print(len(files), seen, sorted(set(sys.modules) - loaded))\n"
    )
    for name, data in makers.samples().items():
        (tmp_path / name).write_bytes(data)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"
    (tmp_path / "eps").write_bytes(eps)
    (tmp_path / "dng").write_bytes(makers.dng(640, 480))
    root = Path(__file__).parent.parent.parent.parent
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "13 [] []"


@pytest.mark.data
def test_a_heic_of_a_phone_decodes(data_folder: Path) -> None:
    (path,) = (data_folder / "metadata").glob("*.HEIC")
    data = path.read_bytes()
    identity, header = makers.opened(data)
    assert (identity.format, identity.media_type) == ("heif", "image/heic")
    assert header.tiles is not None
    raster = makers.decoded(data)
    width, height = header.upright_size
    factor = int(raster.decode.scale.removeprefix("reduce 1/"))
    assert raster.pixels.shape == (-(-height // factor), -(-width // factor), 3)
    assert raster.orientation == 1
    assert raster.pixels.std() > 10
    # libheif's own buffer is gone by now: the raster has to be a copy of it.
    before = raster.pixels.copy()
    gc.collect()
    again = makers.decoded(data)
    assert np.array_equal(before, raster.pixels)
    assert np.array_equal(before, again.pixels)


@pytest.mark.data
def test_hostile_files_give_a_value_or_a_content_error(data_folder: Path) -> None:
    """The long form runs in a process of its own, as a worker does."""
    script = (
        "import resource, sys, pathlib\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "from headwater.errors import ContentError\n"
        "from tests.media.pictures import makers\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try: makers.decoded(path.read_bytes())\n"
        "    except ContentError: pass\n"
    )
    root = Path(__file__).parent.parent.parent.parent
    ran = subprocess.run(
        [sys.executable, "-c", script, str(data_folder / "hostile")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_malformed_is_raised_for_a_header_without_a_picture() -> None:
    with pytest.raises(Malformed):
        makers.decoded(b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9")


def test_content_is_read_and_never_kept_open(tmp_path: Path) -> None:
    import os

    from headwater.evidence.content import DescriptorSource

    path = tmp_path / "evidence"
    path.write_bytes(makers.samples()["tiff"])
    descriptor = os.open(path, os.O_RDONLY)
    try:
        content = Content(DescriptorSource(descriptor), 0, path.stat().st_size)
        from headwater.media.identify import identify
        from headwater.media.pictures.decode import decode_picture
        from headwater.media.pictures.header import read_header

        identity = identify(content)
        header = read_header(content, identity, makers.LIMITS)
        decode_picture(content, identity, header, makers.LIMITS)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    finally:
        os.close(descriptor)
