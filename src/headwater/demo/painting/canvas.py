"""A small painter's canvas: gradients, textured shapes, light, shadow and reflections.

Positions are in units of the canvas height, so a scene looks the same at any size: `x` runs from
0 to 4/3, `y` from 0 at the top to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Plane = npt.NDArray[np.float32]
"""Shape (height, width), or (3, height, width) for colour, with samples 0..255 where it is colour.

Colours lie one after another because NumPy is quicker along whole planes.
"""
Colour = tuple[float, float, float]
Point = tuple[float, float]

ASPECT = 4 / 3
WHITE: Colour = (255, 255, 255)
_OVERSAMPLE = 2


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour `share` (0..1) of the way from `first` to `second`."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def pick(random: np.random.Generator, colours: Sequence[Colour]) -> Colour:
    """Return one of some colours by chance."""
    return colours[int(random.integers(len(colours)))]


def planar(image: Image.Image) -> Plane:
    """Return an image's channels, shape (channels, height, width)."""
    return np.array([np.asarray(band) for band in image.split()], dtype=np.float32)


def interleaved(planes: Plane) -> Image.Image:
    """Return planes of shape (3, height, width) as an RGB image, rounded and clipped."""
    rounded = planes + np.float32(0.5)
    whole = np.clip(rounded, 0, 255, out=rounded).astype(np.uint8)
    return Image.merge("RGB", [Image.fromarray(plane) for plane in whole])


def scaled(plane: Plane, width_px: int, height_px: int) -> Plane:
    """Return a one-channel plane resampled to a new size (bicubic)."""
    image = Image.fromarray(plane).resize((width_px, height_px), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def fractal(
    random: np.random.Generator, height_px: int, width_px: int, cells: int, octaves: int
) -> Plane:
    """Return smooth noise of mean 0 and deviation 1; `cells` of the coarsest octave lie on a side.

    Each further octave halves the cell and 0.6 of its weight, which looks like cloud and plaster.
    """
    total = np.zeros((height_px, width_px), dtype=np.float32)
    for octave in range(octaves):
        side = cells << octave
        lattice = random.standard_normal((side + 1, side + 1), dtype=np.float32)
        total += scaled(lattice, width_px, height_px) * np.float32(0.6**octave)
    total -= total.mean()
    total /= total.std()
    return total


class Layer:
    """Shapes drawn together, at twice the size, before they are laid onto the canvas."""

    def __init__(self, width_px: int, height_px: int, left: float, top: float, unit: float) -> None:
        self._image = Image.new("RGBA", (width_px, height_px))
        self._draw = ImageDraw.Draw(self._image)
        self._left, self._top, self._unit = left, top, unit

    def _at(self, points: Sequence[Point]) -> list[Point]:
        return [((x - self._left) * self._unit, (y - self._top) * self._unit) for x, y in points]

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: int = 255) -> None:
        self._draw.polygon(self._at(points), _paint(colour, alpha))

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        (x0, y0), (x1, y1) = self._at([(left, top), (right, bottom)])
        self._draw.rectangle((x0, y0, max(x0, x1), max(y0, y1)), _paint(colour, 255))

    def ellipse(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """Draw an ellipse around (x, y) with half-axes `wide` and `high`."""
        (x0, y0), (x1, y1) = self._at([(x - wide, y - high), (x + wide, y + high)])
        self._draw.ellipse((x0, y0, x1, y1), _paint(colour, 255))

    def line(self, points: Sequence[Point], thick: float, colour: Colour, alpha: int = 255) -> None:
        width_px = max(1, round(thick * self._unit))
        self._draw.line(self._at(points), _paint(colour, alpha), width_px, joint="curve")

    def flattened(self) -> tuple[int, int, Plane, Plane]:
        """Return (column, row, colour, cover 0..1) of what was drawn, at the canvas's own scale."""
        left, top, right, bottom = self._image.getbbox() or (0, 0, 2, 2)
        column, row = left // _OVERSAMPLE, top // _OVERSAMPLE
        box = (column * _OVERSAMPLE, row * _OVERSAMPLE, right + right % 2, bottom + bottom % 2)
        planes = planar(self._image.crop(box).reduce(_OVERSAMPLE))
        planes[3] /= 255
        return column, row, planes[:3], planes[3]


def _three(colour: Colour) -> Plane:
    return np.array(colour, dtype=np.float32)[:, None, None]


def _paint(colour: Colour, alpha: int) -> tuple[int, int, int, int]:
    red, green, blue = colour
    return _sample(red), _sample(green), _sample(blue), alpha


def _sample(value: float) -> int:
    return min(255, max(0, int(value + 0.5)))


class Canvas:
    """A picture being painted. `grain` and `drift` are its fine and coarse texture, deviation 1.

    The textures move with `pan`, like what is near: a texture that stood still on the picture
    while the camera moves would be a pattern that links pictures as a sensor's does. Beyond a
    quarter of the height they stay behind.
    """

    def __init__(self, height_px: int, random: np.random.Generator, pan: float = 0.0) -> None:
        self.height_px = height_px
        self.width_px = round(height_px * ASPECT)
        self.random = random
        self.pixels: Plane = np.zeros((3, self.height_px, self.width_px), dtype=np.float32)
        margin = height_px // 4
        wide = self.width_px + 2 * margin
        shift = min(2 * margin, max(0, margin - round(pan * height_px)))
        seen = slice(shift, shift + self.width_px)
        fine = fractal(random, height_px // 2, wide // 2, cells=200, octaves=2)
        self.grain = scaled(fine, wide, height_px)[:, seen]
        coarse = fractal(random, height_px // 4, wide // 4, cells=7, octaves=4)
        self.drift = scaled(coarse, wide, height_px)[:, seen]

    def rows(self, top: float, bottom: float) -> slice:
        """Return the pixel rows between two heights, held inside the canvas."""
        first = min(self.height_px, max(0, round(top * self.height_px)))
        last = min(self.height_px, max(first, round(bottom * self.height_px)))
        return slice(first, last)

    def _columns(self, left: float, right: float) -> slice:
        first = min(self.width_px, max(0, round(left * self.height_px)))
        last = min(self.width_px, max(first, round(right * self.height_px)))
        return slice(first, last)

    def gradient(self, top: float, bottom: float, colours: Sequence[Colour]) -> None:
        """Fill the rows between two heights with evenly spaced colours."""
        rows = self.rows(top, bottom)
        count = rows.stop - rows.start
        at = np.linspace(0, len(colours) - 1, max(count, 1))
        table = np.array(colours, dtype=np.float32)
        ramp = np.stack(
            [np.interp(at, np.arange(len(colours)), table[:, part]) for part in range(3)]
        )
        self.pixels[:, rows] = ramp[:, :count, None]

    def textured(self, top: float, bottom: float, grain: float, drift: float = 0.0) -> None:
        """Roughen the rows between two heights by shares of the fine and coarse texture."""
        rows = self.rows(top, bottom)
        rough = 1 + np.float32(grain) * self.grain[rows] + np.float32(drift) * self.drift[rows]
        self.pixels[:, rows] *= rough

    @contextmanager
    def layer(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        *,
        grain: float = 0.0,
        drift: float = 0.0,
        shade: str = "flat",
    ) -> Iterator[Layer]:
        """Draw shapes inside a box, then lay them down with texture and `shade`.

        `shade` is `flat`, `round` (an upright cylinder lit from the left) or `down` (darker
        towards the bottom). What lies outside the canvas is left out.
        """
        rows, columns = self.rows(top, bottom), self._columns(left, right)
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        unit = self.height_px * _OVERSAMPLE
        layer = Layer(
            max(1, wide) * _OVERSAMPLE,
            max(1, high) * _OVERSAMPLE,
            columns.start / self.height_px,
            rows.start / self.height_px,
            unit,
        )
        yield layer
        if not high or not wide:
            return
        column, row, colour, cover = layer.flattened()
        down, across = cover.shape
        place = (
            slice(rows.start + row, rows.start + row + down),
            slice(columns.start + column, columns.start + column + across),
        )
        light = np.ones((down, across), dtype=np.float32)
        if shade == "round":
            turn = np.linspace(0, 1, wide, dtype=np.float32)[column : column + across]
            light *= 0.5 + 0.75 * np.sin(np.pi * np.clip(turn * 0.8 + 0.18, 0, 1))
        elif shade == "down":
            light *= np.linspace(1.1, 0.72, high, dtype=np.float32)[row : row + down, None]
        if grain:
            light += np.float32(grain) * self.grain[place]
        if drift:
            light += np.float32(drift) * self.drift[place]
        colour *= light
        region = self.pixels[:, place[0], place[1]]
        colour -= region
        colour *= cover
        region += colour

    def _distance(
        self, x: float, y: float, wide: float, high: float, reach: float
    ) -> tuple[slice, slice, Plane, Plane]:
        rows = self.rows(y - high * reach, y + high * reach)
        columns = self._columns(x - wide * reach, x + wide * reach)
        down = np.arange(rows.start, rows.stop, dtype=np.float32) / np.float32(self.height_px)
        across = np.arange(columns.start, columns.stop, dtype=np.float32)
        across = across / np.float32(self.height_px)
        below: Plane = ((down - y) / high).astype(np.float32)[:, None]
        beside: Plane = ((across - x) / wide).astype(np.float32)[None, :]
        return rows, columns, below, beside

    def shadow(self, x: float, y: float, wide: float, high: float, strength: float) -> None:
        """Darken softly around (x, y)."""
        rows, columns, down, across = self._distance(x, y, wide, high, 2.2)
        dark = np.exp(-1.2 * down * down) * np.exp(-1.2 * across * across)
        self.pixels[:, rows, columns] *= 1 - np.float32(strength) * dark

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Add light that falls off around (x, y)."""
        rows, columns, down, across = self._distance(x, y, radius, radius, 3.0)
        light = np.exp(-down * down) * (np.float32(strength) * np.exp(-across * across))
        region = self.pixels[:, rows, columns]
        region += light * (_three(colour) - region)

    def ball(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """Paint a rounded body lit from the upper left, with a highlight."""
        rows, columns, down, across = self._distance(x, y, wide, high, 1.06)
        squared = down * down + across * across
        depth = np.sqrt(np.maximum(1 - squared, 0))
        lit = np.clip(0.62 * depth - 0.45 * down - 0.42 * across, 0, None)
        bounce = 0.12 * np.clip(down, 0, 1) * (1 - depth)
        light = 0.3 + 0.85 * lit + bounce + 0.05 * self.grain[rows, columns]
        shine = np.exp(-((down + 0.42) ** 2 + (across + 0.38) ** 2) * 26) * 120
        edge = np.float32(max(wide, high) * self.height_px)
        cover = np.clip((1 - np.sqrt(squared)) * edge + 0.5, 0, 1)
        body = _three(colour) * light + shine
        region = self.pixels[:, rows, columns]
        region += cover * (body - region)

    def clouds(self, bottom: float, colour: Colour, amount: float) -> None:
        """Lay clouds over the sky above `bottom`; `amount` 0..1 is how much they cover."""
        rows = self.rows(0, bottom)
        high = rows.stop - rows.start
        noise = fractal(self.random, max(2, high // 3), self.width_px // 6, cells=4, octaves=5)
        noise = scaled(noise, self.width_px, high)
        thick = np.clip((noise - np.float32(1.6 - 2.6 * amount)) * np.float32(0.62), 0, 1)
        thick *= np.linspace(0.95, 0.55, high, dtype=np.float32)[:, None]
        lit = _three(colour) * (1.04 - 0.16 * thick)
        self.pixels[:, rows] += thick * (lit - self.pixels[:, rows])

    def reflect(self, shore: float, bottom: float, tint: Colour, clear: float) -> None:
        """Fill the rows below `shore` with a rippled mirror of those above it."""
        rows = self.rows(shore, bottom)
        count = rows.stop - rows.start
        if not count:
            return
        down = np.arange(count, dtype=np.float32) / np.float32(count)
        waves = np.sin(2 * np.pi * (3 + 26 * np.sqrt(down)) + 3 * self.grain[rows, 7])
        source = rows.start - 1 - np.arange(count) + np.round(waves * down * 6).astype(np.intp)
        source = np.clip(source, 0, rows.start - 1)[:, None]
        ripple = (self.grain[rows] * (2 + 10 * down[:, None])).astype(np.intp)
        columns = np.clip(np.arange(self.width_px)[None, :] + ripple, 0, self.width_px - 1)
        share = np.float32(clear) * (1 - np.float32(0.45) * down)[:, None]
        share = share * (1 + np.float32(0.10) * waves[:, None])
        mirrored = self.pixels[:, source, columns]
        self.pixels[:, rows] = mirrored * share + _three(tint) * (1 - share)

    def finished(self) -> Image.Image:
        """Return the picture as RGB."""
        return interleaved(self.pixels)
