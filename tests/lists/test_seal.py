"""Sealed files: what was written comes back, and nothing else does."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import CaseDamaged, CaseError
from headwater.lists.seal import TAG_BYTES, Sealed, SealedFile, seal
from tests.lists.made_list import VERSION_ID, a_key, some_memory

HEADER = 64


def written(path: Path, data: bytes, chunk: int = 16) -> SealedFile:
    return seal(path, a_key(), VERSION_ID, [data], some_memory(), chunk)


def opened(path: Path, file: SealedFile | None = None) -> bytes:
    with Sealed(path, a_key(), VERSION_ID, file) as sealed:
        target = bytearray(sealed.size_bytes)
        sealed.read_into(target)
        sealed.check()
        return bytes(target)


@given(parts=st.lists(st.binary(max_size=50), max_size=6), chunk=st.integers(1, 40))
def test_what_was_sealed_comes_back(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], chunk: int
) -> None:
    path = tmp_path_factory.mktemp("sealed") / "a"
    file = seal(path, a_key(), VERSION_ID, parts, some_memory(), chunk)
    whole = b"".join(parts)
    assert opened(path, file) == whole
    assert path.stat().st_size == file.size_bytes
    chunks = max(1, -(-len(whole) // chunk))
    assert file.size_bytes == HEADER + len(whole) + chunks * TAG_BYTES


@given(data=st.binary(min_size=1, max_size=200), chunk=st.integers(1, 40), ends=st.randoms())
def test_any_part_can_be_read_alone(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, chunk: int, ends: object
) -> None:
    path = tmp_path_factory.mktemp("sealed") / "a"
    written(path, data, chunk)
    begin, end = sorted(ends.randrange(len(data) + 1) for _ in range(2))  # type: ignore[attr-defined]
    with Sealed(path, a_key(), VERSION_ID) as sealed:
        target = bytearray(end - begin)
        sealed.read_into(target, begin)
        assert target == data[begin:end]
        with pytest.raises(CaseDamaged):
            sealed.read_into(bytearray(end - begin + 1), len(data) - (end - begin))


def test_arrays_go_in_and_out(tmp_path: Path) -> None:
    memory = some_memory()
    codes = np.arange(96, dtype="<u4").reshape(3, 32)
    empty = np.zeros((0, 5), np.uint8)
    seal(tmp_path / "a", a_key(), VERSION_ID, [empty, codes, empty], memory)
    back = memory.allocate((3, 32), "<u4")
    with Sealed(tmp_path / "a", a_key(), VERSION_ID) as sealed:
        sealed.read_into(back)
    assert (back == codes).all()


def test_it_is_readable_by_its_owner_alone_and_holds_nothing_plain(tmp_path: Path) -> None:
    data = os.urandom(1000)
    written(tmp_path / "a", data, 64)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    held = (tmp_path / "a").read_bytes()
    assert not any(data[begin : begin + 8] in held for begin in range(0, 992))
    assert os.listdir(tmp_path) == ["a"]


def test_two_writings_differ(tmp_path: Path) -> None:
    first = written(tmp_path / "a", b"the same")
    before = (tmp_path / "a").read_bytes()
    second = written(tmp_path / "a", b"the same")
    after = (tmp_path / "a").read_bytes()
    assert first.salt != second.salt
    assert before[HEADER : HEADER + 8] != after[HEADER : HEADER + 8]
    with pytest.raises(CaseDamaged):
        opened(tmp_path / "a", first)
    assert opened(tmp_path / "a", second) == b"the same"


def test_every_flipped_bit_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(path, bytes(range(40)))
    good = path.read_bytes()
    for place in range(len(good)):
        for bit in range(8):
            path.write_bytes(good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1 :])
            # A flipped bit of the check value looks like another key.
            with pytest.raises((CaseDamaged, CaseError)):
                opened(path)


def test_every_truncation_and_anything_behind_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(path, bytes(range(40)))
    good = path.read_bytes()
    for data in (*(good[:end] for end in range(len(good))), good + b"\0", good + good[HEADER:]):
        path.write_bytes(data)
        with pytest.raises(CaseDamaged):
            opened(path)


def test_chunks_in_another_order_left_out_or_doubled_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(path, bytes(range(48)))
    good = path.read_bytes()
    head, size = good[:HEADER], 16 + TAG_BYTES
    one, two, three = (good[HEADER + n * size : HEADER + (n + 1) * size] for n in range(3))
    orders = [
        (two, one, three),
        (one, three),
        (one, two),
        (two, three),
        (one, two, two, three),
        (one, two, three, three),
        (three, two, one),
        (three,),
        (),
    ]
    for order in orders:
        path.write_bytes(head + b"".join(order))
        with pytest.raises(CaseDamaged):
            opened(path)
    path.write_bytes(head + one + two + three)
    assert opened(path) == bytes(range(48))


def test_files_versions_and_keys_cannot_stand_in_for_each_other(tmp_path: Path) -> None:
    written(tmp_path / "a", b"of a")
    written(tmp_path / "b", b"of b")
    os.rename(tmp_path / "a", tmp_path / "b")
    with pytest.raises(CaseDamaged):
        opened(tmp_path / "b")
    os.rename(tmp_path / "b", tmp_path / "a")
    assert opened(tmp_path / "a") == b"of a"
    with Sealed(tmp_path / "a", a_key(), "f0" * 16) as sealed, pytest.raises(CaseDamaged):
        sealed.read_into(bytearray(4))
    with pytest.raises(CaseError, match="another key"):
        Sealed(tmp_path / "a", a_key(8), VERSION_ID)


def test_what_fails_leaves_nothing_in_the_callers_memory(tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(path, b"\xff" * 64)
    good = bytearray(path.read_bytes())
    good[HEADER + 2 * (16 + TAG_BYTES)] ^= 1
    path.write_bytes(good)
    target = some_memory().allocate((64,), np.uint8)
    with Sealed(path, a_key(), VERSION_ID) as sealed:
        with pytest.raises(CaseDamaged):
            sealed.read_into(target)
        assert not target.any()
        first = bytearray(16)
        sealed.read_into(first)
        assert first == b"\xff" * 16
        with pytest.raises(CaseDamaged):
            sealed.check()


def test_a_write_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    written(tmp_path / "a", b"old")

    def parts() -> object:
        yield b"new"
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        seal(tmp_path / "a", a_key(), VERSION_ID, parts(), some_memory())  # type: ignore[arg-type]
    assert opened(tmp_path / "a") == b"old"


def test_a_file_that_is_not_there_is_damage(tmp_path: Path) -> None:
    with pytest.raises(CaseDamaged, match="cannot be read"):
        Sealed(tmp_path / "a", a_key(), VERSION_ID)
