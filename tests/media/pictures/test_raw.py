"""Camera raw: a DNG that LibRaw develops, and its preview where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from headwater.errors import ContentError, LimitExceeded, Malformed
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.metadata import exif_facts
from headwater.media.metadata.embedded_pictures import find_embedded
from headwater.media.metadata.exif_tree import read_exif
from headwater.media.metadata.segments import find_segments
from tests.media.pictures import makers
from tests.media.pictures.raw_files import CAMERAS, HEIGHT, WIDTH, raw_file
from tests.pictures import texture


def test_a_raw_picture_decodes() -> None:
    data = makers.dng(640, 480)
    identity, header = makers.opened(data)
    assert (identity.kind, identity.format) == ("picture", "dng")
    assert (header.width_px, header.height_px, header.orientation) == (640, 480, 1)
    raster = makers.decoded(data)
    assert raster.pixels.shape == (480, 640, 3)
    assert raster.decode.scale == "developed"
    centre = raster.pixels[100:-100, 100:-100].reshape(-1, 3).astype(int)
    # Light was 1, 0.75 and 0.5 of the slope in red, green and blue.
    red, green, blue = centre.mean(axis=0)
    assert red > green > blue
    # It grows to the right and downwards.
    assert raster.pixels[240, 500].sum() > raster.pixels[240, 100].sum()
    assert raster.pixels[400, 320].sum() > raster.pixels[80, 320].sum()


def test_a_large_one_is_developed_at_half_size_unless_it_is_wanted_whole() -> None:
    data = makers.dng(1200, 1100)
    half, full = makers.decoded(data), makers.decoded(data, full=True)
    assert (half.pixels.shape, half.decode.scale) == ((550, 600, 3), "developed at half size")
    assert (full.pixels.shape, full.decode.scale) == ((1100, 1200, 3), "developed")


def test_the_preview_is_taken_where_it_is_large_enough() -> None:
    image = texture(3, 720, 540)
    preview = makers.encoded(image, "JPEG", quality=95)
    raster = makers.decoded(makers.dng(1280, 960, preview=preview))
    assert raster.decode.scale.startswith("embedded preview")
    assert np.abs(raster.pixels.astype(int) - np.asarray(image)).mean() < 2
    small = makers.encoded(texture(3, 400, 300), "JPEG")
    raster = makers.decoded(makers.dng(1280, 960, preview=small))
    assert raster.decode.scale.startswith("developed")


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_is_told_and_not_applied(orientation: int) -> None:
    raster = makers.decoded(makers.dng(640, 480, orientation))
    assert raster.orientation == orientation
    assert raster.pixels.shape == (480, 640, 3)


@pytest.mark.parametrize("name", CAMERAS)
def test_a_made_raw_file_goes_from_identity_to_its_preview(name: str) -> None:
    """The maker's outer structure is followed: what the sensor data is packed in is not tested."""
    image, camera = texture(5, 720, 540), CAMERAS[name]
    described = Image.Exif()
    described[271], described[272], described[274] = camera.make, camera.model, 3
    preview = makers.encoded(image, "JPEG", quality=95, exif=described.tobytes())
    data = raw_file(name, preview, orientation=3)
    identity, header = makers.opened(data)
    assert (identity.kind, identity.format, identity.notes) == ("picture", name, ())
    # LibRaw cuts a few columns off that some models leave dark.
    assert WIDTH - 8 <= header.width_px <= WIDTH
    assert HEIGHT - 8 <= header.height_px <= HEIGHT
    content = Content.from_bytes(data)
    segments = find_segments(content, identity, Limits())
    tree = read_exif(segments.exif)
    assert exif_facts.camera_make(tree) == camera.make
    assert exif_facts.camera_model(tree) == camera.model
    assert exif_facts.orientation(tree) == 3
    places = find_embedded(content, name, tree, segments)
    assert preview in [place.content.read_at(0, place.content.size_bytes) for place in places]
    raster = makers.decoded(data)
    assert raster.decode.scale == "embedded preview, full"
    assert np.abs(raster.pixels.astype(int) - np.asarray(image)).mean() < 2


def test_sensor_data_that_is_not_there_is_told_and_never_taken_for_black() -> None:
    whole = makers.dng(640, 480)
    sensor_bytes = 2 * 640 * 480
    assert "past damage" not in makers.decoded(whole).decode.decoder
    half = whole[: len(whole) - sensor_bytes // 2] + bytes(sensor_bytes // 2)
    told = makers.decoded(half).decode.decoder
    assert told == "LibRaw (rawpy), past damage: 240 of 480 rows hold no sensor data"
    with pytest.raises(Malformed, match="no sensor data"):
        makers.decoded(whole[: len(whole) - sensor_bytes] + bytes(sensor_bytes))


def test_cut_off_and_oversized_raw() -> None:
    data = makers.dng(640, 480)
    with pytest.raises(LimitExceeded):
        makers.opened(data, Limits(picture_pixels=640 * 480 - 1))
    for cut in (100, 300, len(data) // 2):
        try:
            makers.decoded(data[:cut])
        except ContentError as error:
            assert str(error)
