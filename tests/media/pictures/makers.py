"""Real files of every format, made by encoders that are none of Headwater's."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from PIL import Image

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.identify import identify
from headwater.media.pictures.decode import decode_picture
from headwater.media.pictures.header import PictureHeader, read_header
from headwater.media.raster import Raster
from headwater.model import Identity
from tests.pictures import texture

LIMITS = Limits()


def encoded(image: Image.Image, name: str, **options: object) -> bytes:
    """Encode with Pillow."""
    out = io.BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


@cache
def samples(seed: int = 1, width: int = 96, height: int = 72) -> Mapping[str, bytes]:
    """One file of each picture format that the installed encoders write, by short name."""
    from imagecodecs import jpegxl_encode

    image = texture(seed, width, height)
    frames = [texture(seed + 1, width, height)]
    made = {
        "jpeg": encoded(image, "JPEG", quality=95, subsampling=0),
        "png": encoded(image, "PNG"),
        "apng": encoded(image, "PNG", save_all=True, append_images=frames, duration=250),
        "gif": encoded(image, "GIF"),
        "webp": encoded(image, "WEBP", quality=95),
        "tiff": encoded(image, "TIFF", compression="tiff_lzw"),
        "bmp": encoded(image, "BMP"),
        "avif": encoded(image, "AVIF", quality=95, max_threads=1),
        "jxl": bytes(jpegxl_encode(np.asarray(image), lossless=True, numthreads=1)),
        "jp2": encoded(image, "JPEG2000"),
        "j2k": encoded(image, "JPEG2000", no_jp2=True),
    }
    return MappingProxyType(made)


def opened(data: bytes, limits: Limits = LIMITS) -> tuple[Identity, PictureHeader]:
    """Identify and read the header."""
    content = Content.from_bytes(data)
    identity = identify(content)
    return identity, read_header(content, identity, limits)


def decoded(data: bytes, *, full: bool = False, limits: Limits = LIMITS) -> Raster:
    """Identify, read the header, decode."""
    content = Content.from_bytes(data)
    identity = identify(content)
    header = read_header(content, identity, limits)
    return decode_picture(content, identity, header, limits, full)


def upright(raster: Raster) -> npt.NDArray[np.uint8]:
    """Turn a raster as its orientation says, by Pillow's own table."""
    from PIL import ImageOps

    image = Image.fromarray(raster.pixels)
    image.getexif()[274] = raster.orientation
    return np.asarray(ImageOps.exif_transpose(image))


def exif(orientation: int, order: str = "<") -> bytes:
    """A TIFF structure that holds an orientation and nothing else."""
    mark = b"II" if order == "<" else b"MM"
    field = struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0)
    return mark + struct.pack(order + "HIH", 42, 8, 1) + field + bytes(4)


def movie(container: str, codec: str = "mpeg4", *, audio: bool = False, frames: int = 8) -> bytes:
    """A short clip by FFmpeg, in the container of that name; with `audio`, sound alone."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        if audio:
            stream = target.add_stream(codec, rate=44100)
            silence = av.AudioFrame("s16", "stereo", 4096)
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            silence.sample_rate = 44100
            resampler = av.AudioResampler(stream.format, stream.layout, stream.rate)
            for part in resampler.resample(silence):
                target.mux(stream.encode(part))
        else:
            stream = target.add_stream(codec, rate=25)
            stream.width, stream.height = 64, 48
            stream.pix_fmt = "yuv420p"
            stream.time_base = Fraction(1, 25)
            for index in range(frames):
                image = texture(index, 64, 48)
                target.mux(stream.encode(av.VideoFrame.from_image(image)))
        target.mux(stream.encode(None))
    return out.getvalue()


_MATRIX = [(1, 1), (0, 1), (0, 1), (0, 1), (1, 1), (0, 1), (0, 1), (0, 1), (1, 1)]


def dng(width: int, height: int, orientation: int = 1, preview: bytes = b"") -> bytes:
    """An uncompressed Bayer DNG (specification 1.4): a slope of light, red above green above blue.

    `preview` is a JPEG that becomes the first directory; the sensor data is then its SubIFD.
    """
    down, across = np.mgrid[:height, :width]
    light = 20000 + across * 20 + down * 10
    weight = np.where((across + down) % 2 == 1, 0.75, np.where(down % 2 == 1, 0.5, 1.0))
    sensor = (light * weight).astype("<u2").tobytes()
    raw = [
        (254, 4, [0]),
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [16]),
        (259, 3, [1]),
        (262, 3, [32803]),
        (273, 4, [None]),
        (277, 3, [1]),
        (278, 4, [height]),
        (279, 4, [len(sensor)]),
        (33421, 3, [2, 2]),
        (33422, 1, [0, 1, 1, 2]),
        (50714, 3, [0]),
        (50717, 4, [65535]),
    ]
    camera = [
        (271, 2, [*b"Headwater\0"]),
        (272, 2, [*b"Test camera\0"]),
        (274, 3, [orientation]),
        (50706, 1, [1, 4, 0, 0]),
        (50708, 2, [*b"Headwater test camera\0"]),
        (50721, 10, _MATRIX),
        (50728, 5, [(1, 1), (1, 1), (1, 1)]),
        (50778, 3, [21]),
    ]
    if not preview:
        return directory([*raw, *camera], 8, sensor, head=b"II*\0" + struct.pack("<I", 8))
    _, header = opened(preview)
    first = [
        (254, 4, [1]),
        (256, 4, [header.width_px]),
        (257, 4, [header.height_px]),
        (258, 3, [8, 8, 8]),
        (259, 3, [7]),
        (262, 3, [6]),
        (273, 4, [None]),
        (277, 3, [3]),
        (278, 4, [header.height_px]),
        (279, 4, [len(preview)]),
        (330, 4, [0]),
        *camera,
    ]
    size = len(directory(first, 8, preview, head=bytes(8)))
    size += size % 2
    first = [(tag, kind, [size] if tag == 330 else values) for tag, kind, values in first]
    start = directory(first, 8, preview, head=b"II*\0" + struct.pack("<I", 8)).ljust(size, b"\0")
    return directory(raw, size, sensor, head=start)


def directory(fields: list, offset: int, data: bytes, *, head: bytes) -> bytes:  # type: ignore[type-arg]
    """`head`, then a TIFF directory at `offset`, its values, and `data` (None in a field)."""
    codes = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 10: "ii"}
    fields = sorted(fields)
    values_at = offset + 2 + 12 * len(fields) + 4
    sized = [
        (tag, kind, values, struct.calcsize("<" + codes[kind]) * len(values))
        for tag, kind, values in fields
    ]
    data_at = values_at + sum(size + size % 2 for *_, size in sized if size > 4)
    entries, extra = b"", b""
    for tag, kind, values, size in sized:
        flat = [
            part
            for value in values
            for part in (
                value if isinstance(value, tuple) else (data_at if value is None else value,)
            )
        ]
        packed = struct.pack("<" + codes[kind][0] * len(flat), *flat)
        if size > 4:
            where = struct.pack("<I", values_at + len(extra))
            extra += packed + bytes(size % 2)
        else:
            where = packed.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, len(values)) + where
    return head + struct.pack("<H", len(fields)) + entries + bytes(4) + extra + data
