"""The measures that come with Headwater, written out."""

from __future__ import annotations

BUILT_IN: tuple[str, ...] = (
    "headwater.measures.structure:Structure",
    "headwater.measures.picture:Picture",
    "headwater.measures.pdq:Pdq",
    "headwater.measures.thumbnail:Thumbnail",
    "headwater.measures.exif:Exif",
    "headwater.measures.xmp:Xmp",
    "headwater.measures.iptc:Iptc",
    "headwater.measures.icc:Icc",
    "headwater.measures.embedded_thumbnail:EmbeddedThumbnail",
    "headwater.measures.video:Video",
    "headwater.measures.storyboard:Storyboard",
)
"""What `examine` runs on every item, in this order."""

ON_DEMAND: tuple[str, ...] = ("headwater.measures.pdq_full:PdqFull",)
"""What is run on single items, where an answer hangs on it."""
