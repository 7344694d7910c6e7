"""How far a picture may be reduced while it is decoded."""

from __future__ import annotations

ENOUGH_PX = 512
"""Both sides of the shared raster keep at least this many px, where the picture has them."""


def reduction(width_px: int, height_px: int, factors: tuple[int, ...]) -> int:
    """Return the largest of `factors` that leaves both sides at least 512 px; 1 where none does."""
    shorter = min(width_px, height_px)
    return max((f for f in factors if -(-shorter // f) >= ENOUGH_PX), default=1)
