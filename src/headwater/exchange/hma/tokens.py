"""Who may ask: tokens, from a file that its owner alone may read."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import UsageError

LEAST_CHARACTERS = 32
MOST_TOKENS = 64
_MOST_BYTES = 64 << 10
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9_.~+/=-]+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Names by the SHA-256 of their tokens; the tokens themselves are not kept."""

    by_digest: Mapping[bytes, str]

    @property
    def names(self) -> list[str]:
        """The names, sorted."""
        return sorted(self.by_digest.values())

    def name_of(self, token: str) -> str | None:
        """Return the name that a token stands for, None for none; it takes as long either way."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found: str | None = None
        for digest, name in self.by_digest.items():
            if hmac.compare_digest(digest, given):
                found = name
        return found


def read_tokens(path: Path) -> Tokens:
    """Read a token file: on each line a name and a token, or one token alone (`default`).

    A token has at least 32 characters. Empty lines, and those that begin with #, are left out.
    Raises UsageError where the file cannot be read, others may read it, or a line is wrong; a
    message never holds what a line says.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:
            _refuse_open_file(path, os.fstat(descriptor))
            text = stream.read(_MOST_BYTES + 1).decode("ascii")
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        # Not chained: the error would carry what the file says.
        raise UsageError(f"the token file {path} is not plain ASCII text") from None
    if len(text) > _MOST_BYTES:
        raise UsageError(f"the token file {path} is larger than {_MOST_BYTES >> 10} KiB")
    return _parsed(path, text)


def make_token_file(path: Path) -> None:
    """Write a file with one fresh token, readable by its owner alone. Raises UsageError."""
    text = f"# name token\ndefault {secrets.token_urlsafe(32)}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be made: {error.strerror}") from error


def _refuse_open_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"the token file {path} is not a regular file")
    if status.st_uid != os.geteuid():
        raise UsageError(f"the token file {path} belongs to somebody else; make one of your own")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise UsageError(f"others may read the token file {path}; run: chmod 600 {path}")


def _parsed(path: Path, text: str) -> Tokens:
    found: dict[bytes, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        name, token = ("default", words[0]) if len(words) == 1 else (words[0], words[-1])
        if len(words) > 2 or not _NAME.fullmatch(name) or not _TOKEN.fullmatch(token):
            raise UsageError(f"line {number} of {path} is not a name and a token")
        if len(token) < LEAST_CHARACTERS:
            raise UsageError(
                f"the token on line {number} of {path} is shorter than {LEAST_CHARACTERS} "
                "characters; `openssl rand -hex 32` makes one"
            )
        digest = hashlib.sha256(token.encode()).digest()
        if name in found.values() or digest in found:
            raise UsageError(f"line {number} of {path} repeats a name or a token")
        found[digest] = name
    if not found:
        raise UsageError(f"the token file {path} holds no token")
    if len(found) > MOST_TOKENS:
        raise UsageError(f"the token file {path} holds more than {MOST_TOKENS} tokens")
    return Tokens(found)
