"""From any Pillow mode to 8-bit RGB or grey, without alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_DEEP = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})


def flatten(image: Image) -> Image:
    """Return an image of mode `RGB` or `L`: alpha over white, 16 bits scaled to 8.

    Samples that are neither 8 nor 16 bits wide (32-bit integers, floats) are scaled linearly
    from their own range, unless they already lie in 0..255 (or, for floats, in 0..1).
    """
    if image.mode in _DEEP:
        return _to_eight_bits(image)
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode == "1":
        return image.convert("L")
    if _may_be_transparent(image):
        return _over_white(image)
    return image.convert("RGB")


def _may_be_transparent(image: Image) -> bool:
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _over_white(image: Image) -> Image:
    from PIL import Image as pillow  # noqa: N813, PLC0415

    grey = image.mode in ("LA", "La")
    if image.mode == "La":
        image = image.convert("LA")
    elif image.mode not in ("LA", "RGBA"):
        image = image.convert("RGBA")
    white = pillow.new("L" if grey else "RGB", image.size, "white")
    white.paste(image.convert(white.mode), mask=image.getchannel("A"))
    return white


def _to_eight_bits(image: Image) -> Image:
    import numpy as np  # noqa: PLC0415
    from PIL import Image as pillow  # noqa: N813, PLC0415

    samples = np.asarray(image)
    if image.mode.startswith("I;16"):
        return pillow.fromarray((samples >> 8).astype(np.uint8))
    finite = np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if image.mode == "F" and low >= 0 and high <= 1:
        scaled = finite * 255
    elif low >= 0 and high <= 255:
        scaled = finite
    elif low >= 0 and high <= 65535:
        scaled = finite / 257
    else:
        scaled = (finite - low) * (255 / (high - low))
    return pillow.fromarray(np.rint(np.clip(scaled, 0, 255)).astype(np.uint8))
