"""The canonical dump: everything a case says of the evidence, and nothing of how it was found.

Two cases made from the same evidence with the same methods give the same bytes, whatever the
number of workers, the order of work, and the stops on the way. Left out are ids, leaves, runs,
attempts, superseded rows, signing keys and what names the case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from headwater.case.query import Case
from headwater.case.records import ItemRow


def dump_lines(case: Case) -> Iterator[bytes]:
    """Yield the lines of the dump: JSON with sorted keys, without line ends, in a fixed order.

    Byte strings are in base64. Sources are named by their paths.
    """
    for item in case.all_items():
        yield _line("item", _item(case, item))
        for member in case.members(item.item_id):
            yield _line("member", msgspec.to_builtins(member))
    for source_path, file in case.files():
        said = msgspec.to_builtins(file)
        del said["source_id"]
        yield _line("file", {**said, "source": source_path})


def dump_sha256(case: Case) -> str:
    """Return the SHA-256 of the dump's lines, each ended by a line feed, as 64 hex digits."""
    digest = hashlib.sha256()
    for line in dump_lines(case):
        digest.update(line + b"\n")
    return digest.hexdigest()


def _line(kind: str, said: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"row": kind, **said}, order="sorted")


def _item(case: Case, item: ItemRow) -> dict[str, Any]:
    return {
        "sha256": item.sha256.hex(),
        "sha1": item.sha1.hex(),
        "md5": item.md5.hex(),
        "size_bytes": item.size_bytes,
        "state": item.state,
        "identity": case.identity(item.item_id),
        "methods": case.methods_of(item.item_id),
        "measurements": {
            name: msgspec.Raw(raw) for name, raw in case.measured(item.item_id).items()
        },
        "facts": case.facts(item.item_id),
        "blobs": [digest.hex() for digest in case.blobs_of(item.item_id)],
        "problems": case.problems(item.item_id),
    }
