from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.case.packs import (
    FRAME_BYTES,
    HEADER_BYTES,
    Location,
    PackCheck,
    PackWriter,
    pack_numbers,
    pack_path,
    read_blob,
)
from headwater.errors import CaseDamaged
from tests.case import building

CASE_ID = "0123456789abcdef" * 2


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def put(writer: PackWriter, blobs: list[bytes], *, keep: bool = True) -> list[Location]:
    places = [writer.append(blob, digest(blob)) for blob in blobs]
    writer.sync()
    if keep:
        writer.keep()
    return places


def complaints(folder: Path, places: list[Location], blobs: list[bytes]) -> list[str]:
    check = PackCheck(folder, CASE_ID)
    found = [
        words
        for place, blob in zip(places, blobs, strict=True)
        for words in check.blob(place, digest(blob))
    ]
    tail = check.tail_bytes()
    check.close()
    return found + ([f"{tail} more"] if tail else [])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.binary(max_size=60), max_size=5), st.sampled_from("kukr")),
        max_size=12,
    ),
    st.integers(HEADER_BYTES, 300),
)
def test_what_was_kept_is_read_back_and_nothing_else_stays(
    steps: list[tuple[list[bytes], str]], pack_bytes: int
) -> None:
    """Each step appends blobs, and then keeps them, undoes them, or is cut off by a reopening."""
    folder = building.quick_folder()
    try:
        writer = PackWriter(folder, CASE_ID, None, pack_bytes)
        places: list[Location] = []
        kept: list[bytes] = []
        for blobs, how in steps:
            new = put(writer, blobs, keep=how == "k")
            if how == "k":
                places += new
                kept += blobs
            elif how == "u":
                writer.undo()
            else:
                last = places[-1] if places else None
                writer = PackWriter(folder, CASE_ID, last, pack_bytes)
        PackWriter(folder, CASE_ID, places[-1] if places else None, pack_bytes)
        assert complaints(folder, places, kept) == []
        for place, blob in zip(places, kept, strict=True):
            assert read_blob(folder, place, digest(blob)) == blob
        size = sum(pack_path(folder, number).stat().st_size for number in pack_numbers(folder))
        used = sum(len(blob) + FRAME_BYTES for blob in kept)
        assert size == used + HEADER_BYTES * len(pack_numbers(folder))
    finally:
        shutil.rmtree(folder)


def test_a_full_pack_is_followed_by_the_next(tmp_path: Path) -> None:
    writer = PackWriter(tmp_path, CASE_ID, None, pack_bytes=100)
    places = put(writer, [b"a" * 30] * 5) + put(writer, [b"b" * 30])
    assert [place.pack for place in places] == [0, 1, 2, 3, 4, 5] or len(
        {place.pack for place in places}
    ) > 1
    assert pack_numbers(tmp_path) == sorted({place.pack for place in places})
    assert complaints(tmp_path, places, [b"a" * 30] * 5 + [b"b" * 30]) == []


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    put(PackWriter(tmp_path, CASE_ID, None), [b"x"])
    assert pack_path(tmp_path, 0).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lost", ["file", "bytes"])
def test_lost_bytes_stop_a_writer(tmp_path: Path, lost: str) -> None:
    places = put(PackWriter(tmp_path, CASE_ID, None), [b"one", b"two"])
    path = pack_path(tmp_path, 0)
    if lost == "file":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CaseDamaged):
        PackWriter(tmp_path, CASE_ID, places[-1])
    with pytest.raises(CaseDamaged):
        read_blob(tmp_path, places[1], digest(b"two"))


def test_every_flipped_bit_is_found_by_check_and_the_blob_s_own_by_reading(tmp_path: Path) -> None:
    blobs = [b"", b"one", b"two and more"]
    places = put(PackWriter(tmp_path, CASE_ID, None), blobs)
    path = pack_path(tmp_path, 0)
    data = path.read_bytes()
    for position in range(len(data)):
        for bit in range(8):
            broken = bytearray(data)
            broken[position] ^= 1 << bit
            path.write_bytes(broken)
            assert complaints(tmp_path, places, blobs)
        broken = bytearray(data)
        broken[position] ^= 0x10
        path.write_bytes(broken)
        for place, blob in zip(places, blobs, strict=True):
            if place.offset_bytes <= position < place.end_bytes:
                with pytest.raises(CaseDamaged):
                    read_blob(tmp_path, place, digest(blob))
            else:
                assert read_blob(tmp_path, place, digest(blob)) == blob


def test_places_that_cannot_be_are_damage_and_no_crash(tmp_path: Path) -> None:
    put(PackWriter(tmp_path, CASE_ID, None), [b"one"])
    for place in (
        Location(0, -5, 3),
        Location(0, 1 << 62, 3),
        Location(0, HEADER_BYTES, 1 << 62),
        Location(0, HEADER_BYTES, -1),
        Location(1 << 62, 0, 0),
        Location(-1, 0, 0),
    ):
        with pytest.raises(CaseDamaged):
            read_blob(tmp_path, place, digest(b"one"))
        check = PackCheck(tmp_path, CASE_ID)
        assert list(check.blob(place, digest(b"one")))
        check.close()


def test_unreferenced_bytes_between_packs_are_found(tmp_path: Path) -> None:
    blobs = [b"x" * 90, b"y" * 90]
    places = put(PackWriter(tmp_path, CASE_ID, None, pack_bytes=50), blobs)
    with pack_path(tmp_path, 0).open("ab") as stream:
        stream.write(b"hidden")
    assert complaints(tmp_path, places, blobs) == ["pack 0 holds bytes that no blob refers to"]
