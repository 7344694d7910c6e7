"""How far the PDQ measured on the shared, scaled decode lies from that of the full decode.

    python -m bench.pdq_decode FOLDER [FOLDER ...] [--composites N]

Only JPEG is decoded at a smaller scale, so other pictures and those too small to be scaled are
left out, as are those whose full decode has a PDQ quality under 50. `--composites` adds N pictures
that are put together from the folder's small ones (mosaics, and single ones enlarged), and encoded
as JPEG in memory. Targets: median at most 4 bits, 99th percentile at most 16. For comparison it
also tells how far the hash is that takes the small raster for the picture.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from headwater.errors import ContentError
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures import pdq_hash
from headwater.measures.pdq import Pdq, PdqHashes
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


class Tally:
    """What was compared, in bits, and what was left out."""

    def __init__(self) -> None:
        self.measured: list[int] = []
        self.taken_for_the_picture: list[int] = []
        self.scales: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def add(self, name: str, data: bytes) -> None:
        content = Content.from_bytes(data)
        media = Media(content, identify(content), Limits(), content.digests())
        try:
            if media.raster.decode.scale == "full":
                self.left_out["not scaled"] += 1
                return
            expected, quality = pdq_hash.hash_luma(media.full_raster.pixels)
        except ContentError:
            self.left_out["not decoded"] += 1
            return
        if quality < TRUSTED_QUALITY:
            self.left_out["low quality"] += 1
            return
        record = Pdq().measure(media).record
        assert isinstance(record, PdqHashes)
        self.measured.append(distance(bytes.fromhex(record.pdq), expected.tobytes()))
        plain, _ = pdq_hash.hash_luma(media.raster.pixels)
        self.taken_for_the_picture.append(distance(plain.tobytes(), expected.tobytes()))
        self.scales[media.raster.decode.scale] += 1
        if self.measured[-1] > P99_MOST:
            print(f"  {self.measured[-1]} bits: {name}, {media.raster.decode}")

    def print(self) -> None:
        print(f"{len(self.measured)} pictures {dict(self.scales)}; left out {dict(self.left_out)}")
        for name, distances in (
            ("measured", self.measured),
            ("small raster taken for the picture", self.taken_for_the_picture),
        ):
            median, p90, p99 = np.percentile(distances or [0], (50, 90, 99))
            most = max(distances, default=0)
            print(f"{name}: median {median:.1f}, p90 {p90:.1f}, p99 {p99:.1f}, most {most} bits")
            print("  " + " ".join(f"{bits}:{n}" for bits, n in sorted(Counter(distances).items())))


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--composites", type=int, default=0)
    options = parser.parse_args()
    tally = Tally()
    for name, data in chain(
        files(options.folders), composites(options.folders, options.composites)
    ):
        tally.add(name, data)
    tally.print()
    if not tally.measured:
        return 1
    median, p99 = np.percentile(tally.measured, (50, 99))
    return 0 if median <= MEDIAN_MOST and p99 <= P99_MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
