"""What a tool that is built on python-threatexchange does with HMA. Run by its own interpreter.

Hashes pictures and films with python-threatexchange, asks the server in HMA's request forms with
`requests`, which python-threatexchange uses for exchanges, and prints both sides as JSON.
Arguments: the server's address, a token, a folder of pictures, a file of listed PDQ hashes, and
a file of PDQ hashes to look up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import requests  # type: ignore[import-untyped]
from threatexchange.signal_type.md5 import VideoMD5Signal  # type: ignore[import-not-found]
from threatexchange.signal_type.pdq.signal import PdqSignal  # type: ignore[import-not-found]


def main(url: str, token: str, pictures: Path, listed: Path, asked: Path) -> dict[str, Any]:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"

    def get(path: str, **query: Any) -> Any:
        answer = session.get(url + path, params=query, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def post(path: str, name: str, file: Path) -> Any:
        with file.open("rb") as stream:
            answer = session.post(url + path, files={name: stream}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    index = PdqSignal.get_index_cls().build(
        [(code, number) for number, code in enumerate(listed.read_text().split())]
    )
    lookups = []
    for code in asked.read_text().split():
        PdqSignal.validate_signal_str(code)
        raw = get("/m/raw_lookup", signal_type="pdq", signal=code, include_distance=True)
        banks = get("/m/lookup", signal_type=PdqSignal.get_name(), signal=code)
        lookups.append(
            {
                "theirs": sorted(match.similarity_info.pretty_str() for match in index.query(code)),
                "raw": sorted(match["distance"] for match in raw["matches"]),
                "banks": {bank: len(found) for bank, found in banks.items()},
            }
        )
    hashes = []
    for file in sorted(pictures.iterdir()):
        theirs = PdqSignal.hash_from_bytes(file.read_bytes())
        made = post("/h/hash", "photo", file)["pdq"]
        found = post("/m/lookup", "photo", file)["pdq"]
        same = None
        if theirs and made:
            pair = [theirs, made]
            same = session.post(url + "/m/compare", json={"pdq": pair}, timeout=60).json()["pdq"]
            ours = PdqSignal.compare_hash(*pair)
            assert same == [ours.match, {"distance": ours.distance.distance}]
        film = post("/h/hash", "video", file)
        assert film == {VideoMD5Signal.get_name(): VideoMD5Signal.hash_from_file(file)}
        hashes.append({"name": file.name, "theirs": theirs, "ours": made, "found": sorted(found)})
    return {"lookups": lookups, "hashes": hashes, "status": get("/m/index/status")["pdq"]}


if __name__ == "__main__":
    address, held_token, *paths = sys.argv[1:]
    json.dump(main(address, held_token, *map(Path, paths)), sys.stdout)
