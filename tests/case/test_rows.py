from __future__ import annotations

import hashlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from headwater.case.rows import Value, encode_row, leaf_entry, rows_sha256, storable_text

TEXT = st.text(st.characters(codec="utf-8"), max_size=300)
VALUES = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False),
    TEXT,
    st.binary(max_size=300),
)
ROWS = st.lists(VALUES, max_size=20)


def by_hand(value: Value | list[Value]) -> bytes:
    """Encode as the MessagePack specification says, in its shortest form."""
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        return integer_by_hand(value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        heads = [(31, 0xA0), (0xFF, 0xD9), (0xFFFF, 0xDA)]
        return head(len(data), heads) + data
    if isinstance(value, bytes):
        return head(len(value), [(-1, 0), (0xFF, 0xC4), (0xFFFF, 0xC5)]) + value
    parts = b"".join(by_hand(part) for part in value)
    return head(len(value), [(15, 0x90), (-1, 0), (0xFFFF, 0xDC)]) + parts


def head(length: int, heads: list[tuple[int, int]]) -> bytes:
    for (most, code), form in zip(heads, ("", ">B", ">H"), strict=True):
        if length <= most:
            return bytes([code | length]) if not form else bytes([code]) + struct.pack(form, length)
    raise AssertionError(length)


def integer_by_hand(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack(">b", value)
    forms = (
        [(0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q")]
        if value > 0
        else [(0xD0, ">b"), (0xD1, ">h"), (0xD2, ">i"), (0xD3, ">q")]
    )
    for code, form in forms:
        try:
            return bytes([code]) + struct.pack(form, value)
        except struct.error:
            continue
    raise AssertionError(value)


@given(ROWS)
def test_rows_are_encoded_as_the_specification_says(values: list[Value]) -> None:
    assert encode_row("item", values) == by_hand(["item", *values])


@given(st.lists(ROWS, max_size=5), st.lists(ROWS, max_size=5))
def test_two_lists_of_rows_have_one_digest_only_if_they_are_the_same(
    left: list[list[Value]], right: list[list[Value]]
) -> None:
    digests = [rows_sha256(encode_row("t", row) for row in rows) for rows in (left, right)]
    same = [[(type(value), value, str(value)) for value in row] for row in left] == [
        [(type(value), value, str(value)) for value in row] for row in right
    ]
    assert (digests[0] == digests[1]) == same


def test_the_entry_of_a_leaf_covers_each_of_its_parts() -> None:
    entries = {
        leaf_entry(number, at, digest, counts)
        for number in (0, 1)
        for at in ("a", "b")
        for digest in (b"\0" * 32, b"\1" * 32)
        for counts in ("{}", '{"item":1}')
    }
    assert len({hashlib.sha256(entry).digest() for entry in entries}) == 16


@given(st.text(st.characters(), max_size=50))
def test_any_text_becomes_storable_and_stays_so(text: str) -> None:
    stored = storable_text(text)
    assert "\0" not in stored
    assert stored.encode().decode() == stored
    assert storable_text(stored) == stored


@given(TEXT)
def test_ordinary_text_is_kept(text: str) -> None:
    assert storable_text(text) == text.replace("\0", "\ufffd")
