"""Tokens: who is let in, and which files are not taken."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.exchange.hma.tokens import Tokens, make_token_file, read_tokens

FIRST, SECOND = "a" * 32, "b" * 43


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "tokens"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def test_each_token_has_its_name(tmp_path: Path) -> None:
    tokens = read_tokens(written(tmp_path, f"# tools\n\nscanner {FIRST}\n{SECOND}\n"))
    assert tokens.name_of(FIRST) == "scanner"
    assert tokens.name_of(SECOND) == "default"
    assert tokens.names == ["default", "scanner"]


@given(st.text() | st.sampled_from([FIRST[:-1], FIRST + "a", FIRST.upper(), FIRST]))
def test_nothing_else_has_one(given: str) -> None:
    tokens = Tokens({hashlib.sha256(FIRST.encode()).digest(): "scanner"})
    assert (tokens.name_of(given) is None) == (given != FIRST)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UsageError, match="others may read"):
        read_tokens(written(tmp_path, FIRST, mode))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "scanner short\n",
        f"scanner {FIRST} more\n",
        f"scanner {FIRST}\nscanner {SECOND}\n",
        f"scanner {FIRST}\nother {FIRST}\n",
        f"sc/nner {FIRST}\n",
        f"scanner {FIRST};\n",
        b"\xff" * 40,
        "".join(f"tool{number} {number:040d}\n" for number in range(65)),
        "#" * 70_000,
    ],
)
def test_a_wrong_file_is_refused_and_not_quoted(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read_tokens(written(tmp_path, text))
    assert FIRST not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "nothing"):
        with pytest.raises(UsageError):
            read_tokens(path)


def test_a_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        path = tmp_path / "keys" / name
        make_token_file(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert read_tokens(path).names == ["default"]
        made.append(path.read_text())
        with pytest.raises(UsageError):
            make_token_file(path)
    assert made[0] != made[1]
