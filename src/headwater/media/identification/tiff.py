"""TIFF files: plain pictures, and the camera raw formats built on TIFF."""

from __future__ import annotations

from headwater.errors import Malformed
from headwater.evidence.content import Content
from headwater.media.identification.layout import Layout
from headwater.media.pictures.tiff import Directory, Tiff

_WIDTH, _COMPRESSION, _PHOTOMETRIC, _MAKE, _DNG_VERSION = 256, 259, 262, 271, 50706
_RAW_PHOTOMETRIC = frozenset({32803, 34892})
"""Colour filter array; linear raw (DNG specification 1.7)."""
_RAW_COMPRESSION = frozenset({34713, 32767, 32769, 32770, 65535})
"""Nikon, Sony, Epson, Samsung and Pentax raw compression."""
_MAKERS = (
    (b"nikon", "nef"),
    (b"sony", "arw"),
    (b"pentax", "pef"),
    (b"ricoh", "pef"),
    (b"samsung", "srw"),
    (b"olympus", "orf"),
    (b"panasonic", "rw2"),
    (b"canon", "cr2"),
)


def layout_tiff(content: Content, name: str) -> Layout:
    """Check the first directory, and tell camera raw from plain pictures by what it holds.

    The end of a TIFF cannot be told from its structure, so no trailing bytes are counted.
    """
    try:
        tiff = Tiff(content)
        directories = list(tiff.chain(most=16))
    except Malformed as error:
        return Layout(name, None, notes=(str(error),))
    if not directories:
        return Layout(name, None, notes=("first TIFF directory cannot be read",))
    if name != "tiff":
        return Layout(name, None)
    first = directories[0]
    if _DNG_VERSION in first:
        return Layout("dng", None)
    notes = () if _WIDTH in first else ("first TIFF directory names no width",)
    if _holds_raw(tiff, directories):
        make = tiff.raw(first[_MAKE], most=64).lower() if _MAKE in first else b""
        maker = next((short for word, short in _MAKERS if make.startswith(word)), None)
        if maker is not None:
            return Layout(maker, None, notes=notes)
        notes = (*notes, "holds camera raw data of a maker that is not on the list")
    return Layout("tiff", None, notes=notes)


def _holds_raw(tiff: Tiff, directories: list[Directory]) -> bool:
    for directory in directories:
        for candidate in (directory, *tiff.children(directory, most=8)):
            if tiff.integer(candidate, _PHOTOMETRIC) in _RAW_PHOTOMETRIC:
                return True
            if tiff.integer(candidate, _COMPRESSION) in _RAW_COMPRESSION:
                return True
    return False
