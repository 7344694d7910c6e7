"""Simulated cameras: sensor pattern and noise, lens, JPEG tables, EXIF and file names.

The sensor model is the simplified one of Chen et al. (2008), "Determining image origin and
integrity using sensor noise": out = in * vignetting * (1 + K) + noise, where K is a fixed pattern
per body; that of red and blue is interpolated from half the resolution, as behind a Bayer filter.
All makes and models are invented.
"""

from __future__ import annotations

import datetime
import io
import math
import struct
from typing import NamedTuple

import numpy as np
from PIL import Image

from headwater.demo import exif
from headwater.demo.jpeg import APP1, segment, with_segments
from headwater.demo.manifest import DemoCamera, DemoPlace
from headwater.demo.painting.canvas import Plane, interleaved, planar, scaled

PLACES: tuple[DemoPlace, ...] = (
    DemoPlace(
        key="munich",
        name="Marienplatz, Munich",
        latitude_degrees=48.13743,
        longitude_degrees=11.57549,
        utc_offset_hours=2,
    ),
    DemoPlace(
        key="lisbon",
        name="Praca do Comercio, Lisbon",
        latitude_degrees=38.70754,
        longitude_degrees=-9.13638,
        utc_offset_hours=1,
    ),
    DemoPlace(
        key="buenos-aires",
        name="Plaza de Mayo, Buenos Aires",
        latitude_degrees=-34.60834,
        longitude_degrees=-58.37219,
        utc_offset_hours=-3,
    ),
    DemoPlace(
        key="melbourne",
        name="Federation Square, Melbourne",
        latitude_degrees=-37.81798,
        longitude_degrees=144.96905,
        utc_offset_hours=10,
    ),
)


class Optics(NamedTuple):
    """A lens that is always used alike."""

    focal_mm: tuple[int, int]
    aperture: tuple[int, int]
    vignetting: float
    """Share of light lost in the corners."""


class Noise(NamedTuple):
    """Deviations in grey levels: `sqrt(read^2 + shot^2 * level)`."""

    read: float
    shot: float


class Coding(NamedTuple):
    """How a model writes JPEG."""

    table_slope: float
    """How fast the quantisation steps grow with frequency."""
    subsampling: str
    restart_rows: int = 0
    """JPEG rows of blocks between restart markers; 0 for none."""


class Model(NamedTuple):
    """What all bodies of one camera model share."""

    make: str
    model: str
    software: str
    maker_note: bytes
    """How its maker notes begin."""
    folder: str
    """Where its card or memory keeps pictures, with the `body`."""
    file_name: str
    """What it calls a picture, with `taken` or its `number`."""
    optics: Optics
    noise: Noise
    coding: Coding
    order: exif.ByteOrder = "<"
    knows_place: bool = True
    """Writes its position, and the offset of its clock from UTC."""


ROAM = Model(
    "Fennwick",
    "Roam 5",
    "Fennwick OS 5.2.1",
    b"FENNWICK\x00\x01",
    folder="phone/DCIM/Camera",
    file_name="IMG_{taken:%Y%m%d_%H%M%S}.jpg",
    optics=Optics((43, 10), (18, 10), vignetting=0.16),
    noise=Noise(1.2, 0.13),
    coding=Coding(0.9, "4:2:0"),
)
QUILLON = Model(
    "QUILLON",
    "Quillon Q3",
    "Ver.1.04",
    b"QLN3\x00\x02",
    folder="cards/{body}/DCIM/100QLN03",
    file_name="QLN_{number:04}.JPG",
    optics=Optics((35, 1), (56, 10), vignetting=0.22),
    noise=Noise(1.0, 0.11),
    coding=Coding(0.42, "4:2:2"),
    order=">",
    knows_place=False,
)
FIELD = Model(
    "Marrowby Optical Works",
    "Field 2",
    "Field firmware 2.10",
    b"MARROWBY\x00",
    folder="cards/field/DCIM/101MARRO",
    file_name="MOW{number:05}.JPG",
    optics=Optics((24, 1), (28, 10), vignetting=0.28),
    noise=Noise(1.4, 0.14),
    coding=Coding(0.62, "4:4:4", restart_rows=1),
)


class Body(NamedTuple):
    """One camera: a model with a serial number, and so a sensor of its own."""

    key: str
    model: Model
    serial: str
    first_number: int
    """Number of its first picture here."""


BODIES: tuple[Body, ...] = (
    Body("roam", ROAM, "FW5-20417733", 1),
    Body("quillon-a", QUILLON, "3004127", 412),
    Body("quillon-b", QUILLON, "3009856", 87),
    Body("field", FIELD, "MO2-0001894", 2103),
)

PATTERN_DEVIATION = 0.007
"""Deviation of K, the multiplicative sensor pattern."""


class Shot(NamedTuple):
    """The circumstances of one exposure."""

    place: DemoPlace
    taken: datetime.datetime
    """With the offset of the place."""
    number: int
    """Running number of the body."""
    upright: bool = False
    """Held upright: stored with EXIF orientation 6."""
    aim: tuple[float, float, float] = (0.0, 0.0, 1.0)
    """What is framed of the scene: left and top as shares of its sides, and the share of both."""
    exposure: tuple[int, int] = (1, 250)
    iso: int = 100


def file_name(body: Body, shot: Shot) -> bytes:
    """Return the name that the camera gives its picture."""
    return body.model.file_name.format(taken=shot.taken, number=shot.number).encode()


def folder_name(body: Body) -> bytes:
    """Return the folder that holds the body's pictures, below the evidence."""
    return body.model.folder.format(body=body.key).encode()


class Camera:
    """A body with its sensor pattern drawn: `photograph` turns scenes into JPEG files."""

    def __init__(self, body: Body, width_px: int, height_px: int, seed: int) -> None:
        self.body = body
        self.size_px = (width_px, height_px)
        index = BODIES.index(body)
        random = np.random.Generator(np.random.SFC64([seed, 1000 + index]))
        self._noise = np.random.Generator(np.random.SFC64([seed, 2000 + index]))
        self._gain = _pattern(random, width_px, height_px)
        self._gain *= _vignetting(body.model.optics.vignetting, width_px, height_px)

    def record(self) -> DemoCamera:
        """Return what the manifest says of this camera."""
        model = self.body.model
        return DemoCamera(
            key=self.body.key,
            make=model.make,
            model=model.model,
            body_serial=self.body.serial,
            software=model.software,
            width_px=self.size_px[0],
            height_px=self.size_px[1],
            writes_gps=model.knows_place,
            writes_utc_offset=model.knows_place,
        )

    def expose(
        self,
        scene: Image.Image,
        *,
        upright: bool = False,
        aim: tuple[float, float, float] = (0.0, 0.0, 1.0),
    ) -> Image.Image:
        """Return the picture as the sensor stores it, RGB, of the camera's size.

        `scene` is 4:3. Held upright, its middle is taken, and turned a quarter anticlockwise as
        it lies on the sensor.
        """
        left, top = aim[0] * scene.width, aim[1] * scene.height
        wide, high = aim[2] * scene.width, aim[2] * scene.height
        if upright:
            # The middle 3:4 of what is framed: 9/16 of its width.
            box = (left + wide * 7 / 32, top, left + wide * 25 / 32, top + high)
            standing = scene.resize(self.size_px[::-1], Image.Resampling.BICUBIC, box)
            scene = standing.transpose(Image.Transpose.ROTATE_90)
        else:
            box = (left, top, left + wide, top + high)
            scene = scene.resize(self.size_px, Image.Resampling.BICUBIC, box)
        light = planar(scene)
        noise = self._sensor_noise(light)
        light *= self._gain
        light += noise
        return interleaved(light)

    def _sensor_noise(self, light: Plane) -> Plane:
        """Return read and shot noise; its deviation follows the light at each sample."""
        deviations = self.body.model.noise
        noise = _white(self._noise, light.shape)
        variance = light * np.float32(deviations.shot**2)
        variance += np.float32(deviations.read**2)
        noise *= np.sqrt(variance, out=variance)
        return noise

    def photograph(self, scene: Image.Image, shot: Shot) -> bytes:
        """Return the JPEG file that the camera writes."""
        picture = self.expose(scene, upright=shot.upright, aim=shot.aim)
        return with_segments(self.encode(picture), [self.exif_segment(picture, shot)])

    def encode(self, picture: Image.Image) -> bytes:
        """Return a JPEG with the model's own tables and subsampling, without metadata."""
        coding = self.body.model.coding
        file = io.BytesIO()
        options = {"restart_marker_rows": coding.restart_rows} if coding.restart_rows else {}
        picture.save(
            file,
            "JPEG",
            qtables=_tables(coding.table_slope),
            subsampling=coding.subsampling,
            optimize=False,
            **options,
        )
        return file.getvalue()

    def exif_segment(
        self,
        picture: Image.Image,
        shot: Shot,
        *,
        software: str | None = None,
        orientation: int | None = None,
        thumbnail_of: Image.Image | None = None,
    ) -> bytes:
        """Return the APP1 segment of a picture. An editor's may name its `software`, and keep
        the thumbnail of another picture.
        """
        if orientation is None:
            orientation = 6 if shot.upright else 1
        block = exif.write_exif(
            self._main_tags(shot, software, orientation),
            self._photo_tags(shot, picture.size),
            _place_tags(shot) if self.body.model.knows_place else [],
            thumbnail=_thumbnail(thumbnail_of or picture),
            order=self.body.model.order,
        )
        return segment(APP1, block)

    def _main_tags(self, shot: Shot, software: str | None, orientation: int) -> list[exif.Tag]:
        model = self.body.model
        return [
            exif.text(0x010F, model.make),
            exif.text(0x0110, model.model),
            exif.short(0x0112, orientation),
            exif.rational(0x011A, (72, 1)),
            exif.rational(0x011B, (72, 1)),
            exif.short(0x0128, 2),
            exif.text(0x0131, software or model.software),
            exif.text(0x0132, _exif_time(shot.taken)),
            exif.short(0x0213, 1),
        ]

    def _photo_tags(self, shot: Shot, size_px: tuple[int, int]) -> list[exif.Tag]:
        model, time = self.body.model, _exif_time(shot.taken)
        tags = [
            exif.rational(0x829A, shot.exposure),
            exif.rational(0x829D, model.optics.aperture),
            exif.short(0x8827, shot.iso),
            exif.raw(0x9000, b"0232"),
            exif.text(0x9003, time),
            exif.text(0x9004, time),
            exif.raw(0x9101, b"\x01\x02\x03\x00"),
            exif.signed_rational(0x9204, (0, 1)),
            exif.short(0x9209, 16),
            exif.rational(0x920A, model.optics.focal_mm),
            exif.raw(0x927C, self._maker_note(shot)),
            exif.text(0x9291, f"{shot.taken.microsecond // 10000:02d}"),
            exif.raw(0xA000, b"0100"),
            exif.short(0xA001, 1),
            exif.short(0xA002, size_px[0]),
            exif.short(0xA003, size_px[1]),
            exif.text(0xA431, self.body.serial),
        ]
        if model.knows_place:
            offset = f"{shot.place.utc_offset_hours:+03d}:00"
            tags += [exif.text(number, offset) for number in (0x9010, 0x9011, 0x9012)]
        return tags

    def _maker_note(self, shot: Shot) -> bytes:
        model = self.body.model
        numbers = struct.pack(model.order + "IHH", shot.number + 5000, shot.iso, 100)
        return model.maker_note + numbers + self.body.serial.encode().ljust(16, b"\x00")


def _white(random: np.random.Generator, shape: tuple[int, ...]) -> Plane:
    """Return noise of deviation 1: two dice of 256 sides a sample.

    It is three times as fast as normal deviates, and as good behind an 8-bit converter.
    """
    count = math.prod(shape)
    dice = np.frombuffer(random.bytes(2 * count), dtype=np.uint8)
    total = np.add(dice[:count], dice[count:], dtype=np.float32)
    total -= np.float32(255)
    total *= np.float32(1 / np.sqrt((256**2 - 1) / 6))
    return total.reshape(shape)


def _doubled(plane: Plane) -> Plane:
    """Return a plane at twice its size, interpolated as a Bayer filter's colour is."""
    height_px, width_px = plane.shape
    image = Image.fromarray(plane)
    bilinear = Image.Resampling.BILINEAR
    return np.asarray(image.resize((width_px * 2, height_px * 2), bilinear), dtype=np.float32)


def _pattern(random: np.random.Generator, width_px: int, height_px: int) -> Plane:
    """Return 1 + K, shape (3, height, width)."""
    gain = np.empty((3, height_px, width_px), dtype=np.float32)
    gain[1] = random.standard_normal((height_px, width_px), dtype=np.float32)
    for channel in (0, 2):
        half = random.standard_normal((height_px // 2, width_px // 2), dtype=np.float32)
        gain[channel] = _doubled(half)
    gain *= np.float32(PATTERN_DEVIATION)
    gain += 1
    return gain


def _vignetting(loss: float, width_px: int, height_px: int) -> Plane:
    down, across = np.mgrid[-1:1:65j, -1:1:65j].astype(np.float32)
    return scaled(1 - np.float32(loss / 2) * (down**2 + across**2), width_px, height_px)


def _tables(slope: float) -> list[list[int]]:
    """Return the model's quantisation tables for luma and chroma, row by row."""
    return [
        [
            max(1, min(255, round(start + growth * slope * (row + column + 0.12 * row * column))))
            for row in range(8)
            for column in range(8)
        ]
        for start, growth in ((2, 1.0), (3, 1.9))
    ]


def _thumbnail(picture: Image.Image) -> bytes:
    small = picture.copy()
    small.thumbnail((160, 160), Image.Resampling.BOX)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=72)
    return file.getvalue()


def _exif_time(taken: datetime.datetime) -> str:
    return taken.strftime("%Y:%m:%d %H:%M:%S")


def _degrees(value: float) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    hundredths = round(abs(value) * 360_000)
    return (
        (hundredths // 360_000, 1),
        (hundredths // 6_000 % 60, 1),
        (hundredths % 6_000, 100),
    )


def _place_tags(shot: Shot) -> list[exif.Tag]:
    # A few metres apart from shot to shot, as people walk.
    latitude = shot.place.latitude_degrees + (shot.number % 7 - 3) * 0.00006
    longitude = shot.place.longitude_degrees + (shot.number % 5 - 2) * 0.00008
    utc = shot.taken.astimezone(datetime.UTC)
    return [
        exif.small(0, 2, 3, 0, 0),
        exif.text(1, "N" if latitude >= 0 else "S"),
        exif.rational(2, *_degrees(latitude)),
        exif.text(3, "E" if longitude >= 0 else "W"),
        exif.rational(4, *_degrees(longitude)),
        exif.small(5, 0),
        exif.rational(6, (5 + shot.number % 11, 1)),
        exif.rational(7, (utc.hour, 1), (utc.minute, 1), (utc.second, 1)),
        exif.text(0x12, "WGS-84"),
        exif.text(0x1D, utc.strftime("%Y:%m:%d")),
    ]
