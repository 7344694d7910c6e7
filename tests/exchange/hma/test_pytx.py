"""The server beside python-threatexchange: its hashes, its index, and HMA's request forms.

python-threatexchange has no client of HMA in it; what stands for one is a program that hashes
and checks with it, and asks as HMA's own tests ask. It runs under the interpreter that
HEADWATER_PEERS names, because it brings libraries that have to be compiled.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.exchange.hma.serving import TOKEN, Server, flipped, import_rows, make_case
from tests.pictures import jpeg, texture

PROGRAM = Path(__file__).with_name("pytx_client.py")


@pytest.fixture(scope="module")
def peer() -> str:
    value = os.environ.get("HEADWATER_PEERS")
    if not value:
        pytest.skip("HEADWATER_PEERS is not set")
    return value


def made_pictures(folder: Path) -> Path:
    folder.mkdir()
    for seed in range(12):
        width, height = 300 + 97 * seed, 260 + 71 * seed
        (folder / f"{seed:02d}.jpg").write_bytes(jpeg(seed, width, height))
        texture(seed + 50, width, height).save(folder / f"{seed:02d}.png")
        texture(seed + 80, width, height).convert("L").save(folder / f"{seed:02d}-grey.png")
    texture(1).resize((400, 300)).point(lambda value: 90).save(folder / "flat.png")
    return folder


def asked_by(peer: str, server: Server, pictures: Path, listed: Path, asked: Path) -> Any:
    arguments = [peer, PROGRAM, server.url, TOKEN, pictures, listed, asked]
    ran = subprocess.run([str(one) for one in arguments], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[-2000:]
    return json.loads(ran.stdout)


def test_a_tool_of_python_threatexchange_is_answered_as_by_hma(peer: str, tmp_path: Path) -> None:
    random = Random(4)
    centres = [random.randbytes(32) for _ in range(40)]
    listed = list(
        {
            flipped(random.choice(centres), random.sample(range(256), random.randrange(20))).hex()
            for _ in range(1_000)
        }
    )
    asked = [
        flipped(random.choice(centres), random.sample(range(256), random.randrange(60))).hex()
        for _ in range(300)
    ]
    (tmp_path / "listed").write_text("\n".join(listed))
    (tmp_path / "asked").write_text("\n".join(asked))
    pictures = made_pictures(tmp_path / "pictures")
    make_case(tmp_path)
    import_rows(tmp_path, "harbour", "pdq", [(code,) for code in listed])
    options = ("--distances", "--rate", "100000", "--burst", "100000", "--workers", "2")
    with Server(tmp_path, *options) as server:
        said = asked_by(peer, server, pictures, tmp_path / "listed", tmp_path / "asked")
    assert said["status"]["size"] == len(listed)
    for lookup in said["lookups"]:
        assert lookup["raw"] == lookup["theirs"]
        expected = {"HARBOUR": len(lookup["theirs"])} if lookup["theirs"] else {}
        assert lookup["banks"] == expected
    assert sum(bool(lookup["theirs"]) for lookup in said["lookups"]) > 100
    assert sum(not lookup["theirs"] for lookup in said["lookups"]) > 20
    for made in said["hashes"]:
        assert made["ours"] == made["theirs"], made["name"]
        assert made["found"] == []
    assert [made["name"] for made in said["hashes"] if not made["ours"]] == ["flat.png"]


def test_a_tool_survives_that_distances_are_withheld(peer: str, tmp_path: Path) -> None:
    code = Random(7).randbytes(32)
    (tmp_path / "listed").write_text(code.hex())
    (tmp_path / "asked").write_text(flipped(code, [3, 4]).hex())
    make_case(tmp_path)
    import_rows(tmp_path, "harbour", "pdq", [(code.hex(),)])
    (tmp_path / "pictures").mkdir()
    with Server(tmp_path, "--no-uploads") as server:
        said = asked_by(
            peer, server, tmp_path / "pictures", tmp_path / "listed", tmp_path / "asked"
        )
    assert said["lookups"] == [{"theirs": ["2"], "raw": ["-"], "banks": {"HARBOUR": 1}}]


@pytest.mark.data
def test_photographs_are_hashed_as_python_threatexchange_does(
    peer: str, data_folder: Path, tmp_path: Path
) -> None:
    photographs = sorted(
        path for path in data_folder.rglob("*.jpg") if 20_000 < path.stat().st_size < 2_000_000
    )[:400:20]
    assert len(photographs) >= 10
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, path in enumerate(photographs):
        (folder / f"{number:02d}.jpg").symlink_to(path)
    (tmp_path / "listed").write_text("ab" * 32)
    (tmp_path / "asked").write_text("ab" * 32)
    make_case(tmp_path)
    import_rows(tmp_path, "harbour", "pdq", [("ab" * 32,)])
    with Server(tmp_path, "--rate", "100000", "--burst", "1000", "--workers", "2") as server:
        said = asked_by(peer, server, folder, tmp_path / "listed", tmp_path / "asked")
    differing = [made["name"] for made in said["hashes"] if made["ours"] != made["theirs"]]
    assert differing == []
