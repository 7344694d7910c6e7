"""The PDQ measure: what it records of a raster."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from headwater.errors import Malformed
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures import pdq_hash, pdq_scaled
from headwater.measures.pdq import Pdq, PdqHashes
from headwater.media.media import Media
from headwater.media.pictures.header import PictureHeader
from headwater.media.raster import Decode, Pixels, Raster
from headwater.model import DIHEDRAL, Identity


class Decoded(Media):
    """An item whose shared decode and stored size (height, width) are given."""

    def __init__(self, raster: Raster | None, size: tuple[int, int]) -> None:
        content = Content.from_bytes(b"")
        identity = Identity(kind="picture", format="png", media_type="image/png")
        super().__init__(content, identity, Limits(), content.digests())
        self._raster = raster
        self._header = PictureHeader(height_px=size[0], width_px=size[1], mode="rgb")

    @property
    def header(self) -> PictureHeader:
        return self._header

    @property
    def raster(self) -> Raster:
        if self._raster is None:
            raise Malformed("broken")
        return self._raster


def raster_of(pixels: Pixels, orientation: int = 1, scale: str = "full") -> Raster:
    height, width = pixels.shape[:2]
    decode = Decode(decoder="made", width_px=width, height_px=height, scale=scale)
    return Raster(pixels=pixels, orientation=orientation, decode=decode)


def waves(height: int, width: int, channels: int = 3) -> Pixels:
    """Interfering waves, as uint8 (height, width, channels), or (height, width) for one channel."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        127 + 60 * np.sin(x / (17.0 + 5 * c) + y / 90) + 60 * np.cos(y / (23.0 - 4 * c) + x / 50)
        for c in range(channels)
    ]
    pixels = np.stack(planes, axis=-1).astype(np.uint8)
    return pixels if channels > 1 else pixels[:, :, 0]


def measured(raster: Raster, size: tuple[int, int] | None = None) -> PdqHashes:
    height, width = size or raster.pixels.shape[:2]
    result = Pdq().measure(Decoded(raster, (height, width)))
    assert isinstance(result.record, PdqHashes)
    assert result.blobs == ()
    return result.record


@pytest.mark.parametrize("channels", [1, 3])
def test_record_is_that_of_the_raster(channels: int) -> None:
    raster = raster_of(waves(300, 400, channels))
    record = measured(raster)
    bits, quality = pdq_hash.hash_luma(raster.pixels)
    variants, _ = pdq_hash.dihedral(raster.pixels)
    assert (record.pdq, record.quality) == (bits.tobytes().hex(), quality)
    assert record.quality >= 50
    assert list(record.dihedral) == list(DIHEDRAL)
    assert list(record.dihedral.values()) == [v.tobytes().hex() for v in variants]
    assert record.dihedral["original"] == record.pdq
    assert len(set(record.dihedral.values())) == 8
    assert record.decode is raster.decode
    assert record.subject == "raster"


def test_a_reduced_raster_gives_the_hash_of_the_picture() -> None:
    raster = raster_of(waves(300, 400), scale="dct 1/4")
    record = measured(raster, (1199, 1597))
    variants, quality = pdq_scaled.dihedral_scaled(raster.pixels, 1199, 1597)
    assert (record.subject, record.quality) == ("picture", quality)
    assert list(record.dihedral.values()) == [v.tobytes().hex() for v in variants]
    assert record.pdq == record.dihedral["original"] == variants[0].tobytes().hex()
    assert record.decode is raster.decode


def test_a_raster_of_another_shape_than_the_picture_is_hashed_as_it_is() -> None:
    raster = raster_of(waves(300, 400), scale="embedded preview")
    preview = measured(raster, (1230, 1700))
    assert preview == measured(raster)
    assert preview.subject == "raster"


def test_orientation_does_not_change_the_hash_of_stored_pixels() -> None:
    pixels = waves(300, 200)
    assert measured(raster_of(pixels, 6)).pdq == measured(raster_of(pixels, 1)).pdq


def test_a_raster_of_64_px_is_hashed_unfiltered_and_its_variants_filtered() -> None:
    # Stripes leave most frequencies at zero but for rounding, which the filter changes.
    y, x = np.mgrid[0:64, 0:64]
    pixels = np.ones((64, 64, 3), np.uint8)
    pixels[:, :, 1] = x // 32 % 2 * 200
    pixels[:, :, 2] = (x * 3 // 64 + y // 64) % 2
    record = measured(raster_of(pixels))
    luma = pdq_hash.luma(pixels)
    assert record.pdq == pdq_hash.hash_luma(luma)[0].tobytes().hex()
    assert record.dihedral["original"] == pdq_hash.dihedral(luma)[0][0].tobytes().hex()
    assert record.pdq != record.dihedral["original"]


@pytest.mark.parametrize("size", [(1, 1), (4, 900), (900, 4)])
def test_too_small_a_side_gives_the_zero_hash_without_quality(size: tuple[int, int]) -> None:
    record = measured(raster_of(waves(*size)))
    assert record.pdq == "0" * 64
    assert set(record.dihedral.values()) == {"0" * 64}
    assert record.quality == 0


def test_sides_under_64_px_are_hashed() -> None:
    record = measured(raster_of(waves(40, 30)))
    assert record.pdq != "0" * 64


def test_record_survives_json() -> None:
    record = measured(raster_of(waves(120, 90)))
    assert msgspec.json.decode(msgspec.json.encode(record), type=PdqHashes) == record


def test_a_picture_that_cannot_be_decoded_raises_its_error() -> None:
    with pytest.raises(Malformed):
        Pdq().measure(Decoded(None, (10, 10)))
