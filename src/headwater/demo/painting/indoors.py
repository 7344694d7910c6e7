"""Indoor scenes: a living room and a still life."""

from __future__ import annotations

import numpy as np

from headwater.demo.painting.canvas import ASPECT, WHITE, Canvas, Colour, mix, pick

_WALLS: tuple[Colour, ...] = (
    (196, 206, 190),
    (214, 196, 172),
    (164, 184, 196),
    (222, 206, 196),
    (186, 172, 152),
)


def paint_room(canvas: Canvas, pan: float) -> None:
    random = canvas.random
    wall = pick(random, _WALLS)
    floor = float(random.uniform(0.62, 0.68))
    canvas.gradient(0, floor, (mix(wall, (90, 84, 80), 0.22), wall))
    canvas.textured(0, floor, 0.018, 0.035)
    _floorboards(canvas, floor, pan)
    with canvas.layer(0, floor - 0.05, ASPECT, floor + 0.01, grain=0.02) as layer:
        layer.box(-0.1, floor - 0.035, ASPECT + 0.1, floor + 0.004, mix(wall, WHITE, 0.65))
        layer.box(-0.1, floor + 0.001, ASPECT + 0.1, floor + 0.006, (70, 56, 46))
    far = pan * 0.7
    window_x = float(random.uniform(0.2, 0.42))
    _wide_window(canvas, window_x + far, 0.12, 0.40)
    shelf_x = float(random.uniform(0.98, 1.12))
    _shelf(canvas, shelf_x + far, floor)
    _pictures(canvas, (window_x + shelf_x) / 2 - 0.03 + far)
    _rug(canvas, 0.66 + pan, (floor + 1.02) / 2)
    _sofa(canvas, float(random.uniform(0.3, 0.5)) + pan * 0.85, floor + 0.1)
    table_x = float(random.uniform(0.78, 1.0)) + pan
    _side_table(canvas, table_x, floor + 0.17)
    _lamp(canvas, table_x - 0.03, floor - 0.04)
    _houseplant(canvas, float(random.uniform(0.06, 0.14)) + pan * 0.9, floor + 0.16)
    canvas.glow(window_x + far, 0.4, 0.5, (255, 246, 226), 0.16)


def _floorboards(canvas: Canvas, top: float, pan: float) -> None:
    wood = pick(canvas.random, ((168, 122, 82), (136, 96, 66), (192, 154, 114)))
    canvas.gradient(top, 1.0, (mix(wood, (70, 50, 40), 0.3), mix(wood, (255, 236, 200), 0.12)))
    canvas.textured(top, 1.0, 0.05, 0.06)
    with canvas.layer(0, top, ASPECT, 1) as layer:
        for board in range(-16, 17):
            foot = 0.667 + (board + 0.5) * 0.15 + pan * 1.4
            head = 0.667 + (board + 0.5) * 0.062 + pan * 0.7
            layer.line([(head, top), (foot, 1.0)], 0.002, (66, 46, 34), 170)
            share = float(canvas.random.uniform(0.1, 0.9))
            y = top + (1 - top) * share**2
            left = head + (foot - head) * share**2
            layer.line([(left, y), (left + 0.062 + 0.088 * share**2, y)], 0.002, (66, 46, 34), 150)


def _wide_window(canvas: Canvas, x: float, top: float, bottom: float) -> None:
    random = canvas.random
    half = 0.15
    with canvas.layer(x - 0.24, top - 0.05, x + 0.24, bottom + 0.04, grain=0.03) as layer:
        layer.box(x - half - 0.014, top - 0.014, x + half + 0.014, bottom + 0.014, (240, 236, 228))
        for step in range(24):
            y = top + (bottom - top) * step / 24
            layer.box(
                x - half, y, x + half, bottom, mix((118, 172, 222), (236, 240, 236), step / 23)
            )
        hill = [
            (x - half + 2 * half * step / 12, bottom - 0.07 - 0.03 * float(random.uniform(0, 1)))
            for step in range(13)
        ]
        layer.polygon([(x - half, bottom), *hill, (x + half, bottom)], (96, 130, 84))
        for _ in range(26):
            layer.ellipse(
                x + float(random.uniform(-half, half)) * 0.95,
                bottom - float(random.uniform(0.005, 0.06)),
                0.016,
                0.014,
                mix((62, 98, 54), (150, 168, 90), float(random.uniform(0, 1))),
            )
        layer.box(x - 0.004, top, x + 0.004, bottom, (240, 236, 228))
        layer.box(
            x - half,
            (top + bottom) / 2 - 0.004,
            x + half,
            (top + bottom) / 2 + 0.004,
            (240, 236, 228),
        )
        layer.box(x - half - 0.03, bottom + 0.012, x + half + 0.03, bottom + 0.026, (246, 242, 234))
    cloth = pick(random, ((196, 132, 110), (150, 166, 150), (226, 216, 196), (120, 132, 160)))
    for side in (-1, 1):
        middle = x + side * (half + 0.035)
        with canvas.layer(
            middle - 0.05, top - 0.05, middle + 0.05, bottom + 0.14, grain=0.03, shade="round"
        ) as layer:
            for fold in range(5):
                left = middle - 0.045 + 0.018 * fold
                layer.polygon(
                    [
                        (left, top - 0.04),
                        (left + 0.018, top - 0.04),
                        (left + 0.02, bottom + 0.12),
                        (left - 0.002, bottom + 0.12),
                    ],
                    mix(cloth, (40, 36, 36), 0.18 * (fold % 2)),
                )
    with canvas.layer(x - 0.26, top - 0.06, x + 0.26, top - 0.03) as layer:
        layer.line([(x - 0.24, top - 0.045), (x + 0.24, top - 0.045)], 0.008, (90, 74, 60))


def _shelf(canvas: Canvas, x: float, floor: float) -> None:
    random = canvas.random
    half, top = 0.13, 0.14
    wood = pick(random, ((112, 82, 58), (206, 190, 164), (82, 62, 50)))
    canvas.shadow(x, floor + 0.01, 0.18, 0.02, 0.5)
    with canvas.layer(
        x - half - 0.01, top - 0.01, x + half + 0.01, floor + 0.02, grain=0.05
    ) as layer:
        layer.box(x - half, top, x + half, floor + 0.015, wood)
        boards = 5
        storey = (floor - top) / boards
        for board in range(boards):
            y = top + 0.01 + storey * board
            layer.box(
                x - half + 0.01,
                y,
                x + half - 0.01,
                y + storey - 0.012,
                mix(wood, (20, 16, 14), 0.55),
            )
            left = x - half + 0.014
            while left < x + half - 0.03:
                thick, high = (
                    float(random.uniform(0.009, 0.02)),
                    storey * float(random.uniform(0.55, 0.82)),
                )
                tone = pick(
                    random,
                    (
                        (164, 60, 52),
                        (54, 88, 112),
                        (210, 178, 108),
                        (82, 112, 84),
                        (226, 218, 200),
                        (112, 78, 110),
                        (60, 56, 62),
                    ),
                )
                if random.uniform() < 0.86:
                    base = y + storey - 0.012
                    layer.box(left, base - high, left + thick, base, tone)
                    layer.box(
                        left + 0.001,
                        base - high * 0.8,
                        left + thick - 0.001,
                        base - high * 0.74,
                        mix(tone, (240, 226, 180), 0.6),
                    )
                left += thick + 0.001


def _pictures(canvas: Canvas, x: float) -> None:
    random = canvas.random
    for column, (wide, high) in enumerate(((0.055, 0.075), (0.075, 0.052))):
        left, top = x + 0.14 * column - 0.06, 0.16 + 0.05 * column
        canvas.shadow(left + wide / 2 + 0.006, top + high / 2 + 0.01, wide, high, 0.25)
        with canvas.layer(
            left - 0.02, top - 0.02, left + wide * 1.6 + 0.02, top + high * 2 + 0.02, grain=0.04
        ) as layer:
            layer.box(left - 0.01, top - 0.01, left + wide * 1.5, top + high * 1.8, (60, 48, 40))
            layer.box(
                left - 0.003,
                top - 0.003,
                left + wide * 1.5 - 0.007,
                top + high * 1.8 - 0.007,
                (244, 240, 230),
            )
            right, bottom = left + wide * 1.5 - 0.018, top + high * 1.8 - 0.018
            layer.box(
                left + 0.008,
                top + 0.008,
                right,
                bottom,
                pick(random, ((222, 176, 120), (120, 160, 182), (206, 120, 96))),
            )
            for _ in range(6):
                cx = float(random.uniform(left + 0.02, right - 0.012))
                cy = float(random.uniform(top + 0.02, bottom - 0.012))
                layer.ellipse(
                    cx,
                    cy,
                    0.011,
                    0.011,
                    pick(random, ((62, 82, 110), (236, 222, 190), (150, 60, 56), (60, 100, 84))),
                )


def _rug(canvas: Canvas, x: float, y: float) -> None:
    base = pick(canvas.random, ((150, 62, 56), (64, 88, 118), (190, 150, 92)))
    with canvas.layer(x - 0.5, y - 0.16, x + 0.5, y + 0.16, grain=0.1) as layer:
        for ring, tone in enumerate(
            (
                mix(base, (30, 26, 26), 0.3),
                (230, 214, 180),
                base,
                mix(base, (236, 214, 160), 0.5),
                mix(base, (30, 26, 26), 0.2),
            )
        ):
            share = 1 - 0.17 * ring
            layer.ellipse(x, y, 0.46 * share, 0.13 * share, tone)


def _sofa(canvas: Canvas, x: float, y: float) -> None:
    cloth = pick(canvas.random, ((92, 112, 124), (164, 112, 84), (112, 124, 92), (148, 140, 132)))
    canvas.shadow(x, y + 0.13, 0.34, 0.03, 0.6)
    with canvas.layer(
        x - 0.33, y - 0.2, x + 0.33, y + 0.15, grain=0.05, drift=0.02, shade="down"
    ) as layer:
        for side in (-1, 1):
            layer.box(
                x + side * 0.26 - 0.008, y + 0.1, x + side * 0.26 + 0.008, y + 0.135, (70, 50, 38)
            )
        layer.box(x - 0.28, y - 0.16, x + 0.28, y + 0.06, mix(cloth, (30, 30, 34), 0.12))
        layer.ellipse(x - 0.25, y - 0.16, 0.035, 0.022, mix(cloth, (30, 30, 34), 0.12))
        layer.ellipse(x + 0.25, y - 0.16, 0.035, 0.022, mix(cloth, (30, 30, 34), 0.12))
        layer.box(x - 0.25, y - 0.178, x + 0.25, y - 0.1, mix(cloth, (30, 30, 34), 0.12))
        layer.box(x - 0.27, y - 0.012, x + 0.27, y + 0.105, cloth)
        for side in (-1, 1):
            layer.box(
                min(x, x + side * 0.262),
                y - 0.014,
                max(x, x + side * 0.262),
                y + 0.035,
                mix(cloth, WHITE, 0.12),
            )
            layer.ellipse(x + side * 0.29, y - 0.05, 0.034, 0.034, cloth)
            layer.box(
                x + side * 0.29 - 0.034,
                y - 0.05,
                x + side * 0.29 + 0.034,
                y + 0.11,
                mix(cloth, (20, 20, 24), 0.08),
            )
        layer.line([(x, y - 0.17), (x, y + 0.035)], 0.003, mix(cloth, (20, 20, 24), 0.45))
        layer.line(
            [(x - 0.256, y + 0.036), (x + 0.256, y + 0.036)], 0.003, mix(cloth, (20, 20, 24), 0.45)
        )
    for side, tone in ((-1, (222, 178, 84)), (1, (196, 92, 76))):
        canvas.ball(x + side * 0.18, y - 0.045, 0.062, 0.05, tone)


def _side_table(canvas: Canvas, x: float, y: float) -> None:
    wood: Colour = (120, 80, 52)
    canvas.shadow(x, y + 0.1, 0.2, 0.03, 0.55)
    with canvas.layer(x - 0.2, y - 0.13, x + 0.2, y + 0.12, grain=0.06, drift=0.03) as layer:
        for at in (-0.13, -0.05, 0.05, 0.13):
            layer.polygon(
                [
                    (x + at - 0.009, y - 0.08),
                    (x + at + 0.009, y - 0.08),
                    (x + at * 1.08 + 0.005, y + (0.1 if abs(at) < 0.1 else 0.08)),
                    (x + at * 1.08 - 0.005, y + (0.1 if abs(at) < 0.1 else 0.08)),
                ],
                mix(wood, (20, 14, 10), 0.3),
            )
        layer.ellipse(x, y - 0.072, 0.18, 0.042, mix(wood, (20, 14, 10), 0.35))
        layer.ellipse(x, y - 0.083, 0.18, 0.042, mix(wood, (240, 200, 150), 0.2))
    canvas.ball(x + 0.08, y - 0.1, 0.026, 0.024, (206, 66, 52))
    canvas.ball(x + 0.12, y - 0.092, 0.024, 0.022, (226, 172, 62))


def _lamp(canvas: Canvas, x: float, foot: float) -> None:
    foot += 0.14
    shade = pick(canvas.random, ((246, 226, 178), (236, 204, 160), (240, 232, 214)))
    with canvas.layer(x - 0.09, foot - 0.3, x + 0.09, foot + 0.02, shade="round") as layer:
        layer.ellipse(x, foot, 0.036, 0.011, (84, 92, 100))
        layer.polygon(
            [
                (x - 0.012, foot),
                (x - 0.02, foot - 0.05),
                (x - 0.006, foot - 0.13),
                (x + 0.006, foot - 0.13),
                (x + 0.02, foot - 0.05),
                (x + 0.012, foot),
            ],
            (84, 116, 124),
        )
        layer.polygon(
            [
                (x - 0.08, foot - 0.13),
                (x - 0.046, foot - 0.27),
                (x + 0.046, foot - 0.27),
                (x + 0.08, foot - 0.13),
            ],
            shade,
        )
    canvas.glow(x, foot - 0.17, 0.2, (255, 228, 160), 0.35)
    canvas.glow(x, foot - 0.18, 0.06, (255, 244, 206), 0.5)


def _houseplant(canvas: Canvas, x: float, foot: float) -> None:
    random = canvas.random
    canvas.shadow(x, foot + 0.01, 0.1, 0.02, 0.5)
    with canvas.layer(x - 0.22, foot - 0.5, x + 0.22, foot - 0.08, grain=0.06) as layer:
        for leaf in range(26):
            lean = float(random.uniform(-1, 1))
            long = float(random.uniform(0.16, 0.36))
            tone = mix(
                (38, 78, 48), (126, 166, 84), float(random.uniform(0, 1)) * (0.4 + 0.6 * leaf / 26)
            )
            tip = (x + lean * 0.19, foot - 0.11 - long * (1.1 - 0.5 * abs(lean)))
            middle = (x + lean * 0.08, foot - 0.11 - long * 0.6)
            layer.polygon(
                [
                    (x - 0.004, foot - 0.1),
                    (middle[0] - 0.018, middle[1]),
                    tip,
                    (middle[0] + 0.018, middle[1]),
                    (x + 0.004, foot - 0.1),
                ],
                tone,
            )
    with canvas.layer(
        x - 0.07, foot - 0.12, x + 0.07, foot + 0.02, grain=0.05, shade="round"
    ) as layer:
        layer.polygon(
            [
                (x - 0.06, foot - 0.11),
                (x + 0.06, foot - 0.11),
                (x + 0.045, foot + 0.01),
                (x - 0.045, foot + 0.01),
            ],
            (190, 106, 76),
        )
        layer.box(x - 0.066, foot - 0.118, x + 0.066, foot - 0.095, (206, 124, 92))


def paint_table(canvas: Canvas, pan: float) -> None:
    random = canvas.random
    back = pick(random, ((72, 84, 86), (112, 90, 78), (58, 66, 84), (146, 140, 122)))
    edge = float(random.uniform(0.56, 0.62))
    canvas.gradient(0, edge, (mix(back, (16, 16, 18), 0.35), mix(back, (250, 236, 206), 0.16)))
    canvas.textured(0, edge, 0.02, 0.08)
    canvas.glow(0.15, 0.1, 0.55, (255, 240, 208), 0.3)
    _table_top(canvas, edge, pan)
    _bottle(canvas, float(random.uniform(0.18, 0.32)) + pan * 0.8, edge + 0.11)
    _vase(canvas, float(random.uniform(0.92, 1.08)) + pan * 0.8, edge + 0.13)
    bowl = float(random.uniform(0.56, 0.7)) + pan * 0.9
    _fruit_bowl(canvas, bowl, edge + 0.2)
    for x in (0.2, 0.34, 0.98, 1.12):
        place = x + float(random.uniform(-0.05, 0.05)) + pan
        size = float(random.uniform(0.042, 0.06))
        y = float(random.uniform(edge + 0.24, 0.9))
        canvas.shadow(place + size * 0.7, y + size * 0.75, size * 1.2, size * 0.35, 0.6)
        canvas.ball(place, y, size, size * 0.94, pick(random, _FRUIT))
        with canvas.layer(place - 0.02, y - size * 1.2, place + 0.03, y - size * 0.5) as layer:
            layer.line(
                [(place, y - size * 0.8), (place + 0.008, y - size * 1.12)], 0.005, (74, 54, 34)
            )
    _cup(canvas, 0.62 + float(random.uniform(-0.1, 0.1)) + pan * 1.05, 0.9)


_FRUIT: tuple[Colour, ...] = (
    (206, 48, 42),
    (236, 150, 44),
    (226, 196, 72),
    (142, 172, 62),
    (168, 54, 74),
    (214, 92, 48),
)


def _table_top(canvas: Canvas, edge: float, pan: float) -> None:
    wood = pick(canvas.random, ((150, 100, 62), (184, 142, 98), (104, 72, 52)))
    canvas.gradient(edge, 1.0, (mix(wood, (40, 28, 20), 0.4), mix(wood, (255, 226, 180), 0.12)))
    canvas.textured(edge, 1.0, 0.03, 0.05)
    with canvas.layer(0, edge, ASPECT, 1) as layer:
        for _ in range(150):
            y = edge + (1 - edge) * float(canvas.random.uniform(0, 1))
            x, long = (
                float(canvas.random.uniform(-0.5, 1.5)) + pan,
                float(canvas.random.uniform(0.1, 0.6)),
            )
            layer.line([(x, y), (x + long / 2, y + 0.004), (x + long, y)], 0.0016, (54, 34, 22), 70)
        for board in (0.12, 0.36, 0.68):
            y = edge + (1 - edge) * board
            layer.line([(0, y), (ASPECT, y)], 0.003, (40, 26, 18), 190)


def _bottle(canvas: Canvas, x: float, foot: float) -> None:
    glass = pick(canvas.random, ((44, 84, 58), (96, 58, 34), (60, 98, 118)))
    canvas.shadow(x + 0.08, foot + 0.005, 0.16, 0.025, 0.6)
    with canvas.layer(x - 0.06, foot - 0.42, x + 0.06, foot + 0.02, shade="round") as layer:
        layer.polygon(
            [
                (x - 0.052, foot),
                (x - 0.052, foot - 0.22),
                (x - 0.02, foot - 0.29),
                (x - 0.017, foot - 0.4),
                (x + 0.017, foot - 0.4),
                (x + 0.02, foot - 0.29),
                (x + 0.052, foot - 0.22),
                (x + 0.052, foot),
            ],
            glass,
        )
        layer.ellipse(x, foot, 0.052, 0.014, glass)
        layer.box(x - 0.021, foot - 0.41, x + 0.021, foot - 0.385, mix(glass, (190, 150, 90), 0.6))
        layer.box(x - 0.052, foot - 0.17, x + 0.052, foot - 0.07, (234, 226, 204))
        layer.box(x - 0.03, foot - 0.145, x + 0.03, foot - 0.135, (120, 60, 50))
        layer.box(x - 0.022, foot - 0.12, x + 0.022, foot - 0.115, (90, 84, 76))
    with canvas.layer(x - 0.05, foot - 0.3, x - 0.01, foot - 0.02) as layer:
        layer.line([(x - 0.034, foot - 0.03), (x - 0.034, foot - 0.21)], 0.006, WHITE, 120)


def _vase(canvas: Canvas, x: float, foot: float) -> None:
    random = canvas.random
    clay = pick(random, ((86, 120, 150), (222, 214, 200), (160, 88, 66)))
    canvas.shadow(x + 0.08, foot + 0.005, 0.18, 0.028, 0.6)
    heads = [
        (x + float(random.uniform(-0.19, 0.19)), foot - 0.33 - float(random.uniform(0, 0.18)))
        for _ in range(11)
    ]
    with canvas.layer(x - 0.24, foot - 0.58, x + 0.24, foot - 0.16, grain=0.05) as layer:
        for head in heads:
            layer.line(
                [
                    (x + (head[0] - x) * 0.15, foot - 0.2),
                    (x + (head[0] - x) * 0.6, head[1] + 0.07),
                    head,
                ],
                0.005,
                (70, 106, 58),
            )
            layer.ellipse((x + head[0]) / 2, head[1] + 0.1, 0.03, 0.01, (84, 124, 66))
        petal = pick(random, ((226, 96, 112), (244, 206, 92), (236, 232, 240), (150, 110, 190)))
        for head in heads:
            size = float(random.uniform(0.028, 0.042))
            for spoke in range(8):
                turn = spoke * np.pi / 4 + head[0]
                tone = mix(petal, (120, 50, 60) if spoke % 2 else WHITE, 0.18)
                layer.ellipse(
                    head[0] + size * 0.7 * float(np.cos(turn)),
                    head[1] + size * 0.6 * float(np.sin(turn)),
                    size * 0.5,
                    size * 0.42,
                    tone,
                )
            layer.ellipse(head[0], head[1], size * 0.38, size * 0.34, (226, 172, 60))
    with canvas.layer(
        x - 0.08, foot - 0.24, x + 0.08, foot + 0.02, grain=0.03, shade="round"
    ) as layer:
        layer.polygon(
            [
                (x - 0.035, foot - 0.23),
                (x - 0.028, foot - 0.19),
                (x - 0.07, foot - 0.1),
                (x - 0.045, foot),
                (x + 0.045, foot),
                (x + 0.07, foot - 0.1),
                (x + 0.028, foot - 0.19),
                (x + 0.035, foot - 0.23),
            ],
            clay,
        )
        layer.ellipse(x, foot - 0.1, 0.07, 0.06, clay)
        layer.ellipse(x, foot, 0.045, 0.011, clay)
        layer.box(x - 0.068, foot - 0.118, x + 0.068, foot - 0.106, mix(clay, WHITE, 0.45))
        layer.ellipse(x, foot - 0.23, 0.035, 0.008, mix(clay, (20, 20, 20), 0.6))


def _fruit_bowl(canvas: Canvas, x: float, y: float) -> None:
    random = canvas.random
    glaze = pick(random, ((206, 214, 216), (68, 104, 132), (196, 128, 84)))
    canvas.shadow(x + 0.08, y + 0.11, 0.26, 0.045, 0.65)
    with canvas.layer(x - 0.24, y - 0.06, x + 0.24, y + 0.04) as layer:
        layer.ellipse(x, y, 0.215, 0.045, mix(glaze, (20, 20, 24), 0.5))
    for row, count in enumerate((5, 4, 2)):
        for column in range(count):
            place = x + (column - (count - 1) / 2) * 0.085 + float(random.uniform(-0.008, 0.008))
            canvas.ball(place, y - 0.012 - 0.055 * row, 0.05, 0.048, pick(random, _FRUIT))
    with canvas.layer(x - 0.23, y - 0.01, x + 0.23, y + 0.13, grain=0.02, shade="round") as layer:
        bottom = [
            (x + 0.215 * float(np.cos(turn)), y + 0.012 + 0.105 * float(np.sin(turn)) ** 0.7)
            for turn in np.linspace(0.0, np.pi, 24).tolist()
        ]
        rim = [
            (x - 0.215 + 0.43 * share, y + 0.042 * float(np.sin(np.pi * share)) ** 0.6)
            for share in np.linspace(0, 1, 24).tolist()
        ]
        layer.polygon(bottom + rim, glaze)
        layer.line(rim, 0.007, mix(glaze, WHITE, 0.4))


def _cup(canvas: Canvas, x: float, foot: float) -> None:
    tone = pick(canvas.random, ((236, 232, 222), (86, 126, 140), (214, 154, 90)))
    canvas.shadow(x + 0.04, foot + 0.005, 0.12, 0.022, 0.6)
    with canvas.layer(x - 0.12, foot - 0.12, x + 0.12, foot + 0.03) as layer:
        layer.ellipse(x, foot, 0.1, 0.024, (226, 222, 212))
        layer.ellipse(x, foot - 0.003, 0.07, 0.015, (196, 190, 180))
        layer.line(
            [
                (x + 0.045, foot - 0.07),
                (x + 0.082, foot - 0.065),
                (x + 0.078, foot - 0.03),
                (x + 0.04, foot - 0.02),
            ],
            0.011,
            mix(tone, (60, 60, 60), 0.25),
        )
    with canvas.layer(x - 0.055, foot - 0.1, x + 0.055, foot + 0.01, shade="round") as layer:
        layer.polygon(
            [
                (x - 0.052, foot - 0.088),
                (x + 0.052, foot - 0.088),
                (x + 0.036, foot - 0.004),
                (x - 0.036, foot - 0.004),
            ],
            tone,
        )
        layer.ellipse(x, foot - 0.006, 0.036, 0.01, tone)
        layer.ellipse(x, foot - 0.088, 0.052, 0.014, mix(tone, WHITE, 0.3))
        layer.ellipse(x, foot - 0.086, 0.044, 0.01, (70, 44, 30))
