"""The key of a case's known lists. It lies outside the case, beside the key that signs.

One file a case, `lists-<case id>.key`, readable by its owner alone: a magic, the case id, 32
random bytes and the first 8 bytes of the SHA-256 of all before. From these 32 bytes HKDF (RFC
5869, SHA-256) makes one key that seals files and one that keys digests, and a check value that
tells another key from a damaged file and gives nothing of the key away.

Without this key what was imported cannot be read by anyone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from headwater.errors import CaseError
from headwater.lists.durable import sync_folder

KEY_BYTES = 32
CHECK_BYTES = 16

_MAGIC = b"HWLKEY1\n"
_FILE = struct.Struct("<8s16s32s8s")


@dataclass(frozen=True, slots=True)
class ListKey:
    """What is made of a case's list key. The bytes lie in ordinary memory of the process."""

    sealing: bytes = field(repr=False)
    """Seals files, 32 bytes."""
    digests: bytes = field(repr=False)
    """HMAC key of digests, 32 bytes."""
    check: bytes
    """Tells this key from another one, 16 bytes; no secret."""


def key_path(folder: Path, case_id: str) -> Path:
    """Return where the list key of a case lies in the key folder."""
    return folder / f"lists-{case_id}.key"


def list_key(folder: Path, case_id: str, case_folder: Path, *, make: bool) -> ListKey:
    """Return the list key of a case. `case_id` is 32 hex digits, `folder` the key folder.

    Where there is none and `make` is given, it is made; that is for a case that has no list yet.
    Raises CaseError where it is lost, damaged or another case's, readable by others, or would
    lie inside the case.
    """
    if folder.resolve().is_relative_to(case_folder.resolve()):
        raise CaseError(
            f"the key of the known lists may not lie inside the case ({folder}); set "
            "HEADWATER_KEY_DIR to a folder elsewhere"
        )
    path = key_path(folder, case_id)
    try:
        if make and not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(path, case_id)
        return derived(_load(path, case_id))
    except FileNotFoundError as error:
        raise CaseError(
            f"the key of this case's known lists, {path}, is not there; restore it from a copy or "
            "set HEADWATER_KEY_DIR to its folder. Without it the lists cannot be opened, and have "
            "to be removed and imported again"
        ) from error
    except OSError as error:
        raise CaseError(
            f"the key of the known lists {path} cannot be used: {error.strerror}"
        ) from error


def derived(secret: bytes) -> ListKey:
    """Return the keys that are made of 32 secret bytes."""
    return ListKey(
        sealing=_expanded(secret, b"headwater lists: sealing", KEY_BYTES),
        digests=_expanded(secret, b"headwater lists: digests", KEY_BYTES),
        check=_expanded(secret, b"headwater lists: check", CHECK_BYTES),
    )


def _expanded(secret: bytes, purpose: bytes, size_bytes: int) -> bytes:
    return HKDF(hashes.SHA256(), size_bytes, salt=None, info=purpose).derive(secret)


def _load(path: Path, case_id: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise CaseError(
                f"others may read the key of the known lists {path}; run: chmod 600 {path}"
            )
        data = stream.read(_FILE.size + 1)
    if len(data) != _FILE.size or data[-8:] != _sum(data[:-8]):
        raise CaseError(f"{path} is not a key of known lists, or damaged; restore it from a copy")
    magic, owner, secret, _ = _FILE.unpack(data)
    if magic != _MAGIC or owner != bytes.fromhex(case_id):
        raise CaseError(f"{path} is the key of another case; restore this case's key from a copy")
    assert isinstance(secret, bytes)
    return secret


def _sum(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:8]


def _make(path: Path, case_id: str) -> None:
    held = _MAGIC + bytes.fromhex(case_id) + secrets.token_bytes(KEY_BYTES)
    making = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        making.unlink()
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(held + _sum(held))
        stream.flush()
        os.fsync(stream.fileno())
    # A link fails where another process was first; then that one's key is used.
    with contextlib.suppress(FileExistsError):
        os.link(making, path)
    making.unlink()
    sync_folder(path.parent)
