"""Pictures that benches make: tiny ones in great number, and photo-like ones of any size."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simplejpeg

_TINY_PX = (32, 48)
_NOISE_SIGMA = 2.5


def tiny_jpeg(number: int) -> bytes:
    """Return a JPEG of 1 to 2 KB; each number has its own."""
    random = np.random.default_rng(number)
    corners = random.integers(0, 256, (2, 2, 3)).astype(np.float32)
    down, across = (np.linspace(0, 1, side, dtype=np.float32) for side in _TINY_PX)
    rows = corners[0][None] + down[:, None, None] * (corners[1] - corners[0])[None]
    pixels = rows[:, :1] + across[None, :, None] * (rows[:, 1:] - rows[:, :1])
    noisy = pixels + random.normal(0, 12, (*_TINY_PX, 1)).astype(np.float32)
    data: bytes = simplejpeg.encode_jpeg(noisy.clip(0, 255).astype(np.uint8), quality=80)
    return with_comment(data, number.to_bytes(8, "big"))


def with_comment(jpeg: bytes, comment: bytes) -> bytes:
    """Return a JPEG with one more comment segment (ITU-T T.81, B.2.4.5) behind its first marker."""
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    return jpeg[:2] + segment + jpeg[2:]


def photo_like(
    original: Path, width_px: int, height_px: int, *, progressive: bool = False
) -> bytes:
    """Return a photograph at another size: 4:2:0, quality 93, with a sensor's noise and its EXIF.

    The noise is added after resizing, for what was enlarged is smooth and packs too well.
    """
    from PIL import Image

    with Image.open(original) as picture:
        exif = picture.info.get("exif", b"")
        resized = picture.convert("RGB").resize((width_px, height_px), Image.Resampling.BICUBIC)
    pixels = np.asarray(resized).copy()
    random = np.random.default_rng(width_px)
    for rows in _bands(height_px):
        noise = random.normal(0, _NOISE_SIGMA, (rows.stop - rows.start, width_px, 1))
        pixels[rows] = (pixels[rows] + noise.astype(np.float32)).clip(0, 255)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(
        encoded,
        "JPEG",
        quality=93,
        subsampling="4:2:0",
        optimize=progressive,
        progressive=progressive,
        exif=exif,
    )
    return encoded.getvalue()


def _bands(height_px: int) -> Iterator[slice]:
    for top in range(0, height_px, 512):
        yield slice(top, min(height_px, top + 512))
