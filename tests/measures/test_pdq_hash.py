"""PDQ against numbers from the reference implementation, and against a plain twin.

`golden/pdq.json` holds what `pdqhash` 0.2.8 says of pictures that are made here from a seed;
`python -m bench.pdq_peer --golden tests/measures/golden/pdq.json` makes it anew.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.measures import pdq_hash
from headwater.model import DIHEDRAL

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

GOLDEN = Path(__file__).parent / "golden" / "pdq.json"


# Pictures made from a seed, by whole numbers alone: the same everywhere and for ever.


def _random(seed: str, *shape: int) -> Integers:
    stream = hashlib.shake_256(seed.encode()).digest(math.prod(shape))
    return np.frombuffer(stream, np.uint8).reshape(shape).astype(np.int64)


def _stretched(grid: Integers, height: int, width: int) -> Integers:
    """Linear interpolation of a grid in fixed point, 1/256."""
    for axis, length in ((0, height), (1, width)):
        last = grid.shape[axis] - 1
        place = np.arange(length, dtype=np.int64) * last * 256 // max(1, length - 1)
        first = np.minimum(place >> 8, last - 1)
        part = (place - (first << 8)).reshape((-1, 1) if axis == 0 else (1, -1))
        here, there = np.take(grid, first, axis), np.take(grid, first + 1, axis)
        grid = (here * (256 - part) + there * part) >> 8
    return grid


def _plane(kind: str, height: int, width: int, seed: str) -> Integers:
    grid = np.mgrid[0:height, 0:width]
    y, x = grid[0].astype(np.int64), grid[1].astype(np.int64)
    a, b, c, d = (int(value) for value in _random(seed + "parameters", 4))
    plane = np.full((height, width), a, np.int64)
    if kind == "noise":
        plane = _random(seed, height, width)
    elif kind == "gradient":
        plane = (a * x // max(1, width - 1) + b * y // max(1, height - 1) + c) // 3
    elif kind == "stripes":
        plane = ((x * (1 + a % 23) // width + y * (1 + b % 17) // height) % 2) * c
    elif kind in ("clouds", "scene"):
        plane = np.zeros((height, width), np.int64)
        for n in range(1, 8):
            cells = (1 << n) + 1
            plane += _stretched(_random(f"{seed}{n}", cells, cells), height, width) >> n
    if kind == "scene":
        inside = (x * 256 > a * width) ^ (y * 256 > b * height) ^ (x * c + y * d > a * height)
        plane = np.where(inside, plane // 2, 255 - plane // 3)
    return plane


class Recipe(NamedTuple):
    kind: str
    height: int
    width: int
    colour: bool
    seed: str


def make(recipe: Recipe) -> Pixels:
    """Return RGB (height, width, 3) or grey (height, width) pixels, uint8."""
    kind, height, width, colour, seed = recipe
    planes = [
        _plane(kind, height, width, f"{seed}/{channel}") for channel in range(3 if colour else 1)
    ]
    picture = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
    return picture if colour else np.ascontiguousarray(picture[:, :, 0])


def recipes() -> Iterator[Recipe]:
    sizes = [
        *((1, 1), (4, 4), (4, 700), (9, 4), (5, 5), (5, 400), (6, 7), (31, 100), (63, 64)),
        *((64, 64), (64, 65), (65, 65), (127, 129), (128, 128), (129, 128), (130, 257)),
        *((333, 777), (777, 333), (384, 512), (512, 384), (512, 512), (12, 3000), (2049, 7)),
        *((750, 1000), (1024, 683), (1025, 1023)),
    ]
    kinds = ("noise", "gradient", "clouds", "scene", "stripes", "flat")
    for number, (height, width) in enumerate(sizes):
        for place, kind in enumerate(kinds):
            colour = (number + place) % 3 != 0
            yield Recipe(kind, height, width, colour, f"{kind} {number}")
    yield Recipe("noise", 6, (1 << 20) + 5, False, "wider than strips of rows allow")


def read_golden() -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads(GOLDEN.read_text())
    return vectors


@pytest.mark.parametrize("vector", read_golden(), ids=lambda v: "-".join(map(str, v["recipe"])))
def test_equals_the_reference(vector: dict[str, Any]) -> None:
    pixels = make(Recipe(*vector["recipe"]))
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == vector["pixels_sha256"]

    bits, quality = pdq_hash.hash_luma(pixels)
    variants, dihedral_quality = pdq_hash.dihedral(pixels)

    assert (bits.tobytes().hex(), quality) == (vector["pdq"], vector["quality"])
    assert [v.tobytes().hex() for v in variants] == vector["dihedral"]
    assert dihedral_quality == vector["dihedral_quality"]


def test_golden_vectors_are_those_of_the_recipes() -> None:
    assert [Recipe(*vector["recipe"]) for vector in read_golden()] == list(recipes())


# A plain twin: the algorithm as it is described, one operation after the other.


def _twin_luma(pixels: Pixels) -> Floats:
    if pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=-1)
    red, green, blue = (pixels[:, :, channel].astype(np.float64) for channel in range(3))
    return (red * 0.299 + green * 0.587 + blue * 0.114).astype(np.float32)


def _twin_box(plane: Floats) -> Floats:
    """A box filter along the rows' direction, with the windows cut at both ends."""
    length = plane.shape[1]
    window = math.ceil(length / 128)
    half = (window + 2) // 2
    total, inside = np.zeros(plane.shape[0], np.float32), 0
    averages = np.empty_like(plane)
    for incoming in range(half - 1):
        total, inside = total + plane[:, incoming], inside + 1
    for place in range(length):
        if place + half - 1 < length:
            total, inside = total + plane[:, place + half - 1], inside + 1
        if inside > window or place + half - 1 >= length:
            total, inside = total - plane[:, place + half - 1 - window], inside - 1
        averages[:, place] = total / np.float32(inside)
    return averages


def _twin_samples(plane: Floats, *, filtered: bool) -> Floats:
    height, width = plane.shape
    if filtered:
        for _ in range(2):
            plane = _twin_box(_twin_box(plane).T).T
    rows = [int((n + 0.5) * height / 64) for n in range(64)]
    columns = [int((n + 0.5) * width / 64) for n in range(64)]
    return plane[np.ix_(rows, columns)]


def _twin_quality(samples: Floats) -> int:
    steps = [*(samples[:-1] - samples[1:]).flat, *(samples[:, :-1] - samples[:, 1:]).flat]
    return min(100, sum(abs(int(s * np.float32(100) / np.float32(255))) for s in steps) // 90)


def _twin_frequencies(samples: Floats) -> Floats:
    scale = float(np.float32(math.sqrt(2 / 64)))
    matrix = np.array(
        [
            [scale * math.cos(math.pi / 128 * f * (2 * n + 1)) for n in range(64)]
            for f in range(1, 17)
        ]
    ).astype(np.float32)
    halfway, result = np.zeros((16, 64), np.float32), np.zeros((16, 16), np.float32)
    for n in range(64):
        halfway = halfway + matrix[:, n, np.newaxis] * samples[n]
    for n in range(64):
        result = result + halfway[:, n, np.newaxis] * matrix[:, n]
    return result


def _twin_hex(frequencies: Floats) -> str:
    median = sorted(frequencies.flat)[127]
    number = sum(1 << bit for bit, value in enumerate(frequencies.flat) if value > median)
    return f"{number:064x}"


def _twin_variants(frequencies: Floats) -> list[Floats]:
    sign = np.where(np.arange(16) % 2 == 0, -1, 1).astype(np.float32)
    down, across = frequencies * sign[:, np.newaxis], frequencies * sign
    both = down * sign
    return [frequencies, across.T, both, down.T, down, across, frequencies.T, both.T]


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(5, 400),
    width=st.integers(5, 400),
    kind=st.sampled_from(("noise", "clouds", "scene", "stripes", "flat")),
    colour=st.booleans(),
    seed=st.integers(0, 10**9),
)
def test_equals_the_plain_twin(height: int, width: int, kind: str, colour: bool, seed: int) -> None:
    pixels = make(Recipe(kind, height, width, colour, str(seed)))
    luma = _twin_luma(pixels)
    samples = _twin_samples(luma, filtered=(height, width) != (64, 64))

    bits, quality = pdq_hash.hash_luma(pixels)
    variants, _ = pdq_hash.dihedral(pixels)

    assert (bits.tobytes().hex(), quality) == (
        _twin_hex(_twin_frequencies(samples)),
        _twin_quality(samples),
    )
    filtered = _twin_frequencies(_twin_samples(luma, filtered=True))
    expected = [_twin_hex(variant) for variant in _twin_variants(filtered)]
    assert [v.tobytes().hex() for v in variants] == expected


def test_luma_is_rounded_as_the_reference_for_every_colour() -> None:
    rest = np.arange(256 * 256).reshape(256, 256)
    for red in range(256):
        pixels = np.stack([np.full_like(rest, red), rest >> 8, rest & 255], axis=-1)
        pixels = pixels.astype(np.uint8)
        assert np.array_equal(pdq_hash.luma(pixels), _twin_luma(pixels))


def test_luma_of_grey_is_that_of_equal_channels() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(pdq_hash.luma(grey), pdq_hash.luma(np.stack([grey] * 3, axis=-1)))
    assert np.array_equal(pdq_hash.luma(grey), grey.astype(np.float32))


@pytest.mark.parametrize("size", [(64, 64), (200, 301), (1025, 90)])
def test_hashes_of_pixels_are_those_of_their_luma(size: tuple[int, int]) -> None:
    pixels = make(Recipe("scene", *size, True, "luma"))
    luma = pdq_hash.luma(pixels)
    assert luma.dtype == np.float32
    assert luma.shape == size
    for function in (pdq_hash.hash_luma, pdq_hash.dihedral):
        from_pixels, from_luma = function(pixels), function(luma)
        assert np.array_equal(from_pixels[0], from_luma[0])
        assert from_pixels[1] == from_luma[1]


def test_layout_in_memory_does_not_matter_and_input_is_left_alone() -> None:
    pixels = make(Recipe("clouds", 300, 200, True, "layout"))
    expected = pdq_hash.dihedral(pixels)[0]
    before = pixels.copy()
    fixed = pixels.copy()
    fixed.flags.writeable = False
    padded = np.zeros((300, 230, 3), np.uint8)
    padded[:, :200] = pixels
    backwards = pixels[::-1].copy()[::-1]
    for same in (fixed, padded[:, :200], backwards, np.asfortranarray(pixels)):
        assert np.array_equal(pdq_hash.dihedral(same)[0], expected)
    assert pixels.flags.writeable
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("size", [(1, 1), (4, 500), (500, 4)])
def test_a_side_under_five_pixels_gives_the_zero_hash(size: tuple[int, int]) -> None:
    pixels = make(Recipe("noise", *size, True, "small"))
    bits, quality = pdq_hash.hash_luma(pixels)
    variants, dihedral_quality = pdq_hash.dihedral(pixels)
    assert not bits.any()
    assert not variants.any()
    assert (bits.shape, variants.shape) == ((32,), (8, 32))
    assert quality == dihedral_quality == 0


def test_each_variant_is_the_hash_of_the_picture_it_names() -> None:
    picture = make(Recipe("clouds", 512, 512, False, "turned"))
    turned = {
        "original": picture,
        "rotate90": np.rot90(picture, 1),
        "rotate180": np.rot90(picture, 2),
        "rotate270": np.rot90(picture, 3),
        "flipv": np.flipud(picture),
        "fliph": np.fliplr(picture),
        "rotate90_flip": picture.T,
        "rotate270_flip": np.rot90(picture, 2).T,
    }
    assert tuple(turned) == DIHEDRAL
    variants, _ = pdq_hash.dihedral(picture)
    for place, other in enumerate(turned.values()):
        bits, _ = pdq_hash.hash_luma(other)
        distances = [int(np.unpackbits(bits ^ variant).sum()) for variant in variants]
        # Even windows are not centred, so a turned picture is a match and not the same.
        assert distances[place] <= 31
        assert min(distances[:place] + distances[place + 1 :]) >= 80


def test_other_channels_and_dtypes_are_turned_away() -> None:
    with pytest.raises(ValueError, match="4 channels"):
        pdq_hash.hash_luma(np.zeros((80, 80, 4), np.uint8))
    with pytest.raises(TypeError):
        pdq_hash.dihedral(np.zeros((80, 80), np.float64))  # type: ignore[arg-type]


def test_nothing_is_left_to_compile() -> None:
    def compiled() -> dict[str, int]:
        kernels = {n: k for n, k in vars(pdq_hash).items() if hasattr(k, "nopython_signatures")}
        return {name: len(kernel.nopython_signatures) for name, kernel in kernels.items()}

    pdq_hash.compile_kernels()
    before = compiled()
    for colour in (False, True):
        for size in ((64, 64), (90, 1000)):
            pixels = make(Recipe("noise", *size, colour, "compiled"))
            for given_pixels in (pixels, pixels[::-1], pdq_hash.luma(pixels)):
                pdq_hash.hash_luma(given_pixels)
                pdq_hash.dihedral(given_pixels)
    assert len(before) >= 5
    assert compiled() == before
