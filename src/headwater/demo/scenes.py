"""Photograph-like scenes painted from a seed: lakes, coasts, towns, rooms and tables.

A scene is the same place whenever its kind, number and seed are the same. `pan` moves the camera
sideways (in units of the picture's height): near things move more than far ones, as in life.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from PIL import Image, ImageOps

from headwater.demo.painting.canvas import Canvas
from headwater.demo.painting.country import paint_coast, paint_lake
from headwater.demo.painting.indoors import paint_room, paint_table
from headwater.demo.painting.town import paint_town_by_day, paint_town_by_night

SceneKind = Literal["lake", "coast", "canal", "night", "room", "table"]
SCENE_KINDS: tuple[SceneKind, ...] = get_args(SceneKind)

_PAINTERS: dict[SceneKind, Callable[[Canvas, float], None]] = {
    "lake": paint_lake,
    "coast": paint_coast,
    "canal": paint_town_by_day,
    "night": paint_town_by_night,
    "room": paint_room,
    "table": paint_table,
}


def paint(
    kind: SceneKind, number: int, *, seed: int, height_px: int, pan: float = 0.0
) -> Image.Image:
    """Return the scene as an RGB picture, 4:3, `height_px` high (at least 96).

    Scenes of one kind share their furniture, not their arrangement; odd numbers are built the
    other way round. Raises ValueError for a smaller height.
    """
    if height_px < 96:
        raise ValueError("a scene is at least 96 pixels high")
    entropy = [seed, SCENE_KINDS.index(kind), number]
    pan = pan if number % 2 == 0 else -pan
    canvas = Canvas(height_px, np.random.Generator(np.random.SFC64(entropy)), pan)
    _PAINTERS[kind](canvas, pan)
    picture = canvas.finished()
    return ImageOps.mirror(picture) if number % 2 else picture
