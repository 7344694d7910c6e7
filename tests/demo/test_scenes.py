"""Scenes are the same from the same seed, themselves at any size, and differ from each other."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from headwater.demo.scenes import SCENE_KINDS, SceneKind, paint
from tests.demo.conftest import likeness


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_a_scene_follows_from_its_seed(kind: SceneKind) -> None:
    first = paint(kind, 3, seed=11, height_px=150)
    assert first.size == (200, 150)
    assert first.tobytes() == paint(kind, 3, seed=11, height_px=150).tobytes()
    for other in (paint(kind, 4, seed=11, height_px=150), paint(kind, 3, seed=12, height_px=150)):
        assert np.mean(np.asarray(first) != np.asarray(other)) > 0.5


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_a_scene_is_the_same_picture_at_another_size(kind: SceneKind) -> None:
    small, large = (paint(kind, 2, seed=11, height_px=height) for height in (216, 432))
    assert likeness(small, large) > 0.97


@pytest.mark.parametrize("kind", SCENE_KINDS)
@pytest.mark.parametrize("number", [0, 1])
def test_panning_moves_the_scene_the_same_way_whichever_way_it_is_built(
    kind: SceneKind, number: int
) -> None:
    width, shift = 400, 24
    still = paint(kind, number, seed=11, height_px=300)
    moved = paint(kind, number, seed=11, height_px=300, pan=shift / 300)
    # The lower half holds what is near, and moves by about the pan; nothing moves against it.
    near = (0, 170, width, 300)
    likest = {
        by: likeness(
            still.crop((max(0, -by), near[1], width - max(0, by), near[3])),
            moved.crop((max(0, by), near[1], width - max(0, -by), near[3])),
        )
        for by in (-shift, shift)
    }
    assert likest[shift] > likest[-shift]


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_a_scene_has_the_detail_and_range_of_a_photograph(kind: SceneKind) -> None:
    for number in range(4):
        picture = paint(kind, number, seed=21, height_px=240)
        grey = np.asarray(picture.convert("L"), dtype=float)
        low, high = np.percentile(grey, (2, 98))
        assert high - low > 60
        assert picture.convert("L").entropy() > 5
        colours = np.asarray(picture.convert("HSV"))[..., 1]
        assert colours.mean() > 20


def test_a_scene_too_small_to_paint_is_refused() -> None:
    with pytest.raises(ValueError, match="96"):
        paint("lake", 0, seed=1, height_px=95)


def test_an_unseen_far_pan_still_paints() -> None:
    for kind in SCENE_KINDS:
        for pan in (-2.0, 2.0):
            assert isinstance(paint(kind, 0, seed=1, height_px=96, pan=pan), Image.Image)
