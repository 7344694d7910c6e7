"""How far the PDQ of the shared, scaled decode lies from that of the full decode.

    python -m bench.pdq_decode FOLDER [FOLDER ...] [--composites N]

Only JPEG is decoded at a smaller scale, so other pictures and those too small to be scaled are
left out, as are those whose full decode has a PDQ quality under 50. `--composites` adds N pictures
that are put together from the folder's small ones (mosaics, and single ones enlarged), and encoded
as JPEG in memory. Targets: median at most 4 bits, 99th percentile at most 16.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from headwater.errors import ContentError
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures import pdq_hash
from headwater.media.identify import identify
from headwater.media.media import Media

TRUSTED_QUALITY = 50
MEDIAN_MOST, P99_MOST = 4, 16


def files(folders: list[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in (".jpg", ".jpeg") and path.is_file():
                yield path.name, path.read_bytes()


def composites(folders: list[Path], count: int) -> Iterator[tuple[str, bytes]]:
    """Yield JPEGs of 2 to 14 megapixels, half of them mosaics of nine, half enlarged."""
    from PIL import Image

    random = np.random.default_rng(20)
    small = [
        path for f in folders for path in sorted(f.rglob("*.jpg")) if path.stat().st_size < 1e6
    ]
    for number in range(count):
        chosen = [small[k] for k in random.choice(len(small), 9 if number % 2 else 1)]
        across = 3 if number % 2 else 1
        cell = int(random.integers(1100, 4200)) // across
        sheet = Image.new("RGB", (cell * across, cell * across * 3 // 4))
        for place, path in enumerate(chosen):
            with Image.open(path) as picture:
                tile = picture.convert("RGB").resize(
                    (cell, cell * 3 // 4), Image.Resampling.LANCZOS
                )
            sheet.paste(tile, (place % across * cell, place // across * (cell * 3 // 4)))
        encoded = io.BytesIO()
        sheet.save(encoded, "JPEG", quality=int(random.integers(70, 96)))
        yield f"composite {number}", encoded.getvalue()


def compare(pictures: Iterator[tuple[str, bytes]], title: str) -> list[int]:
    """Print and return the distances in bits of the pictures that are scaled and trusted."""
    distances: list[int] = []
    scales: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    seconds = {"scaled": 0.0, "full": 0.0}
    for name, data in pictures:
        content = Content.from_bytes(data)
        media = Media(content, identify(content), Limits(), content.digests())
        try:
            start = time.process_time()
            scaled = media.raster
            middle = time.process_time()
            if scaled.decode.scale == "full":
                left_out["not scaled"] += 1
                continue
            full = media.full_raster
            seconds["scaled"] += middle - start
            seconds["full"] += time.process_time() - middle
        except ContentError:
            left_out["not decoded"] += 1
            continue
        expected, quality = pdq_hash.hash_luma(full.pixels)
        if quality < TRUSTED_QUALITY:
            left_out["low quality"] += 1
            continue
        bits, _ = pdq_hash.hash_luma(scaled.pixels)
        distances.append(int(np.bitwise_count(bits ^ expected).sum()))
        scales[scaled.decode.scale] += 1
        if distances[-1] > P99_MOST:
            print(f"  {distances[-1]} bits: {name}, {full.pixels.shape}, {scaled.decode.scale}")
    report(title, distances, scales, left_out)
    if distances:
        print("  decode, CPU-s: " + ", ".join(f"{k} {v:.2f}" for k, v in seconds.items()))
    return distances


def report(title: str, distances: list[int], scales: Counter[str], left_out: Counter[str]) -> None:
    print(f"{title}: {len(distances)} pictures; {dict(scales)}; left out {dict(left_out)}")
    if distances:
        median, p90, p99 = np.percentile(distances, (50, 90, 99))
        print(f"  median {median:.1f}, p90 {p90:.1f}, p99 {p99:.1f}, most {max(distances)} bits")
        print("  " + " ".join(f"{bits}:{n}" for bits, n in sorted(Counter(distances).items())))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--composites", type=int, default=0)
    options = parser.parse_args()
    pdq_hash.compile_kernels()
    distances = compare(files(options.folders), "files")
    if options.composites:
        distances += compare(composites(options.folders, options.composites), "composites")
        report("all", distances, Counter(), Counter())
    if not distances:
        print("nothing to compare")
        return 1
    median, p99 = np.percentile(distances, (50, 99))
    return 0 if median <= MEDIAN_MOST and p99 <= P99_MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
