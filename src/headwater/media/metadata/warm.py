"""Load everything that reading metadata may need before the cage closes."""

from __future__ import annotations

import importlib

from headwater.media.metadata.maker_notes import load_tables
from headwater.media.metadata.names import tag_names
from headwater.media.metadata.unpack import unbrotli
from headwater.media.metadata.xmp_packet import read_packet

_MODULES = (
    "headwater.media.metadata.box_segments",
    "headwater.media.metadata.embedded_pictures",
    "headwater.media.metadata.exif_tree",
    "headwater.media.metadata.gif_segments",
    "headwater.media.metadata.icc_profile",
    "headwater.media.metadata.iptc_datasets",
    "headwater.media.metadata.jpeg_segments",
    "headwater.media.metadata.place",
    "headwater.media.metadata.png_segments",
    "headwater.media.metadata.tiff_segments",
    "headwater.media.metadata.webp_segments",
    *(
        f"encodings.utf_{name}"
        for name in ("8_sig", "16", "16_le", "16_be", "32", "32_le", "32_be")
    ),
    "encodings.latin_1",
    "encodings.ascii",
)
_EMPTY_BROTLI = b"\x06"


def warm_metadata() -> None:
    """Import every module, table and text codec; what follows loads no file of its own."""
    for name in _MODULES:
        importlib.import_module(name)
    load_tables()
    for group in ("IFD0", "GPS", "Interop"):
        tag_names(group)
    read_packet(b"<x/>")
    unbrotli(_EMPTY_BROTLI, 1)
