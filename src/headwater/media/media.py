"""One media item, open in a worker: bytes, identity, and decodes that are made once and shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from headwater.errors import ContentError
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.raster import Raster
from headwater.model import Digests, Identity

if TYPE_CHECKING:
    from headwater.media.pictures.header import PictureHeader
    from headwater.media.video.probe import VideoProbe

T = TypeVar("T")


class Media:
    """What a measure sees of an item.

    Everything here is computed at most once. Where that failed, each later use raises the very
    same ContentError again, so that a broken picture is decoded, and reported, once.
    """

    def __init__(
        self, content: Content, identity: Identity, limits: Limits, digests: Digests
    ) -> None:
        self.content = content
        self.identity = identity
        self.limits = limits
        self.digests = digests
        self._made: dict[str, object] = {}

    @property
    def header(self) -> PictureHeader:
        """Size, mode, frames and orientation of a picture, read without decoding it."""
        from headwater.media.pictures.header import read_header  # noqa: PLC0415

        return self.once("header", lambda: read_header(self.content, self.identity, self.limits))

    @property
    def raster(self) -> Raster:
        """The shared decode: both sides at least 512 px where the picture has them."""
        return self.once("raster", lambda: self._decode(full=False))

    @property
    def full_raster(self) -> Raster:
        """The decode at full size; costly, for those who need every pixel."""
        return self.once("full_raster", lambda: self._decode(full=True))

    @property
    def video(self) -> VideoProbe:
        """Container and stream facts of a video, and its key frames on demand."""
        from headwater.media.video.probe import probe_video  # noqa: PLC0415

        return self.once("video", lambda: probe_video(self.content, self.identity, self.limits))

    def check(self) -> None:
        """Raise the ContentError that keeps this item from being opened at all, if there is one."""
        if self.identity.kind == "picture":
            _ = self.raster
        elif self.identity.kind == "video":
            _ = self.video

    def _decode(self, *, full: bool) -> Raster:
        from headwater.media.pictures.decode import decode_picture  # noqa: PLC0415

        return decode_picture(self.content, self.identity, self.header, self.limits, full=full)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` makes, made at the first call of this name; a ContentError is kept."""
        if name not in self._made:
            try:
                self._made[name] = make()
            except ContentError as error:
                self._made[name] = error
        made = self._made[name]
        if isinstance(made, ContentError):
            raise made
        return made  # type: ignore[return-value]
