"""Decide what an item is: by its content against an allow-list, never by its name."""

from __future__ import annotations

from collections.abc import Callable

from headwater.evidence.content import Content
from headwater.media.formats import BY_NAME
from headwater.media.identification.layout import Layout
from headwater.media.identification.signatures import HEAD_BYTES, sniff
from headwater.model import Claim, Embedded, Identity

_NOTES_MOST = 32
_TEXTS = frozenset({"text", "html", "xml", "svg", "php", "script"})
"""Formats in which another text format's words mean nothing."""
_TIFF = frozenset({"tiff", "cr2"})
_BOXES = frozenset({"mp4", "mov", "m4v", "3gp", "m4a", "heif", "avif", "cr3", "jp2"})


def identify(content: Content) -> Identity:
    """Return what `content` is, and everything else it could be read as.

    The signature at the start proposes a format, a bounded walk over that format's structure
    makes it exact and finds its end; what lies behind the end and what other formats' readers
    would find at their own legal places become claims and embedded media. Raises nothing for
    hostile bytes: disagreements are notes.
    """
    if content.size_bytes == 0:
        return Identity(kind="other", format="empty", media_type=None)
    head = content.read_at(0, HEAD_BYTES)
    proposed = sniff(head)
    row = BY_NAME.get(proposed) if proposed else None
    if row is None or row.decoder is None:
        archive = _archive(content, proposed, head)
        if archive is not None:
            return archive
    layout = _layout(content, head, proposed or "unknown")
    return _identity(content, head, layout)


def _archive(content: Content, proposed: str | None, head: bytes) -> Identity | None:
    from headwater.evidence.archives.open import identify_archive  # noqa: PLC0415

    found = identify_archive(content)
    if found is None:
        return None
    name, media_type = found
    claims = [Claim(format=name, offset_bytes=0, evidence="structure")]
    if proposed is not None and proposed not in ("text", name):
        claims.append(Claim(format=proposed, offset_bytes=0, evidence="magic"))
    claims += [claim for claim in _elsewhere(content, head, ()) if claim.format != name]
    return Identity(kind="archive", format=name, media_type=media_type, claims=_once(claims))


def _identity(content: Content, head: bytes, layout: Layout) -> Identity:
    row = BY_NAME.get(layout.format)
    kind = row.kind if row else "other"
    claims: list[Claim] = []
    if row is not None:
        evidence = "structure" if layout.end_bytes is not None else "magic"
        claims.append(Claim(format=layout.format, offset_bytes=0, evidence=evidence))
    embedded: tuple[Embedded, ...] = ()
    trailing = 0
    if kind in ("picture", "video"):
        embedded = layout.embedded
        if layout.end_bytes is not None and layout.end_bytes < content.size_bytes:
            trailing = content.size_bytes - layout.end_bytes
            embedded, behind = _behind(content, layout)
            claims += behind
    if layout.format not in _TEXTS:
        texts = ((0, head), *layout.texts) if kind != "other" else ()
        claims += _elsewhere(content, head, texts)
    return Identity(
        kind=kind,
        format=layout.format,
        media_type=layout.media_type or (row.media_type if row else None),
        claims=_once(claims),
        embedded=embedded,
        trailing_bytes=trailing,
        notes=layout.notes[:_NOTES_MOST],
    )


def _behind(content: Content, layout: Layout) -> tuple[tuple[Embedded, ...], list[Claim]]:
    from headwater.media.identification.polyglot import appended  # noqa: PLC0415

    end = layout.end_bytes or 0
    found = appended(content, end, layout.embedded)
    every = sorted((*layout.embedded, *found.embedded), key=lambda item: item.offset_bytes)
    return tuple(every), list(found.claims)


def _elsewhere(content: Content, head: bytes, texts: tuple[tuple[int, bytes], ...]) -> list[Claim]:
    from headwater.media.identification.polyglot import other_claims  # noqa: PLC0415

    return other_claims(content, head, texts)


def _once(claims: list[Claim]) -> tuple[Claim, ...]:
    """Keep the first claim for each format and offset."""
    kept: dict[tuple[str, int], Claim] = {}
    for claim in claims:
        kept.setdefault((claim.format, claim.offset_bytes), claim)
    return tuple(kept.values())


def _layout(content: Content, head: bytes, name: str) -> Layout:
    """Walk the structure that belongs to a proposed format."""
    if name in _BOXES or (name == "jxl" and head[4:8] in (b"JXL ", b"ftyp")):
        from headwater.media.identification.isobmff import layout_boxes  # noqa: PLC0415

        return layout_boxes(content, name)
    if name in _TIFF:
        from headwater.media.identification.tiff import layout_tiff  # noqa: PLC0415

        return layout_tiff(content, name)
    walker = _WALKERS.get(name)
    return walker(content) if walker else Layout(name, None)


def _jpeg(content: Content) -> Layout:
    from headwater.media.identification.jpeg import layout_jpeg  # noqa: PLC0415

    return layout_jpeg(content)


def _png(content: Content) -> Layout:
    from headwater.media.pictures.png import walk_png  # noqa: PLC0415

    png = walk_png(content)
    texts = [c for c in png.chunks if c.kind in (b"tEXt", b"iTXt")][:8]
    return Layout(
        "apng" if png.animated else "png",
        png.end_bytes,
        notes=png.notes,
        texts=tuple(
            (c.offset_bytes, content.read_at(c.offset_bytes, min(c.size_bytes, 4096)))
            for c in texts
        ),
    )


def _gif(content: Content) -> Layout:
    from headwater.media.pictures.gif import walk_gif  # noqa: PLC0415

    gif = walk_gif(content)
    return Layout("gif", gif.end_bytes, notes=gif.notes, texts=gif.comments)


def _bmp(content: Content) -> Layout:
    from headwater.media.identification.bmp import layout_bmp  # noqa: PLC0415

    return layout_bmp(content)


def _webp(content: Content) -> Layout:
    from headwater.media.identification.riff import layout_riff  # noqa: PLC0415

    return layout_riff(content, "webp")


def _avi(content: Content) -> Layout:
    from headwater.media.identification.riff import layout_riff  # noqa: PLC0415

    return layout_riff(content, "avi")


def _matroska(content: Content) -> Layout:
    from headwater.media.identification.matroska import layout_matroska  # noqa: PLC0415

    return layout_matroska(content)


def _asf(content: Content) -> Layout:
    from headwater.media.identification.asf import layout_asf  # noqa: PLC0415

    return layout_asf(content)


_WALKERS: dict[str, Callable[[Content], Layout]] = {
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "bmp": _bmp,
    "webp": _webp,
    "avi": _avi,
    "matroska": _matroska,
    "asf": _asf,
}
