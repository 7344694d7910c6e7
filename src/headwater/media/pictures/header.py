"""What a picture says of itself before any pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Identity, Record

RAW_FORMATS = frozenset({"dng", "cr2", "cr3", "nef", "arw", "orf", "rw2", "raf", "pef", "srw"})


class PictureHeader(Record, frozen=True, kw_only=True):
    """The header fields of a picture, as stored.

    `width_px` x `height_px` is the stored size of the main picture, before `orientation`; see
    `upright_size`. Fields are None where the format has no such thing or does not say.
    """

    width_px: int
    height_px: int
    mode: str
    """`grey`, `grey+alpha`, `rgb`, `rgb+alpha`, `palette`, `ycbcr`, `cmyk`, `ycck`, `cfa`, ..."""
    bit_depth: int | None = None
    """Bits of one sample."""
    channels: int | None = None
    coding: str | None = None
    """How samples are coded: JPEG's process (`baseline`, `progressive`, ...), `lossless`, ..."""
    progressive: bool | None = None
    """Progressive JPEG, or interlaced PNG or GIF."""
    subsampling: str | None = None
    """Chroma subsampling, `4:2:0` and so on; the sampling factors where it has no such name."""
    adobe_transform: int | None = None
    """The colour transform of a JPEG's Adobe marker: 0 none, 1 YCbCr, 2 YCCK."""
    frames: int | None = 1
    """Pictures shown one after the other; None where only decoding would tell."""
    animation_seconds: float | None = None
    """One pass through the frames, by the stored delays; None for a still picture."""
    orientation: int = 1
    """1..8 as EXIF (TIFF 6.0 tag 274) counts them, whatever the format writes; see below."""
    orientation_source: str | None = None
    """Where it was read: `exif`, `tiff`, `heif properties`, `jxl`, `raw`; None where nowhere.

    For HEIF and AVIF it restates the `irot` and `imir` properties (rotation first, then mirror);
    their EXIF tag is then ignored, as ISO/IEC 23008-12 demands.
    """
    auxiliary_pictures: int = 0
    """Further pictures beside the main one: alpha, depth, gain maps, thumbnails, TIFF pages."""
    tiles: int | None = None
    """Tiles of a HEIF grid."""

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) in px as a viewer shows the picture."""
        if self.orientation >= 5:
            return self.height_px, self.width_px
        return self.width_px, self.height_px


def read_header(content: Content, identity: Identity, limits: Limits) -> PictureHeader:
    """Read the header of a picture without decoding it.

    Raises Refused for anything but a picture and for what no decoder here can open, Malformed
    where the header breaks the rules, LimitExceeded (`picture_pixels`, `picture_bytes`) where the
    picture is larger than may be decoded.
    """
    if identity.kind != "picture":
        raise Refused(f"{identity.format} is not a picture that is opened")
    if content.size_bytes > limits.picture_bytes:
        raise LimitExceeded("picture_bytes", f"{content.size_bytes} bytes")
    header = _read(content, identity.format, limits)
    if header.width_px <= 0 or header.height_px <= 0:
        raise Malformed(f"size {header.width_px} x {header.height_px} px is impossible")
    if header.width_px * header.height_px > limits.picture_pixels:
        raise LimitExceeded("picture_pixels", f"{header.width_px} x {header.height_px} px")
    return header


def _read(content: Content, name: str, limits: Limits) -> PictureHeader:
    if name in RAW_FORMATS:
        from headwater.media.pictures.raw import read_raw_header  # noqa: PLC0415

        return read_raw_header(content, limits)
    reader = _READERS.get(name)
    if reader is None:
        raise Refused(f"{name} pictures are not opened")
    return reader(content, limits)


def _jpeg(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.jpeg_header import read_jpeg_header  # noqa: PLC0415

    return read_jpeg_header(content)


def _png(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.plain_headers import read_png_header  # noqa: PLC0415

    return read_png_header(content, limits)


def _gif(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.plain_headers import read_gif_header  # noqa: PLC0415

    return read_gif_header(content, limits)


def _bmp(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.plain_headers import read_bmp_header  # noqa: PLC0415

    return read_bmp_header(content)


def _webp(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.plain_headers import read_webp_header  # noqa: PLC0415

    return read_webp_header(content, limits)


def _tiff(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.plain_headers import read_tiff_header  # noqa: PLC0415

    return read_tiff_header(content)


def _heif(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.heif import read_heif_header  # noqa: PLC0415

    return read_heif_header(content, limits)


def _jxl(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.jxl import read_jxl_header  # noqa: PLC0415

    return read_jxl_header(content)


def _jp2(content: Content, limits: Limits) -> PictureHeader:
    from headwater.media.pictures.jp2 import read_jp2_header  # noqa: PLC0415

    return read_jp2_header(content)


_READERS: dict[str, Callable[[Content, Limits], PictureHeader]] = {
    "jpeg": _jpeg,
    "png": _png,
    "apng": _png,
    "gif": _gif,
    "bmp": _bmp,
    "webp": _webp,
    "tiff": _tiff,
    "heif": _heif,
    "avif": _heif,
    "jxl": _jxl,
    "jp2": _jp2,
    "j2k": _jp2,
}
