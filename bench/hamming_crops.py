"""PDQ codes that cluster as real ones do: of many crops of each of some real pictures.

A picture gives as many codes as every other one. A crop keeps 30 to 90 % of both sides, at any
place; how much and where is drawn from a generator seeded with the picture's number, so the codes
are the same each time. They are kept in a file: making a million takes minutes.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]

PROCESSES = 2


def crops(pictures: Path, kept: Path, count: int) -> Codes:
    """Return uint8 (count, 32): codes of crops of the JPEGs in a folder, picture after picture."""
    if not kept.exists():
        paths = sorted(pictures.glob("*.jpg"))
        each = -(-count // len(paths))
        with ProcessPoolExecutor(PROCESSES) as processes:
            numbered = range(len(paths))
            made = list(processes.map(_crops_of, paths, numbered, [each] * len(paths), chunksize=8))
        partial = kept.with_suffix(".partial.npy")
        np.save(partial, np.concatenate(made)[:count])
        os.replace(partial, kept)
    codes: Codes = np.load(kept)
    assert codes.shape == (count, 32)
    return codes


def _crops_of(path: Path, number: int, count: int) -> Codes:
    from PIL import Image

    from headwater.measures import pdq_hash

    with Image.open(path) as picture:
        pixels: Any = np.asarray(picture.convert("L"))
    plane = pdq_hash.luma(pixels)
    height, width = plane.shape
    random = np.random.default_rng(number)
    codes = np.empty((count, 32), np.uint8)
    for row in range(count):
        share, down, across = random.uniform(0.3, 0.9), random.random(), random.random()
        rows, columns = int(height * share), int(width * share)
        top, left = int(down * (height - rows)), int(across * (width - columns))
        crop = np.ascontiguousarray(plane[top : top + rows, left : left + columns])
        codes[row] = pdq_hash.hash_luma(crop)[0]
    return codes
