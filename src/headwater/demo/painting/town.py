"""Town scenes: a row of houses on a canal or a square, by day and by night."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headwater.demo.painting.canvas import ASPECT, WHITE, Canvas, Colour, Layer, Point, mix, pick
from headwater.demo.painting.country import paint_sky

_FACADES: tuple[Colour, ...] = (
    (206, 98, 72),
    (232, 190, 108),
    (122, 150, 132),
    (222, 212, 190),
    (104, 132, 160),
    (188, 138, 116),
    (236, 222, 206),
    (168, 84, 78),
    (150, 158, 104),
    (214, 158, 130),
)


def paint_town_by_day(canvas: Canvas, pan: float) -> None:
    _town(canvas, pan, dark=False)


def paint_town_by_night(canvas: Canvas, pan: float) -> None:
    _town(canvas, pan, dark=True)


def _town(canvas: Canvas, pan: float, *, dark: bool) -> None:
    random = canvas.random
    quay = float(random.uniform(0.66, 0.72))
    if dark:
        canvas.gradient(0, quay, ((12, 16, 40), (30, 34, 74), (84, 66, 104)))
        with canvas.layer(0, 0, ASPECT, 0.4) as layer:
            for _ in range(120):
                x, y = random.uniform(0, ASPECT), random.uniform(0, 0.38)
                size = float(random.uniform(0.0007, 0.0019))
                layer.ellipse(float(x), float(y), size, size, (236, 236, 250))
        canvas.glow(float(random.uniform(0.2, 1.1)), 0.12, 0.03, (252, 248, 226), 1.0)
    else:
        paint_sky(canvas, quay)
    _spire(canvas, float(random.uniform(0.25, 1.05)) + pan * 0.3, quay, dark)
    x = -0.45
    while x < ASPECT + 0.45:
        wide = float(random.uniform(0.13, 0.21))
        _house(canvas, x + pan * 0.7, wide, quay, dark)
        x += wide
    if random.uniform() < 0.6:
        _quay_wall(canvas, quay, dark)
        canvas.reflect(quay + 0.045, 1.0, (20, 26, 44) if dark else (70, 92, 92), 0.78)
        _barge(canvas, float(random.uniform(0.3, 1.0)) + pan, quay + 0.13, dark)
    else:
        _square(canvas, quay, pan, dark)
    for x in (0.1, 0.52, 0.95, 1.36):
        _street_lamp(canvas, x + pan * 0.85, quay + 0.045, dark)


def _spire(canvas: Canvas, x: float, foot: float, dark: bool) -> None:
    stone = (38, 36, 62) if dark else (170, 162, 156)
    with canvas.layer(x - 0.08, 0, x + 0.08, foot, grain=0.06, shade="round") as layer:
        layer.box(x - 0.045, 0.24, x + 0.045, foot, stone)
        layer.polygon(
            [(x - 0.055, 0.245), (x, 0.06), (x + 0.055, 0.245)], mix(stone, (56, 96, 86), 0.6)
        )
        layer.ellipse(x, 0.3, 0.022, 0.022, (252, 226, 150) if dark else (240, 236, 224))
        layer.line([(x, 0.3), (x + 0.008, 0.285)], 0.003, (40, 36, 40))


class _Facade(NamedTuple):
    left: float
    wide: float
    foot: float
    floors: int
    storey: float
    axes: int
    wall: Colour
    dark: bool

    @property
    def eaves(self) -> float:
        return self.foot - self.floors * self.storey - 0.02

    def window(self, floor: int, axis: int) -> tuple[float, float]:
        """Return the middle of a window's sill."""
        middle = self.left + self.wide * (axis + 0.5) / self.axes
        return middle, self.foot - floor * self.storey - 0.022


def _house(canvas: Canvas, left: float, wide: float, foot: float, dark: bool) -> None:
    random = canvas.random
    wall = pick(random, _FACADES)
    house = _Facade(
        left=left,
        wide=wide,
        foot=foot,
        floors=int(random.integers(3, 5)),
        storey=float(random.uniform(0.085, 0.1)),
        axes=int(random.integers(2, 4)),
        wall=mix((26, 26, 48), wall, 0.28) if dark else wall,
        dark=dark,
    )
    lit = random.uniform(0, 1, (house.floors, house.axes)) < 0.55
    top, right = house.eaves - 0.13, left + wide
    with canvas.layer(
        left - 0.01, top, right + 0.01, foot + 0.03, grain=0.035, drift=0.03
    ) as layer:
        _walls(layer, house)
        _gable(layer, house, int(random.integers(3)))
        for floor in range(house.floors):
            for axis in range(house.axes):
                if floor == 0 and axis == house.axes // 2:
                    _door(layer, house.window(0, axis)[0], foot, random)
                else:
                    _window(layer, house, house.window(floor, axis), bool(lit[floor, axis]))
    if dark:
        for floor, axis in np.argwhere(lit).tolist():
            x, y = house.window(floor, axis)
            canvas.glow(x, y - 0.028, 0.035, (255, 206, 120), 0.16)


def _walls(layer: Layer, house: _Facade) -> None:
    left, right, wall = house.left, house.left + house.wide, house.wall
    base = house.foot + 0.03
    layer.box(left, house.eaves, right, base, wall)
    layer.box(left, house.eaves, right, house.eaves + 0.008, mix(wall, WHITE, 0.35))
    layer.box(left, house.foot - 0.006, right, base, mix(wall, (60, 56, 54), 0.6))
    layer.box(right - 0.003, house.eaves, right, base, mix(wall, (30, 30, 30), 0.45))


def _gable(layer: Layer, house: _Facade, style: int) -> None:
    left, wide, eaves, wall = house.left, house.wide, house.eaves, house.wall
    right, middle = left + wide, left + wide / 2
    roof = mix((150, 74, 56), (30, 28, 46), 0.75 if house.dark else 0.0)
    if style == 0:
        layer.polygon(
            [
                (left - 0.006, eaves),
                (left + 0.03, eaves - 0.09),
                (right - 0.03, eaves - 0.09),
                (right + 0.006, eaves),
            ],
            roof,
        )
        for step in range(1, 6):
            y = eaves - 0.015 * step
            layer.line(
                [(left + 0.006 * step, y), (right - 0.006 * step, y)],
                0.0015,
                mix(roof, (40, 24, 24), 0.4),
            )
        layer.box(middle - 0.015, eaves - 0.07, middle + 0.015, eaves - 0.03, mix(wall, WHITE, 0.3))
        layer.box(middle - 0.009, eaves - 0.062, middle + 0.009, eaves - 0.036, (70, 84, 100))
    elif style == 1:
        layer.polygon([(left, eaves), (middle, eaves - 0.12), (right, eaves)], wall)
        layer.line(
            [(left - 0.004, eaves), (middle, eaves - 0.122), (right + 0.004, eaves)],
            0.008,
            mix(roof, WHITE, 0.15),
        )
        layer.ellipse(middle, eaves - 0.05, 0.014, 0.014, (70, 84, 100))
    else:
        for step in range(4):
            inset = wide * 0.12 * (step + 0.4)
            layer.box(left + inset, eaves - 0.03 * (step + 1), right - inset, eaves, wall)
            layer.box(
                left + inset,
                eaves - 0.03 * (step + 1),
                right - inset,
                eaves - 0.03 * (step + 1) + 0.005,
                mix(wall, WHITE, 0.5),
            )
        layer.box(middle - 0.01, eaves - 0.06, middle + 0.01, eaves - 0.025, (70, 84, 100))


def _window(layer: Layer, house: _Facade, sill: Point, lit: bool) -> None:
    (x, base), wall, dark = sill, house.wall, house.dark
    half, high = house.wide / house.axes * 0.26, house.storey * 0.6
    frame = mix(wall, WHITE, 0.25 if dark else 0.75)
    glass: Colour = (86, 106, 126)
    if dark:
        glass = (255, 212, 128) if lit else (24, 28, 48)
    layer.box(x - half - 0.004, base - high - 0.004, x + half + 0.004, base + 0.004, frame)
    layer.box(x - half, base - high, x + half, base, glass)
    if not dark:
        layer.polygon(
            [(x - half, base - high), (x + half, base - high), (x - half, base - high * 0.2)],
            mix(glass, (206, 224, 236), 0.6),
        )
        if lit:
            shutter = mix(wall, (44, 76, 70), 0.75)
            layer.box(x - half * 1.9, base - high, x - half - 0.003, base, shutter)
            layer.box(x + half + 0.003, base - high, x + half * 1.9, base, shutter)
    layer.box(x - 0.0012, base - high, x + 0.0012, base, frame)
    layer.box(x - half, base - high * 0.62, x + half, base - high * 0.58, frame)
    layer.box(
        x - half - 0.008,
        base + 0.002,
        x + half + 0.008,
        base + 0.008,
        mix(frame, (90, 90, 90), 0.3),
    )


def _door(layer: Layer, x: float, foot: float, random: np.random.Generator) -> None:
    leaf = pick(random, ((52, 84, 74), (120, 46, 42), (44, 58, 92), (92, 66, 46)))
    layer.box(x - 0.024, foot - 0.078, x + 0.024, foot, mix(leaf, WHITE, 0.55))
    layer.box(x - 0.018, foot - 0.07, x + 0.018, foot, leaf)
    layer.box(x - 0.012, foot - 0.064, x + 0.012, foot - 0.045, (150, 166, 176))
    layer.box(x - 0.012, foot - 0.038, x + 0.012, foot - 0.01, mix(leaf, (20, 20, 20), 0.25))
    layer.box(x - 0.03, foot - 0.004, x + 0.03, foot + 0.004, (150, 144, 136))


def _quay_wall(canvas: Canvas, quay: float, dark: bool) -> None:
    stone = (46, 44, 58) if dark else (142, 132, 120)
    with canvas.layer(0, quay - 0.002, ASPECT, quay + 0.05, grain=0.1) as layer:
        layer.box(-0.1, quay, ASPECT + 0.1, quay + 0.05, stone)
        layer.box(-0.1, quay - 0.002, ASPECT + 0.1, quay + 0.01, mix(stone, WHITE, 0.2))
        for row in range(3):
            for column in range(36):
                x = column * 0.04 + 0.02 * (row % 2) - 0.03
                layer.box(
                    x,
                    quay + 0.012 + 0.012 * row,
                    x + 0.0015,
                    quay + 0.024 + 0.012 * row,
                    mix(stone, (20, 20, 20), 0.5),
                )


def _barge(canvas: Canvas, x: float, water: float, dark: bool) -> None:
    hull = pick(canvas.random, ((44, 70, 84), (112, 46, 40), (58, 78, 56)))
    if dark:
        hull = mix(hull, (14, 14, 28), 0.5)
    canvas.shadow(x, water + 0.05, 0.2, 0.03, 0.5)
    with canvas.layer(
        x - 0.22, water - 0.1, x + 0.22, water + 0.06, grain=0.04, shade="down"
    ) as layer:
        layer.polygon(
            [
                (x - 0.2, water - 0.02),
                (x + 0.2, water - 0.02),
                (x + 0.17, water + 0.045),
                (x - 0.16, water + 0.045),
            ],
            hull,
        )
        layer.box(x - 0.2, water - 0.026, x + 0.2, water - 0.018, (226, 216, 190))
        layer.box(
            x - 0.12,
            water - 0.07,
            x + 0.06,
            water - 0.024,
            mix((236, 228, 206), hull, 0.6 if dark else 0.1),
        )
        layer.box(x - 0.13, water - 0.078, x + 0.07, water - 0.068, mix(hull, WHITE, 0.15))
        for step in range(4):
            left = x - 0.108 + 0.042 * step
            layer.box(
                left,
                water - 0.058,
                left + 0.026,
                water - 0.038,
                (255, 214, 130) if dark else (96, 124, 140),
            )
    for step in range(5):
        tone = pick(canvas.random, ((206, 70, 74), (236, 176, 74), (226, 226, 236)))
        canvas.ball(
            x + 0.09 + 0.02 * step,
            water - 0.034,
            0.012,
            0.012,
            mix(tone, (20, 20, 36), 0.5 if dark else 0),
        )


def _square(canvas: Canvas, quay: float, pan: float, dark: bool) -> None:
    stone = (42, 40, 54) if dark else (176, 166, 152)
    canvas.gradient(quay + 0.02, 1.0, (mix(stone, (60, 58, 62), 0.3), mix(stone, WHITE, 0.12)))
    canvas.textured(quay + 0.02, 1.0, 0.07, 0.06)
    with canvas.layer(0, quay + 0.02, ASPECT, 1) as layer:
        joint = mix(stone, (20, 20, 24), 0.45)
        row, y = 0, quay + 0.02
        while y < 1:
            step = 0.006 + 0.16 * (y - quay)
            layer.line([(0, y), (ASPECT, y)], 0.0015, joint, 150)
            for column in range(-14, 15):
                x = 0.667 + (column + 0.5 * (row % 2) + pan * 2) * step * 2.1
                layer.line([(x, y), (x + (x - 0.667) * step * 0.8, y + step)], 0.0015, joint, 150)
            row, y = row + 1, y + step
    x = float(canvas.random.uniform(0.35, 0.95)) + pan * 0.95
    _fountain(canvas, x, 0.86, dark)


def _fountain(canvas: Canvas, x: float, y: float, dark: bool) -> None:
    stone = mix((196, 190, 178), (22, 22, 40), 0.65 if dark else 0)
    canvas.shadow(x + 0.05, y + 0.06, 0.26, 0.04, 0.45)
    with canvas.layer(x - 0.24, y - 0.22, x + 0.24, y + 0.1, grain=0.06, shade="round") as layer:
        layer.ellipse(x, y + 0.03, 0.22, 0.055, mix(stone, (60, 60, 60), 0.35))
        layer.box(x - 0.22, y, x + 0.22, y + 0.03, mix(stone, (60, 60, 60), 0.25))
        layer.ellipse(x, y, 0.22, 0.05, stone)
        layer.ellipse(x, y, 0.2, 0.042, mix((86, 150, 170), (16, 20, 44), 0.6 if dark else 0))
        layer.polygon(
            [
                (x - 0.03, y + 0.01),
                (x - 0.016, y - 0.13),
                (x + 0.016, y - 0.13),
                (x + 0.03, y + 0.01),
            ],
            stone,
        )
        layer.ellipse(x, y - 0.13, 0.085, 0.022, mix(stone, WHITE, 0.15))
    with canvas.layer(x - 0.2, y - 0.24, x + 0.2, y + 0.03) as layer:
        for side in (-1, 1):
            for reach in (0.05, 0.09, 0.13):
                arc = [
                    (
                        x + side * reach * share,
                        y - 0.14 - 0.24 * share * (0.8 - share) + 0.12 * share,
                    )
                    for share in np.linspace(0, 1, 12).tolist()
                ]
                layer.line(arc, 0.003, (234, 244, 250), 190)


def _street_lamp(canvas: Canvas, x: float, foot: float, dark: bool) -> None:
    if dark:
        canvas.glow(x, foot - 0.2, 0.09, (255, 206, 124), 0.55)
    with canvas.layer(x - 0.03, foot - 0.24, x + 0.03, foot + 0.01) as layer:
        iron = (32, 36, 40)
        layer.box(x - 0.0035, foot - 0.18, x + 0.0035, foot, iron)
        layer.box(x - 0.009, foot - 0.02, x + 0.009, foot, iron)
        layer.polygon(
            [
                (x - 0.012, foot - 0.18),
                (x - 0.017, foot - 0.215),
                (x + 0.017, foot - 0.215),
                (x + 0.012, foot - 0.18),
            ],
            (255, 240, 196) if dark else (226, 228, 220),
        )
        layer.polygon([(x - 0.02, foot - 0.214), (x, foot - 0.234), (x + 0.02, foot - 0.214)], iron)
