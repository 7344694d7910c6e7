"""The frame of the page: what surrounds its sections, and the policy that nothing else may run."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from headwater.report.markup import Html, close_tag, element, joined, open_tag

_FORBIDDEN = ("</", "<!--")


def style() -> str:
    """Return the page's style sheet."""
    return _own("page.css")


def script() -> str:
    """Return the page's script."""
    return _own("page.js")


def policy() -> str:
    """Return the content security policy: this style, this script, pictures inside the page."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style())}'",
            f"script-src '{_digest(script())}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def before(title: str) -> Html:
    """Return everything up to the first section."""
    # The policy comes before everything that it governs.
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy()),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex, noarchive"),
        element("title", title),
        element("style", Html(style())),
    )
    opened = (Html("<!doctype html>\n"), open_tag("html", lang="en"), head, open_tag("body"))
    return joined(opened)


def after() -> Html:
    """Return everything behind the last section."""
    return joined((element("script", Html(script())), close_tag("body"), close_tag("html")))


def _own(name: str) -> str:
    content = files("headwater.report").joinpath(name).read_text("utf-8")
    assert not any(mark in content for mark in _FORBIDDEN), f"{name} would end its own element"
    return content


def _digest(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
