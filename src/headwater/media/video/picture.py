"""One decoded frame of a film: its planes, as stored, and how to read them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType

from headwater.errors import Malformed
from headwater.media.raster import Pixels
from headwater.media.video.demuxers import ffmpeg_errors
from headwater.media.video.display_matrix import UPRIGHT, DisplayMatrix, read_matrix
from headwater.media.video.facts import SPACES

_UUID_BYTES = 16
_ENCODER_TEXT_MOST = 2048
_FULL_RANGE = 2
_FULL_RANGE_FORMATS = ("yuvj", "gray", "ya", "rgb", "gbr", "bgr")


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame before it is turned; arrays are uint8, deeper samples rounded to 8 bits.

    Either `luma` and, of colour pictures, both `chroma` planes (blue and red difference, mostly
    smaller), or `rgb` (height, width, 3) where the codec stores red, green and blue.
    """

    width_px: int
    height_px: int
    pixel_format: str
    """FFmpeg's name of the stored layout."""
    full_range: bool
    """Luma is 0..255; otherwise 16..235 stand for black and white."""
    matrix_name: str | None
    """Matrix coefficients as stated (ITU-T H.273), None where they are not."""
    sample_aspect: Fraction
    matrix: DisplayMatrix
    encoder_text: str | None
    """What the encoder says of itself inside the stream, as x264 does with all its settings."""
    damaged: bool
    """The decoder had to conceal missing or broken parts."""
    luma: Pixels | None
    chroma: tuple[Pixels, Pixels] | None
    rgb: Pixels | None


def read_picture(frame: Any, sample_aspect: Fraction | None) -> Picture:
    """Copy the planes out of a PyAV frame. Raises Malformed where FFmpeg cannot convert it."""
    name = frame.format.name
    beside = _side_data(frame)
    luma, chroma, rgb = _planes(frame)
    return Picture(
        width_px=frame.width,
        height_px=frame.height,
        pixel_format=name,
        full_range=rgb is not None
        or frame.color_range == _FULL_RANGE
        or name.startswith(_FULL_RANGE_FORMATS),
        matrix_name=SPACES.get(frame.colorspace),
        sample_aspect=sample_aspect or Fraction(1),
        matrix=_display_matrix(frame, beside),
        encoder_text=_encoder_text(beside or []),
        damaged=bool(frame.is_corrupt),
        luma=luma,
        chroma=chroma,
        rgb=rgb,
    )


def _side_data(frame: Any) -> list[Any] | None:
    """The frame's side data; None where PyAV does not know one of its kinds."""
    try:
        return list(frame.side_data)
    except ValueError:
        return None


def _display_matrix(frame: Any, beside: list[Any] | None) -> DisplayMatrix:
    if beside is None:
        # PyAV still reads the angle, which FFmpeg counts the other way round.
        return DisplayMatrix(-frame.rotation % 360, mirrored=False, is_plain=False)
    matrices = (data for data in beside if data.type == SideDataType.DISPLAYMATRIX)
    matrix = next(matrices, None)
    return UPRIGHT if matrix is None else read_matrix(bytes(matrix))


def _encoder_text(beside: list[Any]) -> str | None:
    """Return the text that an encoder left in the stream (H.264, D.1.6: user data unregistered)."""
    for data in beside:
        if data.type == SideDataType.SEI_UNREGISTERED:
            text = bytes(data)[_UUID_BYTES : _UUID_BYTES + _ENCODER_TEXT_MOST].rstrip(b"\0")
            if text.isascii() and text.decode("ascii").isprintable() and text:
                return text.decode("ascii")
    return None


def _planes(frame: Any) -> tuple[Pixels | None, tuple[Pixels, Pixels] | None, Pixels | None]:
    layout = frame.format
    if _has_own_planes(layout):
        planes = [_plane(frame, layout, index) for index in range(min(3, len(layout.components)))]
        chroma = (planes[1], planes[2]) if len(planes) == 3 else None
        return planes[0], chroma, None
    target = "rgb24" if _stores_rgb(layout) else "yuv444p"
    with ffmpeg_errors(f"pictures of the layout {layout.name} cannot be converted"):
        try:
            converted = frame.reformat(format=target)
        except ValueError as error:
            if isinstance(error, av.FFmpegError):
                raise
            raise Malformed(f"pictures of the layout {layout.name} cannot be converted") from None
    if target == "yuv444p":
        return _planes(converted)
    plane = converted.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
    return None, None, rows[:, : 3 * frame.width].reshape(frame.height, frame.width, 3).copy()


def _stores_rgb(layout: Any) -> bool:
    return bool(layout.is_rgb or layout.has_palette or layout.is_bayer)


def _has_own_planes(layout: Any) -> bool:
    """Whether each component is a plane of its own, of whole bytes, in this machine's order."""
    if _stores_rgb(layout) or layout.is_bit_stream or layout.is_big_endian:
        return False
    parts = layout.components[:3]
    if len(layout.components) == 2:
        return False
    return all(part.plane == part.index for part in parts) and all(8 <= p.bits <= 16 for p in parts)


def _plane(frame: Any, layout: Any, index: int) -> Pixels:
    plane, bits = frame.planes[index], layout.components[index].bits
    stored = np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16)
    rows = stored.reshape(plane.height, -1)
    if plane.line_size < 0:
        rows = rows[::-1]
    rows = rows[:, : plane.width]
    half = 0 if bits == 8 else 1 << (bits - 9)
    rounded = rows if bits == 8 else (np.minimum(rows, (1 << bits) - 1 - half) + half) >> (bits - 8)
    # A copy: the frame's memory goes back to the decoder.
    return np.array(rounded, dtype=np.uint8, order="C")
