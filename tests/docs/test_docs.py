"""The documents say what is so: nothing in them is behind the code, or leads nowhere."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer
from docs.generate import documents, verbs

from headwater.cli.main import app
from headwater.engine.execute import problem_of
from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.limits import Limits
from headwater.report.faults import CODES
from tests.test_architecture import BROAD_EXCEPT

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FORBIDDEN = (
    r"/w[o]rk/",
    r"/tmp\b",
    r"/root\b",
    r"\bhttp://",
    r"pypi\.org|pythonhosted|index-url|proxy",
    r"\bTODO\b|\bFIXME\b|\bTBD\b|\blorem\b",
    r"\bcolor(?!space|-)|\banalyz|\borganiz|\brecogniz",
)
"""Of this machine, of registries, of what is not written yet, and of another spelling."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def headings(path: Path) -> set[str]:
    lines = re.findall(
        r"^#+ +(.+)$", re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL), re.M
    )
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@cache
def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(verbs(group))


def test_every_page_is_known() -> None:
    expected = "README ARCHITECTURE SECURITY RESPONSIBLE_USE CONTRIBUTING CHANGELOG"
    assert {path.stem for path in ROOT.glob("*.md")} == set(expected.split())
    index = text_of(ROOT / "docs" / "index.md")
    for path in PAGES:
        if path.name not in ("index.md", "README.md"):
            assert path.name in index, f"docs/index.md does not lead to {relative(path)}"


@pytest.mark.parametrize("name", sorted(documents()))
def test_generated_files_are_up_to_date(name: str) -> None:
    assert text_of(ROOT / "docs" / name) == documents()[name], "run: make docs"


def test_nothing_else_lies_among_the_generated_files() -> None:
    folders = (ROOT / "docs" / "reference", ROOT / "docs" / "schema")
    found = {
        path.relative_to(ROOT / "docs").as_posix() for one in folders for path in one.iterdir()
    }
    assert found == set(documents())


def test_every_verb_and_option_is_documented() -> None:
    page = text_of(ROOT / "docs" / "reference" / "command-line.md")
    sections = dict(
        re.findall(r"^## headwater ([\w -]+)\n(.*?)(?=^## |\Z)", page, re.M | re.DOTALL)
    )
    assert list(sections) == list(commands())
    for name, command in commands().items():
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                if option.startswith("--"):
                    assert f"`{option}`" in sections[name], f"{name} {option}"
    readme_and_tasks = "".join(text_of(path) for path in PAGES if "reference" not in path.parts)
    for name in commands():
        assert f"headwater {name}" in readme_and_tasks or name == "demo", name


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        if target.startswith("https://"):
            continue
        path, _, anchor = unquote(target).partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{relative(page)} leads to {target}"
        assert ROOT in found.parents, f"{relative(page)} leads out of the project: {target}"
        if anchor:
            assert anchor in headings(found), f"{relative(page)} leads to {target}"


@cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_test_and_file_that_is_named_exists(page: Path) -> None:
    for path, name in re.findall(r"\b((?:tests|bench)/[\w/]+\.py)(?:::(\w+))?", text_of(page)):
        assert (ROOT / path).exists(), f"{relative(page)} names {path}"
        assert not name or name in functions_in(path), f"{relative(page)} names {path}::{name}"
    for path in re.findall(
        r"`(?:src/headwater/)?((?:engine|case|measures|media)/\w+\.py)`", text_of(page)
    ):
        assert (ROOT / "src" / "headwater" / path).exists(), f"{relative(page)} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_no_page_holds_what_does_not_belong(page: Path) -> None:
    for pattern in FORBIDDEN:
        found = re.search(pattern, text_of(page), re.IGNORECASE)
        assert found is None, f"{relative(page)}: {found and found[0]}"


def shell_examples() -> list[Any]:
    return [
        pytest.param(line, id=f"{relative(page)}: {line[:60]}")
        for page in PAGES
        for body in re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL)
        for line in body.replace("\\\n", " ").splitlines()
        if line.startswith("headwater ")
    ]


@pytest.mark.parametrize("line", shell_examples())
def test_examples_use_what_there_is(line: str) -> None:
    _, verb, *words = shlex.split(line, comments=True)
    if verb.startswith("-"):
        assert verb in ("--version", "--help")
        return
    if words and f"{verb} {words[0]}" in commands():
        verb = f"{verb} {words.pop(0)}"
    command = commands()[verb]
    known = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
    known |= dict.fromkeys(("--help", "-h"))
    given = [word for word in words if word.startswith("-")]
    assert set(given) <= set(known), line
    if "--help" not in given:
        needed = {one.opts[0] for one in command.params if one.required and one.opts[0][:2] == "--"}
        assert needed <= set(given), f"{line} lacks {needed - set(given)}"


def test_options_in_the_text_exist() -> None:
    every = {
        name
        for one in commands().values()
        for p in one.params
        for name in (*p.opts, *p.secondary_opts)
    }
    for page in PAGES:
        for option in re.findall(r"`(--[a-z-]+)[ `]", text_of(page)):
            assert option in every | {"--version", "--help"}, f"{relative(page)}: {option}"


def test_the_shell_examples_are_some() -> None:
    assert len(shell_examples()) >= 10


def test_every_broad_except_is_listed() -> None:
    page = text_of(ROOT / "ARCHITECTURE.md")
    table = page.partition("## Where surprises are caught")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([\w/]+\.py)`", table, re.M)) == BROAD_EXCEPT


def test_every_problem_code_is_explained() -> None:
    page = text_of(ROOT / "docs" / "when-things-go-wrong.md")
    explained = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    source = "".join(path.read_text() for path in (ROOT / "src" / "headwater").rglob("*.py"))
    made = set(re.findall(r"Problem\(\s*code=\"(\w+)\"", source))
    errors = (Malformed("x"), Refused("x"), LimitExceeded("picture_pixels", "x"))
    made |= {problem_of("x", error).code for error in errors}
    assert explained == made == set(CODES)


def test_every_limit_has_a_value_and_a_line() -> None:
    page = text_of(ROOT / "docs" / "reference" / "limits.md")
    named = re.findall(r"^\| `(\w+)` \| \S", page, re.M)
    assert named == list(Limits.__struct_fields__)


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert {path.name for path in pictures} == {"report.png"}
    assert all(path.stat().st_size < 300_000 for path in pictures)
