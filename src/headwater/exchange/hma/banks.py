"""Banks: what lists are called by HMA's rules, and ids that say nothing of an entry."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Iterable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

BANK_NAME = re.compile(r"[A-Z0-9_]+")
_ID_BITS = 53
"""The whole numbers that every JSON reader keeps exactly (RFC 8259, section 6)."""


def bank_names(names: Iterable[str]) -> dict[str, str]:
    """Return the bank name of each list name: `[A-Z0-9_]+`, no two alike.

    Letters are made capitals, anything else becomes `_`. Lists that would share a name get a
    part of its SHA-256 behind it, save the one that is called exactly so.
    """
    held = sorted(set(names))
    plain = {name: re.sub(r"[^A-Z0-9_]", "_", name.upper()) or "_" for name in held}
    shared = Counter(plain.values())
    return {
        name: bank if shared[bank] == 1 or name == bank else f"{bank}_{_mark(name)}"
        for name, bank in plain.items()
    }


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16].upper()


class ContentIds:
    """Gives entries ids: the same as long as a list version serves, in no order, of no range."""

    def __init__(self, key: bytes) -> None:
        """`key` is a secret of the case, 32 bytes, from which one for this use is made."""
        self._key = HKDF(
            hashes.SHA256(), 32, salt=None, info=b"headwater serve-match: content ids"
        ).derive(key)

    def of(self, version_folder: str, entry: int) -> int:
        """Return the id of an entry of the list version in a folder (32 hex digits): 53 bits."""
        said = f"{version_folder}:{entry}".encode()
        made = hmac.digest(self._key, said, "sha256")
        return int.from_bytes(made[:8]) >> (64 - _ID_BITS)
