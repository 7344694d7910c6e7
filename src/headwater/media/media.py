"""One media item, open in a worker: bytes, identity, and decodes that are made once and shared."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.raster import Raster
from headwater.model import Digests, Identity

if TYPE_CHECKING:
    from headwater.media.pictures.header import PictureHeader
    from headwater.media.video.probe import VideoProbe


class Media:
    """What a measure sees of an item. All properties are computed once and kept."""

    def __init__(
        self, content: Content, identity: Identity, limits: Limits, digests: Digests
    ) -> None:
        self.content = content
        self.identity = identity
        self.limits = limits
        self.digests = digests

    @cached_property
    def header(self) -> PictureHeader:
        """Size, mode, frames and orientation of a picture, read without decoding it."""
        from headwater.media.pictures.header import read_header  # noqa: PLC0415

        return read_header(self.content, self.identity, self.limits)

    @cached_property
    def raster(self) -> Raster:
        """The shared decode: both sides at least 512 px where the picture has them."""
        from headwater.media.pictures.decode import decode_picture  # noqa: PLC0415

        return decode_picture(self.content, self.identity, self.header, self.limits)

    @cached_property
    def full_raster(self) -> Raster:
        """The decode at full size; costly, for those who need every pixel."""
        from headwater.media.pictures.decode import decode_picture  # noqa: PLC0415

        return decode_picture(self.content, self.identity, self.header, self.limits, full=True)

    @cached_property
    def video(self) -> VideoProbe:
        """Container and stream facts of a video, and its key frames on demand."""
        from headwater.media.video.probe import probe_video  # noqa: PLC0415

        return probe_video(self.content, self.identity, self.limits)
