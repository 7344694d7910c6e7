"""Small benign pictures that tests make for themselves."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image, ImageCms


def texture(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """Return a smooth, colourful texture; different for each seed."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(seed: int, width: int = 96, height: int = 72, *, after: bytes = b"") -> bytes:
    """Return a JPEG of a texture, with `after` behind its end."""
    out = io.BytesIO()
    texture(seed, width, height).save(out, "JPEG", quality=85)
    return out.getvalue() + after


def rich_jpeg() -> bytes:
    """Return a JPEG with EXIF and a thumbnail in it, XMP, IPTC and a colour profile."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Invented", "Model One", 6
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Invented Editor 1"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    texture(99, 640, 480).save(out, "JPEG", quality=85, exif=exif, xmp=xmp, icc_profile=profile)
    dataset = b"\x1c\x02\x78" + struct.pack(">H", 7) + b"a title"
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(dataset)) + dataset
    body = b"Photoshop 3.0\0" + resource + b"\0" * (len(resource) % 2)
    segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
    data = out.getvalue()
    return data[:2] + segment + data[2:]
