"""PDQ beside the reference: differing bits and CPU time over the pictures of a folder.

    python -m bench.pdq_peer FOLDER [FOLDER ...] [--every N]
    python -m bench.pdq_peer --golden tests/measures/golden/pdq.json

The reference (`pdqhash`, which wraps the C++ code) is installed into build/peers/pdqhash; it has
no wheel, so a C++ compiler is needed. Both sides hash the same decoded pixels at full size.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

ROOT = Path(__file__).resolve().parent.parent
PEER = "pdqhash==0.2.8"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


class Reference:
    """The reference in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [_peer_python(), Path(__file__).with_name("pdq_peer_worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def hashes(self, pixels: Pixels) -> dict[str, Any]:
        colour = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{colour.shape[0]} {colour.shape[1]}\n".encode())
        self._process.stdin.write(np.ascontiguousarray(colour).data)
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()


def _peer_python() -> Path:
    folder = ROOT / "build" / "peers" / "pdqhash"
    python = folder / "bin" / "python"
    done = folder / PEER
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER, "numpy"], check=True)
        done.touch()
    return python


def pictures(folders: list[Path], every: int) -> Iterator[tuple[Path, Pixels]]:
    """Yield every N-th readable picture below the folders, in the order of their paths."""
    from PIL import Image, UnidentifiedImageError

    for folder in folders:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        for path in paths[::every]:
            try:
                with Image.open(path) as picture:
                    mode = "L" if picture.mode == "L" else "RGB"
                    pixels = np.asarray(picture.convert(mode))
            except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
                print(f"skipped {path.name}: {error}", file=sys.stderr)
                continue
            yield path, pixels


def compare(folders: list[Path], every: int) -> int:
    """Print what differs and what it costs; return the number of differing pictures."""
    from headwater.measures import pdq_hash

    pdq_hash.compile_kernels()
    reference = Reference()
    count = pixel_count = differing = differing_bits = 0
    ours_seconds = theirs_seconds = 0.0
    for path, pixels in pictures(folders, every):
        expected = reference.hashes(pixels)
        bits, quality = pdq_hash.hash_luma(pixels)
        before = time.process_time()
        variants, dihedral_quality = pdq_hash.dihedral(pixels)
        ours_seconds += time.process_time() - before
        theirs_seconds += expected["cpu_seconds"]
        ours = bits.tobytes() + variants.tobytes()
        theirs = bytes.fromhex(expected["pdq"] + "".join(expected["dihedral"]))
        wrong_bits = (int.from_bytes(ours) ^ int.from_bytes(theirs)).bit_count()
        qualities = (expected["quality"], expected["dihedral_quality"])
        if wrong_bits or (quality, dihedral_quality) != qualities:
            differing += 1
            print(f"differs by {wrong_bits} bits: {path.name}, {pixels.shape}")
        differing_bits += wrong_bits
        count += 1
        pixel_count += pixels.shape[0] * pixels.shape[1]
    reference.close()
    print(f"{count} pictures, {pixel_count / 1e6:.1f} megapixels, 9 hashes each")
    print(f"{differing} differ, {differing_bits} of {count * 9 * 256} bits")
    for name, seconds in (("headwater", ours_seconds), ("reference", theirs_seconds)):
        print(
            f"{name}: {1e3 * seconds / max(1, count):.2f} CPU-ms a picture, "
            f"{1e9 * seconds / max(1, pixel_count):.2f} ns a pixel (8 hashes from pixels)"
        )
    return differing


def write_golden(path: Path) -> None:
    """Write the reference's answers for the recipes of the tests."""
    source = ROOT / "tests" / "measures" / "test_pdq_hash.py"
    specification = importlib.util.spec_from_file_location("golden_recipes", source)
    assert specification is not None
    assert specification.loader is not None
    recipes = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(recipes)
    reference = Reference()
    vectors = []
    for recipe in recipes.recipes():
        pixels = recipes.make(recipe)
        answer = reference.hashes(pixels)
        del answer["cpu_seconds"]
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        vector = {"recipe": list(recipe), "pixels_sha256": digest, **answer}
        vectors.append(json.dumps(vector))
    reference.close()
    path.write_text("[\n" + ",\n".join(vectors) + "\n]\n")
    print(f"{len(vectors)} vectors written")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every N-th picture")
    parser.add_argument("--golden", type=Path, help="write golden vectors here and stop")
    options = parser.parse_args()
    if options.golden:
        write_golden(options.golden)
        return 0
    return 1 if compare(options.folders, options.every) else 0


if __name__ == "__main__":
    raise SystemExit(main())
