"""Sealed files: encrypted, authenticated, and bound to their place.

A header of 64 bytes, then chunks of one size, the last one shorter or empty, each AES-256-GCM
(NIST SP 800-38D) with its tag of 16 bytes behind it. The construction is STREAM (Hoang,
Reyhanitabar, Rogaway, Vizar: "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", 2015): the nonce of a chunk is its number (11 bytes) and one byte that is 1 in
the last chunk alone, so that chunks cannot be cut off, left out, doubled or put in another order.
Each file has a key of its own, made by HKDF-SHA256 (RFC 5869) of the sealing key and 32 random
bytes in the header, so that no nonce comes twice under a key. Associated data are the header, the
id of the list version and the name of the file, so that files cannot stand in for each other.

Reading decrypts into memory that the caller gives. Plaintext of a chunk is there before its tag
was compared; where that fails, all of the given memory is wiped before the error is raised.
Writing stages plaintext in memory that is kept from dumps and wiped. The cipher library holds
keys, and some blocks of 16 bytes, in memory of its own.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from headwater.errors import CaseDamaged, CaseError
from headwater.lists.durable import replacing
from headwater.lists.keys import KEY_BYTES, ListKey
from headwater.lists.locked import LockedMemory
from headwater.model import Record

Buffer = bytes | bytearray | memoryview | npt.NDArray[Any]
"""Bytes, or an array that is C-contiguous."""

CHUNK_BYTES = 1 << 18
TAG_BYTES = 16

_HEADER = struct.Struct("<8s16s32sII")
_MAGIC = b"HWSEAL1\n"
_SALT_BYTES = 32
_MOST_CHUNK_BYTES = 1 << 24


class SealedFile(Record, frozen=True, kw_only=True):
    """What identifies a sealed file; nothing here is a secret."""

    size_bytes: int
    sha256: bytes
    """Of the file as it lies on the disk."""
    salt: bytes
    """32 random bytes of its header: each writing has others."""


def seal(
    path: Path,
    key: ListKey,
    version_id: str,
    parts: Iterable[Buffer],
    memory: LockedMemory,
    chunk_bytes: int = CHUNK_BYTES,
) -> SealedFile:
    """Seal `parts`, one after the other, into a file; it is on the disk when this returns.

    The file appears under its name when it is whole. Raises OSError where it cannot be written.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    header = _HEADER.pack(_MAGIC, key.check, salt, chunk_bytes, 0)
    cipher = AESGCM(_file_key(key, salt))
    associated = _associated(header, version_id, path.name)
    digest = hashlib.sha256(header)
    size_bytes = len(header)
    with replacing(path) as stream:
        stream.write(header)
        for number, (chunk, last) in enumerate(_chunks(parts, memory, chunk_bytes)):
            sealed = cipher.encrypt(_nonce(number, last), chunk, associated)
            digest.update(sealed)
            size_bytes += stream.write(sealed)
    return SealedFile(size_bytes=size_bytes, sha256=digest.digest(), salt=salt)


def _chunks(
    parts: Iterable[Buffer], memory: LockedMemory, chunk_bytes: int
) -> Iterator[tuple[memoryview, bool]]:
    """Yield chunks, and whether each is the last; one is good until the next is asked for."""
    stage = _view(memory.allocate((chunk_bytes,), np.uint8))
    held = 0
    for part in parts:
        rest = _view(part)
        while rest:
            if held == chunk_bytes:
                yield stage, False
                held = 0
            taken = min(len(rest), chunk_bytes - held)
            stage[held : held + taken] = rest[:taken]
            rest, held = rest[taken:], held + taken
    yield stage[:held], True


class Sealed:
    """A sealed file that is open for reading; a context.

    Raises CaseError where it was sealed with another key, CaseDamaged where it is not what was
    written (`written` tells it from an older file of the same name, where given).
    """

    def __init__(
        self, path: Path, key: ListKey, version_id: str, written: SealedFile | None = None
    ) -> None:
        self._path = path
        try:
            self._stream = path.open("rb", buffering=0)
        except OSError as error:
            raise CaseDamaged(
                f"{path.name} of a known list cannot be read: {error.strerror}; restore the case "
                "folder from a copy, or import the list again"
            ) from error
        try:
            self._begin(key, version_id, written)
        except BaseException:
            self._stream.close()
            raise

    def _begin(self, key: ListKey, version_id: str, written: SealedFile | None) -> None:
        header = self._exactly(0, _HEADER.size)
        magic, check, salt, chunk_bytes, _ = _HEADER.unpack(header)
        if magic != _MAGIC or not 0 < chunk_bytes <= _MOST_CHUNK_BYTES:
            raise self._damaged()
        if check != key.check:
            raise CaseError(
                f"{self._path.name} of a known list was sealed with another key; restore the key "
                "that this case was made with"
            )
        self._chunk_bytes: int = chunk_bytes
        body = os.fstat(self._stream.fileno()).st_size - _HEADER.size
        self._count = -(-body // (chunk_bytes + TAG_BYTES))
        self.size_bytes = body - self._count * TAG_BYTES
        """Of the plaintext."""
        other = written is not None and (
            salt != written.salt or body + _HEADER.size != written.size_bytes
        )
        if other or self._count == 0 or self.size_bytes < 0:
            raise self._damaged()
        self._cipher = algorithms.AES(_file_key(key, salt))
        self._associated = _associated(header, version_id, self._path.name)
        self._room = bytearray(chunk_bytes + TAG_BYTES)

    def read_into(self, target: Buffer, offset_bytes: int = 0) -> None:
        """Fill `target` with the plaintext from an offset on; it must lie within the file.

        Every chunk that is touched is authenticated as a whole. Where one is not what was
        written, `target` is wiped and CaseDamaged raised. A chunk that is wanted only in part is
        opened in ordinary memory, which is wiped afterwards; reading a whole file has none.
        """
        view = _view(target)
        if offset_bytes < 0 or offset_bytes + len(view) > self.size_bytes:
            raise self._damaged()
        try:
            self._fill(view, offset_bytes)
        except BaseException:
            view[:] = bytes(len(view))
            raise

    def _fill(self, view: memoryview, offset: int) -> None:
        size = self._chunk_bytes
        while view:
            number, skipped = divmod(offset, size)
            held = min(size, self.size_bytes - number * size)
            taken = min(held - skipped, len(view))
            if taken == held:
                self._open_chunk(number, held, view[:taken])
            else:
                part = bytearray(held)
                self._open_chunk(number, held, memoryview(part))
                view[:taken] = memoryview(part)[skipped : skipped + taken]
                part[:] = bytes(held)
            view, offset = view[taken:], offset + taken

    def check(self) -> None:
        """Authenticate the whole file; raises CaseDamaged where it is not what was written."""
        part = bytearray(self._chunk_bytes)
        for number in range(self._count):
            held = min(self._chunk_bytes, self.size_bytes - number * self._chunk_bytes)
            self._open_chunk(number, held, memoryview(part)[:held])
        part[:] = bytes(len(part))

    def _open_chunk(self, number: int, size: int, target: memoryview) -> None:
        place = _HEADER.size + number * (self._chunk_bytes + TAG_BYTES)
        sealed = self._room_filled(place, size + TAG_BYTES)
        mode = modes.GCM(_nonce(number, number == self._count - 1), bytes(sealed[size:]))
        opening = Cipher(self._cipher, mode).decryptor()
        opening.authenticate_additional_data(self._associated)
        try:
            opening.update_into(sealed[:size], target)
            opening.finalize()
        except InvalidTag:
            target[:] = bytes(len(target))
            raise self._damaged() from None

    def _room_filled(self, place: int, size: int) -> memoryview:
        view = memoryview(self._room)[:size]
        held = 0
        try:
            self._stream.seek(place)
            while held < size and (count := self._stream.readinto(view[held:])):
                held += count
        except OSError as error:
            raise self._damaged() from error
        if held < size:
            raise self._damaged()
        return view

    def _exactly(self, place: int, size: int) -> bytes:
        self._stream.seek(place)
        data = self._stream.read(size)
        if len(data) != size:
            raise self._damaged()
        return data

    def _damaged(self) -> CaseDamaged:
        return CaseDamaged(
            f"{self._path.name} of a known list is not what was sealed; restore the case folder "
            "from a copy, or import the list again"
        )

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> Sealed:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _view(data: Buffer) -> memoryview:
    if isinstance(data, np.ndarray):
        return data.reshape(-1).view(np.uint8).data
    return memoryview(data).cast("B")


def _file_key(key: ListKey, salt: bytes) -> bytes:
    info = b"headwater lists: one sealed file"
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=salt, info=info).derive(key.sealing)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _associated(header: bytes, version_id: str, name: str) -> bytes:
    parts = (header, version_id.encode(), name.encode())
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)
