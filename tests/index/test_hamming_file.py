"""An index in a file: it answers as before, and damage is noticed before anything is searched."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import CaseDamaged, UsageError
from headwater.index import hamming_file
from headwater.index.hamming import HammingIndex
from headwater.index.hamming_plan import Plan
from tests.index.made_codes import made, queries_for

RANDOM = np.random.default_rng(31)
CODES = made("clustered", 2000, RANDOM)
QUERIES = queries_for(CODES, 40, RANDOM)


def made_index() -> HammingIndex:
    index = HammingIndex(radius_bits=20)
    index.add(CODES[:1800])
    index.build()
    index.add(CODES[1800:])
    return index


def saved(path: Path, index: HammingIndex) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    hamming_file.save(index, descriptor)
    os.close(descriptor)
    return path


def loaded(path: Path) -> HammingIndex:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return hamming_file.load(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return saved(tmp_path_factory.mktemp("index") / "whole", made_index()).read_bytes()


@pytest.mark.parametrize("plan", ["scan", "probe", "join", None])
def test_a_loaded_index_answers_as_before(plan: Plan | None, tmp_path: Path) -> None:
    before, after = made_index(), loaded(saved(tmp_path / "index", made_index()))
    assert len(after) == len(CODES)
    assert after.radius_bits == 20
    assert [(run.begin, run.end) for run in after.parts[1]] == [(0, 1800)]
    for index in (before, after):
        more = index.add(CODES[:5])
        assert more == 2000
    expected, hits = before.search(QUERIES, 31), after.search(QUERIES, 31, plan=plan)
    assert len(expected) > 0
    assert np.array_equal(hits.query, expected.query)
    assert np.array_equal(hits.id, expected.id)
    assert np.array_equal(hits.distance_bits, expected.distance_bits)


def test_the_same_index_gives_the_same_file(tmp_path: Path, whole: bytes) -> None:
    assert saved(tmp_path / "again", made_index()).read_bytes() == whole
    assert saved(tmp_path / "copy", loaded(tmp_path / "again")).read_bytes() == whole


def test_searching_and_adding_leave_the_file_as_it_was(tmp_path: Path, whole: bytes) -> None:
    path = saved(tmp_path / "index", made_index())
    index = loaded(path)
    index.add(CODES)
    index.build()
    index.search(QUERIES, 31, plan="probe")
    assert path.read_bytes() == whole


def test_an_empty_index(tmp_path: Path) -> None:
    index = loaded(saved(tmp_path / "empty", HammingIndex()))
    assert len(index.search(QUERIES, 256)) == 0
    index.add(CODES)
    assert len(index.search(CODES[:1], 0)) >= 1


def test_a_secret_index_is_never_written(tmp_path: Path) -> None:
    def locked(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        return np.empty(shape, dtype)

    index = HammingIndex(allocate=locked)
    index.add(CODES)
    with pytest.raises(UsageError, match="memory alone"):
        saved(tmp_path / "secret", index)
    assert (tmp_path / "secret").read_bytes() == b""


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_byte_is_noticed(
    data: st.DataObject, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    used = np.flatnonzero(np.frombuffer(whole, np.uint8))
    place = int(data.draw(st.sampled_from(used.tolist())))
    damaged = bytearray(whole)
    damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("damaged") / "index"
    path.write_bytes(damaged)
    with pytest.raises(CaseDamaged, match="the stored index is damaged"):
        loaded(path)


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=30, deadline=None)
def test_a_cut_file_is_noticed(
    share: float, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "index"
    path.write_bytes(whole[: int(len(whole) // 4096 * share) * 4096])
    with pytest.raises(CaseDamaged, match="the stored index is damaged"):
        loaded(path)


def forged(whole: bytes, old: bytes, new: bytes) -> bytes:
    """Return the file with another header, of which the digest is right."""
    length = int.from_bytes(whole[8:16], "little")
    text = whole[48 : 48 + length].replace(old, new, 1)
    assert text != whole[48 : 48 + length]
    head = whole[:8] + len(text).to_bytes(8, "little") + hashlib.sha256(text).digest() + text
    return head.ljust(1 << 16, b"\0") + whole[1 << 16 :]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":2'),
        (b'"codes":2000', b'"codes":2001'),
        (b'"codes":2000', b'"codes":-1'),
        (b'"radius_bits":20', b'"radius_bits":300'),
        (b'"begin":0', b'"begin":1'),
        (b'"begin":0', b'"begin":1800'),
        (b'"end":1800', b'"end":4000000000'),
        (b'"byte_order"', b'"order"'),
        (b'"places":[[', b'"places":[[300,'),
        (b'"places":[[', b'"places":[[],['),
        (b'"offset_bytes":65536', b'"offset_bytes":-4096'),
        (b'"offset_bytes":65536', b'"offset_bytes":9999999999360'),
    ],
)
def test_a_header_that_cannot_be_is_refused(
    old: bytes, new: bytes, whole: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "forged"
    path.write_bytes(forged(whole, old, new))
    with pytest.raises(CaseDamaged, match="the stored index is damaged"):
        loaded(path)


@pytest.mark.parametrize("name", ["offsets", "ids"])
def test_a_table_that_points_elsewhere_is_refused(name: str, whole: bytes, tmp_path: Path) -> None:
    length = int.from_bytes(whole[8:16], "little")
    stored = msgspec.json.decode(whole[48 : 48 + length])["runs"][0][name]
    begin, end = stored["offset_bytes"], stored["offset_bytes"] + stored["size_bytes"]
    array = np.frombuffer(whole[begin:end], np.uint32).copy()
    array[len(array) // 2] = 4_000_000_000
    changed = whole[:begin] + array.tobytes() + whole[end:]
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    path = tmp_path / "forged"
    path.write_bytes(forged(changed, stored["sha256"].encode(), digest.encode()))
    with pytest.raises(CaseDamaged, match="outside its codes"):
        loaded(path)
