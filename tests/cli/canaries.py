"""Canary values in lists of several formats, and a watch that finds them in any bytes."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

WINDOW_BYTES = 8
"""Even so much of a value in a row is a leak."""
_HEX_CHARACTERS = 2 * WINDOW_BYTES
_BASE64_CHARACTERS = 12
_CHUNK = 1 << 20
_FILTER_BITS = 24

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Known:
    """An item of the case that lists are to know."""

    sha256: str
    sha1: str
    md5: str
    pdq: str


@dataclass
class Lists:
    """List files by name, the values in them, and what is to be matched."""

    files: dict[str, Path] = field(default_factory=dict)
    values: list[bytes] = field(default_factory=list)
    """All that may appear nowhere: every value but those that are an item's own digest."""
    own: list[bytes] = field(default_factory=list)
    """Digests that are an item's own."""
    expected: set[tuple[str, str, str, int]] = field(default_factory=set)
    """SHA-256 of the item, list, kind, distance."""


def near(pdq: str, flips: int) -> bytes:
    """Return a code so many bits away, a multiple of four, no eight bytes of which are equal."""
    code = bytearray.fromhex(pdq)
    for flip in range(flips):
        code[2 + 8 * (flip % 4)] ^= 1 << (flip // 4)
    return bytes(code)


def busy_picture(seed: int) -> Image.Image:
    """Return a picture with enough of detail for a PDQ of high quality."""
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC)


class _Maker:
    def __init__(self, folder: Path, items: list[Known]) -> None:
        self.random = Random(31)
        self.folder = folder
        self.items = iter(items)
        self.made = Lists()

    def canary(self, size: int) -> bytes:
        value = self.random.randbytes(size)
        self.made.values.append(value)
        return value

    def own(self, item: Known, name: str, kind: str) -> bytes:
        value = bytes.fromhex(getattr(item, kind))
        self.made.own.append(value)
        self.made.expected.add((item.sha256, name, kind, 0))
        return value

    def near(self, item: Known, name: str, number: int) -> bytes:
        flips = 4 * (1 + number % 7)
        value = near(item.pdq, flips)
        self.made.values.append(value)
        self.made.expected.add((item.sha256, name, "pdq", flips))
        return value

    def write(self, name: str, ending: str, text: str) -> None:
        path = self.folder / f"{name}{ending}"
        path.write_text(text)
        self.made.files[name] = path

    def vics(self) -> None:
        """3,000 values; 20 entries have an item's MD5 beside canaries."""
        media = []
        for number in range(1_000):
            md5 = self.own(next(self.items), "vics", "md5") if number < 20 else self.canary(16)
            media.append(
                {
                    "Category": number % 3,
                    "MD5": md5.hex().upper(),
                    "SHA1": self.canary(20).hex().upper(),
                    "PhotoDNA": base64.b64encode(self.canary(144)).decode(),
                    "MediaSize": 1000 + number,
                }
            )
        self.random.shuffle(media)
        self.write("vics", ".json", json.dumps({"value": media}))

    def table(self) -> None:
        """4,000 values; 20 entries have an item's SHA-256, 30 a code near one's."""
        rows = ["md5,sha1,sha256,pdq,category"]
        for number in range(1_000):
            sha256 = (
                self.own(next(self.items), "table", "sha256") if number < 20 else self.canary(32)
            )
            is_near = 20 <= number < 50
            pdq = self.near(next(self.items), "table", number) if is_near else self.canary(32)
            values = (self.canary(16), self.canary(20), sha256, pdq)
            rows.append(",".join([*(value.hex() for value in values), str(number % 3)]))
        self.write("table", ".csv", "\n".join(rows) + "\n")

    def threatexchange(self) -> None:
        """1,000 values; 30 are codes near an item's."""
        records: list[dict[str, Any]] = []
        for number in range(1_000):
            is_near = number < 30
            pdq = self.near(next(self.items), "exchange", number) if is_near else self.canary(32)
            tags = {"reaction": "", "status": "MALICIOUS", "tags": ["lake"]}
            records.append(
                {
                    "id": str(10_000 + number),
                    "indicator": pdq.hex(),
                    "type": "HASH_PDQ",
                    "last_updated": 1_700_000_000,
                    "should_delete": False,
                    "descriptors": {"data": [tags]},
                }
            )
        self.write("exchange", ".json", json.dumps(records))

    def ncmec(self) -> None:
        """1,000 values."""
        images = "".join(
            f"<image><member id='7'>M</member><id>{number}</id><classification>A1</classification>"
            f"<fingerprints><md5>{self.canary(16).hex()}</md5>"
            f"<sha1>{self.canary(20).hex()}</sha1></fingerprints></image>"
            for number in range(500)
        )
        text = '<?xml version="1.0"?><queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">'
        self.write("ncmec", ".xml", f"{text}<images>{images}</images></queryResult>")

    def plain(self) -> None:
        """1,000 values."""
        lines = [self.canary(16).hex() for _ in range(1_000)]
        self.write("plain", ".txt", "\n".join(lines) + "\n")


def make_lists(folder: Path, items: list[Known]) -> Lists:
    """Write 10,000 canary values into lists of five formats; 100 of them match 100 items."""
    maker = _Maker(folder, items)
    for make in (maker.vics, maker.table, maker.threatexchange, maker.ncmec, maker.plain):
        make()
    made = maker.made
    assert len(made.values) + len(made.own) == 10_000
    assert len(made.expected) == 100
    return made


class Watch:
    """Finds values, or eight bytes in a row of one: raw, as hex of either case, as base64."""

    def __init__(self, values: list[bytes]) -> None:
        raw = [
            value[begin : begin + WINDOW_BYTES]
            for value in values
            for begin in range(len(value) - WINDOW_BYTES + 1)
        ]
        texts = []
        for value in values:
            for shift in range(3):
                # The characters that hold bits of what is before or behind the value are left out.
                text = base64.b64encode(bytes(shift) + value).rstrip(b"=")
                first = (8 * shift + 5) // 6
                last = (8 * (shift + len(value))) // 6 - _BASE64_CHARACTERS
                texts += [text[at : at + _BASE64_CHARACTERS] for at in range(first, last + 1)]
        self._raw = _Patterns(raw)
        self._hex = _Patterns([part.hex().encode() for part in raw])
        self._base64 = _Patterns(texts)

    def found(self, data: bytes) -> list[bytes]:
        """Return what of the values stands in `data`."""
        plain = data.translate(bytes.maketrans(b"-_", b"+/"))
        return [
            *self._raw.found(data),
            *self._hex.found(data.lower()),
            *self._base64.found(plain),
        ]


class _Patterns:
    """Byte strings of one length, at least eight, that are looked for in one go."""

    def __init__(self, patterns: list[bytes]) -> None:
        self._patterns = set(patterns)
        self._size = len(patterns[0])
        heads = b"".join(pattern[:8] for pattern in self._patterns)
        self._filter = np.zeros(1 << _FILTER_BITS, np.bool_)
        self._filter[_mixed(np.frombuffer(heads, np.uint64))] = True

    def found(self, data: bytes) -> list[bytes]:
        found: list[bytes] = []
        for begin in range(0, len(data), _CHUNK):
            part = np.frombuffer(data[begin : begin + _CHUNK + self._size - 1], np.uint8)
            if len(part) < self._size:
                continue
            heads = np.lib.stride_tricks.sliding_window_view(part, 8)
            numbers = np.ascontiguousarray(heads).view(np.uint64).ravel()
            places = np.flatnonzero(self._filter[_mixed(numbers)])
            parts = (data[begin + at : begin + at + self._size] for at in places.tolist())
            found += [one for one in parts if one in self._patterns]
        return found


def _mixed(numbers: Numbers) -> Numbers:
    """Return places in the filter."""
    return (numbers * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _FILTER_BITS)
