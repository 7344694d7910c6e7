"""The layers hold: nothing imports upward, and what is dangerous is only where it is expected."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "headwater"

ALLOWED: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "limits": set(),
    "model": set(),
    "evidence": {"errors", "limits", "model"},
    "media": {"evidence", "errors", "limits", "model"},
    "measures": {"media", "evidence", "errors", "limits", "model"},
    "lists": {"measures", "errors", "limits", "model"},
    "index": {"measures", "errors", "limits", "model"},
    "match": {"index", "lists", "case", "measures", "errors", "limits", "model"},
    "case": {"version", "errors", "limits", "model"},
    "engine": {"case", "measures", "media", "evidence", "errors", "limits", "model"},
    "exchange": {
        "engine",
        "match",
        "index",
        "lists",
        "case",
        "media",
        "errors",
        "limits",
        "model",
        "version",
    },
    "report": {
        "exchange",
        "match",
        "case",
        "media",
        "measures",
        "errors",
        "limits",
        "model",
        "version",
    },
    "demo": {"errors", "limits", "model"},
}
"""What each layer may import. The command line may import everything."""

NETWORK = {"socket", "ssl", "urllib", "http", "ftplib", "smtplib", "asyncio", "requests"}
NETWORK_MODULES = {
    "engine/nursery.py",
    "engine/pool.py",
    "engine/wire.py",
    "engine/cage/descriptors.py",
    "engine/cage/probes.py",
    "exchange/hma/following.py",
    "exchange/hma/routes.py",
    "exchange/hma/serve.py",
    "exchange/hma/uploads.py",
}
"""Local sockets between the main process and its workers, the probes that must fail, and the
look-up server on loopback."""
BANNED = {"pickle", "marshal", "shelve", "dill", "tempfile"}
BROAD_EXCEPT = {"engine/execute.py"}
"""One broad `except` for each process boundary; ARCHITECTURE.md lists them."""


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)


def relative(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_nothing_imports_upward(path: Path) -> None:
    layer = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if layer in ("cli", "__init__", "__main__"):
        return
    assert layer in ALLOWED, f"say in ALLOWED which layers {layer} may import"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "headwater" and len(parts) > 1 and parts[1] != layer:
            assert parts[1] in ALLOWED[layer], f"{relative(path)} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_no_pickle_no_stray_network_no_temporary_files(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & BANNED
    if relative(path) not in NETWORK_MODULES:
        assert not roots & NETWORK


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_no_shell_and_broad_except_only_at_process_boundaries(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            pytest.fail(f"{relative(path)} starts a shell")
        if isinstance(node, ast.ExceptHandler):
            names = (
                {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)}
                if (node.type)
                else {"everything"}
            )
            broad = names & {"Exception", "BaseException", "everything"}
            reraises = any(isinstance(part, ast.Raise) for part in ast.walk(node))
            if broad and not reraises:
                assert relative(path) in BROAD_EXCEPT, f"{relative(path)}:{node.lineno}"


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "sys.argv = ['headwater', '--help']\n"
        "from headwater.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'PIL', 'av', 'sqlalchemy', 'imagecodecs', 'rawpy', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"
    assert "examine" in ran.stdout


def test_every_package_says_what_it_is_for() -> None:
    for path in SOURCE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), relative(path)


def test_names_say_what_is_inside() -> None:
    banned = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    for path in SOURCE.rglob("*"):
        assert path.stem.lower() not in banned, relative(path)
