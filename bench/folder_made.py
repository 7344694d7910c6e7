"""A folder as people have them: 2,000 photographs, with exact and near copies planted among them.

Photographs of the corpus are brought to ordinary sizes, most of them enlarged with a sensor's
noise; camera originals and cuts of them stay as they are. The same corpus gives the same folder.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from PIL import Image

BASES, EXACT, NEAR = 1_600, 200, 200
_SIDES = ((640, 0.25), (1024, 0.35), (1600, 0.3), (2592, 0.1))
"""Longer sides in px of enlarged photographs, and their shares."""
_QUALITY = 92
_NOISE_SIGMA = 2.5
_ENDINGS = (".jpg", ".jpeg", ".png")
_STAMP = "2"


class Plan(msgspec.Struct, frozen=True):
    """What lies in the folder, by file name."""

    exact: dict[str, str]
    """Of each exact copy, what it is a copy of."""
    near: dict[str, tuple[str, str]]
    """Of each near copy, what it is a copy of, and how it was changed."""
    bases: list[str]


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder and its plan."""

    path: Path
    plan: Plan
    size_bytes: int
    pixels: int


def made(data: Path, work: Path) -> Folder:
    """Return the folder, made anew only where it is not there yet."""
    path, kept = work / "photos", work / "plan.json"
    if not kept.exists() or msgspec.json.decode(kept.read_bytes())["stamp"] != _STAMP:
        shutil.rmtree(work, ignore_errors=True)
        path.mkdir(parents=True)
        plan = _make(data, path)
        kept.write_bytes(msgspec.json.encode({"stamp": _STAMP, "plan": plan}))
    said = msgspec.json.decode(kept.read_bytes())
    files = [file for file in path.rglob("*") if file.is_file()]
    return Folder(
        path,
        msgspec.convert(said["plan"], Plan),
        sum(file.stat().st_size for file in files),
        sum(_pixels(file) for file in files),
    )


def _pixels(file: Path) -> int:
    from PIL import Image

    with Image.open(file) as picture:
        return picture.width * picture.height


def _make(data: Path, folder: Path) -> Plan:
    random = Random(21)
    originals = sorted(data.glob("cameras/*/original/*"))
    cuts = [cut for cut in sorted(data.glob("cameras/*/crop1024/*")) if "flat" not in cut.name]
    photos = sorted(path for path in data.glob("photos/*") if path.suffix.lower() in _ENDINGS)
    random.shuffle(photos)
    bases = []
    for number, source in enumerate([*originals, *cuts, *photos][:BASES]):
        name = f"IMG_{random.randrange(10**8):08d}.jpg"
        enlarged = source in photos
        content = _enlarged(source, number, random) if enlarged else source.read_bytes()
        (folder / name).write_bytes(content)
        bases.append(name)
    assert len(bases) == BASES
    chosen = random.sample(bases, EXACT + NEAR)
    exact, near = {}, {}
    (folder / "copies").mkdir()
    for base in chosen[:EXACT]:
        name = f"copies/DSC_{random.randrange(10**8):08d}.jpg"
        shutil.copyfile(folder / base, folder / name)
        exact[name] = base
    for number, base in enumerate(chosen[EXACT:]):
        name, (kind, change) = (
            f"copies/COPY_{random.randrange(10**8):08d}.jpg",
            _CHANGES[number % 4],
        )
        (folder / name).write_bytes(change(folder / base))
        near[name] = (base, kind)
    return Plan(exact, near, bases)


def _enlarged(source: Path, number: int, random: Random) -> bytes:
    from PIL import Image

    sides, shares = zip(*_SIDES, strict=True)
    (longer,) = random.choices(sides, shares)
    with Image.open(source) as opened:
        scale = longer / max(opened.size)
        size = (round(opened.width * scale), round(opened.height * scale))
        picture = opened.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(picture).astype(np.int16)
    noise = np.random.default_rng(number).normal(0, _NOISE_SIGMA, (*pixels.shape[:2], 1))
    pixels += noise.round().astype(np.int16)
    return _jpeg(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), _QUALITY)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=quality)
    return encoded.getvalue()


def _recompressed(file: Path) -> bytes:
    from PIL import Image

    with Image.open(file) as picture:
        return _jpeg(picture.convert("RGB"), 35)


def _halved(file: Path) -> bytes:
    from PIL import Image

    with Image.open(file) as picture:
        half = (max(1, picture.width // 2), max(1, picture.height // 2))
        return _jpeg(picture.convert("RGB").resize(half, Image.Resampling.LANCZOS), 85)


def _captioned(file: Path) -> bytes:
    """Return the picture with a line of text near its lower edge."""
    from PIL import Image, ImageDraw, ImageFont

    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    size: Any = max(12, picture.height // 20)
    place = (picture.width // 20, picture.height - 2 * size)
    font = ImageFont.load_default(size)
    ImageDraw.Draw(picture).text(place, "Summer by the lake", (255, 255, 255), font)
    return _jpeg(picture, 85)


def _brightened(file: Path) -> bytes:
    from PIL import Image, ImageEnhance

    with Image.open(file) as picture:
        return _jpeg(ImageEnhance.Brightness(picture.convert("RGB")).enhance(1.25), 85)


_CHANGES: tuple[tuple[str, Callable[[Path], bytes]], ...] = (
    ("recompressed", _recompressed),
    ("half size", _halved),
    ("captioned", _captioned),
    ("brightened", _brightened),
)
