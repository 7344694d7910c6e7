"""Damaged files, files that lie about themselves, plain documents, links and pipes."""

from __future__ import annotations

from headwater.demo import broken
from headwater.demo.manifest import Copy, Planted
from headwater.demo.planting.folder import EvidenceFolder, changed, record, utc
from headwater.demo.planting.photographs import Album
from headwater.model import Kind

_DAMAGED = b"computer/Damaged/"
_DOCUMENTS = b"computer/Documents/"
_MODIFIED = utc("2026-07-01T09:30:00")

_LETTER = """Dear Ada,

the lake was calm and the boats were out until dark. The pictures are in the other folder.

Yours, Bo
"""
_LIST = "item,count\nfilm,3\nbattery,2\ntripod,1\n"


def _item(path: bytes, data: bytes, kind: Kind, format_name: str) -> Planted:
    return record(path, data, _MODIFIED, kind=kind, format_name=format_name)


def plant_damage(folder: EvidenceFolder, album: Album) -> None:
    """Plant what is broken, and what is intact but must not be opened."""
    lake = album.photographs["lake"]
    whole = album.photographs["fountain-progressive"]
    data = broken.truncated(whole.source.data)
    item = record(
        _DAMAGED + b"half-a-fountain.jpg",
        data,
        _MODIFIED,
        kind="picture",
        format_name="jpeg",
        circumstances=whole.circumstances,
    )
    copy = Copy(of=whole.source.key, edit="truncated")
    reason = "ends after three fifths of its bytes"
    folder.plant(changed(item, copy_of=copy, broken=reason), data)

    data = broken.bit_flipped(broken.small_png(lake.source.upright))
    item = record(
        _DAMAGED + b"one-bit.png",
        data,
        _MODIFIED,
        kind="picture",
        format_name="png",
        circumstances=lake.circumstances,
    )
    copy = Copy(of=lake.source.key, edit="png")
    folder.plant(changed(item, copy_of=copy, broken="one bit of its data is flipped"), data)

    item = _item(_DAMAGED + b"empty.jpg", b"", "other", "empty")
    folder.plant(changed(item, broken="holds no bytes"), b"")

    data = broken.twelve_bit_jpeg(lake.source.upright.reduce(8))
    item = _item(_DAMAGED + b"x-ray.jpg", data, "picture", "jpeg")
    folder.plant(changed(item, refuse="12 bits a sample"), data)

    data = broken.png_bomb()
    item = _item(_DAMAGED + b"large.png", data, "picture", "png")
    reason = "unpacks to 60000 x 60000 pixels"
    folder.plant(changed(item, refuse=reason), data)


def plant_documents(folder: EvidenceFolder) -> None:
    """Plant texts, one of them under the name of a picture."""
    letter, table = _LETTER.encode(), _LIST.encode()
    folder.plant(_item(_DOCUMENTS + b"letter.txt", letter, "other", "text"), letter)
    folder.plant(_item(_DOCUMENTS + b"packing.csv", table, "other", "text"), table)
    item = _item(_DOCUMENTS + b"not-a-picture.jpg", letter, "other", "text")
    folder.plant(changed(item, odd="a text under the name of a picture"), letter)
    item = _item(_DOCUMENTS + "holiday\u202egpj.txt".encode(), letter, "other", "text")
    folder.plant(changed(item, odd="its name is shown as if it ended in .jpg"), letter)


def plant_links(folder: EvidenceFolder) -> None:
    """Make a link that leads out of the folder, to a file that may or may not be there."""
    folder.plant_link(
        _DOCUMENTS + b"elsewhere.jpg",
        b"../../../outside.jpg",
        _MODIFIED,
        "leads out of the folder, to outside.jpg beside it",
    )


def plant_traps(folder: EvidenceFolder) -> None:
    """Make what a careless reader never comes back from."""
    folder.plant_link(_DOCUMENTS + b"round", b".", _MODIFIED, "leads to its own folder")
    folder.plant_fifo(_DOCUMENTS + b"pipe.jpg", _MODIFIED, "a reader of it waits for ever")
