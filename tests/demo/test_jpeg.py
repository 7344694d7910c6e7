"""Segments are exchanged without touching pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from headwater.demo.jpeg import APP1, segment, with_segments, without_metadata, xmp_segment


def jpeg() -> tuple[bytes, bytes]:
    random = np.random.default_rng(3)
    picture = Image.fromarray(random.integers(0, 255, (40, 56, 3), dtype=np.uint8))
    file = io.BytesIO()
    picture.save(file, "JPEG", comment=b"kept", restart_marker_rows=1)
    return file.getvalue(), Image.open(io.BytesIO(file.getvalue())).tobytes()


def test_metadata_come_and_go_and_pixels_stay() -> None:
    data, pixels = jpeg()
    tagged = with_segments(data, [xmp_segment("<rdf:Description/>"), segment(APP1, b"Exif\0\0")])
    for version in (tagged, without_metadata(tagged)):
        with Image.open(io.BytesIO(version)) as picture:
            assert picture.tobytes() == pixels
            assert picture.info["comment"] == b"kept"
            assert ("xmp" in picture.info) == (version is tagged)
            assert ("jfif" in picture.info) == (version is not tagged)


def test_a_segment_has_an_end() -> None:
    assert len(segment(APP1, bytes(65_533))) == 65_537
    with pytest.raises(ValueError, match="fit"):
        segment(APP1, bytes(65_534))
