"""Signals: what is taken as one, and what is never said about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.exchange.hma.signals import SIGNAL_TYPES, signal_type, types_of
from tests.exchange.hma.serving import flipped


@pytest.mark.parametrize("name", SIGNAL_TYPES)
@given(data=st.data())
def test_hex_of_the_right_length_is_taken_in_either_case(name: str, data: st.DataObject) -> None:
    kind = SIGNAL_TYPES[name]
    value = data.draw(st.binary(min_size=kind.size_bytes, max_size=kind.size_bytes))
    assert kind.parsed(value.hex()) == kind.parsed(f" {value.hex().upper()}\n") == value


@pytest.mark.parametrize("name", SIGNAL_TYPES)
@given(text=st.text() | st.text("0123456789abcdef", max_size=130))
def test_all_else_is_refused_and_not_repeated(name: str, text: str) -> None:
    kind = SIGNAL_TYPES[name]
    try:
        held = kind.parsed(text)
    except UsageError as error:
        assert len(text) < 4 or text not in str(error)
    else:
        assert held.hex() == text.strip().lower()


def test_comparing_says_what_hma_says() -> None:
    left = bytes.fromhex("facd8bcb2a49bcebdec1985298d5fe84bcd006c187c598c720c3c087b3fdb318")
    right = bytes.fromhex("facd8bcb2a49bcebdec1985228d5ae84bcd006c187c598c720c2b087b3fdb318")
    pdq = SIGNAL_TYPES["pdq"]
    assert pdq.compared(left, right, 31) == [True, {"distance": 9}]
    assert pdq.compared(left, flipped(left, range(31)), 31) == [True, {"distance": 31}]
    assert pdq.compared(left, flipped(left, range(32)), 31) == [False, {"distance": 32}]
    md5 = SIGNAL_TYPES["video_md5"]
    assert md5.compared(b"m" * 16, b"m" * 16, 31) == [True, {"distance": "-"}]
    assert md5.compared(b"m" * 16, b"n" * 16, 31) == [False, {"distance": "-"}]


def test_what_is_made_of_an_upload() -> None:
    def names(content_type: str, wanted: str | None) -> list[str]:
        return [one.name for one in types_of(content_type, wanted)]

    assert names("photo", None) == ["pdq"]
    assert names("video", None) == ["video_md5"]
    assert names("photo", "pdq, sha1,,pdq") == ["pdq", "sha1"]
    for content_type, wanted in (
        ("photo", "video_md5"), ("video", "pdq"), ("photo", ""), ("photo", ","), ("file", None),
        ("photo", "pdq,c4n4ry"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            names(content_type, wanted)
        assert "c4n4ry" not in str(caught.value)
    with pytest.raises(UsageError) as caught:
        signal_type("c4n4ry")
    assert "c4n4ry" not in str(caught.value)
