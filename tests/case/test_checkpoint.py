from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from headwater.case import checkpoint as checkpoints
from headwater.case.signing import KEY_NAME, public_bytes, signing_key
from headwater.errors import CaseError

CASE_ID = "00112233445566778899aabbccddeeff"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ROOT = hashlib.sha256(b"root").digest()
AT = "2026-01-02T03:04:05.678900Z"


def test_a_note_is_read_back() -> None:
    signed = checkpoints.sign(CASE_ID, 42, ROOT, AT, KEY)
    assert checkpoints.read(signed.note.encode(), [b"\0" * 32, public_bytes(KEY)]) == signed
    assert (signed.size, signed.root_hex, signed.at) == (42, ROOT.hex(), AT)


def test_a_note_follows_the_published_format() -> None:
    """Read by hand: text, empty line, and a signature line with 4 bytes of key hash."""
    note = checkpoints.sign(CASE_ID, 42, ROOT, AT, KEY).note
    text, _, signature_line = note.partition("\n\n")
    origin, size, root, time = text.split("\n")
    assert (size, base64.b64decode(root), time) == ("42", ROOT, f"time {AT}")
    dash, name, encoded = signature_line.rstrip("\n").split(" ")
    assert (dash, name) == ("\u2014", origin)
    signed = base64.b64decode(encoded)
    key = public_bytes(KEY)
    assert signed[:4] == hashlib.sha256(origin.encode() + b"\n\x01" + key).digest()[:4]
    Ed25519PublicKey.from_public_bytes(key).verify(signed[4:], f"{text}\n".encode())


def test_every_flipped_bit_of_a_note_is_refused() -> None:
    note = checkpoints.sign(CASE_ID, 42, ROOT, AT, KEY).note.encode()
    for position in range(len(note)):
        for bit in range(8):
            broken = bytearray(note)
            broken[position] ^= 1 << bit
            with pytest.raises(CaseError):
                checkpoints.read(bytes(broken), [public_bytes(KEY)])


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note + b"\n",
        lambda note: b"\n" + note,
        lambda note: note[:-1],
        lambda note: note.replace(b"\n", b"\r\n"),
        lambda note: note.replace(b"\n42\n", b"\n042\n"),
        lambda note: note.replace(b"\n42\n", b"\n+42\n"),
        lambda note: note + note.rpartition(b"\n\n")[2],
        lambda note: note + b"x" * 5000,
        lambda _note: b"",
        lambda _note: b"\xff" * 300,
    ],
)
def test_other_ways_to_write_a_note_are_refused(change: object) -> None:
    note = checkpoints.sign(CASE_ID, 42, ROOT, AT, KEY).note.encode()
    assert callable(change)
    with pytest.raises(CaseError):
        checkpoints.read(change(note), [public_bytes(KEY)])


def test_another_key_does_not_verify() -> None:
    note = checkpoints.sign(CASE_ID, 42, ROOT, AT, KEY).note.encode()
    for keys in ([], [public_bytes(Ed25519PrivateKey.generate())], [b"short"]):
        with pytest.raises(CaseError):
            checkpoints.read(note, keys)


def test_the_key_is_made_once_for_its_owner_alone(key_folder: Path, tmp_path: Path) -> None:
    first = signing_key(tmp_path / "case")
    again = signing_key(tmp_path / "other")
    assert public_bytes(first) == public_bytes(again)
    assert (key_folder / KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert key_folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in key_folder.iterdir()] == [KEY_NAME]


def test_the_usual_folder_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_KEY_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    signing_key(tmp_path / "case")
    assert (tmp_path / "config" / "headwater" / KEY_NAME).is_file()
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    signing_key(tmp_path / "case")
    assert (tmp_path / "home" / ".config" / "headwater" / KEY_NAME).is_file()


def test_a_key_inside_the_case_open_to_others_or_spoilt_is_refused(
    key_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_key(tmp_path / "case")
    with pytest.raises(CaseError, match="inside the case"):
        signing_key(tmp_path)
    os.chmod(key_folder / KEY_NAME, 0o640)
    with pytest.raises(CaseError, match="chmod 600"):
        signing_key(tmp_path / "case")
    os.chmod(key_folder / KEY_NAME, 0o600)
    (key_folder / KEY_NAME).write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(CaseError, match="not a signing key"):
        signing_key(tmp_path / "case")
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(key_folder / KEY_NAME / "below-a-file"))
    with pytest.raises(CaseError, match="cannot be used"):
        signing_key(tmp_path / "case")
