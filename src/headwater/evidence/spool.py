"""Unpacked members on disk, encrypted with a key that lives only in memory.

AES-256 in counter mode (NIST SP 800-38A section 6.5) gives random access; each file has its own
key, so the counter may start at zero. The cipher keeps the bytes secret on the disk; that they
are unaltered follows from the digests taken when they are read.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from headwater.errors import LimitExceeded

_BLOCK = 16
KEY_BYTES = 32


def _stream(key: bytes, block: int) -> CipherContext:
    counter = modes.CTR(block.to_bytes(_BLOCK, "big"))
    return Cipher(algorithms.AES(key), counter).encryptor()


class SpoolWriter:
    """Appends encrypted bytes to an empty spool file, up to `room_bytes`."""

    def __init__(self, descriptor: int, key: bytes, room_bytes: int) -> None:
        self._descriptor = descriptor
        self._cipher = _stream(key, 0)
        self._room = room_bytes

    def write(self, data: bytes) -> None:
        """Encrypt and append; raises LimitExceeded (`spool_disk_bytes`) where there is no room."""
        self._room -= len(data)
        if self._room < 0:
            raise _no_room("the member is larger than the room left for it")
        rest = memoryview(self._cipher.update(data))
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise _no_room(f"the spool cannot be written: {error.strerror}") from error


def _no_room(detail: str) -> LimitExceeded:
    return LimitExceeded("spool_disk_bytes", detail, reproducible=False)


class SpoolSource:
    """Positioned reads from an encrypted spool file (a `content.Source`)."""

    def __init__(self, descriptor: int, key: bytes) -> None:
        self._descriptor = descriptor
        self._key = key

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` decrypted bytes from `offset`; fewer only at the end."""
        block, skip = divmod(offset, _BLOCK)
        parts: list[bytes] = []
        wanted, position = size + skip, block * _BLOCK
        while wanted > 0:
            part = os.pread(self._descriptor, wanted, position)
            if not part:
                break
            parts.append(part)
            wanted -= len(part)
            position += len(part)
        return _stream(self._key, block).update(b"".join(parts))[skip:]
