"""JSON texts told apart, against `json.loads`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lists import json_text

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
CHARACTERS = st.sampled_from('{}[]:,"\\ \n\t\x000123456789.eE+-truefalsn/bxD8é')


def accepts(text: bytes) -> bool:
    """Whether Python's own parser takes a text as JSON; NaN and the like are none."""

    def refuse(_: str) -> None:
        raise ValueError

    try:
        json.loads(text.decode(), parse_constant=refuse)
    except ValueError:
        return False
    return True


def whole(text: bytes) -> bool:
    try:
        return json_text.value_stop(text, 0) == len(text)
    except json_text.NotJson:
        return False


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_a_value_ends_where_it_ends(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8")
    assert json_text.value_stop(text, 0) == len(text)
    assert json_text.value_stop(b" " + text + b" ,1", 1) == len(text) + 1


@given(st.text(CHARACTERS, max_size=12) | st.builds(json.dumps, VALUES), st.data())
def test_takes_what_a_parser_takes(text: str, data: st.DataObject) -> None:
    if text:
        place = data.draw(st.integers(0, len(text) - 1))
        text = text[:place] + data.draw(st.text(CHARACTERS, max_size=2)) + text[place + 1 :]
    stripped = text.encode().strip(b" \t\r\n")
    assert whole(stripped) == accepts(stripped)


@given(st.lists(st.tuples(st.text(max_size=4), VALUES), max_size=5), st.sampled_from(["", " \n"]))
def test_members_come_in_order_with_their_duplicates(
    pairs: list[tuple[str, Any]], space: str
) -> None:
    inner = ",".join(
        f"{space}{json.dumps(key)}{space}:{space}{json.dumps(value)}{space}" for key, value in pairs
    )
    text = f"{{{inner}{space}}}".encode()
    found = [
        (json_text.string(text[m.key_start : m.key_stop]), json.loads(text[m.start : m.stop]))
        for m in json_text.members(text)
    ]
    assert found == pairs


@given(st.lists(VALUES, max_size=5))
def test_items_come_in_order(values: list[Any]) -> None:
    text = json.dumps(values).encode()
    assert [json.loads(text[a:b]) for a, b in json_text.items(text)] == values


@given(st.text())
def test_a_string_says_what_a_parser_says(value: str) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        assert json_text.string(text.encode()) == json.loads(text)


def test_lone_surrogates_and_pairs() -> None:
    for text in (rb'"\ud800"', rb'"\ud83d\ude00"', rb'"a\udc00\ud800b"', rb'"\/\b\f\n\r\t\"\\"'):
        assert json_text.string(text) == json.loads(text)


def test_bytes_that_are_not_utf8_stay_apart() -> None:
    assert json_text.string(b'"\xff"') != json_text.string(b'"\xfe"')


@pytest.mark.parametrize("opener", [b"[", b'{"a":'])
def test_too_deep_is_refused_and_costs_no_stack(opener: bytes) -> None:
    closer = b"]" if opener == b"[" else b"}"
    deepest = opener * json_text.DEEPEST + b"1" + closer * json_text.DEEPEST
    assert json_text.value_stop(deepest, 0) == len(deepest)
    with pytest.raises(json_text.NotJson):
        json_text.value_stop(opener * 100_000, 0)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"a":1,}', 7),
        (b'{"a" 1}', 5),
        (b'{"a":1 "b":2}', 7),
        (b'{"a":"x\ny"}', 7),
        (b'{"a":"\\q"}', 6),
        (b'{"a":01}', 5),
        (b'{"a":[1,]}', 8),
        (b'{"a":1', 6),
        (b"[1]", 0),
    ],
)
def test_the_place_of_what_breaks_the_grammar(text: bytes, place: int) -> None:
    with pytest.raises(json_text.NotJson) as raised:
        list(json_text.members(text))
    assert raised.value.place == place
