"""Digests as lists keep them: by a key, so that nobody without it can look one up.

HMAC-SHA256 (RFC 2104, FIPS 180-4), the first 16 bytes of it as two big-endian numbers. The key is
the same in all lists of a case, so a digest is keyed once and looked up in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
import numpy.typing as npt

Keyed = npt.NDArray[np.uint64]

_BLOCK_BYTES = 64
_KEPT_BYTES = 16


def keyed_digests(key: bytes, digests: npt.NDArray[np.uint8]) -> Keyed:
    """Return digests, uint8 (n, bytes of one), as lists are keyed: uint64 (n, 2).

    `key` is `ListKey.digests`, 32 bytes.
    """
    count, size = digests.shape
    data = np.ascontiguousarray(digests).tobytes()
    return keyed(key, (data[begin : begin + size] for begin in range(0, count * size, size)))


def keyed(key: bytes, digests: Iterable[bytes]) -> Keyed:
    """Return raw digests as lists are keyed: uint64 (n, 2)."""
    if len(key) > _BLOCK_BYTES:
        raise ValueError("a key of HMAC-SHA256 has at most 64 bytes here")
    # The states after the padded key are made once; `hmac` would make them for each digest.
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in padded)).copy
    outer = sha256(bytes(byte ^ 0x5C for byte in padded)).copy
    made: list[bytes] = []
    for digest in digests:
        inside, outside = inner(), outer()
        inside.update(digest)
        outside.update(inside.digest())
        made.append(outside.digest()[:_KEPT_BYTES])
    return np.frombuffer(b"".join(made), ">u8").reshape(-1, 2).astype(np.uint64)
