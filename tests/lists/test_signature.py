"""Signatures of list files, as minisign makes them."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from headwater.lists.signature import BadSignature, public_key, verify
from tests.lists.reading import BytesStream

# Made with minisign 0.11; the secret key was thrown away.
LIST = b"hello list\n"
KEY = """untrusted comment: minisign public key 4572C5CFA356BAEC
RWTsulajz8VyRYJhIZnyBd65m2ZXdsRw1vgwNScfnVJL+SKpwOynYTyq
"""
SIGNATURE = b"""untrusted comment: signature from minisign secret key
RUTsulajz8VyRaXtSFlvFXJSqGz8kgGCsmyFHTqGbarEt4p2Ggsyn1QKPQcZWjNNkMy2lKcTQs4qROYEkhoRQuMTuG+XyGmN8gE=
trusted comment: list=demo version=3
CIefxV0fIjaj3QFnRJI4pPcn0F1r3FQDJpa9PIWOxo05lKUlkHxgAraJlPJ10g31dOVcl38nRmzuNsg2pyZlCw==
"""
LEGACY = b"""untrusted comment: signature from minisign secret key
RWTsulajz8VyRSmnaAbBmVrerNrtI9Cr2oRiVq6JhdoXDAZX6Scti0TbOD0saCKl0Cm0rMAJdeZTUOX1oy45/Q8P5lDTC3NdYgg=
trusted comment: timestamp:1795383222\tfile:a.txt
Bkl+jz5Y/Hp7H3AfPdKblyojdLlog5v0yohZ/kDGKm3O8xGsL4ksboRn1CcAgCIfR2N8yGZ6FBXdosGs6neWCw==
"""
OTHER_KEY = base64.b64encode(b"Ed" + b"another!" + bytes(32)).decode()


@pytest.mark.parametrize("key", [KEY, KEY.encode(), KEY.split("\n")[1], KEY.replace("\n", "\r\n")])
def test_a_signature_made_elsewhere_holds(key: str | bytes) -> None:
    for piece_bytes in (None, 3):
        signed = verify(BytesStream(LIST, piece_bytes=piece_bytes), SIGNATURE, key)
        assert signed.key_id == "4572C5CFA356BAEC"
        assert signed.trusted_comment == "list=demo version=3"
    assert public_key(key).shown == "4572C5CFA356BAEC"


def test_a_changed_list_is_found_out() -> None:
    for data in (b"", LIST[:-1], LIST + b"x", LIST.replace(b"h", b"H")):
        with pytest.raises(BadSignature, match="does not hold for the list"):
            verify(BytesStream(data), SIGNATURE, KEY)


def test_a_changed_trusted_comment_is_found_out_before_the_list_is_read() -> None:
    stream = BytesStream(LIST)
    with pytest.raises(BadSignature, match="does not hold for the trusted comment"):
        verify(stream, SIGNATURE.replace(b"version=3", b"version=4"), KEY)
    assert stream.tell() == 0


def test_every_changed_byte_of_a_signature_but_the_untrusted_comment_counts() -> None:
    start = SIGNATURE.index(b"\n") + 1
    for place in range(start, len(SIGNATURE) - 1):
        changed = bytearray(SIGNATURE)
        changed[place] ^= 0x01
        try:
            verify(BytesStream(LIST), bytes(changed), KEY)
        except BadSignature:
            continue
        # The last digit of base64 has bits that stand for nothing.
        line = bytes(changed).split(b"\n")
        same = [
            base64.b64decode(line[n]) == base64.b64decode(SIGNATURE.split(b"\n")[n]) for n in (1, 3)
        ]
        assert all(same), place
        assert line[2] == SIGNATURE.split(b"\n")[2]


def test_another_key_is_told_apart_and_named() -> None:
    with pytest.raises(BadSignature, match=r"4572C5CFA356BAEC.*2172656874"):
        verify(BytesStream(LIST), SIGNATURE, OTHER_KEY)


def test_the_older_form_is_refused() -> None:
    with pytest.raises(BadSignature, match="older form"):
        verify(BytesStream(LIST), LEGACY, KEY)


@pytest.mark.parametrize("key", ["", "x", KEY + KEY, OTHER_KEY[:-4], b"\xff", "a" * 20_000])
def test_what_is_no_key_is_refused(key: str | bytes) -> None:
    with pytest.raises(BadSignature, match="public key"):
        public_key(key)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SIGNATURE[:-30],
        b"\n".join(SIGNATURE.split(b"\n")[:2]),
        SIGNATURE.replace(b"trusted comment: l", b"comment: l"),
        SIGNATURE.replace(b"list=", b"list\x1b["),
        SIGNATURE + b"more\n",
        SIGNATURE.replace(b"RUTs", b"RUXs"),
        SIGNATURE * 100,
    ],
)
def test_what_is_no_signature_is_refused(data: bytes) -> None:
    with pytest.raises(BadSignature):
        verify(BytesStream(LIST), data, KEY)


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
@pytest.mark.parametrize("comment", [None, "list: Demo, größer"])
def test_what_minisign_signs_holds_here(tmp_path: Path, comment: str | None) -> None:
    """Without a comment of one's own, minisign writes one with tabs in it."""
    data = bytes(range(256)) * 9000
    (tmp_path / "list.bin").write_bytes(data)
    names = {name: str(tmp_path / name) for name in ("key.pub", "key.sec", "list.bin")}
    made = ["minisign", "-G", "-W", "-p", names["key.pub"], "-s", names["key.sec"]]
    subprocess.run(made, check=True, capture_output=True)
    signing = ["minisign", "-S", "-s", names["key.sec"], "-m", names["list.bin"]]
    signing += [] if comment is None else ["-t", comment]
    subprocess.run(signing, check=True, capture_output=True)
    key = (tmp_path / "key.pub").read_bytes()
    signature = (tmp_path / "list.bin.minisig").read_bytes()
    signed = verify(BytesStream(data), signature, key)
    assert comment in (None, signed.trusted_comment)
    assert signed.key_id in key.decode()
    with pytest.raises(BadSignature):
        verify(BytesStream(data[:-1]), signature, key)
