"""How a film is to be turned: the 3 x 3 display matrix (ISO/IEC 14496-12, 8.3.2.3)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

_ONE = 1 << 16
_PLAIN_ERROR = _ONE // 1000

_ORIENTATIONS = {
    (0, False): 1,
    (0, True): 2,
    (180, False): 3,
    (180, True): 4,
    (270, True): 5,
    (90, False): 6,
    (90, True): 7,
    (270, False): 8,
}


@dataclass(frozen=True, slots=True)
class DisplayMatrix:
    """What a display matrix does to the stored picture: it mirrors it, then turns it."""

    rotation_degrees: int
    """Clockwise, 0..359."""
    mirrored: bool
    """Left and right are exchanged before turning."""
    is_plain: bool
    """Nothing else is done: no slant, no scale, and a whole number of quarter turns."""

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1..8, of the nearest quarter turn."""
        quarter = round(self.rotation_degrees / 90) % 4 * 90
        return _ORIENTATIONS[quarter, self.mirrored]


UPRIGHT = DisplayMatrix(rotation_degrees=0, mirrored=False, is_plain=True)


def read_matrix(data: bytes) -> DisplayMatrix:
    """Read nine 32-bit numbers in the machine's order, as FFmpeg hands them on.

    Points are rows: (x, y, 1) is multiplied from the left, with y downwards. A matrix that is cut
    short or flattens the picture is taken as upright, and not plain.
    """
    if len(data) < 36:
        return DisplayMatrix(rotation_degrees=0, mirrored=False, is_plain=False)
    a, b, u, c, d, v, _, _, _ = struct.unpack("=9i", data[:36])
    determinant = a * d - b * c
    if determinant == 0:
        return DisplayMatrix(rotation_degrees=0, mirrored=False, is_plain=False)
    mirrored = determinant < 0
    across, down = (-a, -b) if mirrored else (a, b)
    degrees = math.degrees(math.atan2(down, across)) % 360.0
    whole = sorted(abs(value) for value in (a, b, c, d))
    plain = (
        whole[1] <= _PLAIN_ERROR
        and all(abs(value - _ONE) <= _PLAIN_ERROR for value in whole[2:])
        and u == v == 0
    )
    return DisplayMatrix(rotation_degrees=round(degrees) % 360, mirrored=mirrored, is_plain=plain)
