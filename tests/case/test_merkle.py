"""Roots of the log are those of RFC 6962."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from headwater.case import merkle

CT_ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""Entries and results of the reference implementation of Certificate Transparency."""
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def defined_root(entries: list[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 6962, section 2.1, defines it, over entries."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    split = max(power for power in (1 << bit for bit in range(32)) if power < len(entries))
    left, right = defined_root(entries[:split]), defined_root(entries[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def test_reference_vectors() -> None:
    growing = merkle.CompactRange()
    for entry, expected in zip(CT_ENTRIES, CT_ROOTS, strict=True):
        growing.append(merkle.leaf_hash(entry))
        assert growing.root().hex() == expected


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_roots_are_those_of_the_definition(entries: list[bytes]) -> None:
    growing = merkle.CompactRange()
    assert growing.root() == defined_root([])
    for size, entry in enumerate(entries, start=1):
        growing.append(merkle.leaf_hash(entry))
        assert growing.size == size
        assert growing.root() == defined_root(entries[:size])
