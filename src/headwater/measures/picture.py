"""The basics of a picture: what its header says, and how bright and how even its pixels are."""

from __future__ import annotations

from typing import ClassVar

from headwater.measures.contract import Doc, Measure, Measured
from headwater.media.media import Media
from headwater.media.pictures.header import PictureHeader
from headwater.media.raster import Decode, Pixels
from headwater.model import Kind, Record

UNIFORM_DEVIATION = 2.0
"""Standard deviation of luma, of 255, below which a picture counts as uniform."""


class PictureBasics(Record, frozen=True, kw_only=True):
    """Header, upright size and overall look of a picture."""

    header: PictureHeader
    upright_width_px: int
    upright_height_px: int
    decode: Decode
    """How the pixels came about that the next three fields were measured on."""
    mean_luma: float
    """Mean of the luma (ITU-R BT.601), 0 black to 255 white, rounded to 0.01."""
    luma_deviation: float
    """Standard deviation of the luma, 0..127.5, rounded to 0.01."""
    is_uniform: bool
    """The deviation is below 2: nothing on it can be compared."""


class Picture(Measure):
    """Header fields and overall brightness of a picture."""

    NAME: ClassVar[str] = "picture"
    VERSION: ClassVar[int] = 2
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"picture"})
    RECORD: ClassVar[type[Record]] = PictureBasics
    LIBRARIES: ClassVar[tuple[str, ...]] = (
        "imagecodecs",
        "numpy",
        "pi-heif",
        "pillow",
        "rawpy",
        "simplejpeg",
    )
    COST: ClassVar[str] = "1.5 ms for a raster of 1000 x 750 px, beyond the shared decode"
    DOC: ClassVar[Doc] = Doc(
        requirement=(
            "State the stored size, coding, orientation and frames of a picture as its header "
            "gives them, and its mean luma and evenness as its pixels give them."
        ),
        shows="Size, mode, coding, orientation, animation, brightness, and how it was decoded.",
        cannot_show=(
            "Whether the header tells the truth about the picture's history. Brightness is that "
            "of the reduced decode, without colour management."
        ),
        method=(
            "The header fields of each format's specification; luma by ITU-R BT.601-7, 2.5.1, on "
            "the shared decode named in `decode`."
        ),
        validated_on="not validated",
        tests=("tests/measures/test_picture.py::test_header_and_luma_are_what_was_encoded",),
    )

    def measure(self, media: Media) -> Measured:
        header, raster = media.header, media.raster
        width, height = header.upright_size
        mean, deviation = luma_statistics(raster.pixels)
        return Measured(
            record=PictureBasics(
                header=header,
                upright_width_px=width,
                upright_height_px=height,
                decode=raster.decode,
                mean_luma=round(mean, 2),
                luma_deviation=round(deviation, 2),
                is_uniform=deviation < UNIFORM_DEVIATION,
            )
        )


def luma_statistics(pixels: Pixels) -> tuple[float, float]:
    """Mean and standard deviation of the luma of RGB or grey pixels, in 8-bit levels.

    Integers up to the last two divisions, so that the answer is the same on every machine.
    """
    from PIL import Image  # noqa: PLC0415

    image = Image.fromarray(pixels)
    counts = (image if image.mode == "L" else image.convert("L")).histogram()
    count = sum(counts)
    total = sum(level * number for level, number in enumerate(counts))
    squares = sum(level * level * number for level, number in enumerate(counts))
    variance = (count * squares - total * total) / (count * count)
    return total / count, float(variance**0.5)
