"""Names are described, never followed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.evidence.archives.names import (
    CLASHES_UNCHECKED,
    NameClashes,
    describe_name,
    excerpt,
)


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        (b"picture.jpg", ()),
        (b"a/b/c.jpg", ()),
        ("Bilder/Großvater/süß.jpg".encode(), ()),
        (b".hidden", ()),
        (b"...three", ()),
        (b"", ("empty name",)),
        (b"/etc/passwd", ("absolute path",)),
        (b"../up", ("parent traversal",)),
        (b"a/../../up", ("parent traversal",)),
        (b"a/..", ("parent traversal",)),
        (b"..\\up", ("parent traversal", "backslash")),
        (b"a..b/c..", ("trailing dot or space",)),
        (b"C:/x", ("drive letter",)),
        (b"c:x", ("drive letter",)),
        (b"\\\\server\\share", ("absolute path", "UNC path", "backslash")),
        (b"//server/share", ("absolute path", "UNC path")),
        (b"a\0.jpg", ("NUL in name",)),
        (b"a\x1b[2Jb", ("control characters",)),
        (b"line\nbreak", ("control characters",)),
        ("a\x85b".encode(), ("control characters",)),
        ("photo\u202egpj.exe".encode(), ("right-to-left override",)),
        ("a\u2067b".encode(), ("right-to-left override",)),
        (b"caf\xe9.jpg", ("not UTF-8",)),
        (b"\xed\xa0\x80", ("not UTF-8",)),
        (b"a" * 255, ()),
        (b"a" * 256, ("over 255 bytes",)),
        (b"a" * 200 + b"/" + b"b" * 200, ()),
        (b"name.", ("trailing dot or space",)),
        (b"dir /name", ("trailing dot or space",)),
        (b"a\\b", ("backslash",)),
        (b"CON", ("reserved device name",)),
        (b"x/nul.txt", ("reserved device name",)),
        (b"console", ()),
    ],
)
def test_what_is_odd_about_a_name(name: bytes, notes: tuple[str, ...]) -> None:
    assert describe_name(name) == notes


@given(st.binary(max_size=600))
def test_any_bytes_can_be_described_and_shown(name: bytes) -> None:
    notes = describe_name(name)
    assert len(set(notes)) == len(notes)
    assert ("NUL in name" in notes) == (b"\0" in name)
    assert ("backslash" in notes) == (b"\\" in name)
    shown = excerpt(name)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) < 80 * 4 + 8


LETTERS = st.text("aAbBßẞéÉ\u0301eE", max_size=3).map(str.encode)


@given(st.lists(LETTERS, max_size=12))
def test_clashes_agree_with_comparing_every_pair(names: list[bytes]) -> None:
    def folded(name: bytes) -> str:
        text = unicodedata.normalize("NFC", name.decode())
        return unicodedata.normalize("NFC", text.casefold())

    clashes = NameClashes()
    for place, name in enumerate(names):
        same = [other for other in names[:place] if folded(other) == folded(name)]
        expected: tuple[str, ...] = ()
        if same:
            expected = ("duplicate name",) if same[0] == name else ("case clash",)
        assert clashes.notes(name) == expected


def test_clashes_stop_being_looked_for_and_say_so_once() -> None:
    clashes = NameClashes(remembered=2)
    given_names = [b"a", b"b", b"A", b"c", b"d", b"C", b"B"]
    assert [clashes.notes(name) for name in given_names] == [
        (),
        (),
        ("case clash",),
        (CLASHES_UNCHECKED,),
        (),
        (),
        ("case clash",),
    ]
