"""Cameras write true EXIF, and their sensors can be told apart by their pattern alone."""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping

import exifread
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from headwater.demo.cameras import BODIES, PLACES, Camera, Shot
from headwater.demo.manifest import DemoPlace
from tests.demo.conftest import Evidence, likeness

Plane = npt.NDArray[np.float64]


def degrees(tags: Mapping[str, exifread.classes.IfdTag], name: str, negative: str) -> float:
    parts = [float(value) for value in tags[f"GPS GPS{name}"].values]
    size = parts[0] + parts[1] / 60 + parts[2] / 3600
    return -size if tags[f"GPS GPS{name}Ref"].values == negative else size


def test_originals_say_what_took_them_when_and_where(evidence: Evidence) -> None:
    cameras = {camera.key: camera for camera in evidence.manifest.cameras}
    places = {place.key: place for place in evidence.manifest.places}
    for item in evidence.manifest.originals():
        assert item.camera
        assert item.place
        assert item.taken_at
        camera, place = cameras[item.camera], places[item.place]
        data = evidence.data(item)
        tags = exifread.process_file(io.BytesIO(data))
        assert tags["Image Make"].values == camera.make
        assert tags["Image Model"].values == camera.model
        assert tags["EXIF BodySerialNumber"].values == camera.body_serial
        taken = datetime.datetime.fromisoformat(item.taken_at)
        assert tags["EXIF DateTimeOriginal"].values == taken.strftime("%Y:%m:%d %H:%M:%S")
        assert ("EXIF OffsetTimeOriginal" in tags) == camera.writes_utc_offset
        if camera.writes_utc_offset:
            assert tags["EXIF OffsetTimeOriginal"].values == item.taken_at[-6:]
        assert ("GPS GPSLatitude" in tags) == camera.writes_gps
        if camera.writes_gps:
            # 0.0005 degrees are 56 m at most.
            assert degrees(tags, "Latitude", "S") == pytest.approx(place.latitude_degrees, abs=5e-4)
            assert degrees(tags, "Longitude", "W") == pytest.approx(
                place.longitude_degrees, abs=5e-4
            )
            utc = taken.astimezone(datetime.UTC)
            assert tags["GPS GPSDate"].values == utc.strftime("%Y:%m:%d")
            clock = [int(value) for value in tags["GPS GPSTimeStamp"].values]
            assert clock == [utc.hour, utc.minute, utc.second]
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == (camera.width_px, camera.height_px)


def test_a_thumbnail_is_of_its_own_picture(evidence: Evidence) -> None:
    originals = evidence.manifest.originals()
    pictures = [Image.open(io.BytesIO(evidence.data(item))) for item in originals]
    for number, item in enumerate(originals):
        tags = exifread.process_file(io.BytesIO(evidence.data(item)))
        thumbnail = Image.open(io.BytesIO(tags["JPEGThumbnail"]))
        assert thumbnail.size == (160, 120)
        alike = [likeness(thumbnail, picture) for picture in pictures]
        assert alike[number] == max(alike) > 0.95, item.key


def test_places_lie_in_all_four_quarters_of_the_map() -> None:
    quarters = {(place.latitude_degrees > 0, place.longitude_degrees > 0) for place in PLACES}
    assert len(quarters) == 4


def test_an_upright_picture_is_stored_lying_and_shown_standing(evidence: Evidence) -> None:
    standing = 0
    for item in evidence.manifest.originals():
        with Image.open(io.BytesIO(evidence.data(item))) as picture:
            lying = picture.width > picture.height
            turned = picture.getexif().get(0x0112) == 6
        shown = evidence.upright(item)
        assert lying
        assert (shown.height > shown.width) == turned
        standing += turned
    assert standing


def test_models_have_tables_of_their_own_and_bodies_share_them(evidence: Evidence) -> None:
    models = {camera.key: camera.model for camera in evidence.manifest.cameras}
    tables: dict[str, set[str]] = {}
    for item in evidence.manifest.originals():
        assert item.camera
        with Image.open(io.BytesIO(evidence.data(item))) as picture:
            assert isinstance(picture, JpegImageFile)
            found = repr((picture.quantization, picture.layer))
        tables.setdefault(models[item.camera], set()).add(found)
    assert all(len(found) == 1 for found in tables.values())
    assert len(set.union(*tables.values())) == len(tables) == 3
    assert len(models) == 4, "two bodies are of one model"


def residual(picture: Image.Image) -> tuple[Plane, Plane]:
    """Return (noise residual, brightness): what a local mean cannot explain, damped at edges."""
    plane: Plane = np.asarray(picture.convert("L"), dtype=np.float64)

    def mean(values: Plane) -> Plane:
        padded = np.pad(values, 1, mode="edge")
        high, wide = values.shape
        shifts = [padded[y : y + high, x : x + wide] for y in range(3) for x in range(3)]
        total: Plane = np.sum(shifts, axis=0)
        return total / 9

    smooth = mean(plane)
    variance = np.maximum(mean(plane * plane) - smooth * smooth, 4.0)
    noise = (plane - smooth) * 4.0 / variance
    noise -= noise.mean(axis=0, keepdims=True)
    noise -= noise.mean(axis=1, keepdims=True)
    return noise, plane


def peak_to_energy(noise: Plane, expected: Plane) -> float:
    """Return the peak-to-correlation energy at no shift (Goljan 2008), with its sign."""
    across = np.fft.irfft2(np.fft.rfft2(noise) * np.conj(np.fft.rfft2(expected)))
    peak = across[0, 0]
    rest = (np.square(across).sum() - peak * peak) / (across.size - 1)
    return float(np.sign(peak) * peak * peak / rest)


def test_sensor_patterns_link_a_picture_to_its_own_body_and_no_other(evidence: Evidence) -> None:
    bodies: dict[str, list[tuple[Plane, Plane]]] = {}
    for item in evidence.manifest.originals():
        assert item.camera
        picture = Image.open(io.BytesIO(evidence.data(item)))
        bodies.setdefault(item.camera, []).append(residual(picture))
    for body, pictures in bodies.items():
        for question in range(len(pictures)):
            noise, brightness = pictures[question]
            for other, references in bodies.items():
                known = [
                    reference
                    for number, reference in enumerate(references)
                    if other != body or number != question
                ][:3]
                weight = np.sum([plane * plane for _, plane in known], axis=0)
                pattern = np.sum([part * plane for part, plane in known], axis=0) / (weight + 1)
                energy = peak_to_energy(noise, pattern * brightness)
                if other == body:
                    assert energy > 100, (body, question)
                else:
                    assert energy < 50, (body, question, other)


def test_a_flat_field_keeps_its_level_and_darkens_to_the_corners() -> None:
    camera = Camera(BODIES[0], 256, 192, seed=5)
    field = np.asarray(camera.expose(Image.new("RGB", (256, 192), (120, 120, 120))), dtype=float)
    centre = field[86:106, 118:138].mean()
    corners = [field[:8, :8].mean(), field[-8:, :8].mean(), field[-8:, -8:].mean()]
    assert centre == pytest.approx(120, abs=1)
    for corner in corners:
        assert corner == pytest.approx(120 * (1 - BODIES[0].model.optics.vignetting), abs=3)


def test_noise_differs_from_shot_to_shot_and_grows_with_light() -> None:
    camera = Camera(BODIES[1], 256, 192, seed=5)

    def spread(level: int) -> float:
        flat = Image.new("RGB", (256, 192), (level, level, level))
        first, second = (np.asarray(camera.expose(flat), dtype=float) for _ in range(2))
        return float(np.std((first - second)[..., 1])) / 2**0.5

    model = BODIES[1].model
    for level in (40, 200):
        # The lens takes light away from the corners, 7 % of it on average.
        assert spread(level) == pytest.approx(
            (model.noise.read**2 + model.noise.shot**2 * level) ** 0.5, rel=0.1
        )


def test_a_coordinate_next_to_a_full_degree_keeps_its_minutes_below_sixty() -> None:
    camera = Camera(BODIES[0], 16, 16, seed=1)
    for number in range(400):
        edge = DemoPlace(
            key="edge",
            name="edge",
            latitude_degrees=47 + number * 0.0025 + 0.0024999,
            longitude_degrees=-11.9999999,
            utc_offset_hours=0,
        )
        shot = Shot(edge, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), number=3)
        data = camera.exif_segment(Image.new("RGB", (16, 16)), shot)
        tags = exifread.process_file(io.BytesIO(b"\xff\xd8" + data + b"\xff\xda"))
        parts = [float(value) for value in tags["GPS GPSLatitude"].values]
        assert parts[1] < 60
        assert parts[2] < 60
        assert degrees(tags, "Latitude", "S") == pytest.approx(edge.latitude_degrees, abs=1e-4)
        assert degrees(tags, "Longitude", "W") == pytest.approx(-12, abs=2e-4)
