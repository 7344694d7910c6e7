"""Whatever evidence says, the page keeps its shape, and nothing of it runs."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from headwater.case.query import Case
from headwater.report.frame import script, style
from headwater.report.limits import PageLimits
from headwater.report.page import page_of
from tests.report.cases import said_case
from tests.report.payloads import MARK, ODD, PAYLOADS
from tests.report.reading import Reading, page_text, reading_of

WIDE = PageLimits(groups=5_000, unread=5_000, links=5_000)


def without_policy(page: str) -> str:
    """Return the page as a browser without the policy would have it."""
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)


def browser() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("chromium is not installed")


def in_browser(page: str, folder: Path) -> str:
    """Return what a browser has made of a page once it is loaded."""
    path = folder / "seen.html"
    path.write_text(page, "utf-8")
    command = [
        browser(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=2000",
        "--dump-dom",
        path.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "hostile"
    said_case(folder, PAYLOADS)
    return folder


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) > 300


def test_hostile_text_changes_nothing_of_the_markup(hostile: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    said_case(plain, [f"plain {n:04}".ljust(len(p), "x") for n, p in enumerate(PAYLOADS)])
    found, expected = reading_of(hostile, WIDE), reading_of(plain, WIDE)
    assert found.skeleton() == expected.skeleton()
    assert not found.other
    for payload in PAYLOADS:
        assert found.text.count(payload) > 10


def test_only_our_own_script_and_style_are_there(hostile: Path) -> None:
    found = reading_of(hostile, WIDE)
    assert found.raw == [style(), script()]
    for tag, attributes in found.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        assert "src" not in attributes
        assert "action" not in attributes
        assert attributes.get("href", "#").startswith("#")  # type: ignore[union-attr]
    assert {"img", "iframe", "object", "link", "base", "video", "template"}.isdisjoint(
        tag for tag, _ in found.elements
    )


def test_the_policy_allows_what_is_there_and_nothing_else(hostile: Path) -> None:
    found = reading_of(hostile, WIDE)
    metas = found.all("meta")
    assert metas[1]["http-equiv"] == "Content-Security-Policy"
    rules = dict((rule.split(" ", 1)) for rule in str(metas[1]["content"]).split("; "))

    def digest(content: str) -> str:
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == f"'sha256-{digest(found.raw[0])}'"
    assert rules["script-src"] == f"'sha256-{digest(found.raw[1])}'"


def test_odd_characters_are_named(tmp_path: Path) -> None:
    texts = [text for text in ODD if text.isascii() or "\udce9" not in text]
    folder = tmp_path / "odd"
    said_case(folder, texts)
    page = page_text(folder)
    for letter in "\x00\x1b\u202e\u2066\u200b\ufeff\u00ad\u2028\ufffe\ue000\U000e0041\u00a0":
        assert letter not in page
    found = Reading(page)
    for name in ("U+0000", "U+202E", "U+FEFF", "U+2028", "U+E0041", "U+00A0", "U+001B"):
        assert found.text.count(name) > 1


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    from tests.report.cases import file, outcome, plain_case

    folder = tmp_path / "bytes"
    plain_case(folder, [outcome(b"x")], extra=[file(1, b"a\xff<b>/caf\xe9.jpg", b"x")])
    found = reading_of(folder)
    assert "abyte FF<b>/cafbyte E9.jpg" in found.text


def test_a_browser_runs_nothing_of_it(hostile: Path, tmp_path: Path) -> None:
    with Case.open(hostile) as case:
        page = "".join(page_of(case, WIDE))
    seen = in_browser(page, tmp_path)
    assert 'data-ready="yes"' in seen[:200], "the page's own script did not run"
    assert "data-ran" not in seen[:200]
    assert "<img" not in seen
    # Without the policy too: it is the second lock, and escaping the first.
    seen = in_browser(without_policy(page), tmp_path)
    assert 'data-ready="yes"' in seen[:200]
    assert "data-ran" not in seen[:200]
    # The same browser does run what is not escaped, so this test can fail.
    seen = in_browser(without_policy(page).replace("</main>", PAYLOADS[0] + "</main>"), tmp_path)
    assert 'data-ran="1"' in seen[:200]
    seen = in_browser(page.replace("</main>", f"<script>{MARK}</script></main>"), tmp_path)
    assert "data-ran" not in seen[:200], "the policy let a foreign script run"


def test_pictures_are_shown_on_request_and_covered_again(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    said_case(folder, ["one", "two", "three"])
    page = without_policy(page_text(folder))

    def after(actions: str) -> str:
        driven = page.replace("</body>", f"<script>{actions}</script></body>")
        return in_browser(driven, tmp_path)

    press = "document.querySelectorAll('button.cover')[1].click();"
    escape = "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}));"
    point = "document.querySelector('button.cover').dispatchEvent(new MouseEvent('mouseover'));"
    assert after("").count("<img") == 0
    assert after(point).count("<img") == 0
    once = after(press)
    assert once.count('<img alt="') == 1
    assert once.count('src="data:image/jpeg;base64,/9j/') == 1
    assert 'class="blurred"' in once[:200]
    assert after(press + press).count("<img") == 0
    assert after(press + escape).count("<img") == 0
    assert after(press + "window.dispatchEvent(new Event('beforeprint'));").count("<img") == 0
    assert "1 uncovered now, 2 since" in after(press + press + press)
