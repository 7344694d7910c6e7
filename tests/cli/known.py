"""Small evidence, and lists that know some of it, for the verbs of known lists."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image, ImageOps

from tests.program import examine, run, start


def busy(seed: int, width: int, height: int) -> Image.Image:
    """Return a picture with enough in it for a PDQ of good quality."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def saved(picture: Image.Image, quality: int = 88) -> bytes:
    """Return a picture as JPEG."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def make_evidence(folder: Path) -> None:
    """Write pictures: some apart, copies of the first one, and one that is decoded smaller."""
    folder.mkdir()
    for name, seed in (("first", 1), ("second", 2), ("third", 3), ("fourth", 4)):
        (folder / f"{name}.jpg").write_bytes(saved(busy(seed, 640, 480)))
    (folder / "half.jpg").write_bytes(saved(busy(1, 640, 480).resize((320, 240)), 60))
    (folder / "mirror.jpg").write_bytes(saved(ImageOps.mirror(busy(1, 640, 480))))
    (folder / "large.jpg").write_bytes(saved(busy(9, 2400, 1800)))


@dataclass
class Desk:
    """A case, its evidence, and a folder for lists."""

    folder: Path

    @property
    def case(self) -> Path:
        return self.folder / "case"

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def examine(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(examine(self.source, self.case))
        return said

    def items(self) -> dict[str, dict[str, Any]]:
        """Return the documents of all items by the name of their first place."""
        lines = run("export", "--case", self.case).splitlines()
        return {one["occurrences"][0]["path"]: one for one in map(json.loads, lines)}

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def import_(self, name: str, file: Path | str, *more: str | Path) -> dict[str, Any]:
        """Import a list; it must succeed."""
        where = ("--case", self.case, "--name", name, "--quiet", "--json")
        said: dict[str, Any] = json.loads(run("lists", "import", file, *where, *more))
        return said

    def import_table(
        self, name: str, header: str, *rows: str, more: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Import a list that is a table of these rows."""
        file = self.write(f"{name}.csv", "\n".join([header, *rows]) + "\n")
        scheme = ("--scheme", "vics-us") if "category" in header else ()
        return self.import_(name, file, *scheme, *more)

    def match(self, *more: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(
            run("match", "--case", self.case, "--quiet", "--json", *more)
        )
        return said

    def lists(self, *more: str) -> dict[str, dict[str, Any]]:
        said = json.loads(run("lists", "show", "--case", self.case, "--json", *more))
        return {one["name"]: one for one in said["lists"]}

    def sealed(self) -> list[Path]:
        """Return every file of the lists that serve."""
        return sorted(path for path in (self.case / "lists").glob("*/*") if path.is_file())


def matches(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the matches of an item with a list."""
    return [one for one in document["matches"] if one.get("list") == name]


def ended(*arguments: str | Path, given: bytes = b"") -> tuple[int, str, str]:
    """Run the program; return its exit code and what it printed and said."""
    process = start(*arguments, stdin=subprocess.PIPE)
    out, errors = process.communicate(given, timeout=120)
    assert b"Traceback" not in errors, errors.decode()
    return process.returncode, out.decode(), errors.decode()


def flipped(pdq: str, flips: int) -> str:
    """Return a PDQ so many bits away."""
    code = bytearray.fromhex(pdq)
    for flip in range(flips):
        code[flip % 32] ^= 1 << (flip // 32)
    return code.hex()


def minisigned(data: bytes) -> tuple[str, bytes]:
    """Return a public key and a signature of `data` as minisign writes them."""
    key, number = Ed25519PrivateKey.from_private_bytes(bytes(range(32))), b"\1\2\3\4\5\6\7\x08"
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = key.sign(hashlib.blake2b(data).digest())
    comment = "list 7"
    lines = (
        "untrusted comment: a test",
        base64.b64encode(b"ED" + number + signature).decode(),
        f"trusted comment: {comment}",
        base64.b64encode(key.sign(signature + comment.encode())).decode(),
    )
    return base64.b64encode(b"Ed" + number + public).decode(), "\n".join([*lines, ""]).encode()
