"""Copies of photographs, as people and platforms make them."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import imagecodecs
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from headwater.demo.cameras import Camera, Shot
from headwater.demo.jpeg import with_segments, without_metadata, xmp_segment
from headwater.demo.manifest import Box

EditName = Literal[
    "exact",
    "stripped",
    "recompressed",
    "progressive",
    "resized",
    "cropped",
    "captioned",
    "mirrored",
    "turned",
    "framed",
    "messenger",
    "grey",
    "cmyk",
    "png",
    "apng",
    "gif",
    "webp",
    "tiff",
    "bmp",
    "avif",
    "jpeg-2000",
    "jpeg-xl",
    "motion-photo",
    "picture-pair",
    "zip-behind",
]
EDIT_NAMES: tuple[EditName, ...] = get_args(EditName)

EDITOR = "Greyline Studio 3.1"
"""The invented editing program that signs some copies."""


class Source:
    """A JPEG file that copies are made from."""

    def __init__(self, key: str, data: bytes, camera: Camera, shot: Shot) -> None:
        self.key, self.data, self.camera, self.shot = key, data, camera, shot

    @cached_property
    def upright(self) -> Image.Image:
        """The decoded picture as a viewer shows it, RGB."""
        picture = Image.open(io.BytesIO(self.data))
        return ImageOps.exif_transpose(picture).convert("RGB")


class Edited(NamedTuple):
    """A copy's bytes, and what of the source it shows; see `manifest.Copy`."""

    data: bytes
    format: str
    shows: Box | None = None
    placed: Box | None = None
    mirrored: bool = False
    quarter_turns: int = 0
    odd: str | None = None


def _saved(picture: Image.Image, pillow_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, pillow_format, **options)
    return file.getvalue()


def _jpeg(picture: Image.Image, quality: int, **options: object) -> bytes:
    return _saved(picture, "JPEG", quality=quality, **options)


def _half(source: Source) -> Image.Image:
    return source.upright.reduce(2)


def _signed(source: Source, jpeg: bytes, picture: Image.Image) -> bytes:
    """Return a JPEG with the camera's EXIF, upright, and the editor's name in it."""
    tags = source.camera.exif_segment(picture, source.shot, software=EDITOR, orientation=1)
    return with_segments(jpeg, [tags])


def exact(source: Source) -> Edited:
    """The same bytes."""
    return Edited(source.data, "jpeg")


def stripped(source: Source) -> Edited:
    """Metadata taken away, pixels untouched; what EXIF said of the orientation is lost too."""
    turns = 1 if source.shot.upright else 0
    return Edited(without_metadata(source.data), "jpeg", quarter_turns=turns)


def recompressed(source: Source) -> Edited:
    """Saved again by an editor, which keeps the EXIF and signs it."""
    jpeg = _jpeg(source.upright, 86)
    return Edited(_signed(source, jpeg, source.upright), "jpeg")


def progressive(source: Source) -> Edited:
    """Saved again as a progressive JPEG, without EXIF."""
    return Edited(_jpeg(source.upright, 88, progressive=True, optimize=True), "jpeg")


def resized(source: Source) -> Edited:
    """A smaller picture, 5/8 on each side."""
    width_px, height_px = (side * 5 // 8 for side in source.upright.size)
    small = source.upright.resize((width_px, height_px), Image.Resampling.LANCZOS)
    return Edited(_jpeg(small, 88), "jpeg")


def cropped(source: Source) -> Edited:
    """Edges cut away; the EXIF thumbnail still shows the whole picture."""
    wide, high = source.upright.size
    box = (wide * 3 // 16, high // 8, wide * 15 // 16, high * 7 // 8)
    part = source.upright.crop(box)
    tags = source.camera.exif_segment(
        part, source.shot, software=EDITOR, orientation=1, thumbnail_of=source.upright
    )
    odd = "its EXIF thumbnail shows the picture before it was cropped"
    return Edited(with_segments(_jpeg(part, 90), [tags]), "jpeg", shows=box, odd=odd)


def captioned(source: Source) -> Edited:
    """A bar with words laid over the foot of the picture."""
    picture = source.upright.copy()
    wide, high = picture.size
    bar = high * 7 // 8
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, bar, wide, high), (20, 20, 24))
    font = ImageFont.load_default(high / 16)
    draw.text(
        (wide / 2, (bar + high) / 2), "wish you were here", (250, 246, 232), font, anchor="mm"
    )
    whole = (0, 0, wide, bar)
    return Edited(_jpeg(picture, 85), "jpeg", shows=whole, placed=whole)


def mirrored(source: Source) -> Edited:
    """Left and right exchanged, at half the size."""
    return Edited(_jpeg(ImageOps.mirror(_half(source)), 88), "jpeg", mirrored=True)


def turned(source: Source) -> Edited:
    """Pixels turned a quarter, with the EXIF orientation that makes viewers turn them back."""
    picture = source.upright.transpose(Image.Transpose.ROTATE_90)
    tags = source.camera.exif_segment(picture, source.shot, software=EDITOR, orientation=6)
    return Edited(with_segments(_jpeg(picture, 88), [tags]), "jpeg")


def framed(source: Source) -> Edited:
    """A telephone's screen that shows the picture between its bars."""
    wide = source.upright.width // 2
    small = source.upright.resize((wide, wide * source.upright.height // source.upright.width))
    high = wide * 13 // 8
    screen = Image.new("RGB", (wide, high), (14, 14, 18))
    top = (high - small.height) // 2
    screen.paste(small, (0, top))
    draw = ImageDraw.Draw(screen)
    text = ImageFont.load_default(wide / 28)
    draw.rectangle((0, 0, wide, wide // 16), (34, 36, 44))
    draw.text((wide / 30, wide / 80), "18:42", (240, 240, 244), text)
    draw.rectangle((wide * 7 // 8, wide // 64, wide * 31 // 32, wide // 22), (120, 200, 130))
    draw.text((wide / 30, high - wide / 6), "Gallery   3 of 12", (200, 204, 212), text)
    for button in range(4):
        middle = wide * (2 * button + 1) // 8
        radius = wide // 40
        y = high - wide // 16
        draw.ellipse(
            (middle - radius, y - radius, middle + radius, y + radius), outline=(190, 194, 204)
        )
    placed = (0, top, wide, top + small.height)
    return Edited(_saved(screen, "PNG", compress_level=3), "png", placed=placed)


def messenger(source: Source) -> Edited:
    """Scaled down, saved anew and stripped, as messengers do."""
    picture = source.upright.copy()
    longest = max(picture.size) * 5 // 8 // 16 * 16
    picture.thumbnail((longest, longest), Image.Resampling.BICUBIC)
    return Edited(_jpeg(picture, 72, progressive=True), "jpeg")


def grey(source: Source) -> Edited:
    """Without colour."""
    return Edited(_jpeg(source.upright.convert("L"), 90), "jpeg")


def cmyk(source: Source) -> Edited:
    """Separated into printing inks, with an Adobe marker."""
    return Edited(_jpeg(_half(source).convert("CMYK"), 88), "jpeg")


def png(source: Source) -> Edited:
    """Half the size, without further loss."""
    return Edited(_saved(_half(source), "PNG", compress_level=3), "png")


def _three_views(source: Source) -> list[Image.Image]:
    whole = source.upright.reduce(4)
    wide, high = whole.size
    return [
        whole.resize((wide, high), box=(inset, inset, wide - inset, high - inset))
        for inset in (0, high // 10, high // 5)
    ]


def apng(source: Source) -> Edited:
    """An animated PNG that zooms in; its first frame shows the whole picture."""
    first, *others = _three_views(source)
    data = _saved(first, "PNG", save_all=True, append_images=others, duration=400, compress_level=3)
    return Edited(data, "png", odd="animated, 3 frames")


def gif(source: Source) -> Edited:
    """An animated GIF of 64 colours that zooms in."""
    octree = Image.Quantize.FASTOCTREE
    first, *others = (
        view.quantize(64, octree, dither=Image.Dither.NONE) for view in _three_views(source)
    )
    data = _saved(first, "GIF", save_all=True, append_images=others, duration=400, loop=0)
    return Edited(data, "gif", odd="animated, 3 frames")


def webp(source: Source) -> Edited:
    """Half the size, lossy WebP."""
    return Edited(_saved(_half(source), "WEBP", quality=82, method=1), "webp")


def tiff(source: Source) -> Edited:
    """Half the size, TIFF packed with LZW."""
    return Edited(_saved(_half(source), "TIFF", compression="tiff_lzw"), "tiff")


def bmp(source: Source) -> Edited:
    """A quarter of the size, bare pixels."""
    return Edited(_saved(source.upright.reduce(4), "BMP"), "bmp")


def avif(source: Source) -> Edited:
    """Half the size, AVIF."""
    return Edited(_saved(_half(source), "AVIF", quality=74, speed=10, max_threads=1), "avif")


def jpeg_2000(source: Source) -> Edited:
    """A quarter of the size, JPEG 2000."""
    pixels = np.asarray(source.upright.reduce(4))
    data = bytes(imagecodecs.jpeg2k_encode(pixels, level=40, codecformat="jp2"))
    return Edited(data, "jp2")


def jpeg_xl(source: Source) -> Edited:
    """Half the size, JPEG XL."""
    pixels = np.asarray(_half(source))
    data = bytes(imagecodecs.jpegxl_encode(pixels, distance=1.2, effort=2, numthreads=1))
    return Edited(data, "jxl")


def motion_photo(source: Source, film: bytes) -> Edited:
    """The photograph with a film behind it, announced in XMP (Motion Photo format 1.0)."""
    description = (
        '<rdf:Description rdf:about=""'
        ' xmlns:Camera="http://ns.google.com/photos/1.0/camera/"'
        ' xmlns:Container="http://ns.google.com/photos/1.0/container/"'
        ' xmlns:Item="http://ns.google.com/photos/1.0/container/item/"'
        ' Camera:MotionPhoto="1" Camera:MotionPhotoVersion="1"'
        ' Camera:MotionPhotoPresentationTimestampUs="500000">'
        '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource">'
        '<Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary" Item:Padding="0"/></rdf:li>'
        '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4"'
        f' Item:Semantic="MotionPhoto" Item:Length="{len(film)}"/></rdf:li></rdf:Seq>'
        "</Container:Directory></rdf:Description>"
    )
    tags = source.camera.exif_segment(source.upright, source.shot, orientation=1)
    jpeg = with_segments(_jpeg(source.upright, 90), [tags, xmp_segment(description)])
    return Edited(jpeg + film, "jpeg", odd=f"an MP4 film of {len(film)} bytes lies behind it")


def picture_pair(source: Source) -> Edited:
    """Two pictures in one file (Multi-Picture Format, CIPA DC-007): the whole, and a small one."""
    second = source.upright.reduce(4)
    options = {"save_all": True, "append_images": [second], "quality": 88}
    return Edited(_saved(_half(source), "MPO", **options), "jpeg", odd="MPO: holds two pictures")


def zip_behind(source: Source, archive: bytes) -> Edited:
    """The same photograph with an archive behind it: both programs open the file."""
    return Edited(
        source.data + archive, "jpeg", odd=f"a ZIP of {len(archive)} bytes lies behind it"
    )


EDITS: dict[EditName, Callable[[Source], Edited]] = {
    "exact": exact,
    "stripped": stripped,
    "recompressed": recompressed,
    "progressive": progressive,
    "resized": resized,
    "cropped": cropped,
    "captioned": captioned,
    "mirrored": mirrored,
    "turned": turned,
    "framed": framed,
    "messenger": messenger,
    "grey": grey,
    "cmyk": cmyk,
    "png": png,
    "apng": apng,
    "gif": gif,
    "webp": webp,
    "tiff": tiff,
    "bmp": bmp,
    "avif": avif,
    "jpeg-2000": jpeg_2000,
    "jpeg-xl": jpeg_xl,
    "picture-pair": picture_pair,
}
"""Edits that need nothing but their source; motion photos and polyglots are made apart."""
