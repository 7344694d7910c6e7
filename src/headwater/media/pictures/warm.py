"""Load every picture decoder before the cage closes."""

from __future__ import annotations

import importlib
import io

from headwater.errors import ContentError
from headwater.evidence.content import Content
from headwater.limits import Limits

_MODULES = (
    "headwater.evidence.archives.open",
    "headwater.media.identification.asf",
    "headwater.media.identification.bmp",
    "headwater.media.identification.isobmff",
    "headwater.media.identification.jpeg",
    "headwater.media.identification.matroska",
    "headwater.media.identification.polyglot",
    "headwater.media.identification.riff",
    "headwater.media.identification.tiff",
    "headwater.media.pictures.heif",
    "headwater.media.pictures.heif_decode",
    "headwater.media.pictures.jp2",
    "headwater.media.pictures.jpeg_decode",
    "headwater.media.pictures.jpeg_header",
    "headwater.media.pictures.jxl",
    "headwater.media.pictures.jxl_decode",
    "headwater.media.pictures.pillow_decode",
    "headwater.media.pictures.plain_headers",
    "headwater.media.pictures.raw",
    "PIL.ImageCms",
    "PIL.ImageOps",
    "multiprocessing.reduction",  # LibRaw's wrapper asks it how this process was started
    "pi_heif",
    "rawpy",
    "simplejpeg",
)


def warm_decoders() -> None:
    """Import every module that a picture may need, and run each decoder that has an encoder here.

    What follows loads no library and opens no file of its own. LibRaw and libheif are loaded but
    not run: LibRaw's worker threads would not survive a fork.
    """
    for name in _MODULES:
        importlib.import_module(name)
    for data in _samples():
        _open(data)


def _samples() -> list[bytes]:
    """One tiny picture of each format that the installed libraries can write."""
    import numpy as np  # noqa: PLC0415
    import simplejpeg  # noqa: PLC0415
    from imagecodecs import jpegxl_encode  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    pixels = np.zeros((16, 16, 3), np.uint8)
    samples = [
        simplejpeg.encode_jpeg(pixels),
        bytes(jpegxl_encode(pixels, numthreads=1)),
    ]
    plain = ("PNG", "GIF", "BMP", "WEBP", "JPEG2000")
    samples += [_encoded(Image.fromarray(pixels), name) for name in plain]
    samples += [
        _encoded(Image.new(mode, (16, 16)), "TIFF", compression=compression)
        for mode in ("RGB", "CMYK", "LAB", "I;16")
        for compression in ("raw", "tiff_lzw")
    ]
    samples.append(_encoded(Image.fromarray(pixels), "AVIF", max_threads=1))
    samples.append(_encoded(Image.new("CMYK", (16, 16)), "JPEG"))
    return samples


def _encoded(picture: object, name: str, **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, name, **options)  # type: ignore[attr-defined]
    return target.getvalue()


def _open(data: bytes) -> None:
    from headwater.media.identify import identify  # noqa: PLC0415
    from headwater.media.pictures.decode import decode_picture  # noqa: PLC0415
    from headwater.media.pictures.header import read_header  # noqa: PLC0415

    content, limits = Content.from_bytes(data), Limits()
    identity = identify(content)
    try:
        header = read_header(content, identity, limits)
        decode_picture(content, identity, header, limits)
    except ContentError:
        # A library built without this format: its pictures will be refused later, too.
        return
