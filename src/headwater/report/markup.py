"""Markup that cannot be broken out of: every text that is not markup already is escaped.

Control characters, characters that hide or reorder others, lone surrogates and bytes that are no
UTF-8 are shown by name. In evidence text that name is set in a box of its own, so that nobody can
imitate it by spelling it out.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator

TEXT_MOST = 4_000
"""Characters of one text that are shown; how many more there are is said."""

_HIDING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_VOID = frozenset({"meta", "input", "br"})
_BYTE = 0xDC00
"""Lone surrogates from here on stand for bytes that are no UTF-8 (PEP 383)."""


class Html(str):
    """Text that is markup already. Nothing but this module makes it from other text."""

    __slots__ = ()


Child = Html | str | int | None
Attribute = str | int | float | bool | None


def element(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """Return an element. Children that are not Html are escaped, None is left out.

    In the names of attributes `_` stands for `-`, and one at the end is dropped (`class_`). True
    gives an attribute without a value; False and None give none.
    """
    opened = open_tag(name, **attributes)
    if name in _VOID:
        return opened
    return Html(f"{opened}{''.join(map(text, children))}</{name}>")


def open_tag(name: str, /, **attributes: Attribute) -> Html:
    """Return a start tag alone, for what is written in pieces."""
    written = "".join(
        f" {_attribute_name(key)}"
        if value is True
        else f' {_attribute_name(key)}="{quoted(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{written}>")


def close_tag(name: str) -> Html:
    """Return an end tag alone."""
    return Html(f"</{name}>")


def joined(children: Iterable[Child], between: str = "") -> Html:
    """Return children one after the other, with text between them."""
    return Html(text(between).join(text(child) for child in children))


def text(child: Child) -> Html:
    """Return a child as markup."""
    if isinstance(child, Html):
        return child
    if child is None:
        return Html("")
    return Html(html.escape(_plain(str(child))))


def quoted(value: str | float) -> str:
    """Return the value of an attribute, without its quotation marks."""
    return html.escape(_plain(str(value)))


def said(value: str | bytes, most: int = TEXT_MOST) -> Html:
    """Return text from evidence as an element that stands apart from the text around it.

    At most `most` characters are shown; how many more there are is said.
    """
    whole = value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
    if len(whole) <= most and whole.isprintable():
        return Html(f'<bdi class="said">{html.escape(whole)}</bdi>')
    pieces = [_shown(run) for run in _runs(whole[:most])]
    rest = len(whole) - most
    more = element("i", f" … {rest:,} more characters", class_="more") if rest > 0 else None
    return element("bdi", *pieces, more, class_="said")


def spoken(value: str | bytes, most: int = 200) -> str:
    """Return text from evidence for an attribute that is read aloud or searched."""
    whole = value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
    return _plain(whole[:most]) + ("…" if len(whole) > most else "")


def _attribute_name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _hides(letter: str) -> bool:
    code = ord(letter)
    if code < 0x7F:
        return code < 0x20
    return (
        unicodedata.category(letter) in _HIDING
        or code & 0xFFFE == 0xFFFE
        or 0xFDD0 <= code <= 0xFDEF
        or (letter.isspace() and letter != "\u3000")
    )


def _plain(value: str) -> str:
    if value.isprintable():
        return value
    return "".join(f"[{_name(letter)}]" if _hides(letter) else letter for letter in value)


def _runs(value: str) -> Iterator[str]:
    """Yield runs of letters that are shown, and each other letter by itself."""
    if value.isprintable():
        yield value
        return
    start = 0
    for place, letter in enumerate(value):
        if _hides(letter):
            yield value[start:place]
            yield letter
            start = place + 1
    yield value[start:]


def _shown(run: str) -> Html:
    if len(run) == 1 and _hides(run):
        return element("b", _name(run), class_="letter")
    return text(run)


def _name(letter: str) -> str:
    code = ord(letter)
    if _BYTE + 0x80 <= code <= _BYTE + 0xFF:
        return f"byte {code - _BYTE:02X}"
    return f"U+{code:04X}"
