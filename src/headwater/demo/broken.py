"""Files that are damaged, that lie about themselves, or that no picture viewer should open."""

from __future__ import annotations

import io
import struct
import zlib

import imagecodecs
import numpy as np
from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"


def truncated(jpeg: bytes) -> bytes:
    """Return the first three fifths of a file, as a stopped download leaves it."""
    return jpeg[: len(jpeg) * 3 // 5]


def bit_flipped(png: bytes) -> bytes:
    """Return a PNG with one bit changed in the middle of its data: a checksum no longer holds."""
    middle = len(png) // 2
    return png[:middle] + bytes([png[middle] ^ 0x10]) + png[middle + 1 :]


def twelve_bit_jpeg(picture: Image.Image) -> bytes:
    """Return a grey JPEG of 12 bits a sample (T.81 extended sequential), which few can read."""
    pixels = np.asarray(picture.convert("L"), dtype=np.uint16) << 4
    return bytes(imagecodecs.jpeg8_encode(pixels, level=85, bitspersample=12))


def png_bomb(side_px: int = 60_000) -> bytes:
    """Return a valid one-bit PNG, all black, of `side_px` squared, in a thousandth of its size.

    One deflated block of zeros is repeated; the Adler-32 of `n` zeros is `n mod 65521` over 1
    (RFC 1950, section 8.2), so that nothing large is ever held.
    """
    row = 1 + (side_px + 7) // 8
    total = row * side_px
    block = 1 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    repeated = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    last = rest.compress(bytes(total % block)) + rest.flush()
    adler = struct.pack(">I", (total % 65521) << 16 | 1)
    data = b"\x78\xda" + repeated * (total // block) + last + adler
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def small_png(picture: Image.Image) -> bytes:
    """Return a quarter-size PNG of a picture."""
    file = io.BytesIO()
    picture.reduce(4).save(file, "PNG", compress_level=3)
    return file.getvalue()
