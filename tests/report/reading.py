"""A page as a browser's parser sees it, without a browser."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from headwater.case.query import Case
from headwater.report.limits import PageLimits
from headwater.report.page import write_page

VOID = {"meta", "input", "br"}


class Reading(HTMLParser):
    """Collects elements, attributes, text, and whether every end tag has its start."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: list[str] = []
        self.other: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> ends something else"

    def handle_data(self, data: str) -> None:
        (self.raw if self.open and self.open[-1] in ("script", "style") else self.texts).append(
            data
        )

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)

    @property
    def text(self) -> str:
        """All text that is shown."""
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every element of one name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def marked(self, word: str) -> list[dict[str, str | None]]:
        """Attributes of every element of one class."""
        return [
            attributes
            for _, attributes in self.elements
            if word in (attributes.get("class") or "").split()
        ]

    def skeleton(self) -> Counter[tuple[str, tuple[str, ...], str | None]]:
        """How often each element is there, by name, attributes and class.

        Marks of cut text are left out: they depend on lengths.
        """
        return Counter(
            (tag, tuple(sorted(attributes)), attributes.get("class"))
            for tag, attributes in self.elements
            if (tag, attributes.get("class")) != ("i", "more")
        )


def page_text(folder: Path, limits: PageLimits | None = None) -> str:
    """Write the page of a case and return it."""
    target = folder.parent / "page.html"
    with Case.open(folder) as case:
        write_page(case, target, limits)
    return target.read_text("utf-8")


def reading_of(folder: Path, limits: PageLimits | None = None) -> Reading:
    """Write the page of a case and read it."""
    found = Reading(page_text(folder, limits))
    assert not found.open, "something was not ended"
    return found
