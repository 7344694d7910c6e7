"""PDQ of the full decode: every pixel counts, whatever the shared decode left out."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures import pdq_hash
from headwater.measures.pdq import Pdq, PdqHashes
from headwater.measures.pdq_full import PdqFull
from headwater.media.identify import identify
from headwater.media.media import Media


def large_jpeg() -> bytes:
    y, x = np.mgrid[0:2200, 0:2800]
    planes = [127 + 60 * np.sin(x / (31 + c)) + 60 * np.cos(y / (47 - 5 * c)) for c in range(3)]
    noise = np.random.default_rng(7).normal(0, 12, (2200, 2800, 1))
    pixels = np.clip(np.stack(planes, axis=-1) + noise, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def media_of(data: bytes) -> Media:
    content = Content.from_bytes(data)
    return Media(content, identify(content), Limits(), content.digests())


def test_hash_is_that_of_the_full_decode() -> None:
    data = large_jpeg()
    full, shared = PdqFull().measure(media_of(data)).record, Pdq().measure(media_of(data)).record
    assert isinstance(full, PdqHashes)
    assert isinstance(shared, PdqHashes)
    assert (full.decode.scale, full.subject) == ("full", "raster")
    assert shared.decode.scale != "full"
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    bits, quality = pdq_hash.hash_luma(pixels)
    assert (full.pdq, full.quality) == (bits.tobytes().hex(), quality)
    apart = int.from_bytes(bytes.fromhex(full.pdq)) ^ int.from_bytes(bytes.fromhex(shared.pdq))
    assert apart.bit_count() <= 16
