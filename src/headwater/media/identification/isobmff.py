"""ISO base media files: MP4, QuickTime, 3GP, HEIF, AVIF, JPEG 2000, JPEG XL, Canon CR3."""

from __future__ import annotations

from headwater.evidence.content import Content
from headwater.media.identification.boxes import Box, BoxWalk, track_handlers, walk_boxes
from headwater.media.identification.layout import Layout
from headwater.model import Embedded

_TOP_BOXES_MOST = 200_000
_TOP_KINDS = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"meta", b"moof", b"mfra"}
    | {b"sidx", b"styp", b"uuid", b"udta", b"pdin", b"emsg", b"ssix", b"prft", b"jumb", b"idat"}
    | {b"jp2c", b"jp2h", b"jxlc", b"jxlp", b"mpvd", b"sefd", b"JXL ", b"jP  ", b"xml ", b"Exif"}
)
_STILL = frozenset({"heif", "avif"})
_HEIC_SEQUENCES = frozenset({b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"})
_HEIC_STILLS = frozenset({b"heic", b"heix", b"heim", b"heis"})


def layout_boxes(content: Content, name: str) -> Layout:
    """Walk the top-level boxes and say what they hold."""
    walk = walk_boxes(content, 0, content.size_bytes, most=_TOP_BOXES_MOST)
    notes: list[str] = []
    end: int | None = walk.stopped_bytes
    if len(walk.boxes) >= _TOP_BOXES_MOST:
        end = None
        notes.append(f"more than {_TOP_BOXES_MOST} boxes: the end was not looked for")
    if walk.cut is not None and walk.cut.kind in _TOP_KINDS:
        end = None
        notes.append(f"box {walk.cut.kind.decode('latin-1')!r} runs past the end: cut off")
    if walk.stopped_bytes == 0:
        return Layout(name, None, notes=(*notes, "no whole box at the start"))
    media_type = None
    if name in _STILL or name in ("mp4", "mov", "m4v", "3gp", "m4a"):
        name, media_type, more = _what_it_holds(content, walk, name)
        notes += more
    return Layout(name, end, _motion_video(walk), tuple(notes), media_type=media_type)


def _what_it_holds(content: Content, walk: BoxWalk, name: str) -> tuple[str, str | None, list[str]]:
    """Set the brand beside the boxes that are there."""
    moov, meta = walk.first(b"moov"), walk.first(b"meta")
    if name in _STILL:
        return name, _still_media_type(content, name), _still_notes(content, moov, meta, name)
    if moov is None:
        if meta is not None and _meta_handler(content, meta) == b"pict":
            return "heif", "image/heif", ["brand says video, the boxes hold a still picture"]
        fragment = walk.first(b"moof") is not None
        return name, None, ["fragments without a moov box" if fragment else "no whole moov box"]
    return _what_the_tracks_hold(track_handlers(content, moov), name)


def _what_the_tracks_hold(
    handlers: tuple[bytes, ...], name: str
) -> tuple[str, str | None, list[str]]:
    if not handlers:
        return name, None, ["the moov box names no track"]
    if b"vide" in handlers:
        notes = ["brand says audio, but there is a video track"] if name == "m4a" else []
        return ("m4v" if name == "m4a" else name), None, notes
    if b"soun" in handlers:
        notes = [] if name == "m4a" else [f"brand says {name}, but there is no video track"]
        return "m4a", None, notes
    return name, None, ["neither a video nor an audio track"]


def _still_notes(content: Content, moov: Box | None, meta: Box | None, name: str) -> list[str]:
    if meta is None and moov is None:
        return [f"brand says {name}, but there is no meta box"]
    if meta is None and moov is not None and b"pict" not in track_handlers(content, moov):
        return [f"brand says {name}, the boxes hold a video"]
    return []


def _meta_handler(content: Content, meta: Box) -> bytes:
    inner = walk_boxes(content, meta.payload_bytes + 4, meta.end_bytes, most=64).first(b"hdlr")
    return content.read_at(inner.payload_bytes + 8, 4) if inner else b""


def _still_media_type(content: Content, name: str) -> str:
    major = content.read_at(8, 4)
    if name == "avif":
        return "image/avif"
    if major in _HEIC_STILLS:
        return "image/heic"
    if major in _HEIC_SEQUENCES:
        return "image/heif-sequence" if major == b"msf1" else "image/heic-sequence"
    return "image/heif"


def _motion_video(walk: BoxWalk) -> tuple[Embedded, ...]:
    """The `mpvd` box holds the video of a motion photo (Android motion photo format 1.0)."""
    return tuple(
        Embedded(
            name="motion-video",
            offset_bytes=box.payload_bytes,
            size_bytes=box.end_bytes - box.payload_bytes,
        )
        for box in walk.boxes
        if box.kind == b"mpvd" and box.end_bytes > box.payload_bytes
    )[:4]
