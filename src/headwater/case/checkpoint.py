"""Checkpoints: signed notes of the size and root of a case's log.

The text follows the C2SP specifications `tlog-checkpoint` and `signed-note`: origin, size, root
in base64 and one further line with the time; an empty line; a line with the name of the key and
the base64 of 4 bytes of key hash and 64 bytes of Ed25519 signature over the text. A note is read
strictly: it is one only if writing what was read gives the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from headwater.case.faultpoints import reached
from headwater.case.packs import sync_folder
from headwater.case.records import Checkpoint
from headwater.case.signing import key_id, public_bytes
from headwater.errors import CaseError

MAX_BYTES = 4096
"""A longer file is not a checkpoint."""

_ED25519 = b"\1"
_NOTE = re.compile(
    r"headwater-case-(?P<case>[0-9a-f]{32})\n(?P<size>0|[1-9][0-9]{0,18})\n"
    r"(?P<root>[A-Za-z0-9+/]{43}=)\ntime (?P<at>[0-9TZ:.+-]{20,35})\n"
    r"\n\u2014 headwater-case-(?P=case) (?P<signature>[A-Za-z0-9+/]{91}=)\n"
)
_FILE = re.compile(r"([0-9]{12})\.checkpoint")


def sign(case_id: str, size: int, root: bytes, at: str, key: Ed25519PrivateKey) -> Checkpoint:
    """Return the checkpoint of a log of `size` leaves with `root` (32 bytes)."""
    text = _text(case_id, size, root, at)
    public = public_bytes(key)
    signature = key.sign(text.encode())
    return _checkpoint(case_id, size, root, at, public, signature)


def read(note: bytes, public_keys: list[bytes]) -> Checkpoint:
    """Return what a note says, once one of `public_keys` (32 bytes each) verifies it.

    Raises CaseError where the bytes are not a note, or none of the keys signed it.
    """
    try:
        match = _NOTE.fullmatch(note[: MAX_BYTES + 1].decode())
    except UnicodeDecodeError:
        match = None
    if match is None:
        raise CaseError("this is not a checkpoint of a case")
    try:
        root = base64.b64decode(match["root"], validate=True)
        signed = base64.b64decode(match["signature"], validate=True)
    except binascii.Error as error:
        raise CaseError("this is not a checkpoint of a case") from error
    case_id, size, at = match["case"], int(match["size"]), match["at"]
    for public in public_keys:
        checkpoint = _checkpoint(case_id, size, root, at, public, signed[4:])
        if checkpoint.note.encode() == note and _verifies(public, signed[4:], checkpoint):
            return checkpoint
    raise CaseError("no key of this case signed this checkpoint, or it was changed")


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the note into `folder`, named by its size. Raises OSError."""
    path = folder / f"{checkpoint.size:012d}.checkpoint"
    making = folder / f".{path.name}"
    reached("checkpoint.before-write")
    descriptor = os.open(
        making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
    )
    with open(descriptor, "wb") as stream:
        stream.write(checkpoint.note.encode())
        stream.flush()
        reached("checkpoint.before-sync")
        os.fsync(stream.fileno())
    reached("checkpoint.before-rename")
    os.rename(making, path)
    reached("checkpoint.after-rename")
    sync_folder(folder)
    reached("checkpoint.after-sync")


def clear(folder: Path) -> None:
    """Remove notes that were not written to their end. Raises OSError."""
    for entry in os.scandir(folder):
        if entry.name.startswith(".") and file_size(entry.name[1:]) is not None:
            os.unlink(entry.path)


def file_size(name: str) -> int | None:
    """Return the size that the name of a checkpoint's file states, None for any other name."""
    match = _FILE.fullmatch(name)
    return int(match[1]) if match else None


def _text(case_id: str, size: int, root: bytes, at: str) -> str:
    origin = f"headwater-case-{case_id}"
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\ntime {at}\n"


def _checkpoint(
    case_id: str, size: int, root: bytes, at: str, public: bytes, signature: bytes
) -> Checkpoint:
    origin = f"headwater-case-{case_id}"
    key_hash = hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:4]
    signed = base64.b64encode(key_hash + signature).decode()
    return Checkpoint(
        case_id=case_id,
        size=size,
        root_hex=root.hex(),
        at=at,
        key_id=key_id(public),
        note=f"{_text(case_id, size, root, at)}\n\u2014 {origin} {signed}\n",
    )


def _verifies(public: bytes, signature: bytes, checkpoint: Checkpoint) -> bool:
    text = _text(
        checkpoint.case_id, checkpoint.size, bytes.fromhex(checkpoint.root_hex), checkpoint.at
    )
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
