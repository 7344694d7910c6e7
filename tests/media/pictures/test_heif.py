"""The item structure of HEIF and AVIF, on boxes that are put together here."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from headwater.errors import ContentError, Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.pictures.heif import read_heif_header
from tests.media.pictures import makers


def box(kind: bytes, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def heif(
    properties: list[bytes],
    items: tuple[tuple[int, bytes], ...] = ((1, b"hvc1"),),
    references: bytes = b"",
) -> bytes:
    infos = [
        full(b"infe", struct.pack(">HH4s", number, 0, kind), b"\0", version=2)
        for number, kind in items
    ]
    association = struct.pack(">IHB", 1, 1, len(properties)) + bytes(range(1, len(properties) + 1))
    meta = full(
        b"meta",
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", struct.pack(">H", 1)),
        full(b"iinf", struct.pack(">H", len(infos)), *infos),
        box(b"iprp", box(b"ipco", *properties), full(b"ipma", association)),
        full(b"iref", references) if references else b"",
    )
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta


SIZE = full(b"ispe", struct.pack(">II", 60, 40))


def turned(picture: np.ndarray[tuple[int, int], np.dtype[np.int64]], steps: str) -> list[int]:
    for step in steps:
        if step in "0123":
            picture = np.rot90(picture, int(step))
        else:
            picture = np.flipud(picture) if step == "v" else np.fliplr(picture)
    return list(picture.ravel())


@pytest.mark.parametrize(
    "steps", [*("".join(pair) for pair in itertools.product("0123", "vh")), *"0123vh", "v1", "h3"]
)
def test_rotation_and_mirror_become_one_orientation(steps: str) -> None:
    """Against NumPy's turns of the corners, in the order in which the properties stand."""
    properties = [SIZE]
    for step in steps:
        if step in "0123":
            properties.append(box(b"irot", bytes((int(step),))))
        else:
            properties.append(box(b"imir", bytes(("vh".index(step),))))
    header = read_heif_header(Content.from_bytes(heif(properties)), Limits())
    corners = np.arange(4).reshape(2, 2)
    shown = {
        1: corners,
        2: np.fliplr(corners),
        3: np.rot90(corners, 2),
        4: np.flipud(corners),
        5: corners.T,
        6: np.rot90(corners, -1),
        7: np.rot90(corners, 2).T,
        8: np.rot90(corners),
    }[header.orientation]
    assert list(shown.ravel()) == turned(corners, steps)
    swapped = header.orientation >= 5
    assert header.upright_size == ((40, 60) if swapped else (60, 40))


def test_grid_tiles_and_companions_are_counted() -> None:
    items = ((1, b"grid"), *((n, b"hvc1") for n in range(2, 10)))
    tiles = box(b"dimg", struct.pack(">HH6H", 1, 6, *range(2, 8)))
    thumb = box(b"thmb", struct.pack(">HHH", 8, 1, 1))
    auxiliary = box(b"auxl", struct.pack(">HHH", 9, 1, 1))
    data = heif([SIZE], items, tiles + thumb + auxiliary)
    header = read_heif_header(Content.from_bytes(data), Limits())
    assert (header.tiles, header.coding, header.auxiliary_pictures) == (6, "hevc", 2)


def test_codings_without_a_decoder_are_refused() -> None:
    data = heif([SIZE], ((1, b"vvc1"),))
    with pytest.raises(Refused, match="vvc1"):
        makers.decoded(data)


@pytest.mark.parametrize("kind", [b"hv\xff1", b"mime"])
def test_item_names_that_are_no_text_never_reach_the_decoder(kind: bytes) -> None:
    """libheif's wrapper crashes on a content type that is not UTF-8."""
    data = heif([SIZE], ((1, b"hvc1"), (2, kind)), box(b"cdsc", struct.pack(">HHH", 2, 1, 1)))
    if kind == b"mime":
        data = data.replace(b"mime\0", b"mime\xc3", 1)
    with pytest.raises(Malformed, match="no text"):
        makers.decoded(data)


def test_no_size_is_malformed() -> None:
    with pytest.raises(Malformed):
        makers.opened(heif([]))


def test_associations_without_end_are_malformed() -> None:
    lists = b"".join(struct.pack(">HB", 1, 255) + bytes(255) for _ in range(3000))
    association = full(b"ipma", struct.pack(">I", 3000), lists)
    data = heif([SIZE]).replace(b"iprp", b"skip", 1)
    at = data.index(b"meta") - 4
    size = struct.unpack_from(">I", data, at)[0]
    properties = box(b"iprp", box(b"ipco", SIZE), association)
    grown = bytearray(data + properties)
    struct.pack_into(">I", grown, at, size + len(properties))
    with pytest.raises(Malformed, match="associations"):
        read_heif_header(Content.from_bytes(bytes(grown)), Limits())


def test_every_cut_of_the_boxes_is_a_value_or_an_error() -> None:
    data = heif([SIZE, box(b"irot", b"\1")])
    for cut in range(len(data)):
        try:
            read_heif_header(Content.from_bytes(data[:cut]), Limits())
        except ContentError as error:
            assert str(error)
