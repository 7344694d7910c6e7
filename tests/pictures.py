"""Small benign pictures that tests make for themselves."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def texture(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """Return a smooth, colourful texture; different for each seed."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(seed: int, width: int = 96, height: int = 72, *, after: bytes = b"") -> bytes:
    """Return a JPEG of a texture, with `after` behind its end."""
    out = io.BytesIO()
    texture(seed, width, height).save(out, "JPEG", quality=85)
    return out.getvalue() + after
