"""Camera raw files put together here: the makers' outer structure around uncompressed samples.

Identity, metadata and the embedded preview lie in them where cameras put them. How each maker
compresses sensor data is not imitated, so these files prove nothing about that.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

from tests.media.pictures import makers
from tests.media.pictures.makers import directory

WIDTH, HEIGHT = 1280, 960
_CR2_RAW_LINK = 12


class Camera(NamedTuple):
    """What a maker's files begin with, and what they say of the camera."""

    make: str
    model: str
    start: bytes = b"II*\0"


CAMERAS = {
    "cr2": Camera("Canon", "Canon EOS 5D Mark II"),
    "nef": Camera("NIKON CORPORATION", "NIKON D70"),
    "arw": Camera("SONY", "ILCE-7M3"),
    "orf": Camera("OLYMPUS IMAGING CORP.", "E-M5", b"IIRO"),
    "rw2": Camera("Panasonic", "DMC-GH4", b"IIU\0"),
    "raf": Camera("FUJIFILM", "FinePix S5Pro"),
    "pef": Camera("PENTAX", "PENTAX K-5"),
    "srw": Camera("SAMSUNG", "NX300"),
}


def raw_file(name: str, preview: bytes, orientation: int = 1) -> bytes:
    """Return a raw file of 1280 x 960 px with `preview`, a JPEG (RAF: one with EXIF) inside."""
    if name == "raf":
        return _raf(preview)
    return _tiff(CAMERAS[name], preview, orientation, chained=name == "cr2")


def sensor() -> bytes:
    """Return Bayer samples, 16 bits little-endian: a slope of light."""
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    weight = np.where((across + down) % 2 == 1, 0.75, np.where(down % 2 == 1, 0.5, 1.0))
    samples: bytes = ((2000 + 2 * across + down) * weight).astype("<u2").tobytes()
    return samples


def _tiff(camera: Camera, preview: bytes, orientation: int, *, chained: bool) -> bytes:
    """The preview in the first directory, sensor data in its SubIFD or (CR2) the next directory."""
    _, shown = makers.opened(preview)
    first = [
        (256, 4, [shown.width_px]),
        (257, 4, [shown.height_px]),
        (258, 3, [8, 8, 8]),
        (259, 3, [6]),
        (271, 2, [*camera.make.encode(), 0]),
        (272, 2, [*camera.model.encode(), 0]),
        (273, 4, [None]),
        (274, 3, [orientation]),
        (277, 3, [3]),
        (279, 4, [len(preview)]),
        *([] if chained else [(513, 4, [None]), (514, 4, [len(preview)]), (330, 4, [0])]),
    ]
    at = 16 if chained else 8
    size = len(directory(first, at, preview, head=bytes(at)))
    size += size % 2
    first = [(tag, kind, [size] if tag == 330 else values) for tag, kind, values in first]
    head = camera.start + struct.pack("<I", at)
    if chained:
        head += b"CR\2\0" + struct.pack("<I", size)
    start = bytearray(directory(first, at, preview, head=head).ljust(size, b"\0"))
    if chained:
        struct.pack_into("<I", start, at + 2 + 12 * len(first), size)
    samples = sensor()
    raw = [
        (254, 4, [0]),
        (256, 4, [WIDTH]),
        (257, 4, [HEIGHT]),
        (258, 3, [16]),
        (259, 3, [1]),
        (262, 3, [32803]),
        (273, 4, [None]),
        (277, 3, [1]),
        (278, 4, [HEIGHT]),
        (279, 4, [len(samples)]),
        (33421, 3, [2, 2]),
        (33422, 1, [0, 1, 1, 2]),
    ]
    return directory(raw, size, samples, head=bytes(start))


def _raf(preview: bytes) -> bytes:
    """The header names the JPEG, a directory of big-endian records, and the sensor data."""
    size = struct.pack(">HH", HEIGHT, WIDTH)
    records = ((0x0100, size), (0x0121, size), (0x0131, bytes((0, 1, 1, 2))))
    packed = struct.pack(">I", len(records))
    packed += b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in records)
    jpeg_at = 160
    records_at = jpeg_at + len(preview) + len(preview) % 2
    sensor_at = records_at + len(packed)
    samples = sensor()
    places = (jpeg_at, len(preview), records_at, len(packed), sensor_at, len(samples))
    head = b"FUJIFILMCCD-RAW 0201FF000001" + CAMERAS["raf"].model.encode().ljust(32, b"\0")
    head += b"0100" + bytes(20) + struct.pack(">6I", *places)
    return (
        head.ljust(jpeg_at, b"\0") + preview.ljust(records_at - jpeg_at, b"\0") + packed + samples
    )
