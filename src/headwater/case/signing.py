"""The key that signs checkpoints. It lives outside every case.

The folder is `HEADWATER_KEY_DIR` where that is set, else `headwater` in `XDG_CONFIG_HOME`
(`~/.config`). The key is made on first use, in PKCS #8 PEM without a passphrase, readable by its
owner alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headwater.case.faultpoints import reached
from headwater.case.packs import sync_folder
from headwater.errors import CaseError

KEY_NAME = "signing.key"


def key_folder() -> Path:
    """Return the folder of the signing key."""
    if given := os.environ.get("HEADWATER_KEY_DIR"):
        return Path(given)
    base = os.environ.get("XDG_CONFIG_HOME")
    try:
        return Path(base) / "headwater" if base else Path.home() / ".config" / "headwater"
    except RuntimeError as error:
        raise CaseError(
            "there is no home folder to keep the signing key in; set HEADWATER_KEY_DIR"
        ) from error


def key_id(public_key: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of a public key (32 bytes)."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the public half, 32 bytes."""
    return key.public_key().public_bytes_raw()


def signing_key(case_folder: Path) -> Ed25519PrivateKey:
    """Return the signing key, made if there is none yet.

    Raises CaseError where it cannot be read or made, is readable by others, or would lie inside
    `case_folder`.
    """
    folder = key_folder()
    if folder.resolve().is_relative_to(case_folder.resolve()):
        raise CaseError(
            f"the signing key may not lie inside the case ({folder}); set HEADWATER_KEY_DIR to a "
            "folder elsewhere"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / KEY_NAME).exists():
            _make(folder)
        return _load(folder / KEY_NAME)
    except OSError as error:
        raise CaseError(f"the signing key in {folder} cannot be used: {error.strerror}") from error


def _load(path: Path) -> Ed25519PrivateKey:
    with path.open("rb") as stream:
        if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
            raise CaseError(f"others may read the signing key {path}; run: chmod 600 {path}")
        data = stream.read(1 << 16)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CaseError(f"{path} is not a signing key; restore it from a copy") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CaseError(f"{path} is not an Ed25519 key; restore it from a copy")
    return key


def _make(folder: Path) -> None:
    data = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    making = folder / f".{KEY_NAME}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        making.unlink()
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    reached("key.before-link")
    # A link fails where another process was first; then that one's key is used.
    with contextlib.suppress(FileExistsError):
        os.link(making, folder / KEY_NAME)
    making.unlink()
    sync_folder(folder)
    reached("key.after-link")
