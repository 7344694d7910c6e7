"""What a program of known parts does with a picture; run by bench.picture in its own environment.

Three digests, EXIF by exifread, a full decode by Pillow, PDQ of it by pdqhash, and a thumbnail of
at most 320 px. Each question is a path, each answer the CPU seconds used and the PDQ.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
from pathlib import Path

import exifread
import numpy as np
import pdqhash
from PIL import Image

Image.MAX_IMAGE_PIXELS = None


def examine(path: str) -> str:
    data = Path(path).read_bytes()
    for algorithm in ("md5", "sha1", "sha256"):
        hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
    exifread.process_file(io.BytesIO(data))
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    bits, _ = pdqhash.compute(np.asarray(picture))
    picture.thumbnail((320, 320))
    picture.save(io.BytesIO(), "JPEG", quality=80)
    return np.packbits(bits).tobytes().hex()


def main() -> None:
    for line in sys.stdin:
        path = json.loads(line)
        before = time.process_time()
        pdq = examine(path)
        answer = {"cpu_seconds": time.process_time() - before, "pdq": pdq}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
