"""Leaving out scans of a progressive JPEG: what stays decodes like the whole, save fine detail."""

from __future__ import annotations

import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures import pdq_hash
from headwater.measures.pdq import Pdq, PdqHashes
from headwater.media.identify import identify
from headwater.media.media import Media
from headwater.media.pictures.progressive import leave_out_scans
from headwater.media.raster import Pixels


def picture(height: int, width: int, seed: int = 5) -> Pixels:
    """Coloured waves under noise, as uint8 (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        127 + 50 * np.sin(x / (19.0 + 7 * c) + y / 83) + 50 * np.cos(y / (29.0 - 5 * c) + x / 61)
        for c in range(3)
    ]
    noise = np.random.default_rng(seed).normal(0, 14, (height, width, 1))
    return np.clip(np.stack(planes, axis=-1) + noise, 0, 255).astype(np.uint8)


def progressive(pixels: Pixels, quality: int, subsampling: int = 2, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(
        out, "JPEG", quality=quality, progressive=True, subsampling=subsampling
    )
    return out.getvalue()


def shrunk(data: bytes, scale: int, size: tuple[int, int], space: str = "RGB") -> Pixels:
    height, width = (-(-side // scale) for side in size)
    return np.asarray(simplejpeg.decode_jpeg(data, space, min_height=height, min_width=width))


def signal_to_noise(whole: Pixels, part: Pixels) -> float:
    """Return how near `part` is to `whole`, in decibels."""
    error = np.square(part.astype(float) - whole).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize(("quality", "subsampling"), [(50, 2), (75, 1), (90, 0), (97, 2)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_the_smaller_decode_is_that_of_the_whole_but_for_fine_detail(
    scale: int, quality: int, subsampling: int, mode: str
) -> None:
    size = (640, 1016)
    # Of four inks, libjpeg-turbo scales down only those of one size.
    data = progressive(picture(*size), quality, 0 if mode == "CMYK" else subsampling, mode)
    lean = leave_out_scans(data, scale)
    assert lean is not None
    assert lean.size_px == (size[1], size[0])
    assert 0 < lean.kept < lean.scans
    assert len(lean.data) < len(data)
    space = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}[mode]
    whole, part = shrunk(data, scale, size, space), shrunk(lean.data, scale, size, space)
    assert part.shape == whole.shape
    # Every scale sees strong noise, the finest of fine detail: a photograph comes out nearer.
    assert signal_to_noise(whole, part) >= {2: 31.0, 4: 38.0, 8: 50.0}[scale]


def test_what_is_not_plainly_progressive_stays_whole() -> None:
    out = io.BytesIO()
    Image.fromarray(picture(64, 64)).save(out, "JPEG", quality=80)
    assert leave_out_scans(out.getvalue(), 4) is None
    data = progressive(picture(64, 64), 80)
    assert leave_out_scans(data, 4) is not None
    assert leave_out_scans(data[:-2], 4) is None
    assert leave_out_scans(b"", 4) is None


def test_cut_anywhere_it_is_left_alone() -> None:
    """Without its end of image a stream tells no layout; the whole one says what is damaged."""
    data = progressive(picture(96, 96), 60)
    for end in range(len(data)):
        assert leave_out_scans(data[:end], 2) is None


SMALL = progressive(picture(72, 104), 70)


@given(st.lists(st.tuples(st.integers(2, len(SMALL) - 3), st.integers(0, 255)), max_size=12))
def test_any_bytes_give_a_stream_of_the_same_size_or_none(changes: list[tuple[int, int]]) -> None:
    data = bytearray(SMALL)
    for place, value in changes:
        data[place] = value
    lean = leave_out_scans(bytes(data), 4)
    assert lean is None or (len(lean.data) < len(data) and lean.data[:2] == SMALL[:2])


def media_of(data: bytes) -> Media:
    content = Content.from_bytes(data)
    return Media(content, identify(content), Limits(), content.digests())


@pytest.mark.parametrize("quality", [50, 75, 92])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pdq_stays_near_that_of_the_full_decode(quality: int, seed: int) -> None:
    data = progressive(picture(1300, 1700, seed), quality)
    record = Pdq().measure(media_of(data)).record
    assert isinstance(record, PdqHashes)
    assert "scans" in record.decode.scale
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    bits, _quality = pdq_hash.hash_luma(pixels)
    apart = int.from_bytes(bytes.fromhex(record.pdq)) ^ int.from_bytes(bits.tobytes())
    assert apart.bit_count() <= 16


def test_a_full_decode_takes_every_scan() -> None:
    data = progressive(picture(1300, 1700), 90)
    raster = media_of(data).full_raster
    assert raster.decode.scale == "full"
    assert np.array_equal(raster.pixels, simplejpeg.decode_jpeg(data, "RGB"))


def test_damage_in_what_is_kept_is_told_by_the_whole_stream() -> None:
    data = bytearray(progressive(picture(1300, 1700), 90))
    middle = data.index(b"\xff\xda") + 3000
    data[middle : middle + 40] = b"\xff\x00" * 20
    raster = media_of(bytes(data)).raster
    assert "scans" in raster.decode.scale or "past damage" in raster.decode.decoder
