"""Country scenes: a lake under hills, and a coast."""

from __future__ import annotations

import numpy as np

from headwater.demo.painting.canvas import ASPECT, WHITE, Canvas, Colour, Point, fractal, mix, pick

_SKIES: tuple[tuple[tuple[Colour, ...], Colour, Colour], ...] = (
    (((54, 104, 178), (126, 178, 222), (226, 232, 228)), (255, 252, 246), (255, 246, 214)),
    (((62, 74, 128), (190, 122, 130), (252, 196, 132)), (255, 206, 176), (255, 226, 160)),
    (((112, 146, 176), (176, 198, 212), (236, 232, 222)), (246, 246, 246), (255, 250, 232)),
    (((40, 88, 150), (98, 164, 206), (250, 226, 190)), (255, 240, 226), (255, 232, 180)),
)
"""Sky from the top down, clouds, sun."""

_LEAVES: tuple[tuple[Colour, ...], ...] = (
    ((74, 112, 48), (96, 136, 58), (58, 94, 46)),
    ((186, 112, 38), (206, 146, 52), (150, 84, 40)),
    ((52, 92, 62), (74, 118, 74), (44, 76, 54)),
)


def paint_sky(canvas: Canvas, horizon: float) -> tuple[Colour, float]:
    """Paint sky, sun and clouds; return the colour of the haze and where the sun stands."""
    random = canvas.random
    colours, cloud, sun = _SKIES[int(random.integers(len(_SKIES)))]
    canvas.gradient(0, horizon + 0.05, colours)
    sun_x = float(random.uniform(0.15, 1.2))
    sun_y = float(horizon * random.uniform(0.35, 0.8))
    canvas.glow(sun_x, sun_y, 0.30, sun, 0.55)
    canvas.glow(sun_x, sun_y, 0.035, (255, 253, 242), 1.0)
    canvas.clouds(horizon + 0.04, cloud, float(random.uniform(0.32, 0.62)))
    return mix(colours[-1], cloud, 0.25), sun_x


_RIDGE_LEFT, _RIDGE_RIGHT = -0.2, 1.55


def _ridge(canvas: Canvas, base: float, relief: float, cells: int, pan: float) -> list[float]:
    """Return the heights of a ridge at 161 places from x = -0.2 to 1.55."""
    profile = fractal(canvas.random, 1, 400, cells=cells, octaves=5)[0]
    at = np.linspace(0, 399, 161) * 0.75 + 50 + pan * 170
    heights = np.interp(at, np.arange(400), profile)
    return [float(base - relief * value) for value in heights]


def _ridge_at(heights: list[float], x: float) -> float:
    """Return a ridge's height between its places."""
    at = min(max((x - _RIDGE_LEFT) / (_RIDGE_RIGHT - _RIDGE_LEFT), 0.0), 1.0) * (len(heights) - 1)
    before = min(int(at), len(heights) - 2)
    return heights[before] + (heights[before + 1] - heights[before]) * (at - before)


def _outline(heights: list[float]) -> list[Point]:
    """Return a ridge as a line of points from left to right."""
    return list(
        zip(np.linspace(_RIDGE_LEFT, _RIDGE_RIGHT, len(heights)).tolist(), heights, strict=True)
    )


def _hill(
    canvas: Canvas, heights: list[float], bottom: float, colour: Colour, grain: float
) -> None:
    outline = _outline(heights)
    top = min(heights) - 0.01
    with canvas.layer(0, top, ASPECT, bottom, grain=grain, drift=0.07, shade="down") as layer:
        layer.polygon([(_RIDGE_LEFT, bottom), *outline, (_RIDGE_RIGHT, bottom)], colour)


def _firs(canvas: Canvas, heights: list[float], colour: Colour, size: float, pan: float) -> None:
    """Stand a wood of firs on a ridge."""
    random = canvas.random
    top = min(heights) - size * 1.6
    with canvas.layer(0, top, ASPECT, max(heights) + 0.06, grain=0.14) as layer:
        for place in np.sort(random.uniform(-0.6, 1.9, 190)).tolist():
            high = size * float(random.uniform(0.5, 1.3))
            tone = mix(colour, (18, 34, 26), float(random.uniform(0, 0.6)))
            x = place + pan
            foot = _ridge_at(heights, x) + 0.02 * float(random.uniform(0.2, 1.6))
            for step in range(3):
                wide = high * (0.13 + 0.06 * step)
                apex = foot - high * (1 - 0.27 * step)
                layer.polygon(
                    [(x, apex), (x - wide, apex + high * 0.46), (x + wide, apex + high * 0.46)],
                    tone,
                )


def _leafy_tree(
    canvas: Canvas, x: float, foot: float, high: float, tones: tuple[Colour, ...]
) -> None:
    random = canvas.random
    wide = high * 0.42
    canvas.shadow(x + wide * 0.5, foot, wide * 1.1, high * 0.06, 0.45)
    with canvas.layer(
        x - wide * 1.4, foot - high * 1.1, x + wide * 1.4, foot + 0.02, grain=0.16
    ) as layer:
        bark = (74, 58, 44)
        layer.polygon(
            [
                (x - high * 0.03, foot),
                (x - high * 0.014, foot - high * 0.6),
                (x + high * 0.014, foot - high * 0.6),
                (x + high * 0.034, foot),
            ],
            bark,
        )
        for side in (-1, 1):
            layer.line(
                [(x, foot - high * 0.36), (x + side * wide * 0.5, foot - high * 0.62)],
                high * 0.016,
                bark,
            )
        angles = random.uniform(0, 2 * np.pi, 150)
        spread = np.sqrt(random.uniform(0, 1, 150))
        order = np.argsort(-np.sin(angles) * spread * -1 + random.uniform(0, 0.3, 150))[::-1]
        for leaf in order.tolist():
            across, up = (
                float(np.cos(angles[leaf]) * spread[leaf]),
                float(np.sin(angles[leaf]) * spread[leaf]),
            )
            light = 0.5 - 0.32 * across + 0.42 * up + float(random.uniform(-0.22, 0.22))
            tone = mix(
                mix(tones[2], (16, 26, 18), 0.45),
                mix(tones[1], (250, 240, 170), 0.22),
                min(1, max(0, light)),
            )
            size = high * float(random.uniform(0.035, 0.085))
            layer.ellipse(
                x + across * wide, foot - high * 0.68 - up * high * 0.32, size, size * 0.8, tone
            )


def paint_lake(canvas: Canvas, pan: float) -> None:
    random = canvas.random
    horizon = float(random.uniform(0.40, 0.5))
    haze, _ = paint_sky(canvas, horizon)
    tones = _LEAVES[int(random.integers(len(_LEAVES)))]
    shore = horizon + 0.12
    rock = mix((74, 92, 122), haze, 0.35)
    for step in range(3):
        share = step / 2
        heights = _ridge(
            canvas,
            horizon - 0.05 + 0.05 * share,
            0.075 - 0.03 * share,
            3 + 2 * step,
            pan * (0.2 + 0.3 * share),
        )
        _hill(
            canvas, heights, shore, mix(mix(rock, haze, 0.45), tones[2], share), 0.02 + 0.07 * share
        )
    _firs(canvas, heights, tones[2], 0.07, pan * 0.5)
    deep = mix(mix((28, 62, 84), haze, 0.12), tones[2], 0.1)
    canvas.reflect(shore, 1.0, deep, 0.82)
    _cabin(canvas, float(random.uniform(0.3, 1.0)) + pan * 0.55, shore + 0.004)
    _boat(canvas, float(random.uniform(0.25, 1.05)) + pan * 0.8, shore + 0.13, 0.05)
    bank = _ridge(canvas, 0.90, 0.025, 3, pan)
    _meadow(canvas, bank, mix(tones[0], (120, 150, 70), 0.4), pan)
    for x in np.sort(random.uniform(-0.1, 1.45, 3)).tolist():
        place = x + pan
        _leafy_tree(
            canvas, place, _ridge_at(bank, place) + 0.05, float(random.uniform(0.38, 0.62)), tones
        )


def _meadow(canvas: Canvas, bank: list[float], colour: Colour, pan: float) -> None:
    random = canvas.random
    _hill(canvas, bank, 1.0, colour, 0.16)
    top = min(bank)
    with canvas.layer(0, top - 0.03, ASPECT, 1, grain=0.1) as layer:
        for _ in range(700):
            x, down = float(random.uniform(-0.3, 1.65)) + pan, float(random.uniform(0, 1))
            y = _ridge_at(bank, x) + down * 0.14
            size = 0.012 + 0.02 * down
            tone = mix(colour, pick(random, ((40, 62, 30), (206, 208, 120), (70, 100, 44))), 0.55)
            layer.line(
                [(x, y), (x + float(random.uniform(-0.5, 0.5)) * size, y - size)], 0.0022, tone
            )
        petal = pick(random, ((236, 84, 74), (246, 224, 96), (240, 240, 250), (176, 120, 210)))
        for _ in range(90):
            x, down = float(random.uniform(-0.3, 1.65)) + pan, float(random.uniform(0.1, 1))
            size = 0.0025 + 0.004 * down
            layer.ellipse(x, _ridge_at(bank, x) + down * 0.13, size, size * 0.8, petal)


def _cabin(canvas: Canvas, x: float, foot: float) -> None:
    wall = pick(canvas.random, ((150, 58, 44), (196, 168, 120), (92, 74, 62)))
    with canvas.layer(x - 0.08, foot - 0.11, x + 0.1, foot + 0.01, grain=0.06) as layer:
        layer.box(x - 0.05, foot - 0.05, x + 0.06, foot, wall)
        layer.polygon(
            [
                (x - 0.062, foot - 0.048),
                (x - 0.03, foot - 0.09),
                (x + 0.045, foot - 0.09),
                (x + 0.074, foot - 0.048),
            ],
            (64, 58, 62),
        )
        layer.box(x + 0.02, foot - 0.105, x + 0.032, foot - 0.085, (96, 70, 60))
        for left in (-0.036, 0.0, 0.034):
            layer.box(x + left, foot - 0.036, x + left + 0.014, foot - 0.018, (250, 222, 150))


def _boat(canvas: Canvas, x: float, water: float, size: float) -> None:
    hull = pick(canvas.random, ((158, 60, 48), (238, 236, 226), (52, 92, 130)))
    with canvas.layer(
        x - size * 1.3, water - size * 2.6, x + size * 1.3, water + size * 1.7, grain=0.04
    ) as layer:
        layer.polygon(
            [
                (x - size * 0.85, water + size * 0.28),
                (x + size * 0.85, water + size * 0.28),
                (x + size * 0.5, water + size * 0.6),
                (x - size * 0.5, water + size * 0.6),
            ],
            mix(hull, (30, 44, 56), 0.6),
            130,
        )
        layer.polygon(
            [
                (x - size, water),
                (x + size, water),
                (x + size * 0.7, water + size * 0.3),
                (x - size * 0.7, water + size * 0.3),
            ],
            hull,
        )
        layer.line([(x, water), (x, water - size * 2.5)], size * 0.05, (96, 80, 66))
        layer.polygon(
            [
                (x + size * 0.06, water - size * 2.4),
                (x + size * 0.06, water - size * 0.2),
                (x + size * 0.9, water - size * 0.2),
            ],
            (246, 242, 230),
        )
        layer.polygon(
            [
                (x - size * 0.06, water - size * 2.1),
                (x - size * 0.06, water - size * 0.2),
                (x - size * 0.7, water - size * 0.2),
            ],
            (226, 220, 206),
        )


def paint_coast(canvas: Canvas, pan: float) -> None:
    random = canvas.random
    horizon = float(random.uniform(0.40, 0.48))
    haze, sun_x = paint_sky(canvas, horizon)
    sand_top = float(random.uniform(0.70, 0.76))
    sea = pick(random, ((32, 112, 142), (40, 92, 128), (46, 136, 140)))
    canvas.gradient(
        horizon,
        sand_top + 0.1,
        (mix(sea, haze, 0.35), sea, mix(sea, (120, 200, 190), 0.45), (196, 216, 200)),
    )
    canvas.textured(horizon, sand_top + 0.1, 0.05, 0.03)
    _waves(canvas, horizon, sand_top)
    canvas.glow(sun_x, horizon + 0.02, 0.14, (255, 244, 214), 0.35)
    _headland(canvas, horizon, pan, haze)
    for x in np.sort(random.uniform(0.05, 1.3, 3)).tolist():
        depth = float(random.uniform(0.2, 1))
        _boat(
            canvas,
            x + pan * (0.3 + 0.4 * depth),
            horizon + 0.02 + 0.12 * depth,
            0.014 + 0.03 * depth,
        )
    beach = _ridge(canvas, sand_top + 0.05, 0.012, 2, pan)
    with canvas.layer(0, min(beach) - 0.03, ASPECT, 1, grain=0.02) as layer:
        outline = _outline(beach)
        layer.line([(x, y - 0.006) for x, y in outline], 0.014, (240, 246, 244), 210)
    _hill(canvas, beach, 1.0, (226, 202, 158), 0.05)
    for x in np.sort(random.uniform(0.0, 1.33, 4)).tolist():
        _parasol(canvas, x + pan, float(random.uniform(0.86, 0.97)))


def _waves(canvas: Canvas, horizon: float, sand_top: float) -> None:
    random = canvas.random
    with canvas.layer(0, horizon, ASPECT, sand_top + 0.08) as layer:
        for _ in range(240):
            depth = float(random.uniform(0, 1)) ** 1.6
            x, y = (
                float(random.uniform(-0.05, ASPECT)),
                horizon + 0.006 + (sand_top - horizon) * depth,
            )
            long = 0.01 + 0.09 * depth * float(random.uniform(0.3, 1))
            layer.line(
                [(x, y), (x + long * 0.5, y - 0.003 * depth), (x + long, y)],
                0.001 + 0.003 * depth,
                (236, 244, 242),
                60 + int(90 * depth),
            )


def _headland(canvas: Canvas, horizon: float, pan: float, haze: Colour) -> None:
    random = canvas.random
    side = 1 if random.uniform() < 0.5 else -1
    edge = float(random.uniform(0.35, 0.55))
    profile = fractal(random, 1, 60, cells=4, octaves=4)[0]
    outline = []
    for step in range(60):
        share = step / 59
        x = ASPECT - share * edge if side > 0 else share * edge
        rise = 0.19 * (1 - share**1.4) + 0.012 * float(profile[step]) * (1 - share)
        outline.append((x + pan * 0.35, horizon + 0.012 - max(0.0, rise)))
    start = (outline[0][0] + side * 0.5, outline[0][1])
    close = [(outline[-1][0], horizon + 0.014), (start[0], horizon + 0.03)]
    with canvas.layer(
        0, horizon - 0.25, ASPECT, horizon + 0.04, grain=0.12, drift=0.1, shade="down"
    ) as layer:
        layer.polygon([start, *outline, *close], mix((112, 118, 84), haze, 0.25))
    tower = outline[18]
    with canvas.layer(
        tower[0] - 0.03, tower[1] - 0.14, tower[0] + 0.03, tower[1] + 0.02, shade="round"
    ) as layer:
        x, y = tower
        layer.polygon(
            [
                (x - 0.014, y + 0.01),
                (x - 0.009, y - 0.1),
                (x + 0.009, y - 0.1),
                (x + 0.014, y + 0.01),
            ],
            (244, 240, 232),
        )
        for band in (0.02, 0.06):
            layer.box(x - 0.0125, y - band - 0.016, x + 0.0125, y - band, (196, 60, 52))
        layer.box(x - 0.012, y - 0.108, x + 0.012, y - 0.1, (60, 62, 70))
        layer.box(x - 0.007, y - 0.125, x + 0.007, y - 0.108, (250, 226, 150))
        layer.polygon(
            [(x - 0.011, y - 0.124), (x, y - 0.138), (x + 0.011, y - 0.124)], (150, 48, 44)
        )


def _parasol(canvas: Canvas, x: float, foot: float) -> None:
    random = canvas.random
    size = 0.05 + 0.6 * (foot - 0.82)
    colours = (
        pick(random, ((222, 74, 66), (42, 110, 160), (238, 178, 62), (70, 146, 110))),
        (250, 246, 236),
    )
    canvas.shadow(x + size * 0.5, foot + 0.004, size * 0.8, size * 0.12, 0.35)
    with canvas.layer(
        x - size * 1.1, foot - size * 1.8, x + size * 1.1, foot + 0.01, grain=0.03
    ) as layer:
        layer.line([(x, foot), (x, foot - size * 1.5)], size * 0.05, (120, 98, 76))
        for step in range(6):
            left, right = -1 + step / 3, -1 + (step + 1) / 3
            rim = [
                (x + size * at, foot - size * (0.95 + 0.08 * np.sin(at * 9)))
                for at in (left, (left + right) / 2, right)
            ]
            layer.polygon([(x, foot - size * 1.72), *rim], colours[step % 2])
    with canvas.layer(
        x - size * 1.4, foot - 0.01, x + size * 0.2, foot + size * 0.4, grain=0.04
    ) as layer:
        layer.polygon(
            [
                (x - size * 1.2, foot + size * 0.3),
                (x - size * 0.9, foot),
                (x - size * 0.2, foot),
                (x - size * 0.4, foot + size * 0.3),
            ],
            mix(colours[0], WHITE, 0.3),
        )
