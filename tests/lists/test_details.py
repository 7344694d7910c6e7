"""Details of entries come back as they were, one at a time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import CaseDamaged
from headwater.lists.contract import Entry, Spot
from headwater.lists.details import Block, encoded, packed
from tests.lists.made_list import HASHES

WORDS = st.text(max_size=20)
ENTRIES = st.builds(
    Entry,
    spot=st.builds(
        Spot,
        offset_bytes=st.none() | st.integers(0, 1 << 62),
        line=st.none() | st.integers(1, 1 << 62),
    ),
    md5=st.binary(min_size=16, max_size=16),
    size_bytes=st.none() | st.integers(0, 1 << 62),
    media=st.sampled_from([None, "picture", "video"]),
    category=st.none() | WORDS,
    labels=st.lists(st.tuples(WORDS, WORDS), max_size=4).map(tuple),
    status=st.sampled_from(["active", "withdrawn"]),
)
KEPT = ("spot", "size_bytes", "media", "category", "labels", "status")


@given(entries=st.lists(ENTRIES, min_size=1, max_size=8))
def test_everything_but_hashes_comes_back(entries: list[Entry]) -> None:
    block = Block(packed([encoded(entry) for entry in entries]), len(entries))
    for place, entry in enumerate(entries):
        detail = block.detail(place)
        for name in KEPT:
            assert getattr(detail, name) == getattr(entry, name)


def test_no_field_of_an_entry_is_forgotten() -> None:
    fields = set(Entry.__struct_fields__) - set(HASHES) - {"pdq_quality"}
    assert fields == set(KEPT)


def test_no_hash_is_among_them() -> None:
    hashes: dict[str, Any] = {name: b"\xee" * size for name, size in HASHES.items()}
    entry = Entry(spot=Spot(line=1), **hashes)
    assert b"\xee\xee" not in encoded(entry)


@pytest.mark.parametrize("data", [b"", b"nonsense", packed([]), packed([b"\xc1"])])
def test_what_is_no_block_is_damage_without_a_quote(data: bytes) -> None:
    with pytest.raises(CaseDamaged) as caught:
        Block(data, 1).detail(0)
    assert "nonsense" not in str(caught.value)


def test_what_a_newer_version_wrote_is_no_surprise() -> None:
    longer = msgspec.msgpack.encode((None, (), None, None, None, 3, "active", "more"))
    assert Block(packed([longer]), 1).detail(0).line == 3
