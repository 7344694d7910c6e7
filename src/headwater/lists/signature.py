"""Detached signatures of list files, in minisign's format.

A signature file has four lines: a comment that nothing protects; base64 of `ED`, the key's number
(8 bytes) and an Ed25519 signature (RFC 8032) of the BLAKE2b-512 digest (RFC 7693) of the file; a
trusted comment; and base64 of a signature of the first signature and that comment. A public key
is base64 of `Ed`, the number and 32 bytes, alone or below a comment.

The older form `Ed`, which signs the file itself and so has to hold all of it in memory, is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from headwater.errors import HeadwaterError
from headwater.lists.contract import Stream

SIGNATURE_BYTES = 16 << 10
"""Ceiling for a signature file and for a file with a public key."""

_PREHASHED = b"ED"
_LEGACY = b"Ed"
_UNTRUSTED = "untrusted comment:"
_TRUSTED = "trusted comment: "
_READ_BYTES = 1 << 20


class BadSignature(HeadwaterError):
    """A list's signature is not what it should be: the list must not pass as signed."""


class Signed(msgspec.Struct, frozen=True):
    """Who signed a list, and what they said of it."""

    key_id: str
    """Up to 16 upper-case hex digits, as minisign shows them."""
    trusted_comment: str
    """Covered by the signature. Printable, save for tabs."""


class PublicKey(msgspec.Struct, frozen=True):
    """A minisign key to check signatures with."""

    key_id: bytes
    """8 bytes, in the order of the file."""
    ed25519: bytes
    """32 bytes."""

    @property
    def shown(self) -> str:
        """Its number as minisign shows it."""
        return _shown(self.key_id)


class _Signature(msgspec.Struct, frozen=True):
    key_id: bytes
    signature: bytes
    comment: str
    comment_signature: bytes


def public_key(text: bytes | str) -> PublicKey:
    """Return the key of a `.pub` file, or of its base64 text alone.

    Raises BadSignature where it is neither.
    """
    lines = [line for line in _lines(text, "the public key") if line]
    if lines and lines[0].startswith(_UNTRUSTED):
        del lines[0]
    data = _base64(lines[0] if len(lines) == 1 else "", 42)
    if data is None or not data.startswith(_LEGACY):
        raise BadSignature("the public key is not one of minisign: give its .pub file or its text")
    return PublicKey(data[2:10], data[10:])


def verify(stream: Stream, signature: bytes, key: PublicKey | bytes | str) -> Signed:
    """Check the signature of everything that is left in a stream, and read it to its end.

    Raises BadSignature where the signature cannot be read, is of another key, or does not hold
    for the bytes or for its comment; ListFault where the stream cannot be read.
    """
    public = key if isinstance(key, PublicKey) else public_key(key)
    told = _signature(signature)
    if told.key_id != public.key_id:
        raise BadSignature(
            f"the list is signed with key {_shown(told.key_id)}, and the key that was given is "
            f"{public.shown}: give the other key"
        )
    checker = Ed25519PublicKey.from_public_bytes(public.ed25519)
    comment = told.signature + told.comment.encode()
    _check(checker, told.comment_signature, comment, "the trusted comment")
    digest = hashlib.blake2b()
    while data := stream.read(_READ_BYTES):
        digest.update(data)
    _check(checker, told.signature, digest.digest(), "the list")
    return Signed(_shown(told.key_id), told.comment)


def _check(checker: Ed25519PublicKey, signature: bytes, data: bytes, what: str) -> None:
    try:
        checker.verify(signature, data)
    except InvalidSignature:
        raise BadSignature(f"the signature does not hold for {what}: get both anew") from None


def _signature(data: bytes) -> _Signature:
    lines = _lines(data, "the signature")
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) != 4 or not lines[0].startswith(_UNTRUSTED) or not lines[2].startswith(_TRUSTED):
        raise BadSignature("the signature file is not one of minisign: it has other lines")
    first, last = _base64(lines[1], 74), _base64(lines[3], 64)
    if first is None or last is None or first[:2] not in (_PREHASHED, _LEGACY):
        raise BadSignature("the signature file is not one of minisign: it cannot be decoded")
    if first.startswith(_LEGACY):
        raise BadSignature("the signature is of minisign's older form: sign again without -l")
    comment = lines[2].removeprefix(_TRUSTED)
    # minisign's own comment has tabs between its parts.
    if not comment.replace("\t", " ").isprintable():
        raise BadSignature("the trusted comment holds characters that cannot be shown")
    return _Signature(first[2:10], first[10:], comment, last)


def _lines(text: bytes | str, what: str) -> list[str]:
    if len(text) > SIGNATURE_BYTES:
        raise BadSignature(f"{what} is larger than {SIGNATURE_BYTES >> 10} KiB")
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            raise BadSignature(f"{what} is not text") from None
    return [line.removesuffix("\r") for line in text.split("\n")]


def _base64(text: str, size_bytes: int) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == size_bytes else None


def _shown(key_id: bytes) -> str:
    """Return a key's number as minisign writes it, without leading zeros."""
    return f"{int.from_bytes(key_id, 'little'):X}"
