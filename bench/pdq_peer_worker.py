"""Answers for the reference: run by bench.pdq_peer under an interpreter that has `pdqhash`.

Each request on standard input is a line `height width` and height * width * 3 bytes of RGB; each
answer on standard output is one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import pdqhash


def as_hex(bits: Any) -> str:
    return np.packbits(np.asarray(bits, np.uint8)).tobytes().hex()


def answer(pixels: Any) -> dict[str, Any]:
    bits, quality = pdqhash.compute(pixels)
    before = time.process_time()
    variants, dihedral_quality = pdqhash.compute_dihedral(pixels)
    return {
        "cpu_seconds": time.process_time() - before,
        "pdq": as_hex(bits),
        "quality": quality,
        "dihedral": [as_hex(variant) for variant in variants],
        "dihedral_quality": dihedral_quality,
    }


def main() -> None:
    while line := sys.stdin.buffer.readline():
        height, width = map(int, line.split())
        data = sys.stdin.buffer.read(height * width * 3)
        pixels = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        print(json.dumps(answer(pixels)), flush=True)


if __name__ == "__main__":
    main()
